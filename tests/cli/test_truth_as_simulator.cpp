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

  std::filesystem::create_directory(folder / "logs");
  SampleRelease{}.write(folder.path() / "logs");
  CHECK(fails_with(run_program({"compare", "--simulator", folder / "logs"}), 2,
                   {"logs", "holds logs, not a simulator", "swipegym fit --data"}));
}

}  // namespace
}  // namespace swipegym::test
