#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/sim_data/packed.h"

// Every output is a valid input: a log of interactions whose ids are texts goes through the program and comes back.

namespace swipegym::test {
namespace {

constexpr const char* kUntil = "20220427";
constexpr const char* kFrom = "20220428";

void require_success(const std::vector<std::string>& words) {
  const Outcome outcome = run_program(words);
  INFO(fmt::format("{}: {}", fmt::join(words, " "), outcome.err));
  REQUIRE(outcome.code == 0);
}

/// A store of interactions, a simulator fitted to it, and logs that it made.
struct ImportedWorld {
  TemporaryFolder folder;
  std::string csv = folder / "sold.csv.gz", store = folder / "sold.h5", config = folder / "quick.json",
              simulator = folder / "sim.h5", release = folder / "made", made_store = folder / "made.h5";

  ImportedWorld() {
    // 30 customers, 40 goods, seven days; some ids ask for quotes, and some look like numbers.
    std::string text = "customer\tsku\twhen_ms\tlength:float\tseen\tnote, of no use\n";
    for (int i = 0; i < 3000; ++i)
      text += fmt::format("{}\t\"p,{}\"\t{}\t{}\t{}\tx\n", i % 30 == 0 ? "007" : fmt::format("c{}", i % 30),
                          i * 37 % 40, 1650816000000 + i * 200000LL, 10 + i % 7, i * 13 % 11);
    write_text(csv, gzip(text));
    write_text(config, R"({"max_updates": 5})");
    require_success({"data", "import", csv, "--format", "interactions", "--columns",
                     "user=customer,item=sku,time=when_ms,duration=length,play=seen", "--separator", "tab", "--out",
                     store, "--quiet"});
    require_success({"fit", "--data", store, "--until", kUntil, "--config", config, "--out", simulator, "--quiet"});
    for (const bool is_csv : {true, false})
      require_success({"generate", "--simulator", simulator, "--policy", "popularity", "--epsilon", "0.5", "--sessions",
                       "300", "--format", is_csv ? "csv" : "hdf5", "--out", is_csv ? release : made_store, "--quiet"});
  }
};

const ImportedWorld& imported_world() {
  static const ImportedWorld made;
  return made;
}

nlohmann::json stats_of(const std::string& data) {
  const TemporaryFolder folder;
  require_success({"data", "stats", data, "--json", folder / "stats.json", "--quiet"});
  return nlohmann::json::parse(read_text(folder / "stats.json"));
}

// The first cell of every row, as it stands there.
std::set<std::string> first_ids(const std::string& text) {
  std::set<std::string> out;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) out.insert(line.substr(0, line.find(',')));
  return out;
}

TEST_CASE("what generate writes from imported interactions is read by every command", "[cli]") {
  const nlohmann::json csv = stats_of(imported_world().release), store = stats_of(imported_world().made_store);
  CHECK(csv["data_fingerprint"] == store["data_fingerprint"]);
  CHECK(csv["rows_kept"].get<int>() > 300);
  const TemporaryFolder folder;
  for (const std::string& data : {imported_world().release, imported_world().made_store}) {
    require_success(
        {"fit", "--data", data, "--config", imported_world().config, "--out", folder / "again.h5", "--quiet"});
    require_success(
        {"generate", "--simulator", folder / "again.h5", "--sessions", "20", "--out", folder / "again", "--quiet"});
    CHECK(stats_of(folder / "again")["rows_kept"].get<int>() > 20);
    std::filesystem::remove_all(folder / "again");
  }
  require_success({"data", "import", imported_world().release, "--out", folder / "release.h5", "--quiet"});
  CHECK(stats_of(folder / "release.h5")["data_fingerprint"] == csv["data_fingerprint"]);
}

TEST_CASE("ids that are texts are written back by generate, score and respond", "[cli]") {
  const std::set<std::string> users = first_ids(read_text(imported_world().release + "/log_standard_generated.csv"));
  CHECK_FALSE(users.empty());
  for (const std::string& user : users) CHECK((user == "007" || user.starts_with('c')));
  CHECK(read_text(imported_world().release + "/log_standard_generated.csv").find(",\"p,") != std::string::npos);
  const TemporaryFolder folder;
  require_success({"supervised", "popularity", "--data", imported_world().store, "--until", kUntil, "--out",
                   folder / "p.h5", "--quiet"});
  require_success({"score", "--policy", folder / "p.h5", "--data", imported_world().store, "--from", kFrom, "--out",
                   folder / "scores.csv", "--quiet"});
  require_success({"respond", "--simulator", imported_world().simulator, "--data", imported_world().store, "--from",
                   kFrom, "--out", folder / "responses.csv", "--quiet"});
  for (const char* name : {"scores.csv", "responses.csv"}) {
    const std::string text = read_text(folder / name);
    CHECK(text.find("\n007,\"p,") != std::string::npos);
    CHECK(text.find("\nc1,\"p,") != std::string::npos);
    require_success({"data", "import", folder / name, "--format", "interactions", "--columns", "play=-,duration=-",
                     "--out", folder / "again.h5", "--quiet"});
  }
  // A policy knows users and videos of another log by their texts.
  require_success({"score", "--policy", folder / "p.h5", "--data", imported_world().release, "--from", "20220101",
                   "--known-until", "20990101", "--out", folder / "other.csv", "--quiet"});
}

TEST_CASE("what a file of interactions cannot be is said with exit code 2", "[cli]") {
  const TemporaryFolder folder;
  const auto import = [&](const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"data", "import", file, "--format", "interactions", "--out", folder / "x.h5"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  CHECK(fails_with(import(imported_world().release), 2, {"is a folder, expected a file"}));
  CHECK(fails_with(import("/dev/null"), 2, {"/dev/null: is empty"}));
  write_text(folder / "two.csv", "user,item,time,timestamp\n1,2,3,4\n");
  CHECK(fails_with(import(folder / "two.csv"), 2, {"'time' and 'timestamp' both look like the time"}));
  CHECK(fails_with(import(folder / "two.csv", {"--columns", "time=when"}), 2, {"--columns time=when"}));
  CHECK(import(folder / "two.csv", {"--columns", "time=time"}).code == 0);
  CHECK(fails_with(
      run_program({"data", "import", imported_world().release, "--separator", "tab", "--out", folder / "x.h5"}), 2,
      {"--separator is for --format interactions"}));
  const Outcome outcome = import(folder / "two.csv", {"--columns", "time=time"});
  CHECK(outcome.out.find("column 'timestamp' ignored") != std::string::npos);
}

TEST_CASE("days in a message are days of the calendar", "[cli]") {
  const TemporaryFolder folder;
  const Outcome empty =
      run_program({"supervised", "labelcraft", "--data", imported_world().store, "--until", "20220425",
                   "--validate-until", "20220427", "--test-until", "20220428", "--out", folder / "l.h5", "--quiet"});
  CHECK(fails_with(empty, 2, {"--holdout-until"}));
  const Outcome none =
      run_program({"supervised", "mf", "--data", imported_world().store, "--until", "20220430", "--validate-until",
                   "20220505", "--test-until", "20220509", "--out", folder / "m.h5", "--quiet"});
  CHECK(none.err.find("20220431") == std::string::npos);
  const Outcome late = run_program({"score", "--policy", folder / "none.h5", "--data", imported_world().store, "--from",
                                    "20230101", "--out", folder / "s.csv", "--quiet"});
  CHECK(late.err.find("99999999") == std::string::npos);
}

}  // namespace
}  // namespace swipegym::test
