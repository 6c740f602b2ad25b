#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/program.h"
#include "tests/sim_data/sample_release.h"

// Numbers that once divided by zero, never ended or were taken without a word, through the program itself: each is
// refused in one line that names the option or the place in the file, and the range. No data is needed to refuse them.

namespace swipegym::test {
namespace {

TEST_CASE("settings out of their range are refused before any data is read", "[cli]") {
  const TemporaryFolder folder;
  const std::string config = folder / "fit.json";
  const std::vector<std::string> fit = {"fit", "--data", "/nowhere", "--config", config, "--out", folder / "sim.h5"};
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_text(config, text);
    CAPTURE(text);
    CHECK(fails_with(run_program(fit), 2, {config + message}));
  };
  refused(R"({"batch": 0})", ":1:11: 'batch' is 0, expected an integer from 1 to 16777216");
  refused(R"({"epochs": -1})", ":1:12: 'epochs' is -1, expected an integer from 1 to 1000000");
  refused(R"({"learning_rate": -1})", ":1:19: 'learning_rate' is -1, expected a number above 0 to 10");
  refused(R"({"dropout": 2})", ":1:13: 'dropout' is 2, expected a number from 0 to below 1");
  refused(R"({"recency_days": -1})", ":1:18: 'recency_days' is -1, expected a number from 0.01 to 1000000");
  refused("{\n  \"batch\": 3,\n  \"epochs\": 1e400\n}", ":3:13: the number 1e400 is beyond");
  refused("{\"epochs\": " + std::string(100'000, '['), ":1:75: lists and objects are nested deeper than 64 levels");
  refused(R"({"epochs": 1, "epochs": 2})", ":1:15: the key \"epochs\" stands here for the second time");
  refused(R"({"epochs": null})", ":1:12: 'epochs' is null, expected an integer");
  refused("{\"epochs\": 1, \"x\xFF\": 2}", ":1:17: bytes here are no UTF-8 text");
  write_text(config, R"({"epochs": null})");
  CHECK(fails_with(run_program({"supervised", "mf", "--data", "/nowhere", "--until", "20220501", "--config", config,
                                "--out", folder / "mf.h5"}),
                   2, {config + ":1:12: 'epochs' is null, expected an integer"}));
}

TEST_CASE("numeric options out of their range are refused before any file is read", "[cli]") {
  const TemporaryFolder folder;
  const std::string out = folder / "out", simulator = "/nowhere/sim.h5";
  const std::vector<std::string> compare = {"compare", "--simulator", simulator};
  const std::vector<std::string> supervised = {"supervised", "mf", "--data", "/nowhere", "--until", "20220501"};
  const std::vector<std::string> evaluate = {"evaluate", "--policy", "random",  "--data",
                                             "/nowhere", "--from",   "20220501"};
  const std::vector<std::string> converge = {"converge", "--simulator", simulator, "--out", out};
  const std::vector<std::string> fit = {"fit", "--data", "/nowhere", "--out", out};
  const std::vector<std::string> generate = {"generate", "--simulator", simulator, "--out", out};
  const auto refused = [](std::vector<std::string> words, const std::vector<std::string>& more,
                          const std::string& message) {
    words.insert(words.end(), more.begin(), more.end());
    CAPTURE(more);
    CHECK(fails_with(run_program(words), 2, {message}));
  };
  refused(compare, {"--epsilon=-1"}, "--epsilon is '-1', expected a number from 0 to 1");
  refused(compare, {"--sessions", "9223372036854775808"},
          "--sessions is '9223372036854775808', expected an integer from 1 to 1000000000");
  refused(compare, {"--sessions", "0"}, "--sessions is '0', expected an integer from 1");
  refused(compare, {"--seeds", "1e400"}, "--seeds is '1e400', expected an integer from 1");
  refused(compare, {"--reward", "watch_s=nan"}, "--reward watch_s is 'nan', expected a number from -1000000");
  refused(compare, {"--reward", "watch_s=1e39"}, "--reward watch_s is '1e39', expected a number from -1000000");
  refused(compare, {"--temperature", "-1"}, "--temperature is '-1', expected a number from 1e-06");
  refused(compare, {"--policies", ","}, "--policies is ',', expected a list");
  refused(compare, {"--threads", "-1"}, "--threads is '-1', expected an integer from 0 to 1024");
  refused(compare, {"--seed", "-1"}, "--seed is '-1', expected an integer from 0 to 18446744073709551615");
  refused(supervised, {"--ratio-clip=-1"}, "--ratio-clip is '-1', expected a number from 0.001");
  refused(supervised, {"--duration-groups", "9223372036854775808"},
          "--duration-groups is '9223372036854775808', expected an integer from 1 to 10000");
  refused(supervised, {"--depths", "5,0"}, "--depths is '0', expected an integer from 1 to 1000");
  refused(evaluate, {"--folds", "1"}, "--folds is '1', expected an integer from 2 to 1000");
  refused(evaluate, {"--window", "-2"}, "--window is '-2', expected an integer from -1");
  refused(converge, {"--sizes", "10,1"}, "--sizes is '1', expected an integer from 2");
  refused(converge, {"--sizes", "10,9223372036854775808"},
          "--sizes is '9223372036854775808', expected an integer from 2");
  refused(fit, {"--users-fold", "2/2"}, "--users-fold is '2/2', expected i/k with i < k");
  refused(fit, {"--users-fold", "-1/2"}, "I of --users-fold is '-1', expected an integer from 0");
  refused(generate, {"--rows-per-part", "-1"}, "--rows-per-part is '-1', expected an integer from 0");
}

TEST_CASE("the settings of a command are printed with their ranges, and commands without any are named", "[cli]") {
  const Outcome fit = run_program({"settings", "fit"});
  CHECK(fit.code == 0);
  CHECK_THAT(fit.out, Catch::Contains("## fit\n") &&
                          Catch::Contains("| batch | 2048 | an integer from 1 to 16777216 |") &&
                          Catch::Contains("| watch_head | \"bins\" | one of bins, hazard |"));
  CHECK_THAT(run_program({"settings", "train", "dqn"}).out, Catch::Contains("| prioritised.alpha | 0.6 |"));
  CHECK(fails_with(run_program({"settings", "bench"}), 2, {"no command 'bench' takes settings", "train dqn"}));
}

}  // namespace
}  // namespace swipegym::test
