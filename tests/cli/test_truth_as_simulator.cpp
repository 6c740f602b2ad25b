#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "core/config.h"
#include "tests/cli/program.h"
#include "tests/sim_data/sample_release.h"

namespace swipegym::test {
namespace {

TEST_CASE("the folder of a synthetic release is a simulator: its truth", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", json = folder / "compare.json";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  const Outcome compared = run_program({"compare", "--simulator", data, "--policies", "random,oracle", "--sessions",
                                        "50", "--seeds", "2", "--versus", "random", "--json", json, "--quiet"});
  INFO(compared.err);
  REQUIRE(compared.code == 0);
  const Json report = Json::parse(read_text(json));
  CHECK(report["versus"] == "random");
  CHECK(report["policies"][1]["versus"]["low"].get<double>() > 0.0);  // the oracle knows the truth

  const Outcome timed = run_program({"bench", "--simulator", data, "--envs", "8", "--seconds", "0.01", "--quiet"});
  INFO(timed.err);
  CHECK(timed.code == 0);
  CHECK(timed.out.find("user model 'truth'") != std::string::npos);

  std::filesystem::create_directory(folder / "logs");
  SampleRelease{}.write(folder.path() / "logs");
  CHECK(fails_with(run_program({"compare", "--simulator", folder / "logs"}), 2,
                   {"logs", "holds logs, not a simulator", "swipegym fit --data"}));
}

TEST_CASE("the truth that judges has sessions as long as its log's where that holds them whole", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", fitted = folder / "sim.h5", json = folder / "compare.json";
  REQUIRE(run_program(
              {"data", "synth", "--preset", "tiny", "--session-videos", "12", "--seed", "3", "--out", data, "--quiet"})
              .code == 0);
  const std::string few = folder / "few.json";
  write_text(few, R"({"epochs": 1, "watch_hidden": 4, "watch_top": 4, "feedback_hidden": 4, "feedback_top": 4})");
  REQUIRE(run_program({"fit", "--data", data, "--config", few, "--out", fitted, "--quiet"}).code == 0);
  const auto depth = [&](std::vector<std::string> words, const char* list, std::size_t at) {
    words.insert(words.end(), {"--policies", "random", "--sessions", "300", "--seeds", "1", "--no-oracle", "--json",
                               json, "--quiet"});
    const Outcome compared = run_program(words);
    INFO(compared.err);
    REQUIRE(compared.code == 0);
    return Json::parse(read_text(json))[list][at]["policies"][0]["metrics"]["depth"]["mean"].get<double>();
  };
  const double alone = depth({"compare", "--simulator", data}, "simulators", 0);
  const double judging = depth({"compare", "--simulator", fitted, "--judge", "truth"}, "simulators", 1);
  CHECK(judging == Approx(alone).epsilon(0.02));
}

}  // namespace
}  // namespace swipegym::test
