#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/json_text.h"
#include "evaluation/supervised/supervised_models.h"
#include "tests/cli/program.h"

// Settings as they are typed: --set and --print-config, of every command that has settings.

namespace swipegym::test {
namespace {

// The commands with settings as they are called, a line for every model of 'supervised'.
std::vector<std::vector<std::string>> commands_with_settings() {
  std::vector<std::vector<std::string>> all;
  for (const cli::Command& command : cli::make_commands()) {
    if (command.settings.empty()) continue;
    const std::size_t space = command.name.find(' ');
    std::vector<std::string> words = {command.name.substr(0, space)};
    if (space != std::string::npos) words.push_back(command.name.substr(space + 1));
    if (command.name != "supervised") all.push_back(words);
    if (command.name == "supervised")
      for (const std::string& model : supervised_model_names()) all.push_back({"supervised", model});
  }
  return all;
}

// Run here, not as a process: there are fifty of them.
std::string printed(std::vector<std::string> words, const std::vector<std::string>& more) {
  std::string text;
  words.insert(words.end(), more.begin(), more.end());
  cli::run_words(words, {.print = [&text](const std::string& more_text) { text += more_text; }});
  return text;
}

TEST_CASE("what --print-config of a command prints is a whole file that --config reads back unchanged", "[cli]") {
  const TemporaryFolder folder;
  const std::string file = folder / "settings.json";
  const std::vector<std::vector<std::string>> commands = commands_with_settings();
  CHECK(commands.size() > 40);
  for (const std::vector<std::string>& command : commands) {
    CAPTURE(command);
    const std::string text = printed(command, {"--print-config"});
    write_text(file, text);
    CHECK(printed(command, {"--config", file, "--print-config"}) == text);
  }
  CHECK(leftovers(folder.path()).empty());
}

TEST_CASE("settings that are printed are those that would be used, options that set settings included", "[cli]") {
  const auto settings = [](const std::vector<std::string>& words) {
    return parse_json(printed(words, {"--print-config", "--quiet"}), "printed");
  };
  CHECK(settings({"fit", "--members", "3", "--set", "epochs=2"})["members"] == 3);
  CHECK(settings({"fit", "--set", "members=3"})["members"] == 3);
  CHECK(settings({"platform", "--days", "90"})["days"] == 90);
  CHECK(settings({"converge", "--seed", "5"})["session_seed"] == 5);
  CHECK(settings({"train", "sasrec-ppo", "--set", "env_steps=200000"})["env_steps"] == 200'000);
  CHECK(settings({"supervised", "mf", "--set", "epochs=2"})["epochs"] == 2);
  CHECK(settings({"supervised", "sasrec-next"})["objective"] == "next");
  CHECK(settings({"train", "dqn", "--set", "network_kind=full_output"}).contains("full_output_hidden"));
  CHECK_THROWS_WITH(settings({"supervised"}), Catch::StartsWith("the argument MODEL is missing"));
  CHECK_THROWS_WITH(settings({"supervised", "nobody"}), Catch::StartsWith("'nobody' is no supervised model"));
  CHECK_THROWS_WITH(settings({"train", "dqn", "--set", "n_step=200"}), Catch::Contains("setting 'n_step' is 200"));
  CHECK_THROWS_WITH(settings({"converge", "--set", "sessions=2"}), Catch::Contains("'oracle_sessions'"));
}

TEST_CASE("defaults that follow another setting follow a typed one too", "[cli]") {
  const TemporaryFolder folder;
  const std::string drawn = folder / "drawn.json", expected = folder / "expected.json";
  write_text(drawn, R"({"rewards": "drawn"})");
  write_text(expected, R"({"rewards": "expected"})");
  for (const char* agent : {"dqn", "ppo", "full-output", "sasrec-ppo"}) {
    CAPTURE(agent);
    const std::vector<std::string> train = {"train", agent};
    const std::string usual = printed(train, {"--print-config"});
    const std::string by_file = printed(train, {"--config", drawn, "--print-config"});
    CHECK(by_file != usual);
    CHECK(printed(train, {"--set", "rewards=drawn", "--print-config"}) == by_file);
    CHECK(printed(train, {"--config", expected, "--set", "rewards=drawn", "--print-config"}) == by_file);
    CHECK(printed(train, {"--config", drawn, "--set", "rewards=expected", "--print-config"}) == usual);
  }
  CHECK_THAT(printed({"train", "dqn"}, {"--print-config"}), Catch::Contains("\"discount\": 0.9,"));
  CHECK_THAT(printed({"train", "dqn"}, {"--set", "rewards=drawn", "--print-config"}),
             Catch::Contains("\"discount\": 0.5,"));
}

TEST_CASE("typed settings are refused as those of a file are, where they were typed", "[cli]") {
  const TemporaryFolder folder;
  const std::string out = folder / "x.h5";
  const auto refuses = [&](std::vector<std::string> typed, const std::vector<std::string>& parts) {
    std::vector<std::string> words = {"train", "dqn", "--simulator", "none.h5", "--out", out};
    words.insert(words.end(), typed.begin(), typed.end());
    return fails_with(run_program(words), 2, parts);
  };
  CHECK(refuses({"--set", "network.width=0"}, {"--set network.width=0: 'network.width' is 0, expected an integer"}));
  CHECK(refuses({"--set", "env_stesp=5"}, {"--set env_stesp=5: unknown key 'env_stesp', did you mean 'env_steps'?"}));
  CHECK(refuses({"--set", "batch=5", "--set", "batch=6"}, {"--set batch=6: 'batch' is set already, by --set batch=5"}));
  CHECK(refuses({"--set", "batch"}, {"--set is 'batch', expected KEY=JSON"}));
  CHECK(refuses({"--set"}, {"--set"}));
  CHECK(refuses({"--set", "env_steps=1000"}, {"none.h5: no such file"}));  // read and found right
  CHECK(refuses({"--set", "world.source=\"" + out + "\""}, {"--out", "--set world.source", "the input would be lost"}));
  CHECK(fails_with(run_program({"bench", "--simulator", "none.h5", "--set", "a=1"}), 2,
                   {"'swipegym bench' has no settings, and so no --set"}));
  CHECK(fails_with(run_program({"compare", "--print-config"}), 2, {"'swipegym compare' has no settings"}));
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("help COMMAND is COMMAND --help", "[cli]") {
  CHECK(run_program({"help", "compare"}).out == run_program({"compare", "--help"}).out);
  CHECK(run_program({"help", "train", "dqn"}).out == run_program({"train", "dqn", "--help"}).out);
  CHECK(run_program({"help", "data"}).out == run_program({"data", "--help"}).out);
  CHECK(run_program({"help"}).out == run_program({"--help"}).out);
  CHECK(run_program({"help", "help"}).out == run_program({"--help"}).out);
  CHECK(fails_with(run_program({"help", "compere"}), 2, {"unknown command 'compere', did you mean 'compare'?"}));
}

}  // namespace
}  // namespace swipegym::test
