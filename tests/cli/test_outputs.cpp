#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/sim_data/sample_release.h"

// What a command writes: never an input, never two things in one place, never anything but a file of its own, and
// nothing at all when it fails.

namespace swipegym::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// A small synthetic log, a simulator fitted to it in a few updates, and a policy, made once in a process.
struct Made {
  TemporaryFolder folder;
  std::string data = folder / "data", simulator = folder / "sim.h5", policy = folder / "popular.h5",
              config = folder / "quick.json";

  Made() {
    write_text(config, R"({"max_updates": 5})");
    run({"data", "synth", "--preset", "tiny", "--seed", "3", "--rows", "20000", "--out", data});
    run({"fit", "--data", data, "--until", "20220501", "--config", config, "--out", simulator});
    run({"supervised", "popularity", "--data", data, "--until", "20220501", "--out", policy});
  }
  static void run(Words words) {
    words.push_back("--quiet");
    const Outcome outcome = run_program(words);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
  }
};

const Made& made() {
  static const Made once;
  return once;
}

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_CASE("an output that is an input is refused by every command, before it is read", "[cli]") {
  // Nothing is read before this is told, so any file does as an input.
  const TemporaryFolder folder;
  const std::string a = folder / "a.h5", b = folder / "b.h5", c = folder / "c.json";
  for (const std::string& path : {a, b, c}) write_text(path, "precious");
  // Files that a JSON file names are read too, and a composition's index is kept where no file is yet.
  const std::string staged = folder / "staged.json", named = fs::path(b).filename().string();
  write_text(staged, R"({"retrieve": [{"use": "vectors", "file": ")" + named + R"(", "index_file": "index.h5"}]})");
  const Words days = {"--until", "20220501"};
  struct Trial {
    Words words;
    std::string output, input;
  };
  const std::vector<Trial> trials = {
      {{"fit", "--data", a, "--out", a}, "--out", "--data"},
      {{"fit", "--data", b, "--config", c, "--out", c}, "--out", "--config"},
      {{"fit", "--data", a, "--out", b, "--json", a}, "--json", "--data"},
      {{"data", "stats", a, "--json", a}, "--json", "--data"},
      {{"data", "import", a, "--format", "interactions", "--out", a}, "--out", "--dir"},
      {{"fidelity", "--simulator", a, "--data", b, "--from", "20220501", "--json", a}, "--json", "--simulator"},
      {{"fidelity", "--simulator", a, "--data", b, "--from", "20220501", "--naive", c, "--json", c},
       "--json",
       "--naive"},
      {{"respond", "--simulator", a, "--data", b, "--from", "20220501", "--out", b}, "--out", "--data"},
      {{"session", "--simulator", a, "--policy", b, "--json", b}, "--json", "--policy"},
      {{"session", "--simulator", a, "--source", b, "--json", b}, "--json", "--source"},
      {{"generate", "--simulator", a, "--format", "hdf5", "--out", a}, "--out", "--simulator"},
      {{"generate", "--simulator", a, "--data", b, "--format", "hdf5", "--out", b}, "--out", "--data"},
      {{"generate", "--simulator", a, "--policy", b, "--out", folder / "g", "--keep-candidates", b},
       "--keep-candidates",
       "--policy"},
      {{"train", "dqn", "--simulator", a, "--out", a}, "--out", "--simulator"},
      {{"train", "ppo", "--simulator", a, "--config", c, "--out", c}, "--out", "--config"},
      {{"train", "sasrec", "--simulator", a, "--start", b, "--out", b}, "--out", "--start"},
      {{"train", "ranker", "--data", a, "--out", a}, "--out", "--data"},
      {with({"supervised", "mf", "--data", a, "--out", a}, days), "--out", "--data"},
      {with({"supervised", "mf", "--data", a, "--search", c, "--out", c}, days), "--out", "--search"},
      {{"constrain", "--data", a, "--until", "20220501", "--validate-until", "20220502", "--test-until", "20220503",
        "--json", a},
       "--json",
       "--data"},
      {{"score", "--policy", a, "--data", b, "--from", "20220501", "--out", a}, "--out", "--policy"},
      {{"compare", "--simulator", a, "--policies", "random,x=" + b, "--report", b}, "--report", "--policies"},
      {{"compare", "--simulator", a, "--policies", "x=" + folder.path().string() + "/b*.h5", "--json", b},
       "--json",
       "--policies"},
      {{"compare", "--simulator", a, "--judge", b, "--json", b}, "--json", "--judge"},
      {{"evaluate", "--policy", "random", "--data", a, "--from", "20220501", "--logged-candidates", b, "--json", b},
       "--json",
       "--logged-candidates"},
      {{"tables", "--data", a, "--policies", b, "--until", "20220501", "--test-until", "20220502", "--json", b},
       "--json",
       "--policies"},
      {{"compare", "--simulator", a, "--policies", "x=" + staged, "--json", b}, "--json", "--policies"},
      {{"compare", "--simulator", a, "--policies", staged, "--json", folder / "index.h5"}, "--json", "--policies"},
      {{"recommend", "--simulator", a, "--policy", staged, "--user", "1", "--json", b}, "--json", "--policy"},
      {{"train", "dqn", "--simulator", a, "--config", staged, "--out", b}, "--out", "--config"},
      {{"converge", "--simulator", a, "--policies", b, "--out", folder / "study", "--json", b}, "--json", "--policies"},
      {{"tabular", "--simulator", a, "--curves", a}, "--curves", "--simulator"},
      {{"bench", "--simulator", a, "--json", a}, "--json", "--simulator"},
      {{"quickstart", "--data", a, "--out", folder / "q", "--json", a}, "--json", "--data"},
  };
  for (const Trial& trial : trials) {
    CAPTURE(trial.words);
    CHECK(fails_with(run_program(trial.words), 2, {trial.output, trial.input, "the input would be lost"}));
  }
  for (const std::string& path : {a, b, c}) CHECK(read_text(path) == "precious");
}

TEST_CASE("two outputs in one place are refused, those that only follow from an option too", "[cli]") {
  const TemporaryFolder folder;
  const std::string a = folder / "a.h5", x = folder / "x", q = folder / "q";
  write_text(a, "precious");
  fs::create_directory(q);
  const std::vector<Words> trials = {
      {"fit", "--data", a, "--out", x, "--json", x},
      {"fit", "--data", a, "--out", x, "--json", folder / "q/../x"},
      {"train", "dqn", "--simulator", a, "--out", x, "--json", x + ".checkpoint"},
      {"supervised", "mf", "--data", a, "--until", "20220501", "--seeds", "2", "--out", folder / "p.h5", "--json",
       folder / "p-s2.h5"},
      {"compare", "--simulator", a, "--report", x, "--json", x},
      {"generate", "--simulator", a, "--out", x, "--json", x + "/report.json"},
      {"generate", "--simulator", a, "--out", q, "--keep-candidates", q + "/sets.h5"},
      {"quickstart", "--out", q, "--json", q + "/sim.h5"},
      {"converge", "--simulator", a, "--out", q, "--json", q + "/table.csv"},
  };
  for (const Words& words : trials) {
    CAPTURE(words);
    CHECK(fails_with(run_program(words), 2, {}));
  }
  CHECK(fails_with(run_program(trials[0]), 2, {"--out and --json are the same"}));
  CHECK(fails_with(run_program({"train", "dqn", "--simulator", a, "--out", folder / "new.h5", "--json", a}), 2,
                   {"--json", "--simulator"}));
  fs::rename(a, x + ".checkpoint");  // what a training keeps and removes must not be its simulator
  CHECK(fails_with(run_program({"train", "dqn", "--simulator", x + ".checkpoint", "--out", x}), 2,
                   {"the checkpoint of --out", "--simulator"}));
  CHECK(read_text(x + ".checkpoint") == "precious");
}

TEST_CASE("an input is found behind links, dots and a folder that holds it", "[cli]") {
  const TemporaryFolder folder;
  const fs::path release = folder.path() / "d";
  fs::create_directories(release / "sub");
  SampleRelease().write(release);
  const std::string d = release.string(), log = d + "/log_standard_sample.csv", before = read_text(log);
  fs::create_symlink("d/log_standard_sample.csv", folder.path() / "soft");
  fs::create_hard_link(log, folder.path() / "hard");
  fs::create_directory_symlink("d", folder.path() / "alias");
  const std::vector<std::string> refused = {log,
                                            folder / "soft",
                                            folder / "hard",
                                            folder / "alias/log_standard_sample.csv",
                                            folder / "d/sub/../log_standard_sample.csv",
                                            d + "/user_features_sample.csv",
                                            d + "/log_standard_new.csv",  // would become a part of the release
                                            d + "/log_random_new.csv.gz",
                                            d + "/truth.json"};
  for (const std::string& out : refused) {
    CAPTURE(out);
    CHECK(fails_with(run_program({"data", "import", d, "--out", out}), 2, {"--out", "--dir", out}));
    CHECK(fails_with(run_program({"data", "stats", d, "--json", out}), 2, {"--json", "--data", out}));
  }
  CHECK(read_text(log) == before);
  // A file of another kind may lie beside the release, and be written again.
  for (int time = 0; time < 2; ++time) {
    CHECK(run_program({"data", "stats", d, "--json", d + "/stats.json", "--quiet"}).code == 0);
    CHECK(run_program({"data", "import", d, "--out", d + "/logs.h5", "--quiet"}).code == 0);
  }
  write_text(d + "/notes.txt", "precious");
  CHECK(fails_with(run_program({"data", "stats", d, "--json", d + "/notes.txt"}), 2, {"notes.txt"}));
  // Folders: the input itself, one in it, one that holds it.
  write_text(folder / "a.h5", "any");
  for (const std::string& out : {d, d + "/sub", folder.path().string(), folder / "alias"}) {
    CAPTURE(out);
    CHECK(fails_with(run_program({"generate", "--simulator", folder / "a.h5", "--data", d, "--out", out}), 2,
                     {"--out", out}));
  }
  CHECK(fails_with(run_program({"quickstart", "--data", d, "--out", d}), 2, {"--out", "--data"}));
  CHECK(fails_with(run_program({"converge", "--simulator", d, "--out", d}), 2, {"--out", "--simulator"}));
  CHECK(read_text(log) == before);
}

TEST_CASE("an output that is no file is written into or refused, and stays what it is", "[cli]") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "d");
  SampleRelease().write(folder.path() / "d");
  const std::string d = folder / "d", pipe = folder / "ff", link = folder / "out";
  REQUIRE(::mkfifo(pipe.c_str(), 0666) == 0);
  const Outcome refused = run_program({"data", "import", d, "--out", pipe});
  CHECK(fails_with(refused, 2, {pipe, "is a device, a pipe"}));
  auto read = std::async(std::launch::async, [&] { return read_text(pipe); });
  const Outcome piped = run_program({"data", "stats", d, "--json", pipe, "--quiet"});
  if (piped.code != 0) std::ofstream(pipe, std::ios::app).flush();  // let go of the reader
  CHECK(piped.code == 0);
  CHECK(nlohmann::json::parse(read.get())["rows_read"] > 0);
  fs::create_symlink("/proc/self/fd/1", link);  // its own standard output, which is a pipe here
  const Outcome printed = run_program({"data", "stats", d, "--json", link, "--quiet"});
  CHECK(printed.code == 0);
  CHECK_THAT(printed.out, Catch::Contains("\"rows_read\"") && Catch::Contains("fingerprint"));
  CHECK(fs::is_symlink(link));
  CHECK(fails_with(run_program({"data", "import", d, "--out", link}), 2, {link}));
  // Standard output that goes to a file is written on, not replaced.
  const std::string log = folder / "log.txt";
  CHECK(std::system(
            (std::string(SWIPEGYM_PROGRAM) + " data stats " + d + " --quiet --json " + link + " > " + log).c_str()) ==
        0);
  CHECK_THAT(read_text(log), Catch::Contains("\"rows_read\"") && Catch::Contains("rows a session"));
  fs::create_symlink("target.h5", folder.path() / "new");
  CHECK(run_program({"data", "import", d, "--out", folder / "new", "--quiet"}).code == 0);
  CHECK(fs::is_symlink(folder.path() / "new"));
  CHECK(fs::is_regular_file(folder.path() / "target.h5"));
  const std::string null = folder / "null";
  if (::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0 && !std::ofstream(null).fail()) {
    CHECK(fails_with(run_program({"data", "import", d, "--out", null}), 2, {null}));
    CHECK(run_program({"data", "stats", d, "--json", null, "--quiet"}).code == 0);
    CHECK(fs::is_character_file(null));
  }
  CHECK(leftovers(folder.path()) == Words{});
}

// One test case: in a process of its own each would have to fit a simulator first.
TEST_CASE("outputs around a fitted simulator", "[cli]") {
  const TemporaryFolder folder;
  SECTION("the data behind a simulator is an input, and what policies name too") {
    const std::string data = made().data, log = data + "/log_standard_tiny.csv", before = read_text(log);
    const Words generate = {"generate", "--simulator", made().simulator, "--sessions", "20"};
    CHECK(fails_with(run_program(with(generate, {"--out", data, "--replace"})), 2,
                     {"--out", "the data behind " + made().simulator}));
    CHECK(fails_with(run_program({"session", "--simulator", made().simulator, "--json", log}), 2,
                     {"--json", "the data behind"}));
    CHECK(fails_with(run_program({"bench", "--simulator", made().simulator, "--json", log}), 2, {"the data behind"}));
    CHECK(read_text(log) == before);
  }
  SECTION("a generated release is replaced by the next one, and only by a word when it is not as it was written") {
    const std::string out = folder / "log";
    const Words generate = {"generate", "--simulator", made().simulator, "--sessions", "20", "--out", out};
    Made::run(generate);
    const std::string first = read_text(out + "/log_random_generated.csv");
    Made::run(with(generate, {"--seed", "2"}));
    CHECK(read_text(out + "/log_random_generated.csv") != first);
    Made::run({"data", "stats", out});  // a reader passes the manifest over
    std::ofstream(out + "/log_random_generated.csv", std::ios::app) << "1\n";
    CHECK(fails_with(run_program(generate), 2, {"log_random_generated.csv", "--replace"}));
    Made::run(with(generate, {"--replace"}));
    CHECK(read_text(out + "/log_random_generated.csv") == first);
    fs::remove(out + "/swipegym-manifest.json");  // as an earlier version wrote it
    CHECK(fails_with(run_program(generate), 2, {"swipegym-manifest.json", "--replace"}));
    Made::run(with(generate, {"--replace"}));
    Made::run(generate);
  }
  SECTION("supervised leaves the policy alone when its tables cannot be made") {
    const std::string out = folder / "p.h5";
    write_text(out, "precious");
    const Words mf = {"supervised",       "mf",       "--data",       made().data, "--until", "20220501",
                      "--validate-until", "20220503", "--test-until", "20230101",  "--out",   out};
    CHECK(run_program(with(mf, {"--quiet"})).code == 0);
    write_text(out, "precious");
    const Words nothing = {"supervised",       "mf",       "--data",       made().data, "--until", "20220507",
                           "--validate-until", "20220508", "--test-until", "20230101",  "--out",   out};
    CHECK(fails_with(run_program(nothing), 2, {"20220509", "20230101", "--test-until"}));
    CHECK(read_text(out) == "precious");
    CHECK(fails_with(
        run_program({"supervised", "labelcraft", "--data", made().data, "--until", "20220430", "--out", out}), 2,
        {"--holdout-until"}));
    CHECK(read_text(out) == "precious");
    CHECK(leftovers(folder.path()) == Words{});
  }
  SECTION("an output that fails leaves the others of its command as they were") {
    const std::string out = folder / "sim.h5", full = folder / "full";
    if (::mknod(full.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0 || ::access(full.c_str(), W_OK) != 0) return;
    write_text(out, "precious");
    CHECK(
        run_program({"fit", "--data", made().data, "--config", made().config, "--out", out, "--json", full, "--quiet"})
            .code == 1);
    CHECK(read_text(out) == "precious");
    CHECK(leftovers(folder.path()) == Words{});
  }
  SECTION("what a killed run left goes with the next one, which says so") {
    const std::string out = folder / "sim.h5";
    write_text(folder / ".sim.h5.1234-0.part", "half");
    const Outcome next = run_program({"fit", "--data", made().data, "--config", made().config, "--out", out});
    CHECK(next.code == 0);
    CHECK_THAT(next.err, Catch::Contains("removed") && Catch::Contains(".sim.h5.1234-0.part"));
    CHECK(leftovers(folder.path()) == Words{});
  }
  SECTION("SIGTERM and SIGHUP end a run as Ctrl-C does") {
    const std::string slow = folder / "slow.json", out = folder / "sim.h5";
    write_text(slow, R"({"epochs": 1000, "max_updates": 1000000})");
    write_text(out, "precious");
    for (const auto& [sent, code, said] :
         {std::tuple{SIGTERM, 143, "ended by SIGTERM"}, std::tuple{SIGHUP, 129, "ended by SIGHUP"},
          std::tuple{SIGINT, 130, "interrupted"}}) {
      const Surroundings ended{.interrupt_after = std::chrono::milliseconds(1500), .interrupt_by = sent};
      CHECK(fails_with(run_program({"fit", "--data", made().data, "--config", slow, "--out", out, "--quiet"}, ended),
                       code, {said}));
      CHECK(read_text(out) == "precious");
      CHECK(leftovers(folder.path()) == Words{});
    }
  }
  SECTION("Ctrl-C names the checkpoint that is kept and how to go on") {
    const std::string config = folder / "long.json", out = folder / "it's.h5";
    write_text(config, R"({"env_steps": 100000000, "round_steps": 1000, "learning_starts": 500, "num_envs": 50,
      "history_length": 5, "replay_capacity": 1000, "batch": 32})");
    const Words train = {"train", "dqn", "--simulator", made().simulator, "--config", config, "--out", out, "--quiet"};
    const Outcome stopped = run_program(train, {.interrupt_after = std::chrono::milliseconds(3000)});
    CHECK(fails_with(stopped, 130,
                     {out + ".checkpoint is kept", "swipegym train dqn --simulator", "it'\\''s.h5'", "--resume"}));
    CHECK(fs::exists(out + ".checkpoint"));
  }
  SECTION("a path of any bytes is read and written") {
    const std::string odd = folder / "caf\xE9", data = odd + "/d", json = odd + "/r.json", simulator = odd + "/s.h5";
    fs::create_directory(odd);
    fs::copy(made().data, data);
    Made::run({"fit", "--data", data, "--config", made().config, "--out", simulator, "--json", odd + "/fit.json"});
    Made::run({"generate", "--simulator", simulator, "--sessions", "5", "--out", odd + "/g", "--json", json});
    const auto report = nlohmann::json::parse(read_text(json));
    CHECK(report["out"] == folder.path().string() + "/caf\\xE9/g");
    const Outcome missing = run_program({"data", "stats", odd + "/\x1B[31m\x07none"});
    CHECK(fails_with(missing, 2, {"caf\\xE9/\\x1B[31m\\x07none"}));
  }
  SECTION("a policy file may have any name") {
    const std::string comma = folder / "a,b.h5", equals = folder / "lr=3.h5", star = folder / "c[1].h5",
                      json = folder / "c.json";
    for (const std::string& path : {comma, equals, star}) fs::copy(made().policy, path);
    const std::string list = folder / "a\\,b.h5" + "," + equals + "," + star;
    Made::run({"compare", "--simulator", made().simulator, "--policies", list, "--sessions", "4", "--seeds", "1",
               "--resamples", "10", "--json", json});
    const auto report = nlohmann::json::parse(read_text(json));
    CHECK(report["config"]["policies"] == nlohmann::json{comma, equals, star});
    CHECK(report.dump().find("\"a,b\"") != std::string::npos);
    CHECK(report.dump().find("\"lr=3\"") != std::string::npos);
  }
  SECTION("without the oracle no policy has a place on the way to it") {
    const std::string json = folder / "n.json";
    Made::run({"compare", "--simulator", made().simulator, "--policies", "random", "--no-oracle", "--sessions", "4",
               "--seeds", "1", "--resamples", "10", "--json", json});
    const auto report = nlohmann::json::parse(read_text(json));
    CHECK(report["config"]["no_oracle"] == true);
    CHECK(report["simulators"][0]["policies"][0]["normalised_score"]["mean"].is_null());
  }
  SECTION("a folder as settings is named as one") {
    CHECK(fails_with(
        run_program({"fit", "--data", made().data, "--config", folder.path().string(), "--out", folder / "s"}), 2,
        {folder.path().string(), "folder"}));
  }
}

TEST_CASE("commands survive kills at random moments", "[cli]") {
  if (std::system("python3 -c 'import dataclasses' > /dev/null 2>&1") != 0) {
    WARN("skipped: no python3");
    return;
  }
  const std::string script = std::string(SWIPEGYM_SOURCE_DIR) + "/tests/cli/kills.py";
  CHECK(std::system(("python3 '" + script + "' '" + SWIPEGYM_PROGRAM + "' --short --kills 15 > /dev/null").c_str()) ==
        0);
}

}  // namespace
}  // namespace swipegym::test
