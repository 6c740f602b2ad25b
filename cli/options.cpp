#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>

#include "cli/policy_word.h"
#include "core/error.h"
#include "core/former_names.h"
#include "core/nearest_word.h"
#include "core/remarks.h"

namespace swipegym::cli {
namespace {

namespace po = boost::program_options;

[[noreturn]] void throw_usage(const std::string& command, const std::string& what) {
  throw InputError(fmt::format("{}; see 'swipegym {} --help'", what, command));
}

std::string strip_dashes(std::string name) {
  name.erase(0, name.find_first_not_of('-'));
  return name.substr(0, name.find('='));
}

std::int32_t parse_date(const std::string& name, const std::string& text) {
  const auto value = read_number<std::int32_t>(text, between(1970'01'01, 9999'12'31));
  const auto digits = static_cast<unsigned>(value.value_or(0));
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(digits / 10000)),
                                        std::chrono::month(digits / 100 % 100), std::chrono::day(digits % 100)};
  if (!value || !day.ok())
    throw InputError(fmt::format("{} is '{}', expected a day as YYYYMMDD, such as 20220504", name, text));
  return *value;
}

}  // namespace

std::vector<std::string> split_list(const std::string& name, const std::string& text) {
  std::vector<std::string> items(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\');
    if (text[i] == ',')
      items.emplace_back();
    else
      items.back() += escapes ? text[++i] : text[i];
  }
  std::erase(items, "");
  if (items.empty()) throw InputError(fmt::format("{} is '{}', expected a list such as A,B", name, text));
  return items;
}

Options& Options::group(std::string title) {
  group_ = std::move(title);
  return *this;
}

Options::Option Options::describe(std::string name, std::string value, std::string help, std::string fallback) {
  return {.name = std::move(name), .value = std::move(value), .help = std::move(help), .fallback = std::move(fallback)};
}

Options& Options::push(Option option) {
  option.group = group_;
  options_.push_back(std::move(option));
  return *this;
}

Options& Options::checked(std::function<void(const std::string& text)> check) {
  options_.back().set = [set = options_.back().set, check = std::move(check)](const std::string& text) {
    check(text);
    set(text);
  };
  return *this;
}

Options& Options::text(std::string name, std::string value, std::string fallback, std::string help,
                       std::function<void(const std::string& text)> set) {
  Option option = describe(std::move(name), std::move(value), std::move(help), std::move(fallback));
  option.set = std::move(set);
  return push(std::move(option));
}

Options& Options::repeated(std::string name, std::string value, std::string help,
                           std::function<void(const std::string& text)> set) {
  text(std::move(name), std::move(value), "", std::move(help), std::move(set));
  options_.back().is_repeated = true;
  return *this;
}

Options& Options::formerly(std::string name) {
  options_.back().former.push_back(std::move(name));
  return *this;
}

Options& Options::flag(std::string name, bool& target, std::string help) {
  Option option = describe(std::move(name), "", std::move(help), "");
  option.set = [&target](const std::string&) { target = true; };
  option.json = [&target] { return Json(target); };
  return push(std::move(option));
}

Options& Options::date(std::string name, std::int32_t& target, std::string help, bool is_required) {
  Option option = describe(std::move(name), "YYYYMMDD", std::move(help), "");
  option.is_required = is_required;
  option.set = [&target, shown = "--" + option.name](const std::string& text) { target = parse_date(shown, text); };
  option.json = [&target] { return Json(target); };
  return push(std::move(option));
}

Options& Options::choice(std::string name, std::string& target, std::vector<std::string> words, std::string help) {
  std::string value;
  for (const std::string& word : words) value += (value.empty() ? "" : "|") + word;
  Option option = describe(std::move(name), value, std::move(help), target);
  option.set = [&target, words, value, shown = "--" + option.name](const std::string& text) {
    if (std::find(words.begin(), words.end(), text) == words.end())
      throw InputError(fmt::format("{} is '{}', expected {}", shown, text, value));
    target = text;
  };
  option.json = [&target] { return Json(target); };
  return push(std::move(option));
}

Options& Options::positional_input(std::string name, Path& target, std::string value, std::string help) {
  input(std::move(name), target, std::move(value), std::move(help));
  options_.back().is_positional = true;
  return *this;
}

Options& Options::output(std::string name, Path& target, std::string value, std::string help, Writing writing,
                         bool is_required, std::function<void(OutputUse& use)> settle) {
  Option option = make(std::move(name), target, std::move(value), std::move(help));
  option.is_required = is_required;
  if (is_required) option.fallback.clear();
  option.files = [&target, writing, shown = "--" + option.name, settle = std::move(settle)](FileUse& use) {
    if (target.empty()) return;
    use.outputs.push_back({.option = shown, .path = target, .writing = writing});
    if (settle) settle(use.outputs.back());
  };
  return push(std::move(option));
}

void Options::add_inputs(FileUse& use, const std::string& option, const Path& path) {
  if (path.empty()) return;
  use.inputs.push_back({.option = option, .path = path});
  for (Path& named : files_named_in(path)) use.inputs.push_back({.option = option, .path = std::move(named)});
}

void Options::add_inputs(FileUse& use, const std::string& option, const std::string& word) {
  for (const Path& file : files_of_word(word)) add_inputs(use, option, file);
}

void Options::add_inputs(FileUse& use, const std::string& option, const std::vector<std::string>& words) {
  for (const std::string& word : words) add_inputs(use, option, word);
}

FileUse Options::files() const {
  FileUse use;
  for (const Option& option : options_)
    if (option.files) option.files(use);
  return use;
}

Json Options::values(std::initializer_list<std::string_view> names) const {
  Json out = Json::object();
  for (const std::string_view name : names) {
    std::string key(name);
    std::replace(key.begin(), key.end(), '-', '_');
    out[key] = std::ranges::find(options_, name, &Option::name)->json();
  }
  return out;
}

bool Options::given(std::string_view name) const {
  return std::find(given_.begin(), given_.end(), name) != given_.end();
}

void Options::parse(const std::vector<std::string>& words, const std::string& command, Missing missing) {
  po::options_description description;
  po::positional_options_description positions;
  std::vector<std::string> names;
  for (const Option& option : options_) {
    names.push_back(option.name);
    std::vector<std::string> spellings = option.former;
    spellings.push_back(option.name);
    for (const std::string& word : spellings)
      if (option.value.empty())
        description.add_options()(word.c_str(), "");
      else if (option.is_repeated)
        description.add_options()(word.c_str(), po::value<std::vector<std::string>>()->composing(), "");
      else
        description.add_options()(word.c_str(), po::value<std::string>(), "");
    if (option.is_positional) positions.add(option.name.c_str(), 1);
  }
  using namespace po::command_line_style;
  po::variables_map values;
  try {
    po::store(po::command_line_parser(words)
                  .options(description)
                  .positional(positions)
                  .style(allow_long | long_allow_adjacent | long_allow_next)
                  .run(),
              values);
  } catch (const po::unknown_option& error) {
    const std::string name = strip_dashes(error.get_option_name());
    throw_usage(command, fmt::format("unknown option '--{}'{}", name, did_you_mean(name, names, "--")));
  } catch (const po::too_many_positional_options_error&) {
    throw_usage(command, "too many arguments");
  } catch (const po::multiple_occurrences& error) {
    throw_usage(command, fmt::format("--{} is given more than once", strip_dashes(error.get_option_name())));
  } catch (const po::error& error) {
    throw_usage(command, error.what());
  }
  for (const Option& option : options_) {
    for (const std::string& former : option.former) {
      if (values.count(former) == 0) continue;
      const std::string text = renamed_text("--" + former, "--" + option.name);
      if (values.count(option.name) != 0) throw_usage(command, text + ", and both are given");
      remark(text);
      values.insert({option.name, values[former]});
    }
    if (values.count(option.name) == 0) {
      if (!option.is_required || (missing == Missing::kAllowed && !option.is_positional)) continue;
      throw_usage(command, fmt::format("{}{} {} is missing", option.is_positional ? "" : "--",
                                       option.is_positional ? "the argument" : option.name, option.value));
    }
    given_.push_back(option.name);
    if (option.is_repeated)
      for (const std::string& text : values[option.name].as<std::vector<std::string>>()) option.set(text);
    else
      option.set(option.value.empty() ? "" : values[option.name].as<std::string>());
  }
}

}  // namespace swipegym::cli
