#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agents/catalogue_ranking.h"
#include "agents/labels/label_batches.h"
#include "agents/labels/labelcraft.h"
#include "agents/labels/labelcraft_rows.h"
#include "agents/labels/train_label_model.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "tests/agents/interrupt_after.h"
#include "tests/agents/label_toy.h"
#include "tests/nn/gradient_check.h"
#include "tests/policy/label_rows.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using test::LabelToy;
using test::MatrixD;

// Rows of three users with 6, 9 and 7 rows.
ListRows three_users() {
  ListRows rows;
  rows.users = {{0, 6}, {6, 15}, {15, 22}};
  RandomStream random(make_key(5));
  for (int i = 0; i < 22; ++i) {
    rows.watch.push_back(random.uniform_double());
    rows.feedback.push_back(random.below(3) == 0 ? 1.0 : 0.0);
    rows.duration.push_back(3.0 * random.uniform_double());
  }
  return rows;
}

TEST_CASE("the platform's objectives are means over the lists shown", "[agents]") {
  // Hard lists of two: rows 0 and 2 of the first user, rows 4 and 5 of the second.
  const ListRows rows{.users = {{0, 3}, {3, 6}},
                      .watch = {1.0, 0.0, 0.5, 0.0, 0.25, 0.25},
                      .feedback = {1, 0, 0, 0, 0, 1},
                      .duration = {10, 0, 20, 0, 7, 7}};
  const std::vector<double> scores = {0.9, 0.1, 0.8, 0.1, 0.7, 0.9};
  const ListObjective objective({.top = {.k = 2, .epsilon = 1e-4}, .balance = 0.0});
  const auto value = objective.evaluate(rows, scores, {}, 1);
  CHECK(value.parts[kWatchObjective] == Approx((0.75 + 0.25) / 2));
  CHECK(value.parts[kFeedbackObjective] == Approx(0.5));
  CHECK(value.parts[kDurationObjective] == Approx((5.0 + 0.0) / 2));
  for (const double weight : value.weights) CHECK(weight == Approx(1.0 / 3));
  CHECK(value.total == Approx((0.5 + 0.5 + 2.5) / 3));
}

TEST_CASE("an objective that is behind gets more weight, and one that is 0 does not stop the others", "[agents]") {
  ListObjectiveConfig config;
  config.balance = 0.5;
  // Multiplied by 100 so that the smallest is 2: exp(-1), exp(-5), exp(-10).
  const auto weights = ListObjective(config).balanced({0.02, 0.1, 0.2});
  const double sum = std::exp(-1.0) + std::exp(-5.0) + std::exp(-10.0);
  CHECK(weights[0] == Approx(std::exp(-1.0) / sum));
  CHECK(weights[2] == Approx(std::exp(-10.0) / sum));
  const auto none = ListObjective(config).balanced({0.0, 900.0, 2.0});
  CHECK(none[0] + none[1] + none[2] == Approx(1.0));
  CHECK(none[0] > none[2]);
  config.used = {true, false, true};
  CHECK(ListObjective(config).balanced({1.0, 0.0, 1.0})[1] == 0.0);
}

TEST_CASE("the objective's gradient is its central difference", "[agents]") {
  const ListRows rows = three_users();
  for (const bool sorted : {false, true}) {
    const ListObjective objective(
        {.top = {.k = 3, .sorted = sorted, .epsilon = 0.05, .cost_scale = sorted ? 9.0 : 0.0}});
    MatrixD scores = test::random_matrix(22, 1, 6), gradient = MatrixD::Zero(22, 1);
    const std::span<double> s(scores.data(), 22);
    const auto value = objective.evaluate(rows, s, {gradient.data(), 22}, 1);
    const auto loss = [&] { return objective.evaluate(rows, s, {}, 1, &value.weights).total; };
    for (Eigen::Index i = 0; i < 22; ++i) {
      const double centre = scores(i, 0), step = 1e-5;
      scores(i, 0) = centre + step;
      const double above = loss();
      scores(i, 0) = centre - step;
      const double below = loss();
      scores(i, 0) = centre;
      CHECK(gradient(i, 0) == Approx((above - below) / (2 * step)).margin(1e-7).epsilon(1e-5));
    }
  }
}

TEST_CASE("the bi-level gradient is the difference that a changed labeling model makes", "[agents]") {
  const LabelInputs inputs{.users = 5, .videos = 7, .tags = 3, .user_statistics = 2, .video_statistics = 1};
  for (const char* kind : {"din", "two_tower"})
    for (const bool cross_entropy : {false, true})
      for (const bool preconditioned : {false, true}) {
        const bool standardise = (std::string(kind) == "din") != cross_entropy;
        CAPTURE(kind, cross_entropy, preconditioned, standardise);
        const LabelNetworkConfig network{.kind = kind, .embedding = 2, .attention_hidden = 3, .hidden = {5, 4}};
        const auto recommender = make_label_network<double>(network, inputs, 1, make_key(1));
        std::uint64_t seed = 40;
        for (ParameterOf<double>* p : recommender->parameters()) {
          p->value += test::random_matrix(p->value.rows(), p->value.cols(), seed++, 0.3);
          p->second_moment = test::random_matrix(p->value.rows(), p->value.cols(), seed++).cwiseAbs();
        }
        for (EmbeddingOf<double>* e : recommender->embeddings()) {
          e->table.value += test::random_matrix(e->table.value.rows(), 2, seed++, 0.5);
          e->table.second_moment = test::random_matrix(e->table.value.rows(), 2, seed++).cwiseAbs();
        }
        MlpOf<double> labeling(std::array<std::size_t, 3>{3, 4, 1}, Activation::kTanh, make_key(2));
        LabeledRows<double> batch;
        batch.shards = test::random_label_rows(inputs, 12, 5, 3);
        batch.label_inputs = test::random_matrix(12, 3, 4, 2.0);
        const std::vector<LabelRows> holdout = test::random_label_rows(inputs, 22, 8, 5);
        const ListRows lists = three_users();
        recommender->set_shards(3);
        BilevelConfig config;
        config.objective.top = {.k = 3, .epsilon = 0.05};
        config.cross_entropy = cross_entropy;
        config.standardise = standardise;
        config.preconditioned = preconditioned;
        config.virtual_rate = 0.3;
        config.difference = 1e-5;
        BilevelOf<double> bilevel(*recommender, labeling);
        const MatrixD before = recommender->parameters()[0]->value;
        const auto value = bilevel.add_label_gradient(batch, holdout, lists, config);
        CHECK(recommender->parameters()[0]->value == before);

        // By force: relabel, take the step, look at the lists.
        const auto parameters = recommender->parameters();
        const auto embeddings = recommender->embeddings();
        const auto outer = [&] {
          std::vector<double> labels, scores;
          bilevel.labels(batch, config, labels);
          bilevel.add_loss_gradient(batch, labels, LabelNetworkOf<double>::Mode::kProbe, config);
          DirectionOf<double> step;
          step.take_gradients(parameters, embeddings);
          if (preconditioned) step.precondition(parameters, embeddings, 1.0);
          step.walk(parameters, embeddings, -config.virtual_rate);
          LabelNetworkOf<double>::Pass pass;
          recommender->forward(holdout, LabelNetworkOf<double>::Mode::kProbe, 1, pass);
          for (const auto& shard : pass.shards)
            for (Eigen::Index i = 0; i < shard->output.rows(); ++i)
              scores.push_back(1.0 / (1.0 + std::exp(-shard->output(i, 0))));
          step.walk_back(parameters, embeddings);
          return ListObjective(config.objective).evaluate(lists, scores, {}, 1, &value.weights).total;
        };
        CHECK(outer() == Approx(value.total).epsilon(1e-12));
        double largest = 0.0;
        for (LinearOf<double>& layer : labeling.layers) {
          const MatrixD analytic = layer.weight.gradient();
          for (Eigen::Index i = 0; i < analytic.size(); ++i) {
            double& weight = layer.weight.value.data()[i];
            const double centre = weight, step = 1e-5;
            weight = centre + step;
            const double above = outer();
            weight = centre - step;
            const double below = outer();
            weight = centre;
            largest = std::max(largest, std::abs(analytic.data()[i]));
            CHECK(analytic.data()[i] == Approx((above - below) / (2 * step)).margin(1e-8).epsilon(1e-4));
          }
        }
        CHECK(largest > 1e-5);  // there was something to compare
      }
}

TEST_CASE("seconds are scaled in two pieces", "[agents]") {
  const SecondsScale scale{.knee = 50, .longest = 800, .share = 0.2};
  CHECK(scale(0) == 0.0);
  CHECK(scale(25) == Approx(0.1));
  CHECK(scale(50) == Approx(0.2));
  CHECK(scale(425) == Approx(0.6));
  CHECK(scale(800) == Approx(1.0));
  CHECK(scale(5000) == Approx(1.0));
}

LabelCraftConfig quick() {
  LabelCraftConfig config;
  config.epochs = 3, config.patience = 0;
  config.batch = 256, config.holdout_users = 30;
  config.labeling_hidden = 16;
  config.network = {.embedding = 4, .attention_hidden = 4, .hidden = {16, 8}, .history_length = 10};
  return config;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("swipegym-labelcraft-" + name + ".h5");
}

TEST_CASE("LabelCraft finds the label of a planted objective", "[agents]") {
  // A third of the videos is skipped, one is watched for 6 s, one almost to its end, and the platform wants the second.
  LabelToy toy(20220502);
  for (std::size_t row = 0; row < toy.data.log.size(); ++row) {
    constexpr std::array<std::int32_t, 3> kPlay = {1000, 6000, 25'000};
    toy.data.log.play_ms[row] = kPlay[index_of(toy.data.log.video[row]) % 3];
    toy.data.log.duration_ms[row] = 30'000;
  }
  toy.catalogue = build_catalogue(toy.data, 20220502);
  LabelCraftConfig config = quick();
  config.epochs = testing::kSanitized ? 2 : 30, config.batch = 480, config.holdout_users = 60, config.k = 4;
  config.learning_rate = 5e-3, config.labeling_rate = 1e-2;
  config.planted_low_s = 4.0, config.planted_high_s = 9.0;
  config.feedback_objective = config.duration_objective = false;
  config.stop_metric = "objective";
  LearnedLabel label;
  const TrainedModel craft = train_labelcraft(toy.task, config, &label);
  MlpWorkspace pass;
  Matrix inputs(3, 3);
  std::size_t at = 0;
  for (const double watch_s : {1.0, 6.0, 25.0}) {
    const auto row = labeling_inputs(config, watch_s, 30.0, false);
    for (Eigen::Index j = 0; j < 3; ++j) inputs(static_cast<Eigen::Index>(at), j) = row[static_cast<std::size_t>(j)];
    ++at;
  }
  label.labeling.forward(inputs, pass);
  const auto is_wanted_most = [&] {
    return pass.output()(1, 0) > pass.output()(0, 0) && pass.output()(1, 0) > pass.output()(2, 0);
  };
  CAPTURE(pass.output()(0, 0), pass.output()(1, 0), pass.output()(2, 0));

  LabelModelConfig fixed{
      .label = "wt", .epochs = testing::kSanitized ? 1 : 12, .patience = 0, .batch = 256, .learning_rate = 3e-3};
  fixed.network = config.network;
  const TrainedModel wt = train_label_model(toy.task, fixed);
  const auto judged = rows_of_days(toy.data, {toy.task.validate});
  const auto training = rows_of_days(toy.data, {toy.task.train});
  const auto worth = [&](const Policy& policy) {
    const std::vector<float> scores = score_logged_videos(policy, toy.data, toy.catalogue, judged, 1);
    return platform_value(toy.data, training, judged, scores, config)[kWatchObjective];
  };
  const double crafted = worth(*craft.policy), watched = worth(*wt.policy);
  if (testing::skips_quality()) return;
  CHECK(is_wanted_most());
  CHECK(crafted > 0.6);  // by chance: 1 / 3
  CHECK(watched < 0.3);
}

TEST_CASE("LabelCraft goes on from a checkpoint with the same bits, on any number of threads", "[agents]") {
  LabelToy toy(20220502);
  const std::filesystem::path checkpoint = scratch("checkpoint"), whole = scratch("whole"),
                              resumed = scratch("resumed");
  LabelCraftConfig config = quick();
  train_labelcraft(toy.task, config).policy->save(whole);

  std::filesystem::remove(checkpoint);
  toy.task.checkpoint = checkpoint;
  toy.task.threads = 3;
  toy.task.progress = testing::interrupt_after(2, config.epochs);
  CHECK_THROWS_AS(train_labelcraft(toy.task, config), Interrupted);
  toy.task.progress = {};
  toy.task.resume = true;
  LearnedLabel label;
  const TrainedModel result = train_labelcraft(toy.task, config, &label);
  CHECK(label.objectives.size() == 1);  // only the third epoch was trained here
  CHECK(result.epochs.size() == 3);
  result.policy->save(resumed);
  CHECK(bytes_of(whole) == bytes_of(resumed));

  // Another model's checkpoint is refused; a loss that is no number stops and keeps what there was.
  config.balance = 0.9;
  CHECK_THROWS_AS(train_labelcraft(toy.task, config), InputError);
  config.balance = 0.5;
  toy.task.resume = false;
  config.optimiser = "sgd", config.learning_rate = 1e38;
  const std::string before = bytes_of(checkpoint);
  CHECK_THROWS_AS(train_labelcraft(toy.task, config), SystemError);
  CHECK(bytes_of(checkpoint) == before);
  for (const auto& path : {checkpoint, whole, resumed}) std::filesystem::remove(path);
}

TEST_CASE("every ablation takes one thing away, and senseless settings are named", "[agents]") {
  const Json full = config_to_json(LabelCraftConfig{});
  for (const std::string& name : ablation_names()) {
    const Json without = config_to_json(ablate({}, name));
    std::size_t changed = 0;
    for (const auto& item : full.items()) changed += without[item.key()] != item.value();
    CAPTURE(name);
    CHECK(changed == 1);
  }
  CHECK_THROWS_AS(ablate({}, "XX"), InputError);
  LabelCraftConfig config;
  config.k = 500;
  LabelToy toy(20220502);
  CHECK_THROWS_WITH(train_labelcraft(toy.task, config), Catch::Contains("hold-out"));
  config.epsilon = 0.0;
  CHECK_THROWS_WITH(check(config), Catch::Contains("epsilon"));
}

}  // namespace
}  // namespace swipegym
