#include <algorithm>

#include "cli/command.h"
#include "core/error.h"
#include "policy/stages/stage_registry.h"

namespace swipegym::cli {
namespace {

struct PageSettings {
  std::string command, word;
};

/// Pages whose fields are the same but for their defaults.
struct SameFields {
  std::vector<std::string> names;
  std::vector<std::vector<FieldLine>> lines;  // of each name
};

bool same_fields(const std::vector<FieldLine>& a, const std::vector<FieldLine>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const FieldLine& left, const FieldLine& right) {
    return left.path == right.path && left.expected == right.expected;
  });
}

std::vector<SameFields> gather(const std::vector<SettingsPage>& pages) {
  std::vector<SameFields> all;
  for (const SettingsPage& page : pages) {
    std::vector<FieldLine> lines = page.fields();
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const SameFields& same) { return same_fields(same.lines.front(), lines); });
    if (found == all.end()) found = all.insert(all.end(), SameFields{});
    found->names.push_back(page.name);
    found->lines.push_back(std::move(lines));
  }
  return all;
}

// "0.2; train a2c, train reinforce: 0.0".
std::string defaults_text(const SameFields& same, std::size_t field) {
  const std::string usual = same.lines.front()[field].fallback.dump();
  std::string text = usual;
  std::vector<std::pair<std::string, std::string>> others;  // a default, and whose it is
  for (std::size_t i = 1; i < same.names.size(); ++i) {
    const std::string own = same.lines[i][field].fallback.dump();
    if (own == usual) continue;
    const auto found =
        std::find_if(others.begin(), others.end(), [&](const auto& other) { return other.first == own; });
    if (found == others.end())
      others.emplace_back(own, same.names[i]);
    else
      found->second += ", " + same.names[i];
  }
  for (const auto& [value, names] : others) text += fmt::format("; {}: {}", names, value);
  return text;
}

std::string table_of(const SameFields& same) {
  std::string text =
      fmt::format("## {}\n\n| key | default | range |\n| --- | --- | --- |\n", fmt::join(same.names, ", "));
  for (std::size_t i = 0; i < same.lines.front().size(); ++i) {
    const FieldLine& line = same.lines.front()[i];
    const std::string former = line.former.empty() ? "" : fmt::format("; formerly {}", fmt::join(line.former, ", "));
    text += fmt::format("| {} | {} | {}{} |\n", line.path, defaults_text(same, i), line.expected, former);
  }
  return text + "\n";
}

template <class Stage>
void add_stages(const char* kind, const std::vector<StageInfo<Stage>>& table, std::vector<SettingsPage>& pages) {
  for (const StageInfo<Stage>& info : table)
    pages.push_back({.name = fmt::format("{} \"{}\"", kind, info.name), .fields = info.fields, .check = {}});
}

// Of the stages that a composition names.
std::vector<SettingsPage> stage_pages() {
  std::vector<SettingsPage> pages;
  add_stages("retriever", retrievers(), pages);
  add_stages("filter", filters(), pages);
  add_stages("scorer", scorers(), pages);
  add_stages("orderer", orderers(), pages);
  std::erase_if(pages, [](const SettingsPage& page) { return page.fields().empty(); });
  return pages;
}

std::vector<SettingsPage> pages_of(const std::string& command) {
  std::vector<SettingsPage> pages;
  std::vector<std::string> names;
  for (const Command& known : make_commands()) {
    if (known.settings.empty()) continue;
    names.push_back(known.name);
    if (command.empty() || known.name == command)
      pages.insert(pages.end(), known.settings.begin(), known.settings.end());
  }
  names.emplace_back("stages");
  if (command.empty() || command == "stages") {
    const std::vector<SettingsPage> stages = stage_pages();
    pages.insert(pages.end(), stages.begin(), stages.end());
  }
  if (pages.empty())
    throw InputError(fmt::format("no command '{}' takes settings; these do: {}", command, fmt::join(names, ", ")));
  return pages;
}

}  // namespace

std::string settings_text(const std::string& command) {
  std::string text;
  for (const SameFields& same : gather(pages_of(command))) text += table_of(same);
  return text;
}

void add_settings_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<PageSettings>();
  Command command{.name = "settings",
                  .group = CommandGroup::kTools,
                  .summary = "list the settings that commands read with --config"};
  command.about =
      "Prints the key, the default and the range of every setting, of one command, of the stages of a recommender "
      "('stages') or of all, as docs/reference/settings.md has them.";
  command.examples = {"swipegym settings fit", "swipegym settings train dqn", "swipegym settings stages"};
  command.next = "swipegym fit --data pure.h5 --config fit.json --out sim.h5";
  command.uses_seed = false;
  command.options.group("Input")
      .positional("command", settings->command, "COMMAND", "of this command alone", false)
      .positional("word", settings->word, "WORD", "the second word of its name", false);
  command.run = [settings](Run& run) {
    run.print_text(settings_text(settings->command + (settings->word.empty() ? "" : " " + settings->word)));
  };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
