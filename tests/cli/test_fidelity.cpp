#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "core/json_text.h"
#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

// One test case: in a process of its own each would have to fit a simulator first.
TEST_CASE("fidelity judges choices by the random exposures at hand", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", simulator = folder / "sim.h5", json = folder / "fidelity.json";
  write_text(folder / "quick.json", R"({"max_updates": 5})");
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  REQUIRE(run_program({"fit", "--data", data, "--until", "20220504", "--config", folder / "quick.json", "--out",
                       simulator, "--quiet"})
              .code == 0);
  const auto fidelity = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"fidelity", "--simulator", simulator, "--data", data, "--from", "20220507"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };

  const Outcome random = fidelity({"--log", "random", "--candidates", "5", "--resamples", "100", "--json", json});
  INFO(random.err);
  REQUIRE(random.code == 0);
  const Json choices = parse_json(read_text(json), json).at("choices");
  CHECK(choices.at("candidates") == 5);
  CHECK(choices.at("resamples") == 100);
  CHECK(choices.at("known_until") == 20220504);  // the simulator's last day
  CHECK(choices.at("strata").size() == 5);
  CHECK(choices.at("policies").size() == 6);
  CHECK(choices.at("policies").at("random").at("gap_of_lift").at("mean") == 0.0);
  CHECK(parse_json(read_text(json), json).contains("choices_truth"));
  const std::size_t at = random.out.find("choices, judged by random exposures");
  REQUIRE(at != std::string::npos);
  CHECK(widest_line(random.out.substr(at)) <= 100);

  // The judged log is the standard one, and the same random rows lie beside it.
  REQUIRE(fidelity({"--candidates", "5", "--resamples", "100", "--json", json}).code == 0);
  CHECK(parse_json(read_text(json), json).at("choices") == choices);

  CHECK(fails_with(fidelity({"--candidates", "0"}), 2, {"--candidates", "1 to 1000"}));
  CHECK(fails_with(fidelity({"--candidates", "1001"}), 2, {"--candidates", "1 to 1000"}));
  CHECK(fails_with(fidelity({"--resamples", "10"}), 2, {"--resamples", "100 to 100000"}));
  CHECK(fails_with(fidelity({"--known-until", "20220100"}), 2, {"--known-until", "20220100"}));
  CHECK(fails_with(fidelity({"--known-until", "20210101"}), 2, {"standard log", "20210101", "--known-until"}));
  CHECK(fails_with(fidelity({"--rows-only", "--candidates", "5"}), 2, {"--candidates", "--rows-only"}));
  CHECK(fails_with(
      run_program({"fidelity", "--simulator", simulator, "--data", data, "--from", "20230101", "--log", "random"}), 2,
      {"random log", "20230101"}));
  // A log without random exposures.
  const std::string standard = folder / "standard";
  std::filesystem::create_directory(standard);
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".csv") && !name.starts_with("log_random"))
      std::filesystem::copy_file(entry.path(), standard + "/" + name);
  }
  const std::vector<std::string> beside = {"fidelity", "--simulator", simulator, "--data",
                                           standard,   "--from",      "20220507"};
  const auto fails_beside = [&](const std::vector<std::string>& more, const std::vector<std::string>& parts) {
    std::vector<std::string> words = beside;
    words.insert(words.end(), more.begin(), more.end());
    return fails_with(run_program(words), 2, parts);
  };
  CHECK(fails_beside({"--log", "random"}, {"no row of the random log"}));
  CHECK(fails_beside({"--candidates", "5"}, {"--candidates", "no row of the random log"}));
}

}  // namespace
}  // namespace swipegym::test
