#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/program.h"
#include "tests/sim_data/data_set_samples.h"

// Public data sets in their own files, from `data import` to a simulator.

namespace swipegym::test {
namespace {

// The samples' tables with more rows: people who watch the same few videos for a week.
std::map<std::string, SampleFiles> longer_samples() {
  SampleFiles rec = kuairec_sample(), sar = kuaisar_sample(), lens = movielens_sample(), ten = tenrec_sample(),
              wx = wechat_sample();
  constexpr const char* kRecVideos[] = {"147", "148", "183", "3649"};
  for (int i = 0; i < 300; ++i) {
    const std::int64_t second = 1593878903 + i * 2000LL;
    rec["big_matrix.csv"] += fmt::format("{},{},{},10000,,20200705,{}.5,0.1\n", i % 2 == 0 ? 0 : 14, kRecVideos[i % 4],
                                         i * 77 % 20000, second);
    rec["small_matrix.csv"] +=
        fmt::format("14,{},{},10000,,20200705,{}.7,0.1\n", kRecVideos[i * 7 % 4], i * 31 % 9000, second);
    sar["rec_inter.csv"] +=
        fmt::format("{},{},{}.0,9000.0,,{}000.0,{},0,{},0,0,0\n", 1 + i % 2, i % 3 == 0 ? "103656000000" : "50",
                    i * 77 % 20000, second, i % 2, i % 9 == 0 ? 1 : 0);
    lens["ratings.csv"] += fmt::format("{},{},{}.5,{}\n", i % 20, i % 2 == 0 ? 10 : 31, i % 5, second);
    ten["QB-video.csv"] +=
        fmt::format("{},{},{},0,{},0,{},{},1,3\n", i % 3, 100 + i % 7, i % 2, i % 11 == 0 ? 1 : 0, i % 2, i % 4);
    wx["user_action.csv"] += fmt::format("{},{},{},1,0,0,{},{},9000,0,0,0,0\n", i % 20, i % 3 == 0 ? "73916" : "71474",
                                         1 + i / 22, i % 13 == 0 ? 1 : 0, i * 77 % 30000);
  }
  return {{"kuairec", rec}, {"kuaisar", sar}, {"movielens", lens}, {"tenrec", ten}, {"wechat", wx}};
}

TEST_CASE("a simulator is fitted to each public data set", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "quick.json", R"({"max_updates": 3})");
  for (const auto& [name, files] : longer_samples()) {
    CAPTURE(name);
    write_samples(files, folder.path() / name);
    const std::string store = folder / (name + ".h5");
    const Outcome imported = run_program({"data", "import", folder / name, "--format", name, "--out", store, "--json",
                                          folder / "import.json", "--quiet"});
    INFO(imported.err);
    REQUIRE(imported.code == 0);
    const auto json = nlohmann::json::parse(read_text(folder / "import.json"));
    CHECK(json["config"]["format"] == name);
    CHECK(json["rows_kept"].get<int>() >= 290);
    const Outcome fitted =
        run_program({"fit", "--data", store, "--config", folder / "quick.json", "--out", folder / "sim.h5", "--quiet"});
    INFO(fitted.err);
    CHECK(fitted.code == 0);
  }
}

TEST_CASE("what is wrong with a data set's files is said in one line with exit code 2", "[cli]") {
  const TemporaryFolder folder;
  SampleFiles files = wechat_sample();
  files["user_action.csv"] += "8,71474,3,1,0,0,1,-500,5366,0,0,0,0\n";
  write_samples(files, folder.path() / "wechat");
  const auto import = [&](const std::string& format, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"data", "import", folder / "wechat", "--format",
                                      format, "--out",  folder / "x.h5"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  CHECK(fails_with(import("wechat"), 2, {"wechat/user_action.csv:6:19: play is '-500', expected a number from 0"}));
  CHECK(fails_with(import("kuairec"), 2, {"holds no big_matrix.csv and no small_matrix.csv"}));
  CHECK(fails_with(import("netflix"), 2, {"netflix", "kuaisar"}));
  CHECK(fails_with(import("wechat", {"--separator", "tab"}), 2,
                   {"--separator is for --format interactions; wechat has"}));
  CHECK(leftovers(folder.path()).empty());
  CHECK_FALSE(std::filesystem::exists(folder / "x.h5"));
  const Outcome skipped = import("wechat", {"--skip-bad-rows"});
  CHECK(skipped.code == 0);
  CHECK(skipped.out.find("dropped: play") != std::string::npos);
}

}  // namespace
}  // namespace swipegym::test
