#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

TEST_CASE("a file that is not there is 'no such file', whatever should read it", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", h5 = folder / "none.h5", json = folder / "none.json",
                    csv = folder / "none.csv", out = folder / "out";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--out", data, "--quiet"}).code == 0);
  const std::vector<std::string> days = {"--until", "20220502", "--validate-until", "20220504"};
  const auto refuses = [](std::vector<std::string> words, const std::string& file,
                          const std::vector<std::string>& more = {}) {
    words.insert(words.end(), more.begin(), more.end());
    CAPTURE(words);
    CHECK(fails_with(run_program(words), 2, {"swipegym: " + file + ": no such file"}));
  };
  refuses({"data", "import", csv, "--format", "interactions", "--out", out}, csv);
  refuses({"data", "import", folder / "none", "--out", out}, folder / "none");
  refuses({"data", "stats", h5}, h5);
  refuses({"fit", "--data", data, "--config", json, "--out", out}, json);
  refuses({"session", "--simulator", h5}, h5);
  refuses({"session", "--simulator", data, "--policy", h5}, h5);
  refuses({"compare", "--simulator", data, "--policies", "random," + json}, json);
  refuses({"compare", "--simulator", data, "--judge", h5, "--policies", "random"}, h5);
  refuses({"recommend", "--simulator", data, "--policy", json, "--user", "1"}, json);
  refuses({"platform", "--simulator", data, "--policies", "mine=" + json, "--out", out}, json);
  refuses({"score", "--policy", h5, "--data", data, "--from", "20220505", "--out", out}, h5);
  refuses({"tables", "--data", data, "--policies", h5, "--test-until", "20220506"}, h5, days);
  refuses({"supervised", "mf", "--data", data, "--search", json, "--out", out}, json, days);
  refuses({"train", "sasrec-ppo", "--simulator", data, "--start", h5, "--out", out}, h5);
}

}  // namespace
}  // namespace swipegym::test
