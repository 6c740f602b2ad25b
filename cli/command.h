#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/options.h"
#include "core/config.h"
#include "core/given_settings.h"
#include "core/memory_budget.h"
#include "core/output_part.h"
#include "core/progress.h"

namespace swipegym::cli {

class ProgressBar;
struct BroughtObjects;

/// Where commands run when they do not run in a terminal: inside another program.
struct Host {
  std::function<void(const std::string&)> print{};    // is given the results; empty: they go to stdout
  std::function<void()> check_interrupt{};            // may throw Interrupted; called as often as there is progress
  std::function<void(const std::string&)> on_line{};  // is given a training's curve, a line of JSON as it comes; may
                                                      // throw Interrupted
  const BroughtObjects* brought = nullptr;            // objects that words stand for, see brought_objects.h
  Json config{};                                      // settings in place of a file of --config; null: none
};

/// What a running command is given besides its own options.
class Run {
 public:
  std::string command;  // its name
  int threads = 0;      // 0: all
  bool quiet = false;
  std::uint64_t seed = 1;
  std::filesystem::path json_path;    // empty: no --json
  std::filesystem::path config_path;  // empty: no --config
  std::vector<TypedSetting> typed;    // by --set
  bool prints_config = false;         // --print-config
  std::string memory_limit;           // empty: no --memory-limit
  Progress progress;                  // hand this to all long work: it draws the bar and throws Interrupted on Ctrl-C

  /// What --config and --set say.
  GivenSettings given_settings() const;
  /// The same read into a struct of settings (see core/config.h), with its defaults for the rest.
  template <class Config>
  Config read_config(Config defaults = {}) const {
    return given_settings().read(std::move(defaults));
  }

  /// A result, on stdout.
  template <class... T>
  void print(fmt::format_string<T...> format, T&&... values) const {
    print_text(fmt::format(format, std::forward<T>(values)...));
  }
  /// A remark for the person, on stderr; silent with --quiet.
  template <class... T>
  void note(fmt::format_string<T...> format, T&&... values) const {
    note_text(fmt::format(format, std::forward<T>(values)...));
  }
  void print_text(const std::string& text) const;
  void note_text(const std::string& text) const;

  /// Says that an input is read which no option names, before it is: throws InputError when an output would replace it.
  void reads(const std::string& what, const std::filesystem::path& path) const;
  /// The checkpoint of this run, to be removed when its outputs are there.
  void remove_at_end(const std::filesystem::path& checkpoint) const;

  /// Writes `result` with {command, config, seed, data_fingerprint, build} to --json, whole or not at all; nothing
  /// without --json. `result` is what the table shows, unrounded.
  void write_json(Json result, const Json& config, std::uint64_t data_fingerprint) const;
  /// The same to a file of one's own, as if `by` had been the command.
  void write_result(const std::filesystem::path& path, const std::string& by, Json result, const Json& config,
                    std::uint64_t data_fingerprint) const;

  /// What the command is about to allocate: a remark above 4 GiB, InputError beyond --memory-limit.
  void require_memory(const MemoryBudget& budget) const;

  /// Throws Interrupted once Ctrl-C was pressed. Progress does this too; for loops that report no progress.
  void check_interrupt() const;

  /// True when the person gave this option.
  bool given(std::string_view option) const { return options != nullptr && options->given(option); }

  const Options* options = nullptr;
  const Host* host = nullptr;
  FileUse files;                   // all that the options name
  OutputGroup* outputs = nullptr;  // they appear together, when the command ends
  std::shared_ptr<ProgressBar> bar;
};

/// The settings that a command's --config may set: those of one struct and its defaults, named as the command is, or,
/// where a command takes several, as what it trains is.
struct SettingsPage {
  std::string name;
  std::function<std::vector<FieldLine>()> fields;
  std::function<void(const Json& settings, const std::string& where)> check;  // InputError for what no file may say
};
template <class Config>
SettingsPage settings_page(std::string name, Config defaults = {}) {
  return {.name = std::move(name),
          .fields = [defaults] { return list_fields(defaults); },
          .check = [](const Json& settings, const std::string& where) { config_from_json<Config>(settings, where); }};
}

/// Where a command stands in `swipegym --help`, in this order.
enum class CommandGroup : std::uint8_t { kStart, kData, kSimulator, kLearn, kTools };

/// A command of the program. Make one in cli/command_<name>.cpp by a function
///   void add_<name>_commands(std::vector<Command>& table);
/// and name <name> in cli/CMakeLists.txt; nothing else is needed. Options are bound to variables that `run` owns too:
///
///   void add_fit_commands(std::vector<Command>& table) {
///     auto settings = std::make_shared<FitSettings>();
///     Command command{.name = "fit", .group = CommandGroup::kSimulator, .summary = "fit a user simulator to a log"};
///     command.about = "Fits ... . Writes ... .";
///     command.examples = {"swipegym fit --data out/pure --until 20220504 --out sim.h5"};
///     command.next = "swipegym fidelity --simulator sim.h5 --data out/pure --from 20220505";
///     command.options.group("Input").input("data", settings->data, "DIR|FILE", "...");
///     command.options.group("Output").output("out", settings->out, "FILE", "...", Writing::kBinary);
///     command.run = [settings](Run& run) { ... };
///     table.push_back(std::move(command));
///   }
struct Command {
  std::string name;  // one word, or two: "data import"
  CommandGroup group = CommandGroup::kTools;
  std::string summary;                      // one line, for the list of commands
  std::string about{};                      // two sentences, for the help page
  std::vector<std::string> former_names{};  // what it was called before: these work too, with a remark
  std::vector<std::string> examples{};
  std::string next{};  // a command line: what one types afterwards
  Options options{};
  bool uses_seed = true;                                  // has --seed
  bool has_curve = false;                                 // trains, and can be listened to: see cli/training_log.h
  bool goes_on = false;                                   // interrupted, the same line goes on in its work folder
  std::vector<SettingsPage> settings{};                   // not empty: has --config, --set and --print-config
  std::function<Json(const Run&)> used_settings{};        // that it would run with; wherever there are `settings`
  std::function<void(const Run&, FileUse&)> also_uses{};  // adds what it reads and writes besides what options name
  std::function<void(Run&)> run{};
};

/// All commands, in the order of cli/CMakeLists.txt (the list is generated there).
std::vector<Command> make_commands();

/// Runs the program on its arguments (without argv[0]) and returns its exit code: 0 success, 1 failure at run time, 2
/// bad input or usage, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. Prints one line on stderr for every failure.
int run_program(const std::vector<std::string>& words);

/// The same inside another program, which hears of failures by InputError, SystemError and Interrupted.
void run_words(const std::vector<std::string>& words, const Host& host);

/// The text of `swipegym COMMAND --help`, common options included.
std::string help_page(const Command& command);

/// Tables of the settings of a command, or of every command for "": key, default and range, in Markdown.
std::string settings_text(const std::string& command);

/// "swipegym 0.1.0 (git 1a2b3c4, g++ 12.2.0, avx2+fma, release)".
std::string build_text();
/// "0.1.0".
std::string version_text();
/// As JSON has it: 16 hexadecimal digits.
std::string fingerprint_text(std::uint64_t fingerprint);

}  // namespace swipegym::cli
