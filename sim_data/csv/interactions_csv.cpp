#include "sim_data/csv/interactions_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/csv_blocks.h"
#include "sim_data/csv/id_column.h"
#include "sim_data/csv/interaction_time.h"
#include "sim_data/labels.h"
#include "sim_data/log_limits.h"
#include "sim_data/log_row.h"
#include "sim_data/ordered_for.h"
#include "sim_data/store/log_store.h"
#include "sim_data/store/spill_file.h"

namespace swipegym {
namespace {

constexpr std::uint64_t kInteractionBlock = 2ULL << 20;
constexpr std::size_t kRowsAtOnce = 65536;
constexpr std::int64_t kOldestLikelyMs = 631'152'000'000;  // 1990

// A line as numbers.
struct Interaction {
  std::int64_t time_ms = 0;
  double rating = 0.0, duration_ms = 0.0, play_ms = 0.0, ratio = 0.0;
  std::uint32_t user = 0, item = 0;  // in order of first appearance
  std::uint32_t source_row = 0;
};

struct CellProblem {
  std::string reason, message;
  std::size_t column = 1;
};

// The lines of a block. Ids point into its text, or to `rewritten`.
struct ParsedInteractions {
  std::vector<Interaction> rows;
  std::vector<std::string_view> users, items;
  std::deque<std::string> rewritten;
  std::uint32_t lines = 0;  // bad ones included
  std::uint64_t old = 0;    // rows before 1990
  std::map<std::string, std::uint64_t> skipped;
  std::optional<CellProblem> problem;  // of the line after the last counted one
};

template <class T>
bool read_real(std::string_view cell, T& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && end == cell.data() + cell.size() && !cell.empty();
}

// Cuts lines into cells and cells into numbers, checking each.
class InteractionParser {
 public:
  explicit InteractionParser(const InteractionColumns& columns) : columns_(columns) {}

  void parse(std::string_view text, bool skip_bad_rows, ParsedInteractions& out) {
    out = {};
    CellProblem problem;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      Interaction row;
      if (parse_line(line, row, problem)) {
        row.source_row = out.lines;
        out.old += row.time_ms < kOldestLikelyMs ? 1 : 0;
        out.rows.push_back(row);
        out.users.push_back(kept(line, cell(InteractionRole::kUser), out));
        out.items.push_back(kept(line, cell(InteractionRole::kItem), out));
      } else if (!skip_bad_rows) {
        out.problem = std::move(problem);
        return;
      } else {
        ++out.skipped[problem.reason];
      }
      ++out.lines;
    }
  }

 private:
  std::string_view cell(InteractionRole role) const { return cells_[columns_[role].at]; }

  static std::string_view kept(std::string_view line, std::string_view cell, ParsedInteractions& out) {
    const std::less_equal<> before;
    const bool inside = before(line.data(), cell.data()) && before(cell.data(), line.data() + line.size());
    return inside ? cell : out.rewritten.emplace_back(cell);
  }

  bool parse_line(std::string_view line, Interaction& out, CellProblem& problem) {
    if (!split_cells(line, columns_.separator, cells_, storage_)) {
      problem = {"open quote", "a quote is not closed", 1};
      return false;
    }
    if (cells_.size() != columns_.count) {
      problem = {"cells", fmt::format("{} cells, expected {} as in the first line", cells_.size(), columns_.count), 1};
      return false;
    }
    const auto bad = [&](InteractionRole role, std::string_view name, const std::string& expected) {
      problem = {std::string(name), fmt::format("{} is '{}', expected {}", name, shown(cell(role)), expected),
                 place_in(line, cell(role))};
      return false;
    };
    for (const InteractionRole role : {InteractionRole::kUser, InteractionRole::kItem})
      if (!wrong_with_id(cell(role)).empty())
        return bad(role, role == InteractionRole::kUser ? "user" : "item",
                   fmt::format("an id of 1 to {} printable bytes", kMaxIdBytes));
    if (!parse_time(cell(InteractionRole::kTime), columns_[InteractionRole::kTime].unit_ms, out.time_ms))
      return bad(InteractionRole::kTime, "timestamp",
                 "Unix time in seconds or milliseconds, or a time such as 2022-04-25 10:00:00, from 1970 to 2099");
    const auto number = [&](InteractionRole role, const char* name, double unit, double most, double& value) {
      if (!columns_[role].is_there()) return true;
      if (!read_real(cell(role), value) || !(value >= 0.0 && value * unit <= most))
        return bad(role, name, fmt::format("a number from 0 to {:g}", most / unit));
      value *= unit;
      return true;
    };
    constexpr double kMostMs = kMaxSpanMs;
    return number(InteractionRole::kRating, "rating", 1.0, 1e6, out.rating) &&
           number(InteractionRole::kDuration, "duration", columns_[InteractionRole::kDuration].unit_ms, kMostMs,
                  out.duration_ms) &&
           number(InteractionRole::kPlay, "play", columns_[InteractionRole::kPlay].unit_ms, kMostMs, out.play_ms) &&
           number(InteractionRole::kRatio, "ratio", 1.0, kMostMs / kAssumedDurationMs, out.ratio);
  }

  const InteractionColumns& columns_;
  std::vector<std::string_view> cells_;
  std::vector<std::string> storage_;
};

// What the rows have in common, known when all are read.
struct Collected {
  IdColumn users, items;
  double largest_rating = 0.0;
  std::uint64_t rows = 0, lines = 0, old = 0;
  std::map<std::string, std::uint64_t> skipped;
};

// Reads the file once, for it may be a pipe, and puts its rows away.
Collected collect(CsvFile&& file, const InteractionColumns& columns, const LoadOptions& options, bool has_header,
                  SpillFile& spill) {
  std::vector<CsvFile> files;
  files.push_back(std::move(file));
  CsvBlocks blocks(files, kInteractionBlock);
  struct Worker {
    explicit Worker(const InteractionColumns& with) : parser(with) {}
    CsvBlock block;
    InteractionParser parser;
    ParsedInteractions parsed;
  };
  std::vector<Worker> workers;
  for (int w = 0; w < worker_count(options.threads); ++w) workers.emplace_back(columns);
  Collected all;
  std::uint64_t bytes_done = 0;
  const auto take = [&](std::size_t, int w) { return blocks.take(workers[static_cast<std::size_t>(w)].block); };
  const auto parse = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    blocks.load(worker.block);
    worker.parser.parse(worker.block.text, options.skip_bad_rows, worker.parsed);
  };
  const auto commit = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    ParsedInteractions& parsed = worker.parsed;
    if (parsed.problem)
      throw_at(files[0].path(), all.lines + parsed.lines + (has_header ? 2 : 1), parsed.problem->column,
               parsed.problem->message);
    if (all.lines + parsed.lines > std::numeric_limits<std::uint32_t>::max())
      throw InputError(fmt::format("{}: more than 4294967295 rows", files[0].path().string()));
    for (std::size_t i = 0; i < parsed.rows.size(); ++i) {
      Interaction& row = parsed.rows[i];
      row.user = all.users.find_or_add(parsed.users[i]);
      row.item = all.items.find_or_add(parsed.items[i]);
      row.source_row += static_cast<std::uint32_t>(all.lines);
      all.largest_rating = std::max(all.largest_rating, row.rating);
    }
    if (!parsed.rows.empty()) spill.append(parsed.rows.data(), parsed.rows.size() * sizeof(Interaction));
    all.rows += parsed.rows.size(), all.lines += parsed.lines, all.old += parsed.old;
    for (const auto& [reason, count] : parsed.skipped) all.skipped[reason] += count;
    bytes_done += worker.block.bytes;
    report(options.progress, "reading interactions", bytes_done, blocks.bytes_total());
  };
  ordered_stream(options.threads, take, parse, commit);
  if (all.rows == 0) throw InputError(fmt::format("{}: holds no interaction", files[0].path().string()));
  return all;
}

UserTable make_users(IdColumn::Sorted& ids) {
  UserTable users;
  users.raw_id = std::move(ids.raw_id);
  users.id_text = std::move(ids.text);
  return users;
}

// Videos of which nothing is known but their ids.
VideoTable make_videos(IdColumn::Sorted& ids) {
  VideoTable videos;
  const std::size_t count = ids.raw_id.size();
  videos.raw_id = std::move(ids.raw_id);
  videos.id_text = std::move(ids.text);
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

// What of the duration was watched where the file does not say: the rating's share of the largest, all without ratings.
double assumed_share(const Interaction& from, const InteractionColumns& columns, double largest_rating) {
  if (columns[InteractionRole::kRatio].is_there()) return from.ratio;
  if (!columns[InteractionRole::kRating].is_there()) return 1.0;
  return largest_rating > 0.0 ? from.rating / largest_rating : 0.0;
}

LogRow to_row(const Interaction& from, const InteractionColumns& columns, double largest_rating) {
  LogRow row;
  row.time_ms = from.time_ms;
  row.date = date_of_time(from.time_ms);
  row.hourmin = static_cast<std::uint16_t>(hourmin_of_time(from.time_ms)) & 0x7FFFU;
  row.tab = 1;
  row.source_row = from.source_row;
  const double duration_ms = columns[InteractionRole::kDuration].is_there() ? from.duration_ms : kAssumedDurationMs;
  const double play_ms = columns[InteractionRole::kPlay].is_there()
                             ? from.play_ms
                             : assumed_share(from, columns, largest_rating) * duration_ms;
  row.duration_ms = static_cast<std::int32_t>(std::lround(duration_ms));
  row.play_ms = static_cast<std::int32_t>(std::lround(std::min<double>(play_ms, kMaxSpanMs)));
  unsigned bits = 0;
  if (row.duration_ms > 0 && is_valid_play(row.play_ms, row.duration_ms)) bits |= bit(Signal::kClick);
  if (row.duration_ms > 0 && is_long_view(row.play_ms, row.duration_ms)) bits |= bit(Signal::kLongView);
  if (largest_rating > 0.0 && from.rating >= kLikedShare * largest_rating) bits |= bit(Signal::kLike);
  row.signals = static_cast<SignalBits>(bits);
  return row;
}

// Everything that was assumed, passed over or guessed.
void note(const InteractionColumns& columns, const Collected& all, LoadReport& report) {
  const std::uint64_t rows = report.rows_kept;
  if (!columns[InteractionRole::kDuration].is_there()) report.noted["no duration, 10 s assumed"] += rows;
  for (const std::string& name : columns.ignored) report.noted[fmt::format("column '{}' ignored", shown(name))] += rows;
  if (!columns.data_set.empty())
    report.noted[fmt::format("'{}' and '{}' in milliseconds, as {} has them", columns[InteractionRole::kPlay].name,
                             columns[InteractionRole::kDuration].name, columns.data_set)] += rows;
  if (columns[InteractionRole::kRating].is_there())
    report.noted[all.largest_rating > 0.0 ? fmt::format("ratings from 0 to {:g}", all.largest_rating)
                                          : "ratings are all 0: nothing liked"] += rows;
  if (all.old > 0) report.noted["times before 1990"] += all.old;
}

}  // namespace

LoadReport import_interactions(const std::filesystem::path& csv, const std::filesystem::path& out,
                               const LoadOptions& options, const InteractionFormat& format) {
  CsvFile file(csv, CsvFile::FirstLine::kUnknown);
  const InteractionColumns columns = find_interaction_columns(file, format);
  const bool has_header = file.first_line_is_skipped();
  SpillFile spill(out.has_parent_path() ? out.parent_path() : std::filesystem::path("."));
  Collected all = collect(std::move(file), columns, options, has_header, spill);
  IdColumn::Sorted users = all.users.sort(), items = all.items.sort();
  LogStoreBuilder builder(out, make_users(users), make_videos(items), "", options.threads, options.progress);
  std::vector<Interaction> piece;
  std::vector<LogRow> rows;
  for (std::uint64_t begin = 0; begin < all.rows; begin += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kRowsAtOnce, all.rows - begin)));
    spill.read(piece.data(), piece.size() * sizeof(Interaction), begin * sizeof(Interaction));
    rows.clear();
    for (const Interaction& one : piece) {
      LogRow& row = rows.emplace_back(to_row(one, columns, all.largest_rating));
      row.user = users.row[one.user], row.video = items.row[one.item];
    }
    builder.add(rows);
    report(options.progress, "sorting rows", begin, all.rows);
  }
  LoadReport report = builder.finish();
  report.rows_read = all.lines;
  for (const auto& [reason, count] : all.skipped) report.dropped[reason] += count;
  note(columns, all, report);
  return report;
}

}  // namespace swipegym
