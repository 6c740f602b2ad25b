#include "sim_data/csv/interaction_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>

#include "core/error.h"
#include "sim_data/csv/table_cells.h"

namespace swipegym {
namespace {

using Column = InteractionColumns::Column;
constexpr std::size_t kAbsent = InteractionColumns::kAbsent;
constexpr std::array<InteractionRole, 3> kNeeded = {InteractionRole::kUser, InteractionRole::kItem,
                                                    InteractionRole::kTime};

// Names in small letters without underscores; a time may have its unit behind them.
struct KnownName {
  InteractionRole role;
  std::string_view name;
};
constexpr KnownName kKnownNames[] = {
    {InteractionRole::kUser, "user"},
    {InteractionRole::kUser, "userid"},
    {InteractionRole::kUser, "uid"},
    {InteractionRole::kUser, "reviewerid"},  // Amazon until 2018
    {InteractionRole::kUser, "visitorid"},
    {InteractionRole::kItem, "item"},
    {InteractionRole::kItem, "itemid"},
    {InteractionRole::kItem, "iid"},
    {InteractionRole::kItem, "movieid"},  // MovieLens
    {InteractionRole::kItem, "videoid"},
    {InteractionRole::kItem, "photoid"},
    {InteractionRole::kItem, "productid"},
    {InteractionRole::kItem, "sku"},
    {InteractionRole::kItem, "asin"},        // Amazon
    {InteractionRole::kItem, "parentasin"},  // Amazon 2023
    {InteractionRole::kItem, "songid"},
    {InteractionRole::kItem, "trackid"},
    {InteractionRole::kItem, "bookid"},
    {InteractionRole::kItem, "isbn"},
    {InteractionRole::kItem, "newsid"},
    {InteractionRole::kItem, "businessid"},
    {InteractionRole::kTime, "timestamp"},
    {InteractionRole::kTime, "time"},
    {InteractionRole::kTime, "datetime"},
    {InteractionRole::kTime, "eventtime"},
    {InteractionRole::kTime, "unixreviewtime"},  // Amazon until 2018
    {InteractionRole::kRating, "rating"},
    {InteractionRole::kRating, "ratings"},
    {InteractionRole::kRating, "overall"},  // Amazon until 2018
    {InteractionRole::kRating, "stars"},    // Yelp
    {InteractionRole::kDuration, "duration"},
    {InteractionRole::kDuration, "videoduration"},  // KuaiRec
    {InteractionRole::kDuration, "itemduration"},
    {InteractionRole::kPlay, "play"},
    {InteractionRole::kPlay, "playtime"},
    {InteractionRole::kPlay, "playduration"},  // KuaiRec
    {InteractionRole::kPlay, "playingtime"},   // KuaiSAR
    {InteractionRole::kPlay, "watch"},
    {InteractionRole::kPlay, "watchtime"},
    {InteractionRole::kPlay, "watchduration"},
    {InteractionRole::kPlay, "watched"},
    {InteractionRole::kRatio, "watchratio"},  // KuaiRec
    {InteractionRole::kRatio, "playratio"},
};

bool is_time(InteractionRole role) {
  return role == InteractionRole::kTime || role == InteractionRole::kDuration || role == InteractionRole::kPlay;
}

// Milliseconds of a unit, 0 for what is none.
double unit_ms(std::string_view unit) {
  static const std::map<std::string_view, double> kUnits = {
      {"ns", 1e-6},  {"us", 1e-3},    {"ms", 1.0},      {"msec", 1.0},       {"millis", 1.0}, {"milliseconds", 1.0},
      {"s", 1000.0}, {"sec", 1000.0}, {"secs", 1000.0}, {"seconds", 1000.0}, {"min", 6e4},    {"minutes", 6e4}};
  const auto found = kUnits.find(unit);
  return found != kUnits.end() ? found->second : 0.0;
}

// "Play_Time:float" as "playtime".
std::string squeeze(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, name.find(':'))) {
    if (c == '_' || c == ' ' || c == '-') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// The unit that a name ends in: "time_ms", "durationMs"; 0 for none. A lone s needs its underscore: "times" has no
// unit.
double unit_in(std::string_view name, std::string_view base) {
  const std::string squeezed = squeeze(name);
  if (squeezed.size() <= base.size() || !squeezed.starts_with(base)) return 0.0;
  const std::string unit = squeezed.substr(base.size());
  name = name.substr(0, name.find(':'));
  if (unit == "s" && !name.ends_with("_s")) return 0.0;
  return unit_ms(unit);
}

struct Meaning {
  InteractionRole role;
  double unit = 0.0;  // 0: none is told
};

std::optional<Meaning> meaning_of(std::string_view name) {
  const std::string squeezed = squeeze(name);
  for (const KnownName& known : kKnownNames) {
    if (squeezed == known.name) return Meaning{known.role};
    if (!is_time(known.role)) continue;
    if (const double unit = unit_in(name, known.name); unit > 0.0) return Meaning{known.role, unit};
  }
  return {};
}

// The unit at the end of any name, for columns that the options name.
double unit_at_end(std::string_view name) {
  name = name.substr(0, name.find(':'));
  const std::size_t underscore = name.rfind('_');
  return underscore == std::string_view::npos ? 0.0 : unit_ms(name.substr(underscore + 1));
}

// What the options say of one role.
struct Given {
  std::string name;
  double unit = 0.0;
};
using GivenColumns = std::map<InteractionRole, Given>;

GivenColumns parse_given(const InteractionFormat& format) {
  GivenColumns out;
  for (const std::string& item : format.columns) {
    const std::size_t equal = item.find('=');
    const auto role = std::find(kInteractionRoleNames.begin(), kInteractionRoleNames.end(), item.substr(0, equal));
    if (equal == std::string::npos || equal + 1 == item.size() || role == kInteractionRoleNames.end())
      throw InputError(fmt::format("--columns has '{}', expected one of {} with = and a column, such as user=UserId",
                                   shown(item), fmt::join(kInteractionRoleNames, ", ")));
    Given given{.name = item.substr(equal + 1)};
    if (const std::size_t colon = given.name.rfind(':'); colon != std::string::npos) {
      given.unit = unit_ms(std::string_view(given.name).substr(colon + 1));
      if (given.unit > 0.0) given.name.resize(colon);
    }
    if (!out.emplace(static_cast<InteractionRole>(role - kInteractionRoleNames.begin()), given).second)
      throw InputError(fmt::format("--columns names {} twice", *role));
  }
  return out;
}

std::string parse_separator(const std::string& text) {
  static const std::map<std::string, std::string> kNames = {{"comma", ","},     {"tab", "\t"}, {"\\t", "\t"},
                                                            {"semicolon", ";"}, {"pipe", "|"}, {"double-colon", "::"}};
  if (const auto found = kNames.find(text); found != kNames.end()) return found->second;
  const bool is_good = text.size() <= 3 && std::none_of(text.begin(), text.end(), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                c == '"' || c == '.' || c == '-' || c == '\n' || c == '\r' || c == '\0';
                       });
  if (!is_good)
    throw InputError(
        fmt::format("--separator is '{}', expected comma, tab, semicolon, pipe, :: or other characters "
                    "that stand between cells",
                    shown(text)));
  return text;
}

std::vector<std::string> cut(const std::string& line, const std::string& separator) {
  std::vector<std::string_view> cells;
  std::vector<std::string> storage;
  if (!split_cells(line, separator, cells, storage)) return {};
  std::vector<std::string> out(cells.begin(), cells.end());
  for (std::string& cell : out) {  // spaces around a name are none of it
    cell.erase(0, std::min(cell.find_first_not_of(' '), cell.size()));
    cell.erase(cell.find_last_not_of(' ') + 1);
  }
  return out;
}

// Where a column stands that the options name: by its name, else by its number.
std::vector<std::size_t> places_of(const std::string& name, const std::vector<std::string>& names, bool has_header) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; has_header && i < names.size(); ++i)
    if (names[i] == name || names[i].substr(0, names[i].find(':')) == name) places.push_back(i);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (places.empty() && error == std::errc{} && end == name.data() + name.size() && number >= 1 &&
      number <= names.size())
    places.push_back(number - 1);
  return places;
}

class Finder {
 public:
  Finder(const CsvFile& file, const std::vector<std::string>& names, const GivenColumns& given, bool has_header)
      : file_(file), names_(names), given_(given), has_header_(has_header) {
    for (std::size_t i = 0; has_header && i < names.size(); ++i)
      if (const std::optional<Meaning> meaning = meaning_of(names[i])) {
        candidates_[meaning->role].push_back({i, meaning->unit, names[i]});
        squeezed_.emplace(squeeze(names[i]), i);
      }
  }

  // Whether what is needed is there, for the choice of a separator.
  bool has_needed() const {
    return std::all_of(kNeeded.begin(), kNeeded.end(), [&](InteractionRole role) {
      const auto given = given_.find(role);
      return given == given_.end() ? candidates_.count(role) > 0
                                   : !places_of(given->second.name, names_, has_header_).empty();
    });
  }

  InteractionColumns find() {
    know_data_sets();
    for (const auto& [role, column] : given_) out_[role] = find_given(role, column);
    refuse_shared();
    for (std::size_t role = 0; role < kNumInteractionRoles; ++role) find(static_cast<InteractionRole>(role));
    for (const InteractionRole role : kNeeded)
      if (!out_[role].is_there()) throw_missing(role);
    settle_times();
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (std::none_of(out_.column.begin(), out_.column.end(), [&](const Column& column) { return column.at == i; }))
        out_.ignored.push_back(has_header_ ? names_[i] : fmt::format("{}", i + 1));
    out_.count = names_.size();
    return std::move(out_);
  }

 private:
  bool has_name(const char* name) const { return squeezed_.count(name) > 0; }

  // Data sets that have two columns of one thing, or units that no name tells.
  void know_data_sets() {
    const bool rec = has_name("playduration") && has_name("videoduration");
    const bool sar = has_name("playingtime") && has_name("durationms");
    if (rec || sar) {
      out_.data_set = rec ? "KuaiRec" : "KuaiSAR";
      for (const InteractionRole role : {InteractionRole::kPlay, InteractionRole::kDuration})
        for (Column& column : candidates_[role])
          if (column.unit_ms == 0.0) column.unit_ms = 1.0;
      prefer(InteractionRole::kTime, "timestamp");  // `time` is the same for people
    }
    if (std::find(names_.begin(), names_.end(), "helpful_vote") != names_.end())
      prefer(InteractionRole::kItem, "parentasin");
  }

  void prefer(InteractionRole role, std::string_view name) {
    std::vector<Column>& all = candidates_[role];
    const auto preferred =
        std::find_if(all.begin(), all.end(), [&](const Column& column) { return squeeze(column.name) == name; });
    if (preferred != all.end()) all = {*preferred};
  }

  void find(InteractionRole role) {
    if (given_.count(role) > 0) return;
    const auto found = candidates_.find(role);
    if (found == candidates_.end() || found->second.empty()) return;
    // A column that the options give to something else is none of this.
    std::vector<Column> all = found->second;
    std::erase_if(all, [&](const Column& column) {
      return std::any_of(given_.begin(), given_.end(),
                         [&](const auto& given) { return out_[given.first].at == column.at; });
    });
    if (all.size() > 1)
      throw InputError(fmt::format("{}:1: '{}' and '{}' both look like the {}; say which one by --columns {}={}",
                                   file_.path().string(), shown(all[0].name), shown(all[1].name), name_of(role),
                                   name_of(role), shown(all[0].name)));
    if (!all.empty()) out_[role] = all.front();
  }

  Column find_given(InteractionRole role, const Given& given) const {
    if (given.name == "-") return {};
    const std::vector<std::size_t> places = places_of(given.name, names_, has_header_);
    if (places.size() != 1)
      throw InputError(fmt::format("{}:1: --columns {}={}: {} column of that name among '{}'", file_.path().string(),
                                   name_of(role), shown(given.name), places.empty() ? "no" : "more than one",
                                   all_names()));
    Column column{places[0], given.unit, has_header_ ? names_[places[0]] : std::to_string(places[0] + 1)};
    if (column.unit_ms == 0.0 && has_header_ && is_time(role)) column.unit_ms = unit_at_end(column.name);
    return column;
  }

  [[noreturn]] void throw_missing(InteractionRole role) const {
    const bool numbers = std::all_of(names_.begin(), names_.end(),
                                     [](const std::string& name) { return read_number(name).kind != CellKind::kText; });
    if (has_header_ && numbers)
      throw InputError(
          fmt::format("{}:1: the first line holds numbers, expected a header; without one give --no-header "
                      "and the columns' numbers, such as --columns user=1,item=2,rating=3,time=4",
                      file_.path().string()));
    throw InputError(
        fmt::format("{}:1: no column '{}' among '{}'; a log of interactions has user, item, timestamp and "
                    "perhaps rating, duration and play. Columns of other names are told by --columns "
                    "{}=NAME, other separators by --separator",
                    file_.path().string(), role == InteractionRole::kTime ? "timestamp" : name_of(role), all_names(),
                    name_of(role)));
  }

  // A play time needs a duration; a ratio stands for it where there is none.
  void settle_times() {
    Column &play = out_[InteractionRole::kPlay], &duration = out_[InteractionRole::kDuration],
           &ratio = out_[InteractionRole::kRatio];
    if (play.is_there() && duration.is_there() && given_.count(InteractionRole::kRatio) == 0) ratio = {};
    if (ratio.is_there() && play.is_there())
      throw InputError(
          fmt::format("{}:1: '{}' and '{}' both say how long was watched; leave one out by --columns "
                      "ratio=- or play=-",
                      file_.path().string(), shown(play.name), shown(ratio.name)));
    if (play.is_there() != duration.is_there() && !(ratio.is_there() && duration.is_there())) {
      const Column& lone = play.is_there() ? play : duration;
      const char* is = play.is_there() ? "play" : "duration";
      const char* lacks = play.is_there() ? "duration" : "play";
      throw InputError(
          fmt::format("{}:1: has '{}' without '{}' ({}); name that column by --columns {}=NAME, or leave "
                      "this one out by --columns {}=-",
                      file_.path().string(), is, lacks, shown(lone.name), lacks, is));
    }
    for (Column* column : {&play, &duration})
      if (column->unit_ms == 0.0) column->unit_ms = 1000.0;
  }

  void refuse_shared() const {
    for (std::size_t a = 0; a < kNumInteractionRoles; ++a)
      for (std::size_t b = a + 1; b < kNumInteractionRoles; ++b)
        if (out_.column[a].is_there() && out_.column[a].at == out_.column[b].at)
          throw InputError(fmt::format("--columns gives '{}' to {} and to {}", shown(out_.column[a].name),
                                       kInteractionRoleNames[a], kInteractionRoleNames[b]));
  }

  std::string all_names() const {
    constexpr std::size_t kMost = 30;
    std::string out;
    for (std::size_t i = 0; i < std::min(names_.size(), kMost); ++i)
      out += (out.empty() ? "" : "', '") + shown(names_[i]);
    return out + (names_.size() > kMost ? "', ..., '" : "");
  }
  static std::string_view name_of(InteractionRole role) {
    return kInteractionRoleNames[static_cast<std::size_t>(role)];
  }

  const CsvFile& file_;
  const std::vector<std::string>& names_;
  const GivenColumns& given_;
  bool has_header_;
  std::map<InteractionRole, std::vector<Column>> candidates_;
  std::map<std::string, std::size_t, std::less<>> squeezed_;
  InteractionColumns out_;
};

// MovieLens' files without a header are known by their names.
bool is_movielens(const std::filesystem::path& path) {
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  return name == "u.data" || name == "ratings.dat";
}

}  // namespace

InteractionColumns find_interaction_columns(CsvFile& file, const InteractionFormat& format) {
  InteractionFormat used = format;
  if (used.columns.empty() && is_movielens(file.path())) {
    used.columns = {"user=1", "item=2", "rating=3", "time=4"};
    used.has_header = false;
  }
  const GivenColumns given = parse_given(used);
  if (!used.has_header)
    for (const InteractionRole role : kNeeded)
      if (given.count(role) == 0)
        throw InputError(
            fmt::format("--no-header needs the columns' numbers, such as --columns "
                        "user=1,item=2,time=3; {} is missing",
                        kInteractionRoleNames[static_cast<std::size_t>(role)]));
  // The first separator that leaves what is needed; else, for the message, the one that leaves the most cells.
  std::vector<std::string> separators = {"\t", "::", ";", "|", ","};
  if (used.has_header) std::rotate(separators.begin(), separators.end() - 1, separators.end());
  if (!used.separator.empty()) separators = {parse_separator(used.separator)};
  std::vector<std::string> names;
  std::string separator;
  for (const std::string& one : separators) {
    std::vector<std::string> cells = cut(file.first_line(), one);
    const bool fits = Finder(file, cells, given, used.has_header).has_needed();
    if (!fits && cells.size() <= names.size()) continue;
    names = std::move(cells);
    separator = one;
    if (fits) break;
  }
  if (names.empty()) throw_at(file.path(), 1, 1, "a quote is not closed");
  InteractionColumns columns = Finder(file, names, given, used.has_header).find();
  columns.separator = separator;
  if (used.has_header) file.skip_first_line();
  return columns;
}

}  // namespace swipegym
