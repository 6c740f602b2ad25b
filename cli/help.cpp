#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace swipegym::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::array<std::string_view, 5> kGroupTitles = {"Start here", "Data", "Simulator", "Policies", "Tools"};

/// Breaks at spaces; every line after the first begins with `indent` spaces.
std::string wrap(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string out, word;
  std::size_t column = indent;
  while (words >> word) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ', ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string left_column(const Options::Option& option) {
  if (option.is_positional) return option.value;
  return "--" + option.name + (option.value.empty() ? "" : " " + option.value);
}

std::string usage_line(const Command& command) {
  std::string line = "usage: swipegym " + command.name;
  for (const Options::Option& option : command.options.all())
    if (option.is_positional) line += " " + (option.is_required ? option.value : "[" + option.value + "]");
  for (const Options::Option& option : command.options.all())
    if (option.is_required && !option.is_positional) line += " " + left_column(option);
  return line + " [options]\n";
}

std::string option_table(const Options& options) {
  std::size_t width = 0;
  for (const Options::Option& option : options.all())
    if (const std::size_t size = left_column(option).size(); size <= 32) width = std::max(width, size);
  std::string out, group;
  for (const Options::Option& option : options.all()) {
    if (option.group != group) out += "\n" + (group = option.group) + "\n";
    const std::string left = left_column(option);
    std::string help = option.help;
    std::string allowed = option.range;
    if (!option.fallback.empty()) allowed += (allowed.empty() ? "default " : ", default ") + option.fallback;
    if (!option.former.empty()) allowed += fmt::format("; formerly --{}", fmt::join(option.former, ", --"));
    if (!allowed.empty()) help += " (" + allowed + ")";
    const std::string gap =
        left.size() > width ? "\n" + std::string(width + 4, ' ') : std::string(width - left.size() + 2, ' ');
    out += "  " + left + gap + wrap(help, width + 4) + "\n";
  }
  return out;
}

std::string command_list(const std::vector<const Command*>& commands) {
  std::size_t width = 0;
  for (const Command* command : commands) width = std::max(width, command->name.size());
  std::string out;
  for (const Command* command : commands) out += fmt::format("  {:<{}}  {}\n", command->name, width, command->summary);
  return out;
}

}  // namespace

std::string overview_page(const std::vector<Command>& commands) {
  std::string out =
      "swipegym simulates short-video users from watch logs and trains recommenders against them.\n\n"
      "usage: swipegym COMMAND [options]\n";
  for (std::size_t group = 0; group < kGroupTitles.size(); ++group) {
    std::vector<const Command*> members;
    for (const Command& command : commands)
      if (static_cast<std::size_t>(command.group) == group) members.push_back(&command);
    if (!members.empty()) out += fmt::format("\n{}\n{}", kGroupTitles[group], command_list(members));
  }
  return out +
         "\nEvery command has a page: swipegym COMMAND --help. 'swipegym --version' names the build.\n"
         "Exit codes: 0 success, 1 failure at run time, 2 bad input or usage, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.\n";
}

std::string family_page(const std::string& word, const std::vector<Command>& commands) {
  std::vector<const Command*> members;
  for (const Command& command : commands)
    if (command.name.starts_with(word + " ")) members.push_back(&command);
  return fmt::format("usage: swipegym {} COMMAND [options]\n\n{}\nswipegym {} COMMAND --help tells more.\n", word,
                     command_list(members), word);
}

std::string command_page(const Command& command, const Options& options) {
  std::string out = usage_line(command);
  if (!command.about.empty()) out += "\n" + wrap(command.about, 0) + "\n";
  out += option_table(options);
  if (!command.examples.empty()) out += "\nExamples\n";
  for (const std::string& example : command.examples) out += "  " + example + "\n";
  if (!command.next.empty()) out += "\nNext\n  " + command.next + "\n";
  return out;
}

}  // namespace swipegym::cli
