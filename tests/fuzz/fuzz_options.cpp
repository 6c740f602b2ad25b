#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/command.h"
#include "cli/day_options.h"
#include "cli/env_options.h"
#include "env/constant_user_model.h"
#include "tests/fuzz/extremes.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/target.h"

namespace swipegym::fuzz {
namespace {

// A command line is a line a word, the first one the command's name. Beside the commands stand the options that several
// share, whose words are read further than parsing does.
struct Parser {
  std::string name;
  std::vector<std::string> options;  // their names
  std::function<void(const std::vector<std::string>& words)> parse;
};

std::vector<std::string> names_of(const cli::Options& options) {
  std::vector<std::string> names;
  for (const auto& option : options.all()) names.push_back(option.name);
  return names;
}

Parser of_command(const cli::Command& command) {
  return {command.name, names_of(command.options), [command](const std::vector<std::string>& words) {
            cli::Options options = command.options;  // which remembers what it was given
            options.parse(words, command.name);
          }};
}

Parser of_env() {
  cli::Options shown;
  cli::ActSettings defaults;
  cli::add_act_options(shown, defaults);
  const auto simulator = make_constant_simulator({}, {.num_users = 3, .num_videos = 8, .history = 2});
  return {"env", names_of(shown), [simulator](const std::vector<std::string>& words) {
            cli::Options options;
            cli::ActSettings settings;
            cli::add_act_options(options, settings);
            options.parse(words, "env");
            cli::exploration(settings);
            make_env(simulator, settings.world, {.num_envs = 1, .threads = 1}, 1);
          }};
}

Parser of_days() {
  cli::Options shown;
  cli::DaySettings defaults;
  cli::add_day_options(shown, defaults, cli::DayParts::kTestOptional);
  return {"days", names_of(shown), [](const std::vector<std::string>& words) {
            cli::Options options;
            cli::DaySettings settings;
            cli::add_day_options(options, settings, cli::DayParts::kTestOptional);
            options.parse(words, "days");
            SupervisedTask task;
            cli::set_days(settings, task);
          }};
}

std::vector<Parser> make_parsers() {
  std::vector<Parser> parsers = {of_env(), of_days()};
  for (const cli::Command& command : cli::make_commands()) parsers.push_back(of_command(command));
  return parsers;
}

const Parser& parser_of(const std::vector<Parser>& parsers, const std::string& name) {
  const auto found = std::find_if(parsers.begin(), parsers.end(), [&](const Parser& p) { return p.name == name; });
  return found != parsers.end() ? *found : parsers.front();
}

std::vector<std::string> words_of(const std::string& input) {
  std::vector<std::string> words;
  std::istringstream text(input);
  for (std::string word; std::getline(text, word);) words.push_back(word);
  return words;
}

std::string any_word(RandomStream& random) {
  static constexpr const char* kWords[] = {
      "",        "-",        "--", "=",   "own", "random", "top",        "full",       "popularity", "watch_s=1",
      "like=-1", "watch_s=", "=1", "a,b", ",",   "*.h5",   "x=[a-z].h5", "gap_h=1e30", "20220501",   "\xFF\xFE"};
  return random.below(2) == 0 ? extreme_number(random)
                              : kWords[random.below(static_cast<std::uint32_t>(std::size(kWords)))];
}

std::string change_words(const std::vector<Parser>& parsers, const std::string& input, RandomStream& random) {
  if (random.below(3) == 0) return {};
  std::vector<std::string> words = words_of(input);
  if (words.empty()) words.emplace_back();
  const auto any = [&](std::size_t count) { return random.below(static_cast<std::uint32_t>(count)); };
  const Parser& parser = parser_of(parsers, words.front());
  const std::uint32_t what = random.below(8);
  if (what == 0)
    words.front() = parsers[any(parsers.size())].name;
  else if (what < 4 && !parser.options.empty())
    words.push_back("--" + parser.options[any(parser.options.size())] + "=" + any_word(random));
  else if (what == 4)
    words.push_back(any_word(random));
  else if (words.size() > 1 && what == 5)
    words.erase(words.begin() + 1 + any(words.size() - 1));
  else if (words.size() > 1) {
    std::string& word = words[1 + any(words.size() - 1)];
    word = word.substr(0, word.find('=')) + "=" + any_word(random);
  }
  std::string changed;
  for (const std::string& word : words) changed += word + '\n';
  return changed;
}

// What must be there for a command to be parsed to the end.
std::string seed_of(const cli::Command& command) {
  std::string words = command.name + '\n';
  for (const auto& option : command.options.all())
    if (option.is_required) words += "--" + option.name + "=" + (option.value == "YYYYMMDD" ? "20220501" : "1") + '\n';
  return words;
}

}  // namespace

std::vector<std::string> target_names() {
  return {"options"};
}

Target make_target(const std::string&) {
  // Outputs are looked at where one stands: no word may lead out of this folder.
  static const ScratchFolder folder;
  std::filesystem::current_path(folder.path());
  const auto parsers = std::make_shared<const std::vector<Parser>>(make_parsers());
  Target target{.seeds = {"env\n", "days\n--until=20220502\n"},
                .run =
                    [parsers](const std::string& input) {
                      std::string inside = input;
                      std::replace(inside.begin(), inside.end(), '/', '_');
                      std::vector<std::string> words = words_of(inside);
                      if (words.empty()) return;
                      const Parser& parser = parser_of(*parsers, words.front());
                      words.erase(words.begin());
                      parser.parse(words);
                    },
                .mutate = [parsers](const std::string& input,
                                    RandomStream& random) { return change_words(*parsers, input, random); }};
  for (const cli::Command& command : cli::make_commands()) target.seeds.push_back(seed_of(command));
  return target;
}

}  // namespace swipegym::fuzz
