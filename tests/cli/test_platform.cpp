#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/cli/program.h"

// What a person may get wrong with seasons of a platform, and what may happen to one: each is one line on stderr with
// the documented exit code, and the same command goes on to the same bytes.

namespace swipegym::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Parts = std::vector<std::string>;

constexpr const char* kSmallSeason = R"({"max_steps": 20, "world": {"life_days": 3, "least_on_offer": 60}})";

/// A known world, made once in a process.
const std::string& season_world() {
  static const TemporaryFolder folder;
  static const std::string data = [] {
    const std::string path = folder / "data";
    REQUIRE(run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", path, "--quiet"}).code == 0);
    return path;
  }();
  return data;
}

/// `platform` in a small known world, into `out`.
Words season_words(const TemporaryFolder& folder, const std::string& out, const Words& more = {}) {
  const std::string config = folder / "season.json";
  if (!fs::exists(config)) write_text(config, kSmallSeason);
  Words words = {"platform", "--simulator", season_world(), "--config", config,
                 "--out",    folder / out,  "--threads",    "1"};
  words.insert(words.end(), more.begin(), more.end());
  words.push_back("--quiet");
  return words;
}

/// The bytes of all files of a folder.
std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_text(entry.path());
  return files;
}

}  // namespace

TEST_CASE("options of a season out of range, or that contradict, are refused before anything is read", "[cli]") {
  const TemporaryFolder folder;
  const auto refused = [&](const Words& more, const Parts& parts) {
    Words words = {"platform", "--simulator", "/nowhere/sim.h5", "--out", folder / "s"};
    words.insert(words.end(), more.begin(), more.end());
    CAPTURE(more);
    CHECK(fails_with(run_program(words), 2, parts));
  };
  refused({"--days", "0"}, {"--days is '0', expected an integer from 1 to 10000"});
  refused({"--users", "1e9"}, {"--users is '1e9', expected an integer from 1"});
  refused({"--seeds", "0"}, {"--seeds is '0'"});
  refused({"--tick-hours", "0"}, {"--tick-hours is '0', expected a number from 0.25 to 24"});
  refused({"--visits", "nan"}, {"--visits is 'nan'"});
  refused({"--random-share", "1.5"}, {"--random-share is '1.5', expected a number from 0 to 1"});
  refused({"--creators-a-user=-1"}, {"--creators-a-user is '-1'"});
  refused({"--wrong-tags", "1.1"}, {"--wrong-tags is '1.1'"});
  refused({"--effect", "huge"}, {"--effect", "huge", "strong"});
  refused({"--policies", ","}, {"--policies is ','"});
  refused({"--days", "10", "--burn-in", "10"}, {"burn_in is 10, expected fewer than days, 10"});
  refused({"--data", "/nowhere"}, {"--data", "--logs"});
  refused({}, {"/nowhere/sim.h5"});
  const auto configured = [&](const std::string& text, const Parts& parts) {
    write_text(folder / "bad.json", text);
    refused({"--config", folder / "bad.json"}, parts);
  };
  configured(R"({"user": 5})", {"unknown key 'user'", "users"});
  configured(R"({"world": {"gap_scale": 0}})", {"bad.json:1:", "gap_scale"});
  configured(R"({"world": {"gap_scale": NaN}})", {"bad.json:1:"});
  configured(R"({"world": {"creators": {"base_mean": 1e300}}})", {"base_mean"});
  configured(R"({"slate": 100, "world": {"least_on_offer": 50}})", {"slate is 100", "world.least_on_offer"});
  CHECK_FALSE(fs::exists(folder / "s"));

  const auto synth = [&](const Words& more, const Parts& parts) {
    Words words = {"data", "synth", "--preset", "tiny", "--out", folder / "data"};
    words.insert(words.end(), more.begin(), more.end());
    CAPTURE(more);
    CHECK(fails_with(run_program(words), 2, parts));
  };
  synth({"--taste-drift", "2", "--no-satiation"}, {"--taste-drift is of worlds with satiation"});
  synth({"--return-listens", "2", "--no-satiation"}, {"--return-listens is of worlds with satiation"});
  synth({"--taste-drift", "11"}, {"--taste-drift"});
  synth({"--days", "9"}, {"--days is of a season", "--creators"});
  synth({"--policy", "greedy"}, {"--policy is of a season"});
  synth({"--random-share", "0.5"}, {"--random-share is of a season"});
  synth({"--creators", "--days", "0"}, {"--days is '0'"});
  synth({"--creators", "--policy", "nobody"}, {"'nobody'", "thompson"});
  synth({"--creators", "--rows-per-part", "5"}, {"--rows-per-part"});
  CHECK_FALSE(fs::exists(folder / "data"));
  CHECK(fails_with(run_program({"creators", "fit", "--data", "/nowhere", "--out", folder / "c.h5"}), 2, {"/nowhere"}));
  CHECK(fails_with(
      run_program({"creators", "fit", "--data", "/nowhere", "--until", "yesterday", "--out", folder / "c.h5"}), 2,
      {"--until", "yesterday"}));
  CHECK(fails_with(run_program({"creators", "fit", "--data", "/nowhere", "--out", folder.path().string()}), 2,
                   {"is a directory"}));
}

TEST_CASE("policies, worlds and folders that no season can be played with are refused in one line", "[cli]") {
  const TemporaryFolder folder;
  const auto refused = [&](const Words& more, const Parts& parts, const std::string& out = "s") {
    CAPTURE(more);
    CHECK(fails_with(run_program(season_words(folder, out, more)), 2, parts));
  };
  const Words few = {"--users", "20", "--days", "4", "--burn-in", "1"};
  const auto policies = [&](const std::string& list, const Parts& parts) {
    Words words = few;
    words.insert(words.end(), {"--policies", list});
    refused(words, parts);
  };
  policies("clairvoyant", {"'clairvoyant'", "thompson"});
  policies("uniform,uniform", {"two policies are called 'uniform'"});
  policies("a/b=uniform", {"'a/b'"});
  policies("x=" + folder.path().string(), {folder.path().string()});
  const std::string json = folder / "stages.json";
  const auto composed = [&](const std::string& text, const Parts& parts) {
    write_text(json, text);
    policies("x=" + json, parts);
  };
  composed("{", {json});
  composed("[1]", {json});
  composed(R"({"retrieve": [{"use": "bucket", "share": [1]}]})", {json, "share"});
  composed(R"({"retrieve": [{"use": "policy", "file": ")" + json + R"("}]})", {json});  // itself
  composed(R"({"retrieve": [{"use": "vectors", "file": "t.h5", "search": "index", "index_file": "i.h5"}]})",
           {json, "index_file"});
  refused({"--split", "nobody"}, {"'nobody'"});
  refused({"--users", "100000"}, {"100000 users", "expected 1 to"});
  refused({"--creators-a-user", "1000", "--days", "10000", "--memory-limit", "4G"},
          {"10000 days of", "creators_a_user"});
  CHECK(run_program(season_words(folder, "s", few)).code == 0);

  // What is in its folder and is no season.
  write_text(folder / "file", "precious");
  refused(few, {folder / "file"}, "file");
  CHECK(read_text(folder / "file") == "precious");
  const std::string result = folder / "s/runs/uniform-s1.json";
  const std::string whole = read_text(result);
  for (const std::string& text : {std::string("[]"), whole.substr(0, whole.size() / 2), std::string(),
                                  std::string("\x80\xFF"), std::string(R"({"made_with": 1})")}) {
    write_text(result, text);
    refused(few, {result});
  }
  write_text(result, whole);
  refused({"--users", "21", "--days", "4", "--burn-in", "1"}, {result, "other settings"});
  fs::remove(result), fs::create_directory(result);
  refused(few, {result});
}

TEST_CASE("a season that a full disk or Ctrl-C ended goes on to the same bytes, logs included", "[cli]") {
  const TemporaryFolder folder;
  const Words season = {
      "--days",   "40", "--burn-in",      "1",   "--users", "80",     "--seeds", "1", "--policies", "uniform,thompson",
      "--visits", "5",  "--random-share", "0.1", "--split", "greedy", "--logs"};
  REQUIRE(run_program(season_words(folder, "whole", season)).code == 0);
  const auto expected = files_of(folder / "whole");
  for (const long long limit : {500LL, 40'000LL, 90'000LL}) {
    const Outcome full = run_program(season_words(folder, "season", season), {.file_size_limit = limit});
    CHECK(fails_with(full, 1, {folder / "season"}));
    CHECK_FALSE(fs::exists(folder / "season/season.csv"));
    CHECK(leftovers(folder / "season") == Words{});
  }
  const Outcome stopped =
      run_program(season_words(folder, "season", season), {.interrupt_after = std::chrono::milliseconds(150)});
  CHECK(fails_with(stopped, 130, {"interrupted", "kept in " + (folder / "season"), "the same command goes on"}));
  CHECK(leftovers(folder / "season") == Words{});
  const Outcome next = run_program(season_words(folder, "season", season));
  INFO(next.err);
  CHECK(next.code == 0);
  CHECK(files_of(folder / "season") == expected);
}

}  // namespace swipegym::test
