#include <catch2/catch.hpp>
#include <numeric>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/seen_videos.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/select.h"
#include "policy/value/value_policy.h"
#include "tests/agents/toy_models.h"

namespace swipegym {
namespace {

using test::LadderModel;
using test::make_toy_simulator;

// A policy that hides its short way, so that all scores are asked for.
class Scored final : public Policy {
 public:
  explicit Scored(const Policy& inner) : inner_(inner) {}
  std::string_view name() const noexcept override { return inner_.name(); }
  void score(const DecisionBatch& batch, std::span<float> scores) const override { inner_.score(batch, scores); }

 private:
  const Policy& inner_;
};

// Sessions on the full catalogue, a few steps on.
struct FullSessions {
  explicit FullSessions(std::shared_ptr<const Simulator> simulator, std::size_t rows = 9)
      : env(simulator, std::make_shared<FullCatalogue>(), config(rows)), keys(rows), streams(rows), actions(rows) {
    std::vector<std::uint64_t> seeds(rows);
    std::iota(seeds.begin(), seeds.end(), 3);
    env.reset(seeds);
    for (std::size_t row = 0; row < rows; ++row) keys[row] = make_key(row);
  }
  static VectorEnvConfig config(std::size_t rows) {
    VectorEnvConfig env;
    env.num_envs = rows;
    env.threads = 1;
    env.history_length = 4;
    env.exclude_history = 2;
    return env;
  }
  DecisionBatch batch() { return {env.observation(), &env, keys, streams, 1}; }
  void step(const Policy& policy, const Exploration& how = Exploration::greedy()) {
    choose_actions(policy, batch(), how, env.simulator().catalogue.num_videos(), scores, actions);
    env.step(actions);
    for (std::uint32_t& stream : streams) ++stream;
  }
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
  std::vector<std::int32_t> actions;
  std::vector<float> scores;
};

std::shared_ptr<ValueModel> product_model(const Simulator& simulator, const std::string& sequence = "none") {
  ValueNetworkConfig network{.state_hidden = {8}, .item_hidden = {8}, .width = 4, .interaction_hidden = 0};
  network.sequence.kind = sequence;
  auto model = make_value_model("dqn", simulator.catalogue, network, {.cross = false}, 5);
  REQUIRE(model->is_product());
  model->item_table = model->network.item_table(*model->items, 1);
  return model;
}

TEST_CASE("the best video of the full catalogue is the one that all scores put first", "[policy]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(50));
  const ValuePolicy value(product_model(*simulator)), gru(product_model(*simulator, "gru"));
  const auto popularity = make_popularity_policy(simulator->catalogue);
  const auto longest = make_longest_policy(simulator->catalogue);
  const OneStepOracle oracle;
  for (const Policy* policy : {static_cast<const Policy*>(&value), static_cast<const Policy*>(&gru), popularity.get(),
                               longest.get(), static_cast<const Policy*>(&oracle)}) {
    CAPTURE(policy->name());
    FullSessions sessions(simulator);
    for (int step = 0; step < 6; ++step) {
      std::vector<std::int32_t> expected(sessions.actions.size());
      std::vector<float> scores;
      choose_actions(Scored(*policy), sessions.batch(), Exploration::greedy(), simulator->catalogue.num_videos(),
                     scores, expected);
      sessions.step(*policy);
      CHECK(sessions.actions == expected);
      CHECK(sessions.scores.empty());  // no score was kept for each video
    }
  }
}

TEST_CASE("rows of the full catalogue explore as often as epsilon says, over unseen videos", "[policy]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(50));
  const ValuePolicy value(product_model(*simulator));
  FullSessions sessions(simulator, 400);
  std::vector<std::int32_t> greedy(400);
  std::vector<float> scores;
  choose_actions(value, sessions.batch(), Exploration::greedy(), simulator->catalogue.num_videos(), scores, greedy);
  choose_actions(value, sessions.batch(), Exploration::epsilon_greedy(0.3F), simulator->catalogue.num_videos(), scores,
                 sessions.actions);
  std::size_t differ = 0;
  for (std::size_t row = 0; row < 400; ++row) {
    differ += sessions.actions[row] != greedy[row];
    CHECK_FALSE(sessions.env.seen(row).contains(static_cast<std::uint32_t>(sessions.actions[row])));
  }
  const double videos = static_cast<double>(simulator->catalogue.num_videos());
  CHECK(static_cast<double>(differ) / 400.0 == Approx(0.3 * (videos - 1) / videos).margin(0.08));
}

TEST_CASE("an oracle with a shortlist of everything is the oracle", "[policy]") {
  const auto simulator = make_toy_simulator(std::make_shared<LadderModel>(50));
  FullSessions sessions(simulator);
  const ShortlistOracle all(simulator, FullSessions::config(1), {.states = 2, .per_state = 1000, .recall_states = 3});
  CHECK(all.size() == simulator->catalogue.num_videos());
  CHECK(all.recall() == Approx(1.0));
  std::vector<std::int32_t> expected(sessions.actions.size());
  std::vector<float> scores;
  choose_actions(OneStepOracle(), sessions.batch(), Exploration::greedy(), simulator->catalogue.num_videos(), scores,
                 expected);
  sessions.step(all);
  CHECK(sessions.actions == expected);
  CHECK_THROWS_AS(all.score(sessions.batch(), scores), InputError);
}

}  // namespace
}  // namespace swipegym
