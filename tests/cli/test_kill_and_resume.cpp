#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/cli/program.h"
#include "tests/sanitized.h"

namespace swipegym::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr int kKills = testing::kSanitized ? 3 : 20;

// A config file for a short training with many checkpoints.
constexpr const char* kShortDqn = R"({"env_steps": 60000, "round_steps": 2000, "learning_starts": 1000,
  "steps_per_update": 64, "num_envs": 100, "history_length": 10, "replay_capacity": 10000, "batch": 128,
  "target_every": 20})";

/// Runs `training` (a command without --out and --resume) undisturbed, and then again under kills that come at random
/// moments, each time going on by --resume; a training that ends in spite of them is compared and begun afresh until
/// all kills are spent. The policy must have the same bytes every time.
void survives_kills(std::vector<std::string> training, const TemporaryFolder& folder) {
  const std::string whole = folder / "whole.h5", killed = folder / "killed.h5";
  const auto run = [&](const std::string& out, bool resumes, milliseconds kill_after) {
    std::vector<std::string> words = training;
    words.insert(words.end(), {"--threads", "1", "--quiet", "--out", out});
    if (resumes) words.push_back("--resume");
    return run_program(words, {.kill_after = kill_after});
  };
  const auto start = std::chrono::steady_clock::now();
  const Outcome undisturbed = run(whole, false, {});
  INFO(undisturbed.err);
  REQUIRE(undisturbed.code == 0);
  const auto length = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  const std::string expected = read_text(whole);

  // Up to two thirds of an undisturbed run: most kills come after a checkpoint or two, some before the first.
  RandomStream random(make_key(20));
  const auto longest = static_cast<std::uint32_t>(std::max<std::int64_t>(length.count() * 2 / 3, 20));
  int kills = 0, ended = 0, resumed = 0;
  const auto compare = [&](const Outcome& outcome) {
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    const bool same = read_text(killed) == expected;
    CHECK(same);
    CHECK_FALSE(fs::exists(killed + ".checkpoint"));
    fs::remove(killed);
    ++ended;
  };
  while (kills < kKills) {
    resumed += fs::exists(killed + ".checkpoint");
    const Outcome outcome = run(killed, true, milliseconds(1 + random.below(longest)));
    if (outcome.code == 128 + SIGKILL)
      ++kills;
    else
      compare(outcome);
  }
  compare(run(killed, true, {}));
  CAPTURE(length.count(), kills, resumed, ended);
  if (testing::kSanitized)
    SUCCEED("too few kills to say more");
  else
    CHECK(resumed >= kKills / 3);  // kills came after checkpoints too
}

TEST_CASE("a training killed at random moments and resumed ends with the bytes of an unbroken one", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", config = folder / "config.json";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  write_text(config, kShortDqn);
  survives_kills({"train", "dqn", "--simulator", data, "--config", config, "--seed", "5"}, folder);
}

}  // namespace
}  // namespace swipegym::test
