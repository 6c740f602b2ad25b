#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cli/file_use.h"
#include "core/json_text.h"
#include "core/range.h"

namespace swipegym::cli {

/// The options of one command: each is bound to a variable whose value is the default. Parsing is
/// Boost.Program_options' (long options only, no abbreviations); values are converted here, and a number lies in the
/// range its option states. What is read and what is written is said as input() and output(): a command begins when all
/// of it has been held against each other, see file_use.h.
///
///   options.group("Input")
///       .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
///       .date("until", settings->until, "rows up to this day are fitted")
///       .group("Model")
///       .add("sessions", settings->sessions, between(1, 1'000'000), "N", "sessions to make");
class Options {
 public:
  using Path = std::filesystem::path;

  struct Option {
    std::string name;      // without dashes
    std::string value;     // what stands for the value in the help page ("N"); empty for a flag
    std::string help;      // with its unit
    std::string fallback;  // the default as text; empty when there is none to show
    std::string range;     // of a number: "1 to 1000"
    std::string expected;  // of a number: "an integer from 1 to 1000"
    std::string group;
    std::vector<std::string> former{};  // names it had, which go on working
    bool is_required = false;
    bool is_positional = false;
    bool is_repeated = false;  // may be given several times; `set` is given each
    std::function<void(const std::string& text)> set;
    std::function<Json()> json;               // where it stands
    std::function<void(FileUse& use)> files;  // after parsing: adds what it names to the command's files
  };

  /// Whether required options may be absent: arguments without dashes never may.
  enum class Missing : std::uint8_t { kRefused, kAllowed };

  /// The heading of the options that follow.
  Options& group(std::string title);

  template <Number T>
  Options& add(std::string name, T& target, const Range& range, std::string value, std::string help);
  /// T: string, or vector<string> (separated by commas; "\," is a comma in a word). Paths are inputs or outputs.
  template <class T>
  requires(!Number<T>) Options& add(std::string name, T& target, std::string value, std::string help) {
    static_assert(!std::is_same_v<T, Path>, "say input() or output()");
    return push(make(std::move(name), target, std::move(value), std::move(help)));
  }
  /// An argument without dashes, given in this order: `swipegym data import DIR`. `--name` works as well.
  template <class T>
  Options& positional(std::string name, T& target, std::string value, std::string help, bool is_required = true) {
    static_assert(!std::is_same_v<T, Path>, "say positional_input()");
    Option option = make(std::move(name), target, std::move(value), std::move(help));
    option.is_required = is_required;
    option.is_positional = true;
    return push(std::move(option));
  }
  /// Of the option before: what its text must be beyond that, or InputError.
  Options& checked(std::function<void(const std::string& text)> check);
  /// Text that `set` reads; `fallback` stands for the default.
  Options& text(std::string name, std::string value, std::string fallback, std::string help,
                std::function<void(const std::string& text)> set);
  /// The same, given as often as one likes.
  Options& repeated(std::string name, std::string value, std::string help,
                    std::function<void(const std::string& text)> set);
  /// Of the option before: a name it had. It goes on working, with a remark.
  Options& formerly(std::string name);
  Options& positional_input(std::string name, Path& target, std::string value, std::string help);
  Options& flag(std::string name, bool& target, std::string help);
  /// A day as YYYYMMDD, checked to be one.
  Options& date(std::string name, std::int32_t& target, std::string help, bool is_required = false);
  /// One of the words.
  Options& choice(std::string name, std::string& target, std::vector<std::string> words, std::string help);
  /// A file or folder to read. T: path, or string and vector<string> for words that may be names or files of policies.
  template <class T>
  Options& input(std::string name, T& target, std::string value, std::string help, bool is_required = true) {
    Option option = make(std::move(name), target, std::move(value), std::move(help));
    option.is_required = is_required;
    if (is_required) option.fallback.clear();
    option.files = [&target, shown = "--" + option.name](FileUse& use) { add_inputs(use, shown, target); };
    return push(std::move(option));
  }
  /// A file or folder to write: checked to be writable before the command runs, so that nobody waits for an error.
  /// `settle` may say how it is written where other options decide that.
  Options& output(std::string name, Path& target, std::string value, std::string help, Writing writing,
                  bool is_required = true, std::function<void(OutputUse& use)> settle = {});

  /// Converts the words after the command's name. Throws InputError for an unknown option (with the nearest known one),
  /// a missing or bad value, or a required option that is absent. `command` is named in the messages.
  void parse(const std::vector<std::string>& words, const std::string& command, Missing missing = Missing::kRefused);

  /// All that the options name to be read and written.
  FileUse files() const;

  const std::vector<Option>& all() const noexcept { return options_; }
  /// True when the person gave it.
  bool given(std::string_view name) const;
  /// Where options stand, by their names with _ for -.
  Json values(std::initializer_list<std::string_view> names) const;

 private:
  static Option describe(std::string name, std::string value, std::string help, std::string fallback);
  template <class T>
  static Option make(std::string name, T& target, std::string value, std::string help);
  Options& push(Option option);
  static void add_inputs(FileUse& use, const std::string& option, const Path& path);
  static void add_inputs(FileUse& use, const std::string& option, const std::string& word);
  static void add_inputs(FileUse& use, const std::string& option, const std::vector<std::string>& words);

  std::string group_ = "Options";
  std::vector<Option> options_;
  std::vector<std::string> given_;
};

/// The words between commas that are not empty; "\," is a comma in a word, and "\\" a backslash. InputError when there
/// is none.
std::vector<std::string> split_list(const std::string& name, const std::string& text);

template <class T>
Options::Option Options::make(std::string name, T& target, std::string value, std::string help) {
  std::string fallback;
  if constexpr (std::is_same_v<T, std::string>)
    fallback = target;
  else if constexpr (std::is_same_v<T, Path>)
    fallback = target.string();
  else
    for (const std::string& item : target) fallback += (fallback.empty() ? "" : ",") + item;
  Option option = describe(std::move(name), std::move(value), std::move(help), std::move(fallback));
  option.set = [&target, name = "--" + option.name](const std::string& text) {
    if constexpr (std::is_same_v<T, std::vector<std::string>>)
      target = split_list(name, text);
    else
      target = text;
  };
  option.json = [&target] {
    if constexpr (std::is_same_v<T, Path>)
      return Json(target.string());
    else
      return Json(target);
  };
  return option;
}

template <Number T>
Options& Options::add(std::string name, T& target, const Range& range, std::string value, std::string help) {
  const std::string fallback =
      std::is_integral_v<T> ? fmt::format("{}", target) : fmt::format("{:.6g}", static_cast<double>(target));
  Option option = describe(std::move(name), std::move(value), std::move(help), fallback);
  option.range = range.text<T>();
  option.expected = range.expected<T>();
  option.set = [&target, range, name = "--" + option.name](const std::string& text) {
    target = parse_number<T>(name, text, range);
  };
  option.json = [&target] { return Json(target); };
  return push(std::move(option));
}

}  // namespace swipegym::cli
