#include "sim_data/interactions_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/csv_file.h"
#include "sim_data/id_map.h"
#include "sim_data/labels.h"
#include "sim_data/log_row.h"
#include "sim_data/log_store.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kInteractionBlock = 8ULL << 20;
constexpr double kMillisecondsFrom = 1e11;  // as seconds this is the year 5138
constexpr double kLikedShare = 0.8;
constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

struct Columns {
  std::size_t user = kAbsent, item = kAbsent, time = kAbsent, rating = kAbsent, duration = kAbsent, play = kAbsent;
  double duration_unit_ms = 1000.0, play_unit_ms = 1000.0;
  std::size_t count = 0;
  char separator = ',';
};

// A line as numbers.
struct Interaction {
  std::int64_t user = 0, item = 0, time_ms = 0;
  double rating = 0.0, duration_ms = 0.0, play_ms = 0.0;
};

struct CellProblem {
  std::string reason, message;
  std::size_t column = 1;
};

std::vector<std::string> header_names(const CsvFile& file, char separator) {
  std::vector<std::string> names = file.header();
  if (separator == '\t') {
    const std::string line = names.front();
    names.clear();
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t tab = std::min(line.find('\t', at), line.size());
      names.push_back(line.substr(at, tab - at));
      at = tab + 1;
    }
  }
  for (std::string& name : names) name = name.substr(0, name.find(':'));
  return names;
}

Columns find_columns(const CsvFile& file) {
  Columns columns;
  if (file.header().size() == 1 && file.header().front().find('\t') != std::string::npos) columns.separator = '\t';
  const std::vector<std::string> names = header_names(file, columns.separator);
  columns.count = names.size();
  const auto find = [&](std::initializer_list<const char*> known) {
    for (const char* name : known) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    }
    return kAbsent;
  };
  const auto require = [&](std::initializer_list<const char*> known) {
    const std::size_t column = find(known);
    if (column == kAbsent)
      throw InputError(
          fmt::format("{}:1: no column '{}' among '{}'; a log of interactions has a header with user, "
                      "item, timestamp and perhaps rating, duration and play",
                      file.path().string(), *known.begin(), fmt::join(names, "', '")));
    return column;
  };
  columns.user = require({"user", "user_id", "userId"});
  columns.item = require({"item", "item_id", "itemId", "movieId", "video_id"});
  columns.time = require({"timestamp", "time", "time_ms"});
  columns.rating = find({"rating"});
  columns.duration = find({"duration", "duration_ms"});
  columns.play = find({"play", "play_ms", "play_time_ms"});
  if ((columns.duration == kAbsent) != (columns.play == kAbsent))
    throw InputError(fmt::format("{}:1: has '{}' without '{}'; give both or neither", file.path().string(),
                                 columns.play == kAbsent ? "duration" : "play",
                                 columns.play == kAbsent ? "play" : "duration"));
  if (columns.duration != kAbsent && names[columns.duration].ends_with("_ms")) columns.duration_unit_ms = 1.0;
  if (columns.play != kAbsent && names[columns.play].ends_with("_ms")) columns.play_unit_ms = 1.0;
  return columns;
}

template <class T>
bool read_number(std::string_view cell, T& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && end == cell.data() + cell.size() && !cell.empty();
}

// Cuts lines into cells and cells into numbers, checking each.
class InteractionParser {
 public:
  InteractionParser(const CsvFile& file, const Columns& columns) : file_(file), columns_(columns) {}

  /// False: `problem` says what is wrong.
  bool parse(std::string_view line, Interaction& out, CellProblem& problem) {
    if (!split(line)) return fail(problem, "open quote", "a quote is not closed", 0);
    if (cells_.size() != columns_.count)
      return fail(problem, "cells",
                  fmt::format("{} cells, expected {} as in the header", cells_.size(), columns_.count), 0);
    if (!read_number(cells_[columns_.user], out.user)) return bad(problem, "user", "an integer", columns_.user);
    if (!read_number(cells_[columns_.item], out.item)) return bad(problem, "item", "an integer", columns_.item);
    double time = 0.0;
    if (!read_number(cells_[columns_.time], time) || !(time >= 0.0 && time < 4.1e12))
      return bad(problem, "timestamp", "Unix time in seconds or milliseconds, up to the year 2099", columns_.time);
    out.time_ms = std::llround(time < kMillisecondsFrom ? time * 1000.0 : time);
    if (!is_date(date_of_time(out.time_ms)))
      return bad(problem, "timestamp", "Unix time in seconds or milliseconds, up to the year 2099", columns_.time);
    const auto number = [&](std::size_t column, const char* name, double unit, double most, double& value) {
      if (column == kAbsent) return true;
      if (!read_number(cells_[column], value) || !(value >= 0.0 && value * unit <= most))
        return bad(problem, name, fmt::format("a number from 0 to {:g}", most / unit).c_str(), column);
      value *= unit;
      return true;
    };
    constexpr double kMostMs = std::numeric_limits<std::int32_t>::max();
    return number(columns_.rating, "rating", 1.0, 1e6, out.rating) &&
           number(columns_.duration, "duration", columns_.duration_unit_ms, kMostMs, out.duration_ms) &&
           number(columns_.play, "play", columns_.play_unit_ms, kMostMs, out.play_ms);
  }

 private:
  bool split(std::string_view line) {
    if (columns_.separator == ',') return split_cells(line, cells_, storage_);
    cells_.clear();
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    line_ = line;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t tab = std::min(line.find('\t', at), line.size());
      cells_.push_back(line.substr(at, tab - at));
      at = tab + 1;
    }
    return true;
  }
  bool fail(CellProblem& problem, const char* reason, std::string message, std::size_t column) const {
    std::size_t at = 1;  // where the cell begins, give or take quotes
    for (std::size_t i = 0; i < column && i < cells_.size(); ++i) at += cells_[i].size() + 1;
    problem = {reason, std::move(message), at};
    return false;
  }
  bool bad(CellProblem& problem, const char* name, const char* expected, std::size_t column) const {
    return fail(problem, name, fmt::format("{} is '{}', expected {}", name, cells_[column], expected), column);
  }

  const CsvFile& file_;
  const Columns& columns_;
  std::string_view line_;
  std::vector<std::string_view> cells_;
  std::vector<std::string> storage_;
};

// Calls on_row(interaction, row number) for every good line; counts or refuses the others.
template <class OnRow>
void visit(const CsvFile& file, const Columns& columns, const LoadOptions& options, std::string_view what,
           LoadReport* report_to, OnRow&& on_row) {
  InteractionParser parser(file, columns);
  std::vector<char> buffer;
  Interaction interaction;
  CellProblem problem;
  std::uint64_t line_number = 1;
  for (std::uint64_t begin = file.data_begin(); begin < file.size(); begin += kInteractionBlock) {
    std::string_view text = file.lines(begin, std::min(file.size(), begin + kInteractionBlock), buffer);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      ++line_number;
      if (parser.parse(line, interaction, problem)) {
        on_row(interaction, static_cast<std::uint32_t>(line_number - 2));
      } else if (!options.skip_bad_rows) {
        throw_at(file.path(), line_number, problem.column, problem.message);
      } else if (report_to != nullptr) {
        ++report_to->dropped[problem.reason];
      }
    }
    report(options.progress, what, std::min(file.size(), begin + kInteractionBlock), file.size());
  }
  if (report_to != nullptr) report_to->rows_read += line_number - 1;
}

UserTable make_users(std::vector<std::int64_t> ids) {
  UserTable users;
  users.raw_id = std::move(ids);
  return users;
}

// Videos of which nothing is known but their ids.
VideoTable make_videos(std::vector<std::int64_t> ids) {
  VideoTable videos;
  const std::size_t count = ids.size();
  videos.raw_id = std::move(ids);
  videos.author.assign(count, 0);
  videos.author_raw_id = {0};
  videos.video_type.assign(count, 0), videos.video_types = {"NORMAL"};
  videos.upload_type.assign(count, 0), videos.upload_types = {"unknown"};
  videos.upload_date.assign(count, 0);
  videos.duration_ms.assign(count, std::numeric_limits<float>::quiet_NaN());
  videos.width.assign(count, 0), videos.height.assign(count, 0);
  videos.music_id.assign(count, 0), videos.music_type.assign(count, -1);
  videos.tag_offset.assign(count + 1, 0);
  return videos;
}

LogRow to_row(const Interaction& from, const Columns& columns, double largest_rating) {
  LogRow row;
  row.time_ms = from.time_ms;
  row.date = date_of_time(from.time_ms);
  row.hourmin = static_cast<std::uint16_t>(hourmin_of_time(from.time_ms)) & 0x7FFFU;
  row.tab = 1;
  const double share = columns.rating != kAbsent && largest_rating > 0.0 ? from.rating / largest_rating : 1.0;
  const bool timed = columns.duration != kAbsent;
  row.duration_ms = timed ? static_cast<std::int32_t>(std::lround(from.duration_ms)) : kAssumedDurationMs;
  row.play_ms = static_cast<std::int32_t>(std::lround(timed ? from.play_ms : share * kAssumedDurationMs));
  unsigned bits = 0;
  if (row.duration_ms > 0 && is_valid_play(row.play_ms, row.duration_ms)) bits |= bit(Signal::kClick);
  if (row.duration_ms > 0 && is_long_view(row.play_ms, row.duration_ms)) bits |= bit(Signal::kLongView);
  if (columns.rating != kAbsent && share >= kLikedShare) bits |= bit(Signal::kLike);
  row.signals = static_cast<SignalBits>(bits);
  return row;
}

}  // namespace

LoadReport import_interactions(const std::filesystem::path& csv, const std::filesystem::path& out,
                               const LoadOptions& options) {
  const CsvFile file(csv);
  const Columns columns = find_columns(file);
  LoadReport met;
  std::vector<std::int64_t> users, items;
  double largest_rating = 0.0;
  std::uint64_t good = 0;
  visit(file, columns, options, "reading ids", &met, [&](const Interaction& one, std::uint32_t) {
    users.push_back(one.user), items.push_back(one.item);
    largest_rating = std::max(largest_rating, one.rating);
    if (++good % 1'000'000 == 0)  // ids repeat: what is kept grows with them, not with the rows
      for (auto* ids : {&users, &items}) {
        std::sort(ids->begin(), ids->end());
        ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
      }
  });
  if (good == 0) throw InputError(fmt::format("{}: holds no interaction", csv.string()));
  for (auto* ids : {&users, &items}) {
    std::sort(ids->begin(), ids->end());
    ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
  }
  const IdMap user_map(users), item_map(items);
  LogStoreBuilder builder(out, make_users(users), make_videos(items), "", options.threads, options.progress);
  std::vector<LogRow> rows;
  constexpr std::size_t kRowsAtOnce = 65536;
  visit(file, columns, options, "reading rows", nullptr, [&](const Interaction& one, std::uint32_t number) {
    LogRow& row = rows.emplace_back(to_row(one, columns, largest_rating));
    row.user = user_map.find(one.user), row.video = item_map.find(one.item);
    row.source_row = number;
    if (rows.size() == kRowsAtOnce) builder.add(rows), rows.clear();
  });
  builder.add(rows);
  LoadReport report = builder.finish();
  report.rows_read = met.rows_read;
  for (const auto& [reason, count] : met.dropped) report.dropped[reason] += count;
  if (columns.duration == kAbsent) report.noted["no duration, 10 s assumed"] += report.rows_kept;
  return report;
}

}  // namespace swipegym
