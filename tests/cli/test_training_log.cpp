#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cli/progress_bar.h"
#include "cli/training_log.h"
#include "core/error.h"
#include "tests/cli/program.h"

// What --log DIR leaves, and how it goes on.

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;
using test::read_text;
using test::TemporaryFolder;
using test::write_text;
using Words = std::vector<std::string>;

const std::vector<CurveColumn> kColumns = {{"epoch", "passes", "epoch"}, {"loss", "mean", "loss"}};

Json line_of(int epoch) {
  return {{"epoch", epoch}, {"loss", epoch / 3.0}};
}

TrainingHead head_of(std::uint64_t seed = 1) {
  return {.command = "train toy", .out = "toy.h5", .seed = seed, .data_fingerprint = 7, .config = {{"rate", 0.1}}};
}

// The lines of a folder's log after the first; the seconds are looked at and taken out.
std::vector<Json> lines_in(const fs::path& folder, Json* head = nullptr) {
  std::vector<Json> lines;
  const std::string text = read_text(folder / kTrainingLogName);
  CHECK(text.back() == '\n');
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(Json::parse(text.substr(begin, end - begin)));
  if (head != nullptr) *head = lines.at(0);
  lines.erase(lines.begin());
  for (Json& line : lines) {
    CHECK(line.contains("elapsed_s"));
    line.erase("elapsed_s");
  }
  return lines;
}

// Trains from after `done` epochs up to `epochs`.
void train(const fs::path& folder, int done, int epochs, bool resume, std::uint64_t seed = 1) {
  const Run run;
  TrainingLog log(run, folder, head_of(seed), resume);
  const CurveListener curve = log.listener();
  std::vector<Json> earlier;
  for (int epoch = 1; epoch <= done; ++epoch) earlier.push_back(line_of(epoch));
  curve.begin(kColumns, earlier);
  for (int epoch = done + 1; epoch <= epochs; ++epoch) curve.add(line_of(epoch));
}

TEST_CASE("a log has which training it is, what its columns mean, and a line as soon as it comes", "[cli]") {
  const TemporaryFolder folder;
  const fs::path place = folder.path() / "a" / "b";
  const Run run;
  TrainingLog log(run, place, head_of(), false);
  const CurveListener curve = log.listener();
  CHECK_FALSE(log.has_begun());
  curve.begin(kColumns, {});
  CHECK(log.has_begun());
  curve.add(line_of(1));
  Json head;
  CHECK(lines_in(place, &head) == std::vector<Json>{line_of(1)});  // while it is open
  CHECK(head["progress"] == 1);
  CHECK(head["command"] == "train toy");
  CHECK(head["config"] == Json{{"rate", 0.1}});
  CHECK(head["data_fingerprint"] == "0000000000000007");
  CHECK(head["step"] == "epoch");
  CHECK(head["columns"]["loss"] == "mean");
  CHECK_THROWS_WITH(train(place, 0, 1, true), Catch::Contains("another command is at work there"));
}

TEST_CASE("a resumed training's log has the lines of an unbroken one", "[cli]") {
  const TemporaryFolder folder;
  const fs::path place = folder.path() / "log";
  const std::vector<Json> whole = {line_of(1), line_of(2), line_of(3), line_of(4)};
  train(place, 0, 3, false);
  SECTION("lines behind the checkpoint go") {
    train(place, 1, 4, true);
  }
  SECTION("a line that was cut short goes") {
    write_text(place / kTrainingLogName, read_text(place / kTrainingLogName) + R"({"epoch": 4, "lo)");
    train(place, 3, 4, true);
  }
  SECTION("what a checkpoint knows and the log does not is added") {
    fs::remove(place / kTrainingLogName);
    train(place, 3, 4, true);
  }
  SECTION("without a checkpoint it begins anew") {
    train(place, 0, 4, true);
  }
  CHECK(lines_in(place) == whole);
  CHECK(test::leftovers(place).empty());
}

TEST_CASE("the seconds of a log go on where a training does", "[cli]") {
  const TemporaryFolder folder;
  train(folder.path(), 0, 2, false);
  const fs::path path = folder.path() / kTrainingLogName;
  std::string text = read_text(path);
  const std::size_t at = text.rfind("\"elapsed_s\":");
  write_text(path, text.substr(0, at) + "\"elapsed_s\":1000.5}\n");
  train(folder.path(), 2, 3, true);
  text = read_text(path);
  CHECK(text.find("\"elapsed_s\":1000.5}\n") != std::string::npos);
  CHECK(Json::parse(text.substr(text.rfind('{')))["elapsed_s"].get<double>() >= 1000.5);
  CHECK(Json::parse(text.substr(0, text.find('\n')))["seconds_before"] == 1000.5);
}

TEST_CASE("a log of anything else is refused and stays as it is", "[cli]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / kTrainingLogName;
  train(folder.path(), 0, 2, false);
  const std::string text = read_text(path);
  CHECK_THROWS_WITH(require_new_log(folder.path(), false), Catch::Contains("an earlier training"));
  CHECK_THROWS_AS(train(folder.path(), 0, 2, false), InputError);
  CHECK_THROWS_WITH(train(folder.path(), 1, 2, true, /*seed=*/2), Catch::Contains("whose seed is 1, not 2"));
  CHECK(read_text(path) == text);

  write_text(path, text.substr(0, text.find("0.66")) + "0.5,\"elapsed_s\":1}\n");  // the second line's loss
  CHECK_THROWS_WITH(train(folder.path(), 2, 3, true), Catch::Contains("line 3 is not that of the training"));
  CHECK_NOTHROW(train(folder.path(), 1, 3, true));  // the checkpoint knows one line, which is the same

  const std::string head = text.substr(0, text.find('\n') + 1);
  for (const std::string& other :
       {head + "[1]\n", head + "null\n", std::string(), std::string("\n"), std::string("[]\n"), std::string("{}\n"),
        std::string("{\"progress\":2}\n"), std::string("{\"progress\":1}\n"), std::string("watch,like\n")}) {
    CAPTURE(other);
    write_text(path, other);
    CHECK_THROWS_AS(train(folder.path(), 1, 2, true), InputError);
    CHECK(read_text(path) == other);
  }
  fs::remove(path);
  fs::create_directory(path);
  CHECK_THROWS_WITH(require_new_log(folder.path(), true), Catch::Contains("is no file"));
}

TEST_CASE("a full disk ends a training with a word about its log", "[cli]") {
  const TemporaryFolder folder;
  const auto before = signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit limit{4096, unlimited.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  std::string message;
  try {
    train(folder.path(), 0, 500, false);
  } catch (const SystemError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, before);
  CHECK_THAT(message, Catch::Contains("progress.jsonl: write failed") && Catch::Contains("the training ends here"));
}

/// A synthetic log, made once in a process; agents learn in its truth.
const std::string& synthetic() {
  static const TemporaryFolder folder;
  static const std::string data = [] {
    const test::Outcome outcome = test::run_program(
        {"data", "synth", "--preset", "tiny", "--seed", "3", "--rows", "20000", "--out", folder / "data", "--quiet"});
    REQUIRE(outcome.code == 0);
    return folder / "data";
  }();
  return data;
}

test::Outcome run(Words words, const Words& more = {}, const test::Surroundings& surroundings = {}) {
  words.insert(words.end(), more.begin(), more.end());
  words.push_back("--quiet");
  return test::run_program(words, surroundings);
}

TEST_CASE("the lines of a training are the rounds of its JSON, interrupted or not", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "c.json", R"({"world": {"num_envs": 64, "history_length": 10}, "env_steps": 8192,
    "round_steps": 1024, "evaluation_sessions": 0, "constraints": [{"signal": "like", "at_least": 0.005}]})");
  const Words words = {"train",           "lagrangian",   "--simulator", synthetic(),      "--config",
                       folder / "c.json", "--seed",       "5",           "--out",          folder / "p.h5",
                       "--log",           folder / "log", "--json",      folder / "p.json"};
  const test::Outcome outcome = run(words);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json rounds = Json::parse(read_text(folder / "p.json"))["rounds"];
  REQUIRE(rounds.size() == 8);
  CHECK(rounds[0].contains("kl"));
  CHECK(rounds[0].contains("multipliers.like"));
  Json head;
  CHECK(Json(lines_in(folder / "log", &head)) == rounds);
  CHECK(head["config"] == Json::parse(read_text(folder / "p.json"))["config"]);
  CHECK(head["columns"].size() == rounds[0].size() + 1);

  CHECK(test::fails_with(run(words), 2, {"progress.jsonl", "an earlier training", "--resume"}));
  fs::remove_all(folder / "log");
  fs::create_directory(folder / "log");
  Words onto_the_log = words;
  std::replace(onto_the_log.begin(), onto_the_log.end(), folder / "p.json", folder / "log/progress.jsonl");
  CHECK(test::fails_with(run(onto_the_log), 2, {"--json", "is where the log of the training is written"}));
  fs::remove(folder / "p.h5");  // or there is nothing to go on with
  const test::Outcome killed = run(words, {}, {.interrupt_after = std::chrono::milliseconds(400)});
  if (killed.code == 130) {  // else it was through before
    INFO(killed.err);
    REQUIRE(run(words, {"--resume"}).code == 0);
  }
  CHECK(Json(lines_in(folder / "log")) == rounds);
}

TEST_CASE("the lines of a supervised training are the epochs of its JSON, a folder a seed", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "c.json", R"({"epochs": 2, "factors": 2})");
  const Words days = {"--data", synthetic(), "--until", "20220501", "--validate-until", "20220503"};
  Words words = {"supervised", "mf", "--config", folder / "c.json", "--json", folder / "p.json"};
  words.insert(words.end(), days.begin(), days.end());
  REQUIRE(run(words, {"--seeds", "2", "--seed", "4", "--out", folder / "p.h5", "--log", folder / "log"}).code == 0);
  const Json runs = Json::parse(read_text(folder / "p.json"))["runs"];
  for (std::size_t s = 0; s < 2; ++s) {
    Json head;
    CHECK(Json(lines_in(folder.path() / "log" / (s == 0 ? "s4" : "s5"), &head)) == runs[s]["epochs"]);
    CHECK(head["seed"] == 4 + s);
  }
  write_text(folder / "file", "");
  CHECK(test::fails_with(run(words, {"--out", folder / "q.h5", "--log", folder / "file"}), 2,
                         {"/file: is a file", "a folder"}));
}

TEST_CASE("trainings that count updates have a line every hundredth of them", "[cli]") {
  const TemporaryFolder folder;
  write_text(folder / "fit.json", R"({"max_updates": 5})");
  write_text(folder / "ranker.json", R"({"epochs": 0.1})");
  REQUIRE(run({"fit", "--data", synthetic(), "--config", folder / "fit.json", "--out", folder / "sim.h5", "--log-dir",
               folder / "fit", "--json", folder / "fit.out.json"})
              .code == 0);
  REQUIRE(run({"supervised", "ranker", "--data", synthetic(), "--until", "20220501", "--config", folder / "ranker.json",
               "--out", folder / "r.h5", "--log", folder / "ranker", "--json", folder / "ranker.out.json"})
              .code == 0);
  const std::vector<Json> fit = lines_in(folder / "fit");
  CHECK(fit.size() == 5);
  CHECK(Json(fit) == Json::parse(read_text(folder / "fit.out.json"))["curve"]);
  const std::vector<Json> ranker = lines_in(folder / "ranker");
  CHECK(ranker.back()["update"].get<int>() > 1);
  CHECK(Json(ranker) == Json::parse(read_text(folder / "ranker.out.json"))["runs"][0]["curve"]);
}

/// What is written to stderr while it lives goes into a file.
class CaughtStderr {
 public:
  explicit CaughtStderr(const std::string& path) : path_(path), before_(dup(STDERR_FILENO)) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~CaughtStderr() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  std::string text() const { return read_text(path_); }

 private:
  std::string path_;
  int before_;
};

TEST_CASE("a file gets lines of progress, with the latest figures, and hears that silent work goes on", "[cli]") {
  const TemporaryFolder folder;
  const CaughtStderr caught(folder / "stderr");
  using std::chrono::milliseconds;
  {
    ProgressBar bar(/*quiet=*/false, {.first = milliseconds(0), .silence = milliseconds(300), .period = [](auto) {
                                        return milliseconds(0);
                                      }});
    bar.tell("loss 0.5");  // of the stage before: gone when another begins
    bar.update("training", 3, 12);
    for (int i = 0; i < 1000 && caught.text().find("at work") == std::string::npos; ++i)
      std::this_thread::sleep_for(milliseconds(10));
  }
  ProgressBar(/*quiet=*/true, {.first = milliseconds(0)}).update("training", 3, 12);
  CHECK_THAT(caught.text(), Catch::StartsWith("training  25 %\nat work for 0:00; last: training  25 %\n"));
  ProgressBar bar(/*quiet=*/false, {.first = milliseconds(150)});
  bar.update("fitting", 0, 10);
  bar.tell("loss 0.25");
  std::this_thread::sleep_for(milliseconds(160));
  bar.update("fitting", 5, 10);
  CHECK_THAT(caught.text(), Catch::Contains("\nfitting  50 %") && Catch::EndsWith("left  loss 0.25\n"));  // with ETA
}

TEST_CASE("a file gets a line of progress soon, and then now and then", "[cli]") {
  using std::chrono::milliseconds;
  CHECK(line_period(milliseconds(0)) == milliseconds(3'000));
  CHECK(line_period(milliseconds(45'000)) == milliseconds(15'000));
  CHECK(line_period(milliseconds(86'400'000)) == milliseconds(30'000));
}

}  // namespace
}  // namespace swipegym::cli
