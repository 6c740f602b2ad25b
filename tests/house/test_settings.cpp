#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/error.h"
#include "core/output_file.h"
#include "evaluation/studies/random_search.h"
#include "evaluation/supervised/supervised_models.h"

// Every field of every settings struct and every numeric option, as the table of commands lists them: what the printed
// range allows is taken, and nothing else. The ranges are read from the reference's own words, so that these are held
// to what the code does.

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

/// "an integer from 1 to 10", "a number above 0 to below 1, or -1".
struct PrintedRange {
  bool is_integer = false, without_low = false, without_high = false;
  long double low = 0, high = 0;
  std::optional<long double> or_value;

  bool contains(long double value) const {
    if (or_value && value == *or_value) return true;
    return (without_low ? value > low : value >= low) && (without_high ? value < high : value <= high);
  }
};

std::optional<PrintedRange> printed_range(const std::string& text) {
  std::istringstream words(text);
  PrintedRange range;
  std::string article, noun, from, low, to, high;
  words >> article >> noun >> from;
  if (noun != "integer" && noun != "number") return std::nullopt;
  range.is_integer = noun == "integer";
  range.without_low = from == "above";
  REQUIRE((from == "above" || from == "from"));
  words >> low >> to >> high;
  REQUIRE(to == "to");
  range.without_high = high == "below";
  if (range.without_high) words >> high;
  std::string other, value;
  if (high.ends_with(",")) words >> other >> value;
  // Integers need all of 64 bits; other bounds are doubles.
  const auto number = [&](const std::string& digits) {
    return range.is_integer ? std::stold(digits) : static_cast<long double>(std::stod(digits));
  };
  range.low = number(low), range.high = number(high);
  if (other == "or") range.or_value = number(value);
  return range;
}

bool number_allowed(const PrintedRange& range, const Json& value) {
  if (!value.is_number() || (range.is_integer && !value.is_number_integer())) return false;
  if (value.is_number_unsigned()) return range.contains(static_cast<long double>(value.get<std::uint64_t>()));
  if (value.is_number_integer()) return range.contains(static_cast<long double>(value.get<std::int64_t>()));
  return range.contains(static_cast<long double>(value.get<double>()));
}

bool word_allowed(std::string words, const Json& value) {
  if (!value.is_string()) return false;
  const std::string file = ", or a file NAME.h5", name = value.get<std::string>();
  // The default of a file that has to be given is empty too.
  if (words == "nothing" + file || words == "a file NAME.h5") return name.empty() || name.ends_with(".h5");
  if (words.ends_with(file)) words.resize(words.size() - file.size());
  return (", " + words.substr(std::string("one of ").size()) + ",").find(", " + name + ",") != std::string::npos;
}

bool weights_allowed(const std::string& expected, const Json& value) {
  if (!value.is_object()) return false;
  const std::string begin = "weights by name of ", each = ", each ";
  const std::size_t end = expected.find(each);
  const std::string names = ", " + expected.substr(begin.size(), end - begin.size()) + ",";
  const auto range = printed_range(expected.substr(end + each.size()));
  for (const auto& item : value.items())
    if (names.find(", " + item.key() + ",") == std::string::npos || !number_allowed(*range, item.value())) return false;
  return true;
}

bool allowed(const std::string& expected, const Json& value) {
  if (expected.starts_with("weights by name")) return weights_allowed(expected, value);
  if (expected == "true or false") return value.is_boolean();
  if (expected.starts_with("one of ") || expected.ends_with("a file NAME.h5")) return word_allowed(expected, value);
  if (const auto range = printed_range(expected)) return number_allowed(*range, value);
  REQUIRE(expected.starts_with("a list of "));
  const std::size_t each = expected.find(", each ");
  const std::string sizes = expected.substr(0, each);
  std::istringstream words(sizes.substr(std::string("a list of ").size()));
  std::size_t least = 0, most = 0;
  std::string to;
  words >> least >> to;
  most = least;
  if (to == "to") words >> most;
  if (!value.is_array()) return false;
  const bool none = value.empty() && sizes.find("or none") != std::string::npos;
  if (!none && (value.size() < least || value.size() > most)) return false;
  for (const Json& item : value)
    if (each == std::string::npos ? !(item.is_object() && item.empty()) : !allowed(expected.substr(each + 7), item))
      return false;
  return true;
}

/// What somebody may write into a field.
std::vector<Json> tried_values() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  std::vector<Json> values = {0, -1, 1, 2, 7, 0.5, -0.5, kNan, kInf, -kInf, 1e300, -1e300, 1e-300, 1e39};
  values.insert(values.end(), {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
                               std::int64_t{4'294'967'296}, std::int64_t{-2'147'483'649}});
  values.emplace_back(std::numeric_limits<std::uint64_t>::max());
  values.insert(values.end(), {"", "nonsense", "\xFF", nullptr, true, Json::object()});
  values.insert(values.end(), {Json::array(), Json::array({0}), Json::array({-1, 1e300}), Json::array({kNan})});
  values.insert(values.end(), {Json::array({"x"}), Json::array({Json::array()}), Json(std::vector<int>(1000, 1))});
  for (const Json& weights : {Json{{"watch_s", 2}}, Json{{"like", -0.5}, {"gap_h", 1}}, Json{{"nonsense", 1}},
                              Json{{"watch_ratio", 1e300}}, Json{{"hate", "x"}}, Json{{"like", nullptr}}})
    values.insert(values.end(), {weights, Json::array({weights})});
  return values;
}

/// The ends of a printed range, and what lies just beyond them.
std::vector<Json> around_ends(const std::string& expected) {
  const auto range = printed_range(expected);
  if (!range) return {};
  std::vector<Json> values;
  for (const long double end : {range->low, range->high}) {
    if (range->is_integer) {
      for (const long double value : {end - 1, end, end + 1}) {
        if (value >= 0 && value < 18446744073709551616.0L) values.emplace_back(static_cast<std::uint64_t>(value));
        if (value < 0 && value >= -9223372036854775808.0L) values.emplace_back(static_cast<std::int64_t>(value));
      }
    } else {
      const auto at = static_cast<double>(end);
      const double gap = std::max(std::abs(at) * 1e-5, 1e-12);  // more than a float's rounding
      for (const double value : {at - gap, at, at + gap}) values.emplace_back(value);
    }
  }
  return values;
}

/// `path` set in `settings`; "constraints[].signal" in a list of one object.
void set_field(Json& settings, const std::string& path, const Json& value, const Json& element) {
  Json* at = &settings;
  std::istringstream parts(path);
  std::string part;
  while (std::getline(parts, part, '.')) {
    const bool is_list = part.ends_with("[]");
    if (is_list) part.resize(part.size() - 2);
    at = &(*at)[part];
    if (is_list) *at = Json::array({element}), at = &(*at)[0];
  }
  *at = value;
}

std::string shown_path(const std::string& path) {
  const std::size_t list = path.find("[]");
  return list == std::string::npos ? path : path.substr(0, list) + "[0]" + path.substr(list + 2);
}

std::string first_word(const std::string& expected) {
  const std::string words = expected.substr(std::string("one of ").size());
  return words.substr(0, words.find(','));
}

/// One object of a list of objects that is itself allowed.
Json allowed_element(const std::vector<FieldLine>& lines, const std::string& path) {
  Json element = Json::object();
  const std::size_t list = path.find("[].");
  if (list == std::string::npos) return element;
  for (const FieldLine& line : lines)
    if (line.path.starts_with(path.substr(0, list + 3)))
      element[line.path.substr(list + 3)] =
          allowed(line.expected, line.fallback) ? line.fallback : Json(first_word(line.expected));
  return element;
}

void try_field(const SettingsPage& page, const std::vector<FieldLine>& lines, const FieldLine& line,
               const Json& value) {
  Json settings = Json::object();
  set_field(settings, line.path, value, allowed_element(lines, line.path));
  const bool should = allowed(line.expected, value);
  std::string error;
  try {
    page.check(settings, "a.json");
  } catch (const InputError& refused) {
    error = refused.what();
  }
  const std::string shown = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  CAPTURE(page.name, line.path, line.expected, shown, error);
  if (error.empty() != should) FAIL("taken and the printed range disagree");
  if (should) return;
  const std::size_t each = line.expected.find(", each "), last = line.expected.rfind(", each ");
  const auto says = [&](std::size_t from, std::size_t count = std::string::npos) {
    return error.find(line.expected.substr(from, count)) != std::string::npos;
  };
  const bool says_range = says(0, each) || (each != std::string::npos && (says(each + 7) || says(last + 7)));
  const bool says_type =
      error.find("expected an object") != std::string::npos || error.find("unknown key") != std::string::npos;
  if (error.find("'" + shown_path(line.path)) == std::string::npos || !(says_range || says_type))
    FAIL("the message names no field or no range");
}

TEST_CASE("every field of every command's settings takes what its printed range allows, and nothing else", "[house]") {
  std::set<std::vector<std::string>> seen;
  std::size_t fields = 0;
  for (const Command& command : make_commands())
    for (const SettingsPage& page : command.settings) {
      const std::vector<FieldLine> lines = page.fields();
      std::vector<std::string> identity;
      for (const FieldLine& line : lines) identity.push_back(line.path + line.expected);
      if (!seen.insert(identity).second) continue;  // the same struct with other defaults
      for (const FieldLine& line : lines) {
        for (const Json& value : tried_values()) try_field(page, lines, line, value);
        for (const Json& value : around_ends(line.expected)) try_field(page, lines, line, value);
        ++fields;
      }
    }
  CHECK(seen.size() >= 14);
  CHECK(fields > 300);
}

TEST_CASE("the defaults of all settings lie in their ranges", "[house]") {
  for (const Command& command : make_commands())
    for (const SettingsPage& page : command.settings)
      for (const FieldLine& line : page.fields()) {
        CAPTURE(page.name, line.path, line.expected, line.fallback);
        Json fallback = line.fallback;
        for (Json& item : fallback)
          if (fallback.is_array() && item.is_object()) item = Json::object();  // its fields have lines of their own
        if (line.path.find("[]") == std::string::npos) CHECK(allowed(line.expected, fallback));
      }
}

TEST_CASE("every numeric option takes what its printed range allows, and nothing else", "[house]") {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "0",
                                          "-1",
                                          "1",
                                          "2",
                                          "0.5",
                                          "-0.5",
                                          "nan",
                                          "inf",
                                          "-inf",
                                          "1e300",
                                          "-1e300",
                                          "1e400",
                                          "10x",
                                          "ten",
                                          "0x10",
                                          "+1",
                                          "1 ",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "1e2",
                                          "1,5"};
  std::size_t numbers = 0;
  for (const Command& command : make_commands())
    for (const Options::Option& option : command.options.all()) {
      if (option.expected.empty()) continue;
      ++numbers;
      const PrintedRange range = *printed_range(option.expected);
      CHECK(option.expected.ends_with(option.range));
      if (!option.fallback.empty()) CHECK(range.contains(std::stold(option.fallback)));
      for (const std::string& text : texts) {
        const Json value = Json::parse(text, nullptr, false);
        const bool should = text != "1 " && !value.is_discarded() && number_allowed(range, value);
        std::string error;
        try {
          option.set(text);
        } catch (const InputError& refused) {
          error = refused.what();
        }
        CAPTURE(command.name, option.name, option.expected, text, error);
        CHECK(error.empty() == should);
        if (!should) CHECK(error == "--" + option.name + " is '" + text + "', expected " + option.expected);
      }
    }
  CHECK(numbers > 30);
}

TEST_CASE("searches draw settings that their models take, at the ends of every range", "[house]") {
  const fs::path folder = fs::path(SWIPEGYM_SOURCE_DIR) / "configs";
  for (const auto& [file, model] : {std::pair{"mf.json", "mf"},
                                    {"ranker.json", "ranker"},
                                    {"sasrec.json", "sasrec"},
                                    {"sqn.json", "sqn"},
                                    {"two_tower.json", "two-tower"}}) {
    const SearchSpace space = read_search_space(folder / "search" / file);
    const std::vector<Json> edges = edges_of(space, read_json(folder / file));
    CHECK(edges.size() >= 2 * space.ranges.size());
    for (const Json& edge : edges) CHECK_NOTHROW(find_supervised_model(model).check(edge, file));
  }
}

TEST_CASE("docs/reference/settings.md ends with the settings of every command, word for word", "[house]") {
  const fs::path path = fs::path(SWIPEGYM_SOURCE_DIR) / "docs" / "reference" / "settings.md";
  const std::string marker = "<!-- settings: SWIPEGYM_WRITE_DOCS=1 test_house writes them anew -->\n\n";
  const auto read = [&] {
    std::ifstream file(path, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  std::string text = read();
  const std::size_t at = text.find(marker);
  REQUIRE(at != std::string::npos);
  if (std::getenv("SWIPEGYM_WRITE_DOCS") != nullptr) {
    write_file(path, text.substr(0, at) + marker + settings_text(""));
    text = read();
  }
  CHECK(text.substr(at + marker.size()) == settings_text(""));
}

}  // namespace
}  // namespace swipegym::cli
