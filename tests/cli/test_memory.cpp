#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

// A synthetic log, whose own law is the simulator, made once.
struct SynthWorld {
  TemporaryFolder folder;
  std::string data = folder / "data";
  SynthWorld() {
    const Outcome synth = run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"});
    INFO(synth.err);
    REQUIRE(synth.code == 0);
  }
};
const SynthWorld& synth_world() {
  static const SynthWorld world;
  return world;
}

TEST_CASE("work that needs more memory than there is ends with 2, before it begins, and says what to lower", "[cli]") {
  const TemporaryFolder folder;
  const std::string& data = synth_world().data;
  const std::string many = folder / "many.json", huge = folder / "huge.json", rows = folder / "rows.json";
  write_text(many, R"({"num_envs": 100000000, "replay_capacity": 100000000})");
  write_text(huge, R"({"replay_capacity": 1000000000000})");
  write_text(rows, R"({"world": {"num_envs": 100000000}})");
  const std::string out = folder / "dqn.h5";
  const std::vector<std::string> limit = {"--memory-limit", "16G", "--quiet"};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), limit.begin(), limit.end());
    return run_program(words);
  };
  CHECK(fails_with(run({"bench", "--envs", "100000000"}), 2, {"100000000 sessions", "16.0 GiB", "lower --envs"}));
  CHECK(fails_with(run({"compare", "--simulator", data, "--policies", "random", "--sessions", "1000000000"}), 2,
                   {"1000000000 sessions", "lower sessions or seeds", "--memory-limit"}));
  CHECK(fails_with(run({"train", "dqn", "--simulator", data, "--config", many, "--out", out}), 2, {"lower num_envs"}));
  CHECK(fails_with(run({"train", "dqn", "--simulator", data, "--config", huge, "--out", out}), 2, {"replay_capacity"}));
  CHECK(fails_with(run({"train", "ppo", "--simulator", data, "--config", rows, "--out", out}), 2, {"num_envs"}));
  CHECK(leftovers(folder.path()).empty());
}

TEST_CASE("the memory limit is a number of bytes, and holds for small work too", "[cli]") {
  CHECK(fails_with(run_program({"bench", "--memory-limit", "lots"}), 2, {"--memory-limit is 'lots'", "16G"}));
  CHECK(fails_with(run_program({"bench", "--envs", "200000", "--memory-limit", "100M"}), 2, {"100.0 MiB"}));
  CHECK(
      run_program({"bench", "--envs", "64", "--seconds", "0.05", "--hash-steps", "1", "--memory-limit", "100M"}).code ==
      0);
}

TEST_CASE("a training that diverges ends without touching the earlier policy file", "[cli]") {
  const TemporaryFolder folder;
  const std::string out = folder / "ranker.h5", config = folder / "ranker.json";
  write_text(out, "the earlier file");
  write_text(config, R"({"weight_decay": 9e18})");
  const Outcome outcome =
      run_program({"train", "ranker", "--data", synth_world().data, "--config", config, "--out", out});
  INFO(outcome.err);
  CHECK((outcome.code == 1 || outcome.code == 2));
  CHECK(outcome.err.find("weight_decay") != std::string::npos);
  CHECK(read_text(out) == "the earlier file");
  CHECK(leftovers(folder.path()).empty());
}

}  // namespace
}  // namespace swipegym::test
