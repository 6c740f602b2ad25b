#include <hdf5.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/sim_data/sample_release.h"

// What a person may get wrong, through the program itself: one line on stderr that says where and what to do, the
// documented exit code, and earlier outputs as they were.

namespace swipegym::test {
namespace {

/// A small release whose text can be spoiled before it is written.
struct Release : SampleRelease {
  void spoil(const std::string& from, const std::string& to) {
    const std::size_t at = standard.find(from);
    REQUIRE(at != std::string::npos);
    standard.replace(at, from.size(), to);
  }
};

Outcome stats_of(const SampleRelease& release) {
  const TemporaryFolder folder;
  release.write(folder.path());
  return run_program({"data", "stats", folder.path().string()});
}

void set_schema_version(const std::string& path, std::int64_t version) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t attribute = H5Aopen(file, "schema_version", H5P_DEFAULT);
  REQUIRE(H5Awrite(attribute, H5T_NATIVE_INT64, &version) >= 0);
  H5Aclose(attribute);
  H5Fclose(file);
}

/// A synthetic log and a simulator fitted to it in a few updates, made once in a process.
struct World {
  TemporaryFolder folder;
  std::string data = folder / "data", simulator = folder / "sim.h5", config = folder / "quick.json";

  World() {
    write_text(config, R"({"max_updates": 5})");
    const Outcome synth = run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"});
    INFO(synth.err);
    REQUIRE(synth.code == 0);
    const Outcome fit =
        run_program({"fit", "--data", data, "--until", "20220501", "--config", config, "--out", simulator, "--quiet"});
    INFO(fit.err);
    REQUIRE(fit.code == 0);
  }
};

const World& world() {
  static const World made;
  return made;
}

TEST_CASE("a malformed release is refused with file, line and column", "[cli]") {
  Release text;
  text.spoil("1650859200000", "noon");
  CHECK(fails_with(stats_of(text), 2, {"log_standard_sample.csv:2:20", "time_ms", "'noon'", "expected"}));
  Release negative;
  negative.spoil("1650859200000", "-5");
  CHECK(fails_with(stats_of(negative), 2, {"log_standard_sample.csv:2:20", "negative"}));
  Release absurd;
  absurd.spoil("1650859200000", "9999999999999");
  CHECK(fails_with(stats_of(absurd), 2, {"log_standard_sample.csv:2:20", "out of range"}));
  Release unknown;
  unknown.spoil("\n0,11", "\n0,13");
  CHECK(fails_with(stats_of(unknown), 2, {"log_standard_sample.csv:2:3", "video_id", "'13'", "unknown"}));
  Release column;
  column.spoil("play_time_ms", "play_time");
  CHECK(fails_with(stats_of(column), 2, {"log_standard_sample.csv:1", "play_time_ms"}));
  Release truncated;
  truncated.standard.resize(truncated.standard.size() - 12);
  CHECK(fails_with(stats_of(truncated), 2, {"log_standard_sample.csv:8"}));
}

TEST_CASE("a missing file, an empty log and a folder without logs are refused by name", "[cli]") {
  CHECK(fails_with(run_program({"data", "stats", "/nowhere/at/all"}), 2, {"/nowhere/at/all"}));
  const TemporaryFolder empty;
  CHECK(fails_with(run_program({"data", "stats", empty.path().string()}), 2, {empty.path().string()}));
  SampleRelease no_rows;
  no_rows.standard = kLogHeader;
  no_rows.random = kLogHeader;
  const TemporaryFolder folder;
  no_rows.write(folder.path());
  CHECK(fails_with(
      run_program({"fit", "--data", folder.path().string(), "--until", "20220501", "--out", folder / "s.h5"}), 2,
      {folder.path().string(), "no rows"}));
  CHECK_FALSE(std::filesystem::exists(folder / "s.h5"));
  no_rows.standard.clear();
  no_rows.write(folder.path());
  CHECK(fails_with(run_program({"data", "stats", folder.path().string()}), 2, {"log_standard_sample.csv"}));
}

// One test case: in a process of its own each would have to fit a simulator first.
TEST_CASE("what goes wrong around a fitted simulator is said in one line and harms nothing", "[cli]") {
  SECTION("a log without a row before --until is refused before any output is made") {
    const TemporaryFolder folder;
    SampleRelease().write(folder.path());
    const std::string out = folder / "sim.h5";
    CHECK(fails_with(
        run_program({"fit", "--data", folder.path().string(), "--until", "20200101", "--out", out, "--quiet"}), 2,
        {"20200101", "--until"}));
    CHECK_FALSE(std::filesystem::exists(out));
    CHECK(fails_with(
        run_program({"fidelity", "--simulator", world().simulator, "--data", world().data, "--from", "20230101"}), 2,
        {"20230101"}));
  }
  SECTION("a spoiled store or simulator is refused and says to make it again") {
    const TemporaryFolder folder;
    const std::string store = folder / "logs.h5", simulator = folder / "sim.h5";
    REQUIRE(run_program({"data", "import", world().data, "--out", store, "--quiet"}).code == 0);
    for (const auto& [path, command] :
         {std::pair{store, std::vector<std::string>{"data", "stats", store}},
          std::pair{simulator, std::vector<std::string>{"session", "--simulator", simulator, "--policy", "random"}}}) {
      CAPTURE(path);
      const std::string whole = read_text(path == store ? store : world().simulator);
      write_text(path, whole.substr(0, whole.size() / 2));
      CHECK(fails_with(run_program(command), 2, {path, "truncated"}));
      write_text(path, "user_id,video_id\n");
      CHECK(fails_with(run_program(command), 2, {path}));
      write_text(path, whole);
      set_schema_version(path, 99);
      CHECK(fails_with(run_program(command), 2, {path, "99", "version"}));
      write_text(path, whole);
      CHECK(run_program(command).code == 0);
    }
    CHECK(fails_with(run_program({"session", "--simulator", store, "--policy", "random"}), 2, {store, "simulator"}));
  }
  SECTION("unknown keys, commands, options and policies are named beside the known ones") {
    const TemporaryFolder folder;
    const std::string config = folder / "c.json", out = folder / "sim.h5";
    const std::vector<std::string> fit = {"fit",   "--data", world().data, "--until", "20220501",
                                          "--out", out,      "--config",   config};
    write_text(config, R"({"epoch": 3})");
    CHECK(fails_with(run_program(fit), 2, {config, "unknown key 'epoch'", "epochs"}));
    write_text(config, R"({"epochs": "three"})");
    CHECK(fails_with(run_program(fit), 2, {config, "'epochs' is \"three\"", "integer"}));
    write_text(config, "{\"epochs\": 3,\n \"batch\" 5}");
    CHECK(fails_with(run_program(fit), 2, {config + ":2:"}));
    CHECK_FALSE(std::filesystem::exists(out));
    CHECK(fails_with(run_program({"fti"}), 2, {"unknown command 'fti'", "did you mean 'fit'"}));
    CHECK(fails_with(run_program({"data", "imprt", "x"}), 2, {"did you mean 'data import'"}));
    CHECK(fails_with(run_program({"data"}), 2, {"'data' needs one more word"}));
    CHECK(fails_with(run_program({"fit", "--untill", "20220501"}), 2, {"unknown option '--untill'", "'--until'"}));
    CHECK(fails_with(run_program({"session", "--simulator", world().simulator, "--policy", "clairvoyant"}), 2,
                     {"clairvoyant", "random"}));
    CHECK(fails_with(run_program({"session", "--simulator", world().simulator, "--policy", "oracle:less"}), 2,
                     {"oracle:K", "'less'", "a number from 0 to 1000"}));
    CHECK(fails_with(run_program({"session", "--simulator", world().simulator, "--policy", "oracle:1"}), 2,
                     {"pessimism 1", "--members 8"}));
  }
  SECTION("an unwritable output is refused before the work and leaves what is there") {
    const TemporaryFolder folder;
    CHECK(fails_with(run_program({"fit", "--data", world().data, "--until", "20220501", "--out", folder / "no/sim.h5"}),
                     2, {folder / "no/sim.h5", "does not exist"}));
    CHECK(fails_with(run_program({"data", "stats", world().data, "--json", folder.path().string()}), 2,
                     {folder.path().string(), "is a directory"}));
    CHECK(fails_with(run_program({"data", "stats", world().data, "--json", "/dev/full", "--quiet"}), 1,
                     {"/dev/full: write failed: No space left on device"}));
  }
  SECTION("a disk that fills up leaves earlier outputs intact and nothing half-written") {
    const TemporaryFolder folder;
    const std::string simulator = folder / "sim.h5", csv = folder / "respond.csv", logs = folder / "logs.h5";
    for (const std::string& path : {simulator, csv, logs}) write_text(path, "precious");
    const Surroundings full{.file_size_limit = 20000};
    const std::vector<std::vector<std::string>> commands = {
        {"fit", "--data", world().data, "--until", "20220501", "--config", world().config, "--out", simulator,
         "--quiet"},
        {"respond", "--simulator", world().simulator, "--data", world().data, "--from", "20220502", "--out", csv,
         "--quiet"},
        {"data", "import", world().data, "--out", logs, "--quiet"}};
    for (const std::vector<std::string>& command : commands) {
      CAPTURE(command[0]);
      const Outcome outcome = run_program(command, full);
      CHECK(outcome.code == 1);
      CHECK_THAT(outcome.err, Catch::StartsWith("swipegym: "));
      CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    }
    for (const std::string& path : {simulator, csv, logs}) CHECK(read_text(path) == "precious");
    CHECK(leftovers(folder.path()) == std::vector<std::string>{});
  }
  SECTION("Ctrl-C in the middle ends with 130, earlier outputs intact and nothing half-written") {
    const TemporaryFolder folder;
    const std::string simulator = folder / "sim.h5", data = folder / "data";
    write_text(simulator, "precious");
    const Surroundings interrupted{.interrupt_after = std::chrono::milliseconds(1500)};
    const std::string slow = folder / "slow.json";
    write_text(slow, R"({"epochs": 100000, "max_updates": 1000000})");
    CHECK(fails_with(run_program({"fit", "--data", world().data, "--until", "20220501", "--config", slow, "--out",
                                  simulator, "--quiet"},
                                 interrupted),
                     130, {"interrupted"}));
    CHECK(read_text(simulator) == "precious");
    CHECK(fails_with(run_program({"data", "synth", "--preset", "1k", "--out", data, "--quiet"}, interrupted), 130,
                     {"interrupted"}));
    CHECK_FALSE(std::filesystem::exists(data));
    CHECK(fails_with(run_program({"generate", "--simulator", world().simulator, "--policy", "random", "--sessions",
                                  "100000000", "--out", folder / "generated", "--quiet"},
                                 interrupted),
                     130, {"interrupted"}));
    CHECK_FALSE(std::filesystem::exists(folder / "generated"));
    CHECK(fails_with(run_program({"compare", "--simulator", world().simulator, "--policies", "random,popularity",
                                  "--sessions", "10000000", "--seeds", "5", "--quiet"},
                                 interrupted),
                     130, {"interrupted"}));
    CHECK(leftovers(folder.path()) == std::vector<std::string>{});
  }
}

}  // namespace
}  // namespace swipegym::test
