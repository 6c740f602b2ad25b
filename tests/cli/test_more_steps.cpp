#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

namespace fs = std::filesystem;

// Nothing in them follows from how many steps there are to be: rates and exploration do not fall.
constexpr const char* kDqn = R"({"env_steps": 2048, "round_steps": 1024, "num_envs": 64, "learning_starts": 512,
  "replay_capacity": 4096, "batch": 64, "epsilon_start": 0.2, "epsilon_end": 0.2, "learning_rate": 1e-3,
  "final_learning_rate": 1e-3})";
constexpr const char* kPpo = R"({"env_steps": 2048, "round_steps": 1024, "num_envs": 64, "rollout_steps": 8,
  "learning_rate": 1e-3, "final_learning_rate": 1e-3})";

struct Training {
  const TemporaryFolder& folder;
  std::string agent, settings;

  Outcome run(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"train",   agent,       "--simulator", folder / "data", "--config", settings,
                                      "--quiet", "--threads", "1",           "--out",         out};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  }
};

void check_agent(const TemporaryFolder& folder, const std::string& agent, const char* settings) {
  CAPTURE(agent);
  const Training training{folder, agent, folder / (agent + ".json")};
  write_text(training.settings, settings);
  const std::string whole = folder / (agent + "-whole.h5"), out = folder / (agent + ".h5"),
                    checkpoint = out + ".checkpoint", json = folder / "figures.json";
  REQUIRE(training.run(whole, {"--set", "env_steps=4096"}).code == 0);

  // Finished, with nothing to go on from.
  REQUIRE(training.run(out).code == 0);
  const std::string plain = read_text(out);
  CHECK_FALSE(fs::exists(checkpoint));
  const Outcome done = training.run(out, {"--resume", "--json", json});
  CHECK(done.code == 0);
  CHECK_THAT(done.out, Catch::Contains(out + " is finished: 2,048 steps") && Catch::Contains("--keep-checkpoint"));
  CHECK_FALSE(fs::exists(json));
  CHECK(
      fails_with(training.run(out, {"--more-steps", "2048"}), 2, {checkpoint + ": no such file", "--keep-checkpoint"}));
  CHECK(read_text(out) == plain);

  // Kept, gone on from, and gone on from no further by the same command.
  REQUIRE(training.run(out, {"--keep-checkpoint"}).code == 0);
  CHECK(read_text(out) == plain);
  const std::string kept = read_text(checkpoint);
  CHECK_THAT(training.run(out, {"--resume"}).out, Catch::Contains("is finished") && Catch::Contains("--more-steps N"));
  CHECK(fails_with(training.run(out, {"--more-steps", "2048", "--set", "discount=0.5"}), 2, {"another config"}));
  CHECK(fails_with(training.run(out, {"--more-steps", "2048", "--seed", "2"}), 2, {"another seed"}));
  CHECK(fails_with(training.run(out, {"--more-steps", "-1"}), 2, {"--more-steps"}));
  CHECK(read_text(checkpoint) == kept);
  REQUIRE(training.run(out, {"--more-steps", "2048"}).code == 0);
  const bool same = read_text(out) == read_text(whole);
  CHECK(same);
  CHECK(fs::exists(checkpoint));
  CHECK_THAT(training.run(out, {"--more-steps", "2048"}).out, Catch::Contains("is finished: 4,096 steps"));
  CHECK(fails_with(training.run(folder / "other.h5", {"--more-steps", "2048"}), 2, {"no such file"}));

  // Fewer steps than the checkpoint has done are another training.
  CHECK(fails_with(training.run(out, {"--resume"}), 2, {"another config"}));
  CHECK_THAT(training.run(out, {"--more-steps", "2048", "--print-config"}).out, Catch::Contains("\"env_steps\": 4096"));
  CHECK(fails_with(training.run(out, {"--more-steps", "1000000000000"}), 2,
                   {"--more-steps 1000000000000: 'env_steps' is 1000000002048, expected an integer"}));
}

TEST_CASE("a finished training says so, and goes on for more steps as one of so many does", "[cli]") {
  const TemporaryFolder folder;
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", folder / "data", "--quiet"}).code ==
          0);
  check_agent(folder, "dqn", kDqn);
  check_agent(folder, "ppo", kPpo);
}

TEST_CASE("a finished supervised training says so, and one with other settings is made anew", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", out = folder / "mf.h5";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  const auto train = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"supervised", "mf",      "--data", data, "--until",
                                      "20220502",   "--quiet", "--out",  out,  "--validate-until",
                                      "20220504",   "--resume"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run_program(words);
    CHECK(outcome.code == 0);
    return outcome;
  };
  CHECK_THAT(train({"--set", "epochs=1"}).out, !Catch::Contains("finished"));
  const std::string first = read_text(out);
  CHECK_THAT(train({"--set", "epochs=1"}).out, Catch::Contains(out + " is finished by these settings"));
  CHECK(read_text(out) == first);
  CHECK_THAT(train({"--set", "epochs=2"}).out, !Catch::Contains("finished"));
  const bool same = read_text(out) == first;
  CHECK_FALSE(same);
  CHECK_THAT(train({"--set", "epochs=2", "--seed", "2"}).out, !Catch::Contains("finished"));
}

TEST_CASE("a refit is known to be finished, and a training from a start is made again", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", start = folder / "next.h5", out = folder / "actor.h5";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  const std::vector<std::string> refit = {"supervised",
                                          "sasrec-next",
                                          "--data",
                                          data,
                                          "--until",
                                          "20220502",
                                          "--validate-until",
                                          "20220504",
                                          "--out",
                                          start,
                                          "--quiet",
                                          "--resume",
                                          "--set",
                                          "refit=true",
                                          "--set",
                                          "epochs=1",
                                          "--set",
                                          "network.width=8"};
  CHECK_THAT(run_program(refit).out, !Catch::Contains("finished"));
  const std::string first = read_text(start);
  CHECK_THAT(run_program(refit).out, Catch::Contains("next.h5 is finished"));
  CHECK(read_text(start) == first);

  const std::vector<std::string> actor = {"train",       "sasrec-ppo",
                                          "--simulator", data,
                                          "--start",     start,
                                          "--out",       out,
                                          "--quiet",     "--resume",
                                          "--set",       "env_steps=2048",
                                          "--set",       "round_steps=1024",
                                          "--set",       "num_envs=64",
                                          "--set",       "rollout_steps=8"};
  for (int time = 0; time < 2; ++time) {
    const Outcome outcome = run_program(actor);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK_THAT(outcome.out, !Catch::Contains("finished"));
  }
}

}  // namespace
}  // namespace swipegym::test
