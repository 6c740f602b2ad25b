#include <catch2/catch.hpp>

#include "agents/dqn/dqn_config.h"
#include "agents/policy_gradient/actor_config.h"
#include "agents/registry.h"
#include "core/error.h"
#include "core/remarks.h"
#include "policy/world.h"
#include "tests/agents/toy_models.h"
#include "tests/env/two_minds.h"

namespace swipegym {
namespace {

using Catch::Matchers::Contains;

template <class Config>
struct Heard {
  Config config;
  std::vector<std::string> remarks;
};

template <class Config>
Heard<Config> read(const std::string& text) {
  Heard<Config> out;
  const RemarkListener listener([&](const std::string& remark) { out.remarks.push_back(remark); });
  out.config = config_from_text<Config>(text, "a.json");
  return out;
}

template <class Config>
std::string refused(const std::string& text) {
  try {
    config_from_text<Config>(text, "a.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("settings of the earlier version are read under the names of today, each with a remark", "[agents]") {
  const auto [dqn, remarks] = read<DqnConfig>(
      R"({"slots": 7, "candidates": "top", "history_length": 8, "reward_watch_ratio": 2, "reward_signals": [0,3,0,0,0,0,0,0]})");
  CHECK(dqn.world.candidates == 7);
  CHECK(dqn.world.source == "top");
  CHECK(dqn.world.history_length == 8);
  CHECK(dqn.world.reward.watch_s == 1.0F);  // it counted unless a file said otherwise
  CHECK(dqn.world.reward.watch_ratio == 2.0F);
  CHECK(dqn.world.reward.signal[1] == 3.0F);
  REQUIRE(remarks.size() == 5);
  CHECK(remarks[0] == "a.json: 'candidates' is called 'world.source' now");
  CHECK(remarks[1] == "a.json: 'slots' is called 'world.candidates' now");
}

TEST_CASE("a name that means something else now is told from what it meant by its value", "[agents]") {
  const auto old = read<ActorConfig>(R"({"world": {"candidates": "top", "slots": 20, "num_envs": 32}})");
  CHECK(old.config.world.source == "top");
  CHECK(old.config.world.candidates == 20);
  CHECK(old.config.num_envs == 32);
  CHECK(old.remarks.size() == 3);
  const auto now = read<ActorConfig>(R"({"world": {"source": "top", "candidates": 20}, "num_envs": 32})");
  CHECK(config_to_json(now.config) == config_to_json(old.config));
  CHECK(now.remarks.empty());
}

TEST_CASE("an old and a new name for one setting are refused, and errors stand where the file says it", "[agents]") {
  CHECK_THAT(refused<DqnConfig>(R"({"slots": 7, "world": {"candidates": 8}})"), Contains("the file has both"));
  CHECK_THAT(refused<DqnConfig>(R"({"num_envs": 3, "slots": 0})"),
             Contains("a.json:1:") && Contains("'world.candidates' is 0"));
  CHECK_THAT(refused<DqnConfig>(R"({"reward_signals": 3})"), Contains("'world.reward' is 3"));
  CHECK_THAT(refused<DqnConfig>(R"({"world": 3, "slots": 3})"), Contains("'world' is 3"));
}

TEST_CASE("a reward counts the terms it names", "[agents]") {
  const auto reward = read<WorldConfig>(R"({"reward": {"like": 10, "is_hate": -5}})").config.reward;
  CHECK(reward.watch_s == 0.0F);
  CHECK(reward.signal[1] == 10.0F);
  CHECK(reward.signal[5] == -5.0F);
  CHECK(config_to_json(WorldConfig{.reward = reward})["reward"] == Json{{"like", 10.0}, {"hate", -5.0}});
  CHECK_THAT(refused<WorldConfig>(R"({"reward": {"likes": 10}})"), Contains("'reward.likes'") && Contains("watch_s"));
  const RewardWeights option = parse_reward("--reward", {"watch_ratio=2", "is_like=3"});
  CHECK(option.watch_s == 0.0F);
  CHECK(option.watch_ratio == 2.0F);
  CHECK(option.signal[1] == 3.0F);
  CHECK_THROWS_WITH(parse_reward("--reward", {"like=1", "is_like=2"}), Contains("more than once"));
}

TEST_CASE("every agent learns in sessions of the rewards that its settings name", "[agents]") {
  const auto simulator = test::make_toy_simulator(std::make_shared<test::LadderModel>(3));
  const auto two_minds = test::make_toy_simulator(std::make_shared<testing::TwoMindsModel>());
  for (const AgentInfo& info : agents()) {
    CAPTURE(info.name);
    for (const auto& [name, kind] :
         {std::pair{"expected", RewardKind::kExpected}, std::pair{"drawn", RewardKind::kDrawn}}) {
      const Agent agent = info.with({Json{{"rewards", name}}, "a test"});
      CHECK(agent.make_env(simulator, 1).config().rewards == kind);
    }
    CHECK_THROWS_WITH(info.with({Json{{"rewards", "mean"}}, "a test"}), Contains("'rewards' is \"mean\""));
    // Pessimism is of expectations, and asks for members.
    CHECK_THROWS_WITH(info.with({Json{{"rewards", "drawn"}, {"pessimism", 1}}, "a test"}),
                      Contains("pessimism") && Contains("'expected'"));
    // Other defaults suit drawn rewards; what is asked for stays.
    const Agent drawn = info.with({Json{{"rewards", "drawn"}}, "a test"});
    if (info.name == "dqn") {
      CHECK(drawn.config["discount"] == 0.5);
      const Json settings = Json::parse(R"({"rewards": "drawn", "discount": 0.8, "network": {"id_dim": 4}})");
      const Agent asked = info.with({settings, "a test"});
      CHECK(asked.config["network"]["id_dim"] == 4);
      CHECK(asked.config["discount"] == Approx(0.8));
    }
    const Agent careful = info.with({Json{{"rewards", "expected"}, {"pessimism", 0.5}}, "a test"});
    CHECK_THROWS_WITH(careful.make_env(simulator, 1), Contains("--members"));
    CHECK(careful.make_env(two_minds, 1).config().pessimism == 0.5F);
  }
}

TEST_CASE("the pages of settings say what a setting was called before", "[agents]") {
  for (const FieldLine& line : list_fields<DqnConfig>()) {
    if (line.path == "world.candidates") CHECK(line.former == std::vector<std::string>{"slots"});
    if (line.path == "world.reward") CHECK(line.former.size() == 5);
    if (line.path == "num_envs") CHECK(line.former.empty());
  }
}

TEST_CASE("what a run stored under old names equals today's settings", "[agents]") {
  Json stored = config_to_json(DqnConfig{});
  stored.erase("world");
  stored.update(Json::parse(R"({"candidates": "random", "slots": 10, "history_length": 50, "max_steps": 100,
    "reward_watch_s": 1.0, "reward_watch_ratio": 0.0, "reward_return_day": 0.0, "reward_gap_h": 0.0, "reward_signals": []})"));
  CHECK(settings_of_today<DqnConfig>(stored) == config_to_json(DqnConfig{}));
  // What it did not know of it did without.
  stored.erase("rewards"), stored.erase("state_value");
  DqnConfig without;
  without.rewards = "drawn", without.state_value = false;
  CHECK(settings_of_today<DqnConfig>(stored) == config_to_json(without));
  CHECK(settings_of_today<DqnConfig>(Json{{"nonsense", 1}}) == Json{{"nonsense", 1}});
}

}  // namespace
}  // namespace swipegym
