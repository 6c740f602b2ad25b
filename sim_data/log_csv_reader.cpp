#include "sim_data/log_csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/parallel_for.h"
#include "sim_data/calendar.h"
#include "sim_data/csv_file.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kBlockBytes = 2 << 20;
constexpr std::int64_t kMaxSpanMs = 1'000'000'000;        // play and duration: 11.6 days
constexpr std::int64_t kMaxTimeMs = 4'102'444'800'000;    // the year 2100
constexpr std::int64_t kMaxId = 999'999'999'999'999'999;  // 18 digits, what parse_cell() reads

// What a column of a log means. The signals come first, in the order of their bits.
enum Role : std::uint8_t {
  kFirstOther = kNumSignals,
  kUser = kFirstOther,
  kVideo,
  kDate,
  kHourmin,
  kTime,
  kPlay,
  kDuration,
  kRand,
  kTab,
  kProfileStay,
  kCommentStay,
  kPropensity,
  kNumRoles,
  kIgnored = kNumRoles
};

struct Expected {
  std::string_view name;
  std::int64_t low, high;
  std::string_view text;  // what a cell should be, for messages
  bool required;
};

constexpr std::array<Expected, kNumRoles> kExpected = [] {
  std::array<Expected, kNumRoles> all{};
  for (std::size_t i = 0; i < kNumSignals; ++i) all[i] = {kSignalNames[i], 0, 1, "0 or 1", true};
  all[kUser] = {"user_id", 0, kMaxId, "an id of user_features_*.csv", true};
  all[kVideo] = {"video_id", 0, kMaxId, "an id of video_features_basic_*.csv", true};
  all[kDate] = {"date", 19700101, 20991231, "a date yyyymmdd", true};
  all[kHourmin] = {"hourmin", 0, 2359, "a time hhmm", true};
  all[kTime] = {"time_ms", 0, kMaxTimeMs, "milliseconds since 1970, before the year 2100", true};
  all[kPlay] = {"play_time_ms", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", true};
  all[kDuration] = {"duration_ms", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", true};
  all[kRand] = {"is_rand", 0, 1, "0 or 1", true};
  all[kTab] = {"tab", 0, 254, "an integer from 0 to 254", true};
  all[kProfileStay] = {"profile_stay_time", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", false};
  all[kPropensity] = {"propensity", 0, 1, "a probability above 0, at most 1", false};
  all[kCommentStay] = {"comment_stay_time", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", false};
  return all;
}();

using Values = std::array<std::uint64_t, kNumRoles>;

// What is wrong with a row: `reason` is for counting, the rest for the message.
struct Problem {
  std::string reason, message;
  std::size_t column = 1;  // 1-based position in the line
};

// The rows of one block.
struct Parsed {
  std::vector<LogRow> rows;
  std::uint32_t lines = 0;
  std::map<std::string, std::uint64_t> skipped;
  std::optional<Problem> problem;  // strict mode: of the line after the last counted one
};

class RowParser {
 public:
  RowParser(const CsvFile& file, const IdMap& users, const IdMap& videos) : users_(users), videos_(videos) {
    roles_.assign(file.header().size(), kIgnored);
    for (std::size_t role = 0; role < kNumRoles; ++role) {
      const Expected& expected = kExpected[role];
      if (expected.required || file.find_column(expected.name) < roles_.size())
        roles_[file.require_column(expected.name)] = static_cast<std::uint8_t>(role);
    }
  }

  void parse(std::string_view text, bool skip_bad_rows, Parsed& out) const {
    out.rows.clear();
    out.lines = 0;
    out.skipped.clear();
    out.problem.reset();
    // The shortest possible row has one digit a column.
    out.rows.reserve(text.size() / (2 * roles_.size()) + 1);
    const char* const end = text.data() + text.size();
    LogRow row;
    std::int32_t last_date = 0;
    for (const char* line = text.data(); line != end; ++out.lines) {
      const char* next = parse_row(line, row, last_date);
      if (next != nullptr) {
        row.source_row = out.lines;
        out.rows.push_back(row);
        line = next;
        continue;
      }
      const char* newline = static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
      Problem problem = explain({line, static_cast<std::size_t>(newline - line)});
      if (!skip_bad_rows) {
        out.problem = std::move(problem);
        return;
      }
      ++out.skipped[problem.reason];
      line = newline + 1;
    }
  }

 private:
  // The fast way: digits, commas and cheap range checks. Returns the start of the next line, or nullptr when anything
  // at all is unusual; explain() then finds out what. Every line ends in \n, which stops each loop.
  const char* parse_row(const char* p, LogRow& row, std::int32_t& last_date) const {
    Values values{};  // optional columns that are absent count as 0
    const std::size_t columns = roles_.size();
    for (std::size_t i = 0; i < columns; ++i) {
      if (i > 0 && *p++ != ',') return nullptr;
      if (roles_[i] == kIgnored) {
        p = skip_cell(p);
        continue;
      }
      const char* const start = p;
      if (roles_[i] == kPropensity) {
        p = parse_propensity(p, row.propensity);
        if (p == nullptr) return nullptr;
        continue;
      }
      std::uint64_t value = 0;
      for (unsigned digit = static_cast<unsigned>(*p) - '0'; digit < 10; digit = static_cast<unsigned>(*p) - '0') {
        value = value * 10 + digit;
        ++p;
      }
      if (p == start || p - start > 18) return nullptr;
      values[roles_[i]] = value;
    }
    if (*p == '\r') ++p;
    if (*p++ != '\n') return nullptr;
    return fill(values, row, last_date) ? p : nullptr;
  }

  static const char* parse_propensity(const char* p, float& out) {
    const char* end = p;
    while (*end != ',' && *end != '\r' && *end != '\n') ++end;
    const auto [stop, error] = std::from_chars(p, end, out);
    return error == std::errc{} && stop == end && out > 0.0F && out <= 1.0F ? end : nullptr;
  }

  static const char* skip_cell(const char* p) {
    if (*p == '"') {
      do {
        for (++p; *p != '"' && *p != '\n';) ++p;
        if (*p == '\n') return p;
        ++p;
      } while (*p == '"');
    }
    while (*p != ',' && *p != '\n' && *p != '\r') ++p;
    return p;
  }

  bool fill(const Values& v, LogRow& row, std::int32_t& last_date) const {
    std::uint64_t binary = v[kRand];
    unsigned bits = 0;
    for (unsigned i = 0; i < kNumSignals; ++i) {
      binary |= v[i];
      bits |= static_cast<unsigned>(v[i]) << i;
    }
    if (binary > 1 || v[kPlay] > kMaxSpanMs || v[kDuration] > kMaxSpanMs || v[kTime] > kMaxTimeMs || v[kTab] > 254 ||
        v[kHourmin] >= 2400 || v[kHourmin] % 100 >= 60)
      return false;
    if (v[kProfileStay] > kMaxSpanMs || v[kCommentStay] > kMaxSpanMs) return false;
    if (v[kDate] != static_cast<std::uint64_t>(last_date)) {
      if (!is_date(static_cast<std::int64_t>(v[kDate]))) return false;
      last_date = static_cast<std::int32_t>(v[kDate]);
    }
    row.user = users_.find(static_cast<std::int64_t>(v[kUser]));
    row.video = videos_.find(static_cast<std::int64_t>(v[kVideo]));
    if (row.user == IdMap::kNone || row.video == IdMap::kNone) return false;
    row.time_ms = static_cast<std::int64_t>(v[kTime]);
    row.play_ms = static_cast<std::int32_t>(v[kPlay]);
    row.duration_ms = static_cast<std::int32_t>(v[kDuration]);
    row.date = last_date;
    row.hourmin = static_cast<std::uint16_t>(v[kHourmin]) & 0x7FFFU;
    row.tab = static_cast<std::uint8_t>(v[kTab]);
    row.signals = static_cast<SignalBits>(bits);
    row.is_random = static_cast<std::uint16_t>(v[kRand]) & 1U;
    return true;
  }

  // The slow way, for rows that parse_row() refused: says which cell is wrong and what it should be.
  Problem explain(std::string_view line) const {
    std::vector<std::string_view> cells;
    std::vector<std::string> storage;
    if (!split_cells(line, cells, storage)) return {"unbalanced quotes", "a quote is not closed", 1};
    if (cells.size() != roles_.size())
      return {"wrong number of columns",
              fmt::format("the row has {} columns, expected {} as in the header; is the file cut short?", cells.size(),
                          roles_.size()),
              std::max<std::size_t>(1, line.size())};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (roles_[i] == kIgnored) continue;
      const std::string reason = wrong(static_cast<Role>(roles_[i]), cells[i]);
      if (reason.empty()) continue;
      const Expected& expected = kExpected[roles_[i]];
      return {fmt::format("{} {}", expected.name, reason),
              fmt::format("{} is '{}' ({}), expected {}; mend the row or skip bad rows (--skip-bad-rows)",
                          expected.name, cells[i], reason, expected.text),
              static_cast<std::size_t>(cells[i].data() - line.data()) + 1};
    }
    return {"quoted number", "a number is written in quotes; write it plainly", 1};
  }

  // Why a cell is not what its role wants; empty when it is fine.
  std::string wrong(Role role, std::string_view cell) const {
    const bool negative = cell.starts_with('-');
    const std::string_view digits = cell.substr(negative ? 1 : 0);
    if (cell.empty()) return "empty";
    if (role == kPropensity) {
      float value = 0.0F;
      return parse_propensity(std::string(cell).append("\n").c_str(), value) == nullptr ? "not a probability" : "";
    }
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return "not an integer";
    if (negative) return "negative";
    if (digits.size() > 18) return "out of range";
    std::int64_t value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    if (value < kExpected[role].low || value > kExpected[role].high) return "out of range";
    if (role == kDate && !is_date(value)) return "not a date";
    if (role == kHourmin && !is_hourmin(value)) return "not a time";
    if (role == kUser && users_.find(value) == IdMap::kNone) return "unknown";
    if (role == kVideo && videos_.find(value) == IdMap::kNone) return "unknown";
    return {};
  }

  const IdMap& users_;
  const IdMap& videos_;
  std::vector<std::uint8_t> roles_;  // of each column of the file
};

}  // namespace

LogCsvCounts read_log_csv(const std::vector<std::filesystem::path>& paths, const IdMap& users, const IdMap& videos,
                          const LogCsvOptions& options, const std::function<void(std::span<const LogRow>)>& sink) {
  std::vector<CsvFile> files;
  std::vector<RowParser> parsers;
  std::uint64_t bytes_total = 0;
  for (const auto& path : paths) {
    files.emplace_back(path);
    parsers.emplace_back(files.back(), users, videos);
    bytes_total += files.back().size();
  }
  const std::vector<CsvBlock> blocks = cut_blocks(files, kBlockBytes);
  struct Worker {
    std::vector<char> text;
    Parsed parsed;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(worker_count(options.threads)));
  LogCsvCounts counts;
  std::uint64_t file_first_row = 0, bytes_done = 0;  // row number of the current file's first row
  std::size_t current_file = 0;

  const auto parse = [&](std::size_t item, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    const CsvBlock& block = blocks[item];
    const std::string_view text = files[block.file].lines(block.begin, block.end, worker.text);
    parsers[block.file].parse(text, options.skip_bad_rows, worker.parsed);
  };
  const auto commit = [&](std::size_t item, int w) {
    const CsvBlock& block = blocks[item];
    const CsvFile& file = files[block.file];
    Parsed& parsed = workers[static_cast<std::size_t>(w)].parsed;
    if (block.file != current_file) {
      current_file = block.file;
      file_first_row = counts.rows_read;
    }
    if (parsed.problem)
      throw_at(file.path(), counts.rows_read - file_first_row + parsed.lines + 2, parsed.problem->column,
               parsed.problem->message);
    if (counts.rows_read + parsed.lines > std::numeric_limits<std::uint32_t>::max())
      throw InputError(fmt::format("{}: more than 4294967295 rows", file.path().string()));
    for (LogRow& row : parsed.rows) row.source_row += static_cast<std::uint32_t>(counts.rows_read);
    counts.rows_read += parsed.lines;
    for (const auto& [reason, count] : parsed.skipped) counts.skipped[reason] += count;
    sink(parsed.rows);
    bytes_done += block.end - block.begin;
    report(options.progress, "reading logs", bytes_done, bytes_total);
  };
  ordered_for(blocks.size(), options.threads, parse, commit);
  return counts;
}

}  // namespace swipegym
