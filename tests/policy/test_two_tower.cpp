#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <vector>

#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "env/seen_videos.h"
#include "env/vector_env.h"
#include "nn/gaussian_rows.h"
#include "policy/embedding/interest_clusters.h"
#include "policy/query_source.h"
#include "tests/policy/two_tower_toy.h"

namespace swipegym {
namespace {

constexpr std::size_t kTowerRows = 40;

// Sessions among all videos, or among some.
struct TowerSessions {
  std::shared_ptr<const Simulator> simulator =
      make_constant_simulator({.leave_after = 20}, {.num_users = 8, .num_videos = 30, .history = 4});
  VectorEnv full{simulator, make_candidate_source("full", simulator->catalogue, 0), settings()};
  VectorEnv some{simulator, make_candidate_source("random", simulator->catalogue, 6), settings()};
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;

  static VectorEnvConfig settings() {
    return {.num_envs = kTowerRows, .threads = 1, .history_length = 5, .max_steps = 4};
  }
  TowerSessions() {
    std::vector<std::uint64_t> seeds(kTowerRows);
    std::iota(seeds.begin(), seeds.end(), 1);
    full.reset(seeds), some.reset(seeds);
    for (std::size_t row = 0; row < kTowerRows; ++row)
      keys.push_back(split(make_key(9), row)), streams.push_back(static_cast<std::uint32_t>(row % 3));
  }
  DecisionBatch batch(const VectorEnv& env, int threads = 1) const {
    return {env.observation(), &env, keys, streams, threads};
  }
};

std::vector<std::shared_ptr<const Policy>> query_policies(const Catalogue& catalogue) {
  auto uniform = test::small_towers_model(catalogue, true);
  uniform->queries = {.draw = "uniform", .count = 3};
  return {std::make_shared<TwoTowerPolicy>(test::small_towers_model(catalogue, false)),
          std::make_shared<TwoTowerPolicy>(test::small_towers_model(catalogue, true)),
          std::make_shared<TwoTowerPolicy>(uniform),
          std::make_shared<MultiInterestPolicy>(test::small_interest_model(catalogue))};
}

std::vector<float> all_scores(const Policy& policy, const DecisionBatch& batch, std::size_t slots) {
  std::vector<float> scores(batch.observation.rows * slots);
  policy.score(batch, scores);
  return scores;
}

TEST_CASE("a score is the largest product with a row's vectors, among all videos, some, and in lists of the best",
          "[policy]") {
  const TowerSessions sessions;
  const std::size_t videos = sessions.simulator->catalogue.num_videos();
  std::vector<std::vector<float>> seen;
  for (const auto& policy : query_policies(sessions.simulator->catalogue)) {
    CAPTURE(policy->name());
    const DecisionBatch batch = sessions.batch(sessions.full);
    const std::vector<float> scores = all_scores(*policy, batch, videos);
    QueryVectors queries;
    policy->query_source()->query_vectors(batch, queries);
    REQUIRE(queries.rows() == kTowerRows);
    REQUIRE(queries.each == policy->query_source()->num_queries());
    const Matrix& items = policy->query_source()->query_items();
    for (std::size_t row = 0; row < kTowerRows; ++row)
      for (std::size_t video = 0; video < videos; ++video) {
        float best = -2.0F;
        for (std::size_t q = 0; q < queries.count[row]; ++q)
          best = std::max(best, queries.vectors.row(static_cast<Eigen::Index>(row * queries.each + q))
                                    .dot(items.row(static_cast<Eigen::Index>(video))));
        CHECK(scores[row * videos + video] == Approx(best / 0.07F).epsilon(1e-4).margin(1e-5));
      }
    // The same bits among candidates.
    const DecisionBatch few = sessions.batch(sessions.some);
    const std::vector<float> among = all_scores(*policy, few, 6);
    for (std::size_t i = 0; i < among.size(); ++i)
      CHECK(among[i] == scores[i / 6 * videos + static_cast<std::size_t>(few.observation.candidate[i])]);
    // And the lists of the best, less what was shown.
    std::vector<std::uint32_t> rows = {1, 4, 17, 39};
    std::vector<std::int32_t> best(rows.size() * 7);
    REQUIRE(policy->best_videos(batch, rows, 7, best));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::vector<std::int32_t> order(videos);
      std::iota(order.begin(), order.end(), 0);
      std::erase_if(
          order, [&](std::int32_t v) { return sessions.full.seen(rows[i]).contains(static_cast<std::uint32_t>(v)); });
      const float* own = scores.data() + rows[i] * videos;
      std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return own[a] > own[b]; });
      CHECK(std::equal(order.begin(), order.begin() + 7, best.begin() + static_cast<std::ptrdiff_t>(i * 7)));
    }
    // Whatever the threads.
    CHECK(all_scores(*policy, sessions.batch(sessions.full, 3), videos) == scores);
    for (const std::vector<float>& other : seen) CHECK(other != scores);
    seen.push_back(scores);
  }
}

TEST_CASE("what a row draws follows from its key and stream alone", "[policy]") {
  TowerSessions sessions;
  const auto policies = query_policies(sessions.simulator->catalogue);
  const QuerySource& source = *policies[1]->query_source();
  QueryVectors before, after;
  source.query_vectors(sessions.batch(sessions.full), before);
  CHECK((before.vectors.row(0) - before.vectors.row(1)).norm() > 1e-3F);  // two draws of a row
  sessions.streams[3] += 1, sessions.keys[5] = make_key(77);
  source.query_vectors(sessions.batch(sessions.full), after);
  for (std::size_t row = 0; row < kTowerRows; ++row) {
    const auto first = static_cast<Eigen::Index>(2 * row);
    CHECK((before.vectors.middleRows(first, 2) == after.vectors.middleRows(first, 2)) == (row != 3 && row != 5));
  }
  for (Eigen::Index i = 0; i < before.vectors.rows(); ++i) CHECK(before.vectors.row(i).norm() == Approx(1.0F));
}

// Of a width of one a vector's length says nothing and its sign all: mean -.3, deviation .6. N(0, 1) makes it positive
// with probability Phi(-.5), U(0, 1) with probability 1/2, and no draw never.
TEST_CASE("vectors are drawn as mean + d * deviation with d uniform or normal, before they get the length 1",
          "[policy]") {
  TowerSessions sessions;
  const auto positive = [&](const QueryConfig& queries) {
    const auto model = test::small_towers_model(sessions.simulator->catalogue, true, 1);
    test::set_outputs(model->network, "user", {-0.3F, 2.0F * std::log(0.6F)});
    model->queries = queries;
    const TwoTowerPolicy policy(model);
    double share = 0.0;
    QueryVectors out;
    for (std::uint32_t step = 0; step < 100; ++step) {
      std::fill(sessions.streams.begin(), sessions.streams.end(), step);
      policy.query_vectors(sessions.batch(sessions.full), out);
      for (Eigen::Index i = 0; i < out.vectors.rows(); ++i)
        share += (out.vectors(i, 0) > 0.0F) / (100.0 * static_cast<double>(out.vectors.rows()));
    }
    return share;
  };
  // 20,000 draws: four standard errors are .0142.
  CHECK(positive({.draw = "normal", .count = 5}) == Approx(0.3085).margin(0.0142));
  CHECK(positive({.draw = "uniform", .count = 5}) == Approx(0.5).margin(0.0142));
  CHECK(positive({.draw = "none", .count = 5}) == 0.0);
}

TEST_CASE("deviations are told by video and by user, and an id adds to all of its video's log variances", "[policy]") {
  const TowerSessions sessions;
  const auto model = test::small_towers_model(sessions.simulator->catalogue, true);
  test::set_outputs(model->network, "user",
                    {1, 1, 1, 2.0F * std::log(0.2F), 2.0F * std::log(0.4F), 2.0F * std::log(0.6F)});
  test::set_outputs(model->network, "item", {1, 1, 1, 0, 0, 0});
  for (auto& [name, table] : model->network.embeddings())
    if (name == "deviation") table->table.value(model->items.id[7], 0) = 2.0F * std::log(0.5F);
  const TwoTowerPolicy policy(model);
  const std::vector<float> videos = policy.video_deviations(2);
  REQUIRE(videos.size() == 30);
  CHECK(videos[7] == Approx(0.5F));
  CHECK(videos[8] == Approx(1.0F));
  std::vector<float> users(kTowerRows);
  policy.user_deviations(sessions.batch(sessions.full), users);
  CHECK(users[11] == Approx(0.4F));
  CHECK(TwoTowerPolicy(test::small_towers_model(sessions.simulator->catalogue, false)).video_deviations(1).empty());
}

TEST_CASE("gradients of towers with deviations are those of central differences", "[policy]") {
  const TowerSessions sessions;
  const auto model = test::small_towers_model(sessions.simulator->catalogue, true);
  const StateEncoder encoder(model->encoder_config, model->items);
  RetrievalTowers& towers = model->network;
  RetrievalTowers::Work work;
  work.videos = {4, 9, 4, 21};
  for (RetrievalTowers::Output* out : {&work.user_out, &work.item_out}) {
    out->noise.resize(4, 3);
    fill_normal(RandomStream(make_key(out == &work.user_out)), {out->noise.data(), 12});
    out->kl_weight = {0.1F, 0.2F, 0.3F, 0.4F};
  }
  Matrix user_slope(4, 3), item_slope(4, 3);
  fill_normal(RandomStream(make_key(5)), {user_slope.data(), 12});
  fill_normal(RandomStream(make_key(6)), {item_slope.data(), 12});
  const auto loss = [&] {
    towers.forward_users(encoder, model->items, sessions.full.observation(), 0, 4, 4, work);
    towers.forward_items(model->items, work);
    return static_cast<double>(work.user_out.unit.cwiseProduct(user_slope).sum()) +
           static_cast<double>(work.item_out.unit.cwiseProduct(item_slope).sum()) + towers.kl(work);
  };
  loss();
  for (const RetrievalTowers::Output* out : {&work.user_out, &work.item_out})
    CHECK(out->unit.row(2).isApprox(out->vector.row(2) / out->vector.row(2).norm(), 1e-4F));
  towers.backward(user_slope, item_slope, work, 0);
  towers.scatter(model->items, work);
  const auto check = [&](float& value, float analytic) {
    const float centre = value, step = 1e-2F;
    value = centre + step;
    const double above = loss();
    value = centre - step;
    const double below = loss();
    value = centre;
    CHECK(static_cast<double>(analytic) == Approx((above - below) / (2.0 * step)).epsilon(0.02).margin(2e-3));
  };
  for (auto& [name, parameter] : towers.parameters()) {
    CAPTURE(name);
    for (Eigen::Index i = 0; i < parameter->value.size(); i += 3)
      check(parameter->value.data()[i], parameter->gradient().data()[i]);
  }
  for (auto& [name, table] : towers.embeddings()) {
    CAPTURE(name);
    REQUIRE_FALSE(table->touched().empty());
    for (std::size_t t = 0; t < table->touched().size(); ++t)
      check(table->table.value(table->touched()[t], 0), table->touched_gradient()(static_cast<Eigen::Index>(t), 0));
  }
}

TEST_CASE("interests are asked by their medoids, and a stranger by the user tower", "[policy]") {
  const TowerSessions sessions;
  const auto model = test::small_interest_model(sessions.simulator->catalogue);
  model->interests.query = "medoid";
  const MultiInterestPolicy policy(model);
  const TwoTowerPolicy towers(model->towers);
  const DecisionBatch batch = sessions.batch(sessions.full);
  QueryVectors own, plain;
  policy.query_vectors(batch, own);
  towers.query_vectors(batch, plain);
  for (std::size_t row = 0; row < kTowerRows; ++row) {
    const auto interests = policy.interests(batch.observation, row);
    const auto chosen = choose_interests(interests, model->interests, query_stream(batch, row));
    REQUIRE(own.count[row] == std::max<std::size_t>(1, chosen.size()));
    for (std::size_t q = 0; q < chosen.size(); ++q)
      CHECK(own.vectors.row(static_cast<Eigen::Index>(2 * row + q)) ==
            policy.query_items().row(interests[chosen[q]].medoid));
    if (chosen.empty())
      CHECK(own.vectors.row(static_cast<Eigen::Index>(2 * row)) == plain.vectors.row(static_cast<Eigen::Index>(row)));
  }
  auto picky = test::small_interest_model(sessions.simulator->catalogue);
  picky->interests.wanted_above = 100.0F;
  MultiInterestPolicy(picky).query_vectors(batch, own);
  for (std::size_t row = 0; row < kTowerRows; ++row)
    CHECK(own.vectors.row(static_cast<Eigen::Index>(2 * row)) == plain.vectors.row(static_cast<Eigen::Index>(row)));
}

TEST_CASE("an interest asks the user tower as if its videos had been watched last", "[policy]") {
  const TowerSessions sessions;
  const auto model = test::small_interest_model(sessions.simulator->catalogue);
  const MultiInterestPolicy policy(model);
  const TwoTowerPolicy towers(model->towers);
  DecisionBatch batch = sessions.batch(sessions.full);
  QueryVectors own, plain, one;
  policy.query_vectors(batch, own);
  towers.query_vectors(batch, plain);
  std::size_t several = 0, changed = 0;
  for (std::size_t row = 0; row < kTowerRows; ++row) {
    const auto interests = policy.interests(batch.observation, row);
    const auto chosen = choose_interests(interests, model->interests, query_stream(batch, row));
    several += interests.size() > 1;
    for (std::size_t q = 0; q < chosen.size(); ++q) {
      const std::vector<std::uint32_t>& place = interests[chosen[q]].place;
      std::vector<std::int32_t> video;
      std::vector<float> ratio;
      const auto put = [&](std::uint32_t at) {
        video.push_back(batch.observation.history_video[row * 5 + at]);
        ratio.push_back(batch.observation.history_ratio[row * 5 + at]);
      };
      for (std::uint32_t at = 0; at < 5; ++at)
        if (std::find(place.begin(), place.end(), at) == place.end()) put(at);
      for (const std::uint32_t at : place) put(at);
      ObservationView cut;
      cut.rows = 1, cut.history_length = 5, cut.user = batch.observation.user + row;
      cut.user_features = batch.observation.user_features + row * kUserFeatures;
      cut.context = batch.observation.context + row * kContextFeatures;
      cut.history_video = video.data(), cut.history_ratio = ratio.data();
      towers.query_vectors({.observation = cut, .keys = {}, .streams = {}}, one);
      CHECK(own.vectors.row(static_cast<Eigen::Index>(2 * row + q)) == one.vectors.row(0));
      const bool same = one.vectors.row(0) == plain.vectors.row(static_cast<Eigen::Index>(row));
      if (place.front() + place.size() == 5) CHECK(same);  // they were
      changed += !same;
    }
  }
  REQUIRE(several > 10);
  CHECK(changed > several / 2);  // of each two interests one at most is the newest
}

TEST_CASE("policies that ask by vectors score from their files as before", "[policy]") {
  const TowerSessions sessions;
  const auto path = std::filesystem::temp_directory_path() / "swipegym_query_policy.h5";
  for (const auto& policy : query_policies(sessions.simulator->catalogue)) {
    CAPTURE(policy->name());
    policy->save(path);
    const auto loaded = load_policy(path, *sessions.simulator);
    CHECK(loaded->name() == policy->name());
    CHECK(loaded->history_length() == 5);
    CHECK(all_scores(*loaded, sessions.batch(sessions.full), 30) ==
          all_scores(*policy, sessions.batch(sessions.full), 30));
  }
  std::filesystem::remove(path);
}

TEST_CASE("lists are merged in turn, without repeats and what is to be left out", "[policy]") {
  const std::vector<TopItem> lists = {{4, 9}, {2, 8}, {7, 7}, {1, 6}, {2, 5}, {4, 4}, {9, 3}, {-1, 0}};
  std::vector<std::int32_t> out(6);
  const auto none = [](std::int32_t) { return false; };
  CHECK(merge_in_turn(lists, 2, 4, none, out) == 5);
  CHECK(out == std::vector<std::int32_t>{4, 2, 7, 9, 1, -1});
  out.resize(2);
  CHECK(merge_in_turn(
            lists, 2, 4, [](std::int32_t video) { return video == 4; }, out) == 2);
  CHECK(out == std::vector<std::int32_t>{2, 7});
  CHECK(merge_in_turn(std::span(lists).subspan(4), 1, 4, none, out) == 2);
  CHECK(out == std::vector<std::int32_t>{2, 4});
}

}  // namespace
}  // namespace swipegym
