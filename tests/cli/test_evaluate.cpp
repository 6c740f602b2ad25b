#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "core/config.h"
#include "tests/cli/program.h"

// A policy valued by logs it did not make, through the program: a synthetic release stands for its own truth.

namespace swipegym::test {
namespace {

struct Logs {
  TemporaryFolder folder;
  std::string data = folder / "data", logged = folder / "logged", sets = folder / "sets.h5";

  Logs() {
    REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
    const Outcome made =
        run_program({"generate", "--simulator", data, "--data", data, "--policy", "popularity", "--epsilon", "0.7",
                     "--sessions", "600", "--candidates", "5", "--out", logged, "--keep-candidates", sets, "--quiet"});
    INFO(made.err);
    REQUIRE(made.code == 0);
  }
};

const Logs& logs() {
  static const Logs made;
  return made;
}

Json estimates(const Json& report) {
  return report["estimates"];
}

TEST_CASE("a generated log values its own policy as what it earned, and another one otherwise", "[cli]") {
  const std::string json = logs().folder / "evaluate.json";
  const std::vector<std::string> words = {"evaluate",  "--data",      logs().logged, "--logged-candidates",
                                          logs().sets, "--simulator", logs().data,   "--from",
                                          "20220101",  "--resamples", "100",         "--json",
                                          json,        "--quiet",     "--sessions",  "--policy"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = words;
    all.insert(all.end(), more.begin(), more.end());
    const Outcome outcome = run_program(all);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return Json::parse(read_text(json));
  };
  const Json itself = with({"popularity", "--epsilon", "0.7"});
  CHECK(itself["max_weight"].get<double>() == Approx(1.0).epsilon(1e-5));
  const double earned = estimates(itself)["logged"]["mean"];
  for (const char* name : {"ips", "snips", "dr", "sndr"})
    CHECK(estimates(itself)[name]["mean"].get<double>() == Approx(earned).epsilon(0.02));
  CHECK(itself["sessions"]["per_decision"]["mean"].get<double>() ==
        Approx(itself["sessions"]["logged"]["mean"].get<double>()).epsilon(1e-4));

  const Json other = with({"longest"});
  CHECK(other["effective_rows"].get<double>() < 0.6 * other["rows"].get<double>());
  CHECK(other["mean_weight"].get<double>() == Approx(1.0).margin(0.15));
  CHECK(std::abs(estimates(other)["snips"]["mean"].get<double>() - earned) > 0.05 * earned);
}

TEST_CASE("random rows value a policy among redrawn candidates", "[cli]") {
  const std::string json = logs().folder / "random.json";
  const Outcome outcome =
      run_program({"evaluate", "--policy", "random", "--data", logs().data, "--from", "20220425", "--reward",
                   "watch_ratio=1", "--candidates", "5", "--resamples", "100", "--json", json, "--quiet"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json report = Json::parse(read_text(json));
  CHECK(report["known_until"].get<int>() < 20220425);
  CHECK(report["max_weight"].get<double>() == Approx(1.0));
  CHECK(estimates(report)["ips"]["mean"].get<double>() == Approx(estimates(report)["logged"]["mean"].get<double>()));
  CHECK(estimates(report)["mrdr"]["low"].get<double>() < estimates(report)["mrdr"]["high"].get<double>());
}

TEST_CASE("a log that cannot value a policy says what to do", "[cli]") {
  const auto evaluate = [](const std::string& data, std::vector<std::string> more) {
    std::vector<std::string> words = {"evaluate", "--policy", "longest",  "--data",
                                      data,       "--from",   "20220430", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  const Logs& made = logs();
  CHECK(fails_with(evaluate(made.logged, {"--simulator", made.data}), 2, {"has propensities", "--keep-candidates"}));
  CHECK(fails_with(evaluate(made.data, {"--logged-candidates", made.sets}), 2, {"has no propensities", "generate"}));
  CHECK(fails_with(evaluate(made.logged, {"--logged-candidates", made.sets}), 2, {"has no row up to", "--simulator"}));
  CHECK(fails_with(evaluate(made.data, {"--sessions"}), 2, {"--sessions", "--logged-candidates"}));
  CHECK(fails_with(evaluate(made.data, {"--candidates", "1"}), 2, {"--candidates is 1", "expected 2 to"}));
  CHECK(fails_with(run_program({"evaluate", "--policy", "longest", "--data", made.data, "--from", "20300101"}), 2,
                   {"no random-exposure row", "20300101"}));
  CHECK(fails_with(evaluate(made.data, {"--reward", "is_nice=1"}), 2, {"--reward", "is_nice=1"}));
  CHECK(fails_with(run_program({"evaluate", "--policy", "oracle", "--data", made.data, "--from", "20220430"}), 2,
                   {"oracle needs the environment"}));
  CHECK(fails_with(run_program({"generate", "--simulator", made.data, "--data", made.data, "--source", "full", "--out",
                                made.folder / "full", "--keep-candidates", made.folder / "full.h5", "--quiet"}),
                   2, {"full catalogue has no candidate sets"}));
}

}  // namespace
}  // namespace swipegym::test
