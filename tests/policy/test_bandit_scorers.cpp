#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "policy/bandit/linear_arms.h"
#include "policy/bandit/neural_linear.h"
#include "policy/stages/bandit_scorers.h"
#include "tests/policy/multitask_toy.h"
#include "tests/policy/stage_requests.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

using test::StageFolder;
using test::StageRequests;

// The like head's number in the network, and its place among the heads that a scorer shows: watch, watched, like,
// watch_s.
constexpr auto kLikeNumber = static_cast<std::size_t>(HeadOutput::kLike);
constexpr Eigen::Index kLikeColumn = 2, kWatchColumn = 0, kSecondsColumn = 3;

// A network in a file, with the rows it says it was taught its like head by.
struct TaughtNetwork {
  explicit TaughtNetwork(const std::string& name) : folder(name), requests(simulator, false) {
    const auto model = test::small_multitask_model(simulator->catalogue);
    policy = std::make_shared<MultitaskPolicy>(model);
    policy->save(folder.path() / "without.h5");
    test::teach_sums(*model, *policy, requests.batch(), 60);
    policy->save(folder.path() / "multitask.h5");
    TwoTowerPolicy(test::small_towers_model(simulator->catalogue, false)).save(folder.path() / "towers.h5");
    rows = test::taught_rows(*policy, requests.batch(), 60, HeadOutput::kLike,
                             7 + static_cast<std::uint64_t>(HeadOutput::kLike));
  }
  // Ten candidates of a session, all retrieved, scored as `score` has it.
  StagedPolicy composed(const std::string& score) const {
    return folder.policy(R"({"retrieve": [{"use": "policy", "file": "popularity", "count": 10}],
                             "score": {)" +
                             score + R"(}, "value": {"like": 1}, "draws": 20000})",
                         *simulator);
  }
  Served served(const StagedPolicy& staged, std::uint32_t row = 1) const {
    return staged.serve(requests.batch(), {&row, 1}, 1, /*every_head=*/true);
  }
  // The like head's last layer for the videos that were kept, in double.
  Eigen::MatrixXd layer(const Served& kept, std::uint32_t row = 1) const {
    const DecisionBatch batch = requests.batch();
    Matrix heads;
    LastLayer layer{.head = kLikeNumber, .values = {}};
    policy->foresee(
        {.batch = batch, .rows = {&row, 1}, .offset = kept.kept.offset, .videos = kept.kept.video, .wanted = {}}, heads,
        &layer);
    return layer.values.cast<double>();
  }
  std::string error(const std::string& score) const {
    return folder.error(R"({"retrieve": [{"use": "random"}], "score": {)" + score + "}}", *simulator);
  }

  std::shared_ptr<const Simulator> simulator = test::stage_world();
  StageFolder folder;
  StageRequests requests;
  std::shared_ptr<const MultitaskPolicy> policy;
  test::TaughtRows rows;
};

TEST_CASE("sums of rows make the posteriors that the rows make", "[policy][bandit]") {
  const TaughtNetwork network("sums");
  const LastLayerSums sums = test::sums_of(network.rows);
  const auto d = static_cast<std::size_t>(network.rows.layer.cols());
  NeuralLinear by_rows({.features = d, .ridge = 0.5});
  by_rows.update(network.rows.layer, network.rows.reward);
  by_rows.solve();
  const NeuralLinear by_sums({.features = d, .ridge = 0.5}, sums);
  CHECK((by_rows.weights() - by_sums.weights()).norm() < 1e-6 * by_rows.weights().norm());
  CHECK(by_sums.noise_variance() == Approx(by_rows.noise_variance()));

  for (const bool diagonal : {false, true}) {
    CAPTURE(diagonal);
    LinearArms one({.features = d, .ridge = 0.5, .diagonal = diagonal}), other = one;
    one.add();
    other.add(sums);
    const MatrixOf<double> x = network.rows.layer.cast<double>();
    for (std::size_t i = 0; i < network.rows.reward.size(); ++i)
      one.update(0, {x.data() + i * d, d}, static_cast<double>(network.rows.reward[i]));
    for (std::size_t i = 0; i < 20; ++i)
      CHECK(one.upper(0, {x.data() + i * d, d}, 2.0) == Approx(other.upper(0, {x.data() + i * d, d}, 2.0)));
  }

  LastLayerSums wrong = sums;
  wrong.squares[1] += 1e3;
  CHECK_THROWS_WITH(NeuralLinear({.features = d}, wrong), Catch::Contains("squares"));
  CHECK_THROWS_WITH(NeuralLinear({.features = d + 1}, sums), Catch::Contains("features of the sums"));
}

TEST_CASE("a file keeps the sums of its heads", "[policy][multitask]") {
  const TaughtNetwork network("kept_sums");
  const auto read = load_policy(network.folder.path() / "multitask.h5", network.simulator->catalogue);
  for (std::size_t head = 0; head < kHeadOutputs; ++head) {
    const LastLayerSums *stored = read->head_source()->last_layer_sums(head),
                        *own = network.policy->last_layer_sums(head);
    REQUIRE((stored == nullptr) == (own == nullptr));
    if (own == nullptr) continue;
    CHECK(stored->squares == own->squares);
    CHECK(stored->products == own->products);
    CHECK(stored->rewards == own->rewards);
    CHECK(stored->rows == 180.0);
  }
  CHECK(read->head_source()->last_layer_sums(kLikeNumber) != nullptr);
  CHECK(read->head_source()->last_layer_sums(static_cast<std::size_t>(HeadOutput::kHate)) == nullptr);
}

TEST_CASE("neural-linear adds what the posterior of the last layer says to one head alone", "[policy][stages]") {
  const TaughtNetwork network("neural_linear");
  const Served plain = network.served(network.composed(R"("use": "multitask", "file": "multitask.h5")"));
  const std::string use = R"("use": "neural_linear", "file": "multitask.h5", "head": "like", "ridge": 0.5, )";
  const auto heads = [&](const std::string& settings) {
    const Served served = network.served(network.composed(use + settings));
    REQUIRE(served.kept.video == plain.kept.video);
    return served.heads;
  };
  CHECK(heads(R"("choice": "mean")") == plain.heads);
  CHECK(heads(R"("choice": "thompson", "width": 0)") == plain.heads);

  // A = ridge I + X'X of the rows, and the noise's variance b / (a - 1), by their definitions.
  const Eigen::MatrixXd x = network.rows.layer.cast<double>(), at = network.layer(plain);
  const Eigen::VectorXd r = Eigen::Map<const Eigen::VectorXf>(network.rows.reward.data(), x.rows()).cast<double>();
  const auto n = static_cast<double>(x.rows());
  const Eigen::MatrixXd a = 0.5 * Eigen::MatrixXd::Identity(x.cols(), x.cols()) + x.transpose() * x;
  const Eigen::MatrixXd inverse = a.inverse();
  const Eigen::VectorXd w = inverse * (x.transpose() * r);
  const double noise = (3.0 + 0.5 * (r.squaredNorm() - w.dot(a * w))) / (3.0 + 0.5 * n - 1.0);
  const Matrix upper = heads(R"("choice": "ucb", "width": 2)");
  for (Eigen::Index i = 0; i < upper.rows(); ++i) {
    const double deviation = std::sqrt(noise * at.row(i).dot(inverse * at.row(i).transpose()));
    CHECK(upper(i, kLikeColumn) == Approx(plain.heads(i, kLikeColumn) + 2.0 * deviation).epsilon(1e-4));
    for (Eigen::Index head = 0; head < upper.cols(); ++head)
      if (head != kLikeColumn) CHECK(upper(i, head) == plain.heads(i, head));
  }
  // Fewer rows, less sure.
  CHECK(heads(R"("choice": "ucb", "row_weight": 0.1)")(0, kLikeColumn) >
        heads(R"("choice": "ucb")")(0, kLikeColumn) + 0.001F);

  // Draws: their mean is the head, and they vary together as the posterior has it.
  const StagedPolicy thompson = network.composed(use + R"("choice": "thompson")");
  constexpr int kDraws = 20'000;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(at.rows());
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(at.rows(), at.rows());
  StageRequests requests(network.simulator, false);
  const std::uint32_t row = 1;
  for (int draw = 0; draw < kDraws; ++draw) {
    requests.streams.assign(3, static_cast<std::uint32_t>(draw));
    const Served served = thompson.serve(requests.batch(), {&row, 1}, 1);
    const Eigen::VectorXd off = (served.heads.col(kLikeColumn) - plain.heads.col(kLikeColumn)).cast<double>();
    sum += off;
    products += off * off.transpose();
  }
  const Eigen::MatrixXd covariance = noise * (at * inverse * at.transpose());
  for (Eigen::Index i = 0; i < at.rows(); ++i) {
    CHECK(std::abs(sum[i] / kDraws) < 4.0 * std::sqrt(covariance(i, i) / kDraws));
    for (Eigen::Index j = 0; j <= i; ++j)
      CHECK(products(i, j) / kDraws ==
            Approx(covariance(i, j)).margin(0.06 * std::sqrt(covariance(i, i) * covariance(j, j))));
  }
}

TEST_CASE("seconds follow a watch ratio that a bandit has changed", "[policy][stages]") {
  const TaughtNetwork network("bandit_seconds");
  const Served plain = network.served(network.composed(R"("use": "multitask", "file": "multitask.h5")"));
  for (const std::string use : {R"("use": "neural_linear", "choice": "ucb")",
                                R"("use": "neural_linear", "choice": "thompson")", R"("use": "linucb")"}) {
    CAPTURE(use);
    const Served served = network.served(network.composed(use + R"(, "file": "multitask.h5", "head": "watch")"));
    REQUIRE(served.heads.cols() == plain.heads.cols());
    for (Eigen::Index i = 0; i < served.heads.rows(); ++i) {
      const auto video = static_cast<std::size_t>(served.kept.video[static_cast<std::size_t>(i)]);
      CHECK(served.heads(i, kWatchColumn) != plain.heads(i, kWatchColumn));
      CHECK(served.heads(i, kSecondsColumn) ==
            Approx(served.heads(i, kWatchColumn) * network.simulator->catalogue.duration_ms[video] * 1e-3F));
    }
  }
}

TEST_CASE("LinUCB takes the place of one head", "[policy][stages]") {
  const TaughtNetwork network("linucb");
  const Served plain = network.served(network.composed(R"("use": "multitask", "file": "multitask.h5")"));
  const Eigen::MatrixXd x = network.rows.layer.cast<double>(), at = network.layer(plain);
  const Eigen::VectorXd r = Eigen::Map<const Eigen::VectorXf>(network.rows.reward.data(), x.rows()).cast<double>();
  for (const bool diagonal : {false, true}) {
    CAPTURE(diagonal);
    const Served served = network.served(network.composed(
        std::string(
            R"("use": "linucb", "file": "multitask.h5", "head": "like", "width": 1.5, "ridge": 2, "diagonal": )") +
        (diagonal ? "true" : "false")));
    Eigen::MatrixXd a = 2.0 * Eigen::MatrixXd::Identity(x.cols(), x.cols()) + x.transpose() * x;
    if (diagonal) a = Eigen::MatrixXd(a.diagonal().asDiagonal());
    const Eigen::MatrixXd inverse = a.inverse();
    const Eigen::VectorXd theta = inverse * (x.transpose() * r);
    for (Eigen::Index i = 0; i < at.rows(); ++i) {
      const double upper = at.row(i).dot(theta) + 1.5 * std::sqrt(at.row(i).dot(inverse * at.row(i).transpose()));
      CHECK(served.heads(i, kLikeColumn) == Approx(upper).epsilon(1e-4));
      CHECK(served.heads(i, 0) == plain.heads(i, 0));
    }
    CHECK(network.composed(R"("use": "linucb", "file": "multitask.h5", "head": "like")")
              .first_videos(network.requests.batch(), 1)
              .exact);  // it draws nothing
  }
}

TEST_CASE("Thompson draws of a network choose as often as they say", "[policy][stages]") {
  const TaughtNetwork network("network_draws");
  const StagedPolicy policy = network.composed(
      R"("use": "neural_linear", "file": "multitask.h5", "head": "like", "choice": "thompson", "row_weight": 0.05)");
  const std::uint32_t row = 1;
  std::vector<double> said(10);
  REQUIRE(policy.best_probabilities(network.requests.batch(), row, said));
  CHECK(std::accumulate(said.begin(), said.end(), 0.0) == Approx(1.0));
  CHECK(*std::max_element(said.begin(), said.end()) < 0.95);
  const std::vector<ChanceShare> shares = policy.chance_shares(network.requests.batch(), row);
  REQUIRE(shares.size() == 1);
  CHECK(shares[0].chance == Chance::kThompson);
  CHECK_FALSE(shares[0].exact);

  StageRequests requests(network.simulator, false);
  constexpr int kDraws = 100'000;
  std::vector<int> count(10);
  std::vector<float> scores(3 * 10);
  for (int draw = 0; draw < kDraws; ++draw) {
    requests.streams.assign(3, static_cast<std::uint32_t>(draw) + 1);
    const Served served = policy.serve(requests.batch(), {&row, 1}, 1);
    const std::int32_t first = served.kept.video[served.place[0]];
    for (std::size_t slot = 0; slot < 10; ++slot)
      count[slot] += video_in_slot(requests.env.observation(), row, slot) == first;
  }
  double chi_square = 0.0;
  int cells = -1;
  for (std::size_t slot = 0; slot < 10; ++slot) {
    const double expected = kDraws * said[slot];
    if (expected < 50.0) continue;
    chi_square += std::pow(count[slot] - expected, 2) / (expected * (1.0 + kDraws / 20'000.0));
    ++cells;
  }
  CAPTURE(cells);
  CHECK(cells >= 1);
  CHECK(chi_square < cells + 4.0 * std::sqrt(2.0 * cells) + 4.0);
}

TEST_CASE("networks without what a bandit asks are refused with their place", "[policy][stages]") {
  const TaughtNetwork network("bandit_refused");
  for (const std::string use : {"neural_linear", "linucb"}) {
    CAPTURE(use);
    const std::string begin = "\"use\": \"" + use + "\", ";
    CHECK_THAT(network.error(begin + R"("file": "without.h5")"),
               Catch::Contains("json:1:") && Catch::Contains("score.file") && Catch::Contains("train it again"));
    CHECK_THAT(network.error(begin + R"("file": "towers.h5")"), Catch::Contains("several heads"));
    CHECK_THAT(network.error(begin + R"("file": "multitask.h5", "head": "hate")"),
               Catch::Contains("score.head") && Catch::Contains("watch, watched, like"));
    CHECK_THAT(network.error(begin + R"("file": "multitask.h5", "head": "likes")"), Catch::Contains("score.head"));
    CHECK_THAT(network.error(begin + R"("file": "none.h5")"), Catch::Contains("a file that is there"));
  }
  for (const std::string_view name : kHeadOutputNames) CHECK(network_heads().contains(name));
}

}  // namespace
}  // namespace swipegym
