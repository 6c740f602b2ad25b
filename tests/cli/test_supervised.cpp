#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.h"

// `supervised`, `tables` and `score` as a person meets them, on a small synthetic log.

namespace swipegym::test {
namespace {

struct SmallLog {
  TemporaryFolder folder;
  std::string data = folder / "data", popular = folder / "popular.h5", mf = folder / "mf.h5",
              quick = folder / "mf.json";

  SmallLog() {
    const Outcome synth = run_program({"data", "synth", "--preset", "tiny", "--seed", "3", "--out", data, "--quiet"});
    INFO(synth.err);
    REQUIRE(synth.code == 0);
    write_text(quick, R"({"epochs": 3, "factors": 2})");
    REQUIRE(run_program({"supervised", "popularity", "--data", data, "--until", "20220501", "--out", popular}).code ==
            0);
    const Outcome made = run_program({"supervised", "mf", "--data", data, "--until", "20220501", "--validate-until",
                                      "20220503", "--config", quick, "--out", mf, "--seeds", "1"});
    INFO(made.err);
    REQUIRE(made.code == 0);
  }
};

const SmallLog& small_log() {
  static const SmallLog made;
  return made;
}

TEST_CASE("scores of two policies make the tables again, by a judge that shares no code", "[cli]") {
  const TemporaryFolder out;
  const std::string json = out / "tables.json",
                    judge = std::string(SWIPEGYM_SOURCE_DIR) + "/tests/judge/ranking_metrics.py";
  const Outcome tables =
      run_program({"tables", "--data", small_log().data, "--policies", small_log().popular + "," + small_log().mf,
                   "--until", "20220501", "--validate-until", "20220503", "--test-until", "20220508", "--resamples",
                   "20", "--json", json, "--quiet"});
  INFO(tables.err);
  REQUIRE(tables.code == 0);
  const auto program = nlohmann::json::parse(read_text(json));
  if (std::system("python3 -c 'import csv' > /dev/null 2>&1") != 0) {
    WARN("skipped: no python3");
    return;
  }
  const auto figure = [&](const char* table, const std::string& policy, const char* key) {
    for (const auto& line : program.at("tables").at(table).at("lines"))
      if (line.at("policy") == policy) return line.at("figures").at(key).at("mean").get<double>();
    throw std::out_of_range(policy);
  };
  for (const std::string& policy : {small_log().popular, small_log().mf}) {
    const std::string name = std::filesystem::path(policy).stem().string();
    const std::string scores = out / (name + ".csv"), judged = out / (name + ".json");
    REQUIRE(
        run_program({"score", "--policy", policy, "--data", small_log().data, "--from", "20220504", "--out", scores})
            .code == 0);
    REQUIRE(std::system(("python3 '" + judge + "' --data '" + small_log().data + "' --scores '" + scores + "' > '" +
                         judged + "'")
                            .c_str()) == 0);
    const auto other = nlohmann::json::parse(read_text(judged));
    CAPTURE(name);
    CHECK(other.at("rows") == program.at("rows"));
    CHECK(other.at("users") == program.at("users"));
    CHECK(figure("binary", name, "auc") == Approx(other.at("auc").get<double>()).epsilon(1e-7));
    CHECK(figure("binary", name, "gauc") == Approx(other.at("gauc").get<double>()).epsilon(1e-6));
    CHECK(figure("ranking", name, "nwtg_10") == Approx(other.at("nwtg_10").get<double>()).epsilon(1e-5));
    CHECK(figure("ranking", name, "ds_10") == Approx(other.at("ds_10").get<double>()).epsilon(1e-5));
    CHECK(figure("ranking", name, "neg_10") == Approx(other.at("neg_10").get<double>()).epsilon(1e-5));
  }
}

TEST_CASE("scores stand in the order of the log's files", "[cli]") {
  const TemporaryFolder out;
  const std::string scores = out / "scores.csv";
  REQUIRE(run_program(
              {"score", "--policy", small_log().mf, "--data", small_log().data, "--from", "20220504", "--out", scores})
              .code == 0);
  std::istringstream text(read_text(scores));
  std::string line;
  REQUIRE(std::getline(text, line));
  CHECK(line == "user_id,video_id,time_ms,score,head");
  std::size_t lines = 0;
  for (; std::getline(text, line); ++lines) CHECK(line.ends_with(",watch_ratio"));
  CHECK(lines > 100);
}

TEST_CASE("rows of videos never met and of users without history are scored, and counted", "[cli]") {
  const TemporaryFolder out;
  const std::string early = out / "early.h5", scores = out / "scores.csv", json = out / "score.json";
  REQUIRE(run_program({"supervised", "mf", "--data", small_log().data, "--until", "20220409", "--config",
                       small_log().quick, "--out", early})
              .code == 0);
  REQUIRE(run_program({"score", "--policy", early, "--data", small_log().data, "--from", "20220410", "--out", scores,
                       "--json", json})
              .code == 0);
  const auto told = nlohmann::json::parse(read_text(json));
  CHECK(told.at("rows_of_unmet_videos") > 0);
  CHECK(told.at("rows_without_history") > 0);
  CHECK(told.at("rows_of_unmet_videos") < told.at("rows"));
  CHECK(read_text(scores).find("nan") == std::string::npos);
}

TEST_CASE("a supervised policy runs in the simulator beside the others", "[cli]") {
  const TemporaryFolder out;
  const std::string simulator = out / "sim.h5", quick = out / "quick.json";
  write_text(quick, R"({"max_updates": 5})");
  REQUIRE(run_program({"fit", "--data", small_log().data, "--until", "20220501", "--config", quick, "--out", simulator})
              .code == 0);
  const Outcome compared =
      run_program({"compare", "--simulator", simulator, "--policies", "random,oracle," + small_log().mf, "--sessions",
                   "20", "--seeds", "1", "--resamples", "20"});
  INFO(compared.err);
  CHECK(compared.code == 0);
  CHECK(compared.out.find("mf") != std::string::npos);
}

TEST_CASE("what can go wrong in supervised learning is said in one line", "[cli]") {
  const TemporaryFolder out;
  const std::string file = out / "x.h5", data = small_log().data;
  const auto train = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"supervised", "mf", "--data", data, "--out", file, "--until", "20220501"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  };
  CHECK(fails_with(run_program({"supervised", "oracle", "--data", data, "--until", "20220501", "--out", file}), 2,
                   {"'oracle' is no supervised model", "mf", "two-tower"}));
  CHECK(fails_with(train({"--validate-until", "20220430"}), 2, {"--validate-until is 20220430", "after 20220501"}));
  CHECK(fails_with(train({"--search", out / "none.json"}), 2, {"none.json"}));
  write_text(out / "bad.json", R"({"ranges": {"factors": {"between": [1, 2]}}})");
  CHECK(fails_with(train({"--validate-until", "20220503", "--search", out / "bad.json"}), 2, {"factors", "uniform"}));
  write_text(out / "wide.json", R"({"ranges": {"depth": {"integer": [1, 2]}}})");
  CHECK(fails_with(train({"--validate-until", "20220503", "--search", out / "wide.json"}), 2, {"'depth'"}));
  write_text(out / "huge.json", R"({"learning_rate": 10, "weight_decay": 1000, "epochs": 2})");
  CHECK(fails_with(train({"--config", out / "huge.json"}), 1, {"diverged", "learning_rate"}));
  CHECK_FALSE(std::filesystem::exists(file));
  // A checkpoint of another model.
  write_text(file + ".checkpoint", "not a checkpoint");
  CHECK(fails_with(train({"--resume"}), 2, {"checkpoint"}));
  CHECK(fails_with(
      run_program({"score", "--policy", data + "/truth.json", "--data", data, "--from", "20220504", "--out", file}), 2,
      {"truth.json"}));
  CHECK(fails_with(
      run_program({"score", "--policy", small_log().mf, "--data", data, "--from", "20300101", "--out", file}), 2,
      {"20300101"}));
}

}  // namespace
}  // namespace swipegym::test
