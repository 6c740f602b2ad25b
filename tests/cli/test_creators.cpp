#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>

#include "core/config.h"
#include "env/platform/creator_fit.h"
#include "tests/cli/program.h"

namespace swipegym::test {
namespace {

// A tiny synthetic log of April, May; with `dated` its 300 videos belong to 40 authors and were uploaded from 5 April
// to 1 May, which nothing in its rows asked for.
std::string tiny_log(const TemporaryFolder& folder, bool dated) {
  const std::string data = folder / "data";
  REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"}).code == 0);
  if (!dated) return data;
  const std::filesystem::path table = std::filesystem::path(data) / "video_features_basic_tiny.csv";
  std::istringstream lines(read_text(table));
  std::string line, out;
  for (int v = -1; std::getline(lines, line); ++v) {
    std::vector<std::string> cells;
    std::istringstream words(line);
    for (std::string cell; cells.size() < 4 && std::getline(words, cell, ',');) cells.push_back(cell);
    if (v >= 0) {
      const int day = 5 + v * 7 % 27;
      cells[1] = std::to_string(v % 40);
      cells[3] = day <= 30 ? fmt::format("2022-04-{:02}", day) : fmt::format("2022-05-{:02}", day - 30);
    }
    std::string rest;
    std::getline(words, rest, '\0');
    out += fmt::format("{},{}\n", fmt::join(cells, ","), rest);
  }
  write_text(table, out);
  return data;
}

}  // namespace

TEST_CASE("creators fit prints coefficients with intervals and writes the same file for any number of threads",
          "[cli]") {
  const TemporaryFolder folder;
  const std::string data = tiny_log(folder, true), config = folder / "quick.json";
  write_text(config, R"({"base_nodes": 7, "response_nodes": 3, "max_steps": 40})");
  const auto fit = [&](const std::string& threads, const std::string& out) {
    return run_program({"creators", "fit", "--data", data, "--until", "20220505", "--config", config, "--out",
                        folder / out, "--json", folder / (out + ".json"), "--threads", threads, "--quiet"});
  };
  const Outcome one = fit("1", "one.h5");
  INFO(one.err);
  REQUIRE(one.code == 0);
  CHECK(one.out.find("40 of 40 authors, 20220408 to 20220505") != std::string::npos);
  for (const std::string_view name : kCreatorCoefficientNames) CHECK(one.out.find(name) != std::string::npos);
  CHECK(one.out.find("95 % interval") != std::string::npos);
  CHECK(one.out.find("An association") != std::string::npos);
  std::istringstream lines(one.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
  CHECK(fit("2", "two.h5").out == one.out);
  CHECK(read_text(folder / "one.h5") == read_text(folder / "two.h5"));

  const CreatorFit read = read_creator_fit(folder / "one.h5");
  CHECK(read.creators == 40);
  CHECK(read.settings.base_nodes == 7);
  CHECK(read.last_date == 20220505);
  const Json json = parse_json(read_text(folder / "one.h5.json"), "one.h5.json");
  CHECK(json.at("coefficients").at("base_mean").at("value").get<double>() == read.of("base_mean").value);
  CHECK(json.at("coefficients").size() == kNumCreatorCoefficients);
  CHECK(json.at("config").at("max_steps") == 40);
  CHECK(leftovers(folder.path()).empty());
}

TEST_CASE("creators fit says why a log tells nothing, with exit code 2, and writes nothing", "[cli]") {
  const TemporaryFolder folder;
  const std::string data = tiny_log(folder, false), out = folder / "creators.h5";
  CHECK(fails_with(run_program({"creators", "fit", "--data", data, "--out", out}), 2,
                   {"no upload follows a row", "20220405 to 20220407", "20220408 to 20220508"}));
  CHECK(fails_with(run_program({"creators", "fit", "--data", data, "--until", "20220101", "--out", out}), 2,
                   {"no row is dated 20220101"}));
  write_text(folder / "bad.json", R"({"reception_scale": 0})");
  CHECK(fails_with(run_program({"creators", "fit", "--data", data, "--config", folder / "bad.json", "--out", out}), 2,
                   {"reception_scale"}));
  write_text(folder / "watch.json", R"({"watch": "glance"})");
  CHECK(fails_with(run_program({"creators", "fit", "--data", data, "--config", folder / "watch.json", "--out", out}), 2,
                   {"watch", "long_view"}));
  CHECK(!std::filesystem::exists(out));
}

}  // namespace swipegym::test
