#include "sim_data/csv/log_row_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "sim_data/calendar.h"
#include "sim_data/id_texts.h"
#include "sim_data/log_limits.h"

namespace swipegym {

namespace {

constexpr std::size_t kBatch = 64;

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
  const auto limits = [](const ColumnLimits& column) {
    return Expected{column.name, column.low, column.high, column.expected, true};
  };
  all[kUser] = {"user_id", 0, kMaxRawId, "an id of user_features_*.csv", true};
  all[kVideo] = {"video_id", 0, kMaxRawId, "an id of video_features_basic_*.csv", true};
  all[kDate] = limits(log_limits::kDate);
  all[kHourmin] = limits(log_limits::kHourmin);
  all[kTime] = limits(log_limits::kTime);
  all[kPlay] = limits(log_limits::kPlay);
  all[kDuration] = limits(log_limits::kDuration);
  all[kRand] = limits(log_limits::kRandom);
  all[kTab] = limits(log_limits::kTab);
  all[kProfileStay] = {"profile_stay_time", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", false};
  all[kPropensity] = {"propensity", 0, 1, "a probability above 0, at most 1", false};
  all[kCommentStay] = {"comment_stay_time", 0, kMaxSpanMs, "milliseconds from 0 to 1000000000", false};
  return all;
}();

// KuaiRand's order of columns.
constexpr std::array<std::uint8_t, 19> kOrder = {kUser,
                                                 kVideo,
                                                 kDate,
                                                 kHourmin,
                                                 kTime,
                                                 static_cast<std::uint8_t>(Signal::kClick),
                                                 static_cast<std::uint8_t>(Signal::kLike),
                                                 static_cast<std::uint8_t>(Signal::kFollow),
                                                 static_cast<std::uint8_t>(Signal::kComment),
                                                 static_cast<std::uint8_t>(Signal::kForward),
                                                 static_cast<std::uint8_t>(Signal::kHate),
                                                 static_cast<std::uint8_t>(Signal::kLongView),
                                                 kPlay,
                                                 kDuration,
                                                 kProfileStay,
                                                 kCommentStay,
                                                 static_cast<std::uint8_t>(Signal::kProfile),
                                                 kRand,
                                                 kTab};

constexpr std::uint64_t bytes_of(char c) {
  return 0x0101010101010101ULL * static_cast<unsigned char>(c);
}

std::uint64_t load8(const char* p) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t bytes;
  std::memcpy(&bytes, p, 8);
  return bytes;
}

// A set bit in the lowest byte that is no digit; bytes above it may be marked, too.
std::uint64_t first_other(std::uint64_t bytes) {
  const std::uint64_t digits = bytes ^ bytes_of('0');
  return ((digits + 0x7676767676767676ULL) | digits) & 0x8080808080808080ULL;
}

// The number that eight digits write; leading ones may be 0 bytes instead of '0'.
std::uint64_t number_of8(std::uint64_t digits) {
  digits = (digits * 10 + (digits >> 8)) & 0x00FF00FF00FF00FFULL;
  digits = (digits * 100 + (digits >> 16)) & 0x0000FFFF0000FFFFULL;
  return (digits * 10000 + (digits >> 32)) & 0xFFFFFFFFULL;
}

// Reads digits into `value` and returns what follows them, or nullptr when there are none or more than 18.
const char* parse_digit_by_digit(const char* p, std::uint64_t& value) {
  const char* const start = p;
  value = 0;
  for (unsigned digit = static_cast<unsigned>(*p) - '0'; digit < 10; digit = static_cast<unsigned>(*p) - '0') {
    value = value * 10 + digit;
    ++p;
  }
  return p == start || p - start > 18 ? nullptr : p;
}

// The same, eight digits at a time: no loop whose length the processor would have to guess.
inline const char* parse_digits(const char* p, std::uint64_t& value) {
  const std::uint64_t bytes = load8(p);
  const std::uint64_t other = first_other(bytes);
  if (other == 0) [[unlikely]] {  // time_ms has 13 digits
    const std::uint64_t more = load8(p + 8);
    const std::uint64_t end = first_other(more);
    if (end == 0) return parse_digit_by_digit(p, value);
    constexpr std::uint64_t kTens[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};
    const auto count = static_cast<unsigned>(std::countr_zero(end)) / 8;
    const std::uint64_t low = count == 0 ? 0 : number_of8((more ^ bytes_of('0')) << (64 - 8 * count));
    value = number_of8(bytes ^ bytes_of('0')) * kTens[count] + low;
    return p + 8 + count;
  }
  const auto count = static_cast<unsigned>(std::countr_zero(other)) / 8;
  if (count == 0) return nullptr;
  value = number_of8((bytes ^ bytes_of('0')) << (64 - 8 * count));
  return p + count;
}

// Four cells of 0 or 1 with commas between and behind, as bits; `good` turns false when they are anything else.
inline unsigned four_flags(const char* p, bool& good) {
  constexpr std::uint64_t kOnes = 0x0001000100010001ULL, kZeros = 0x2C302C302C302C30ULL;  // "0,0,0,0,"
  const std::uint64_t bytes = load8(p);
  good = good && (bytes & ~kOnes) == kZeros;
  return static_cast<unsigned>((bytes & kOnes) * 0x0001000200040008ULL >> 48) & 15U;
}

const char* parse_propensity(const char* p, float& out) {
  const char* end = p;
  while (*end != ',' && *end != '\r' && *end != '\n') ++end;
  const auto [stop, error] = std::from_chars(p, end, out);
  return error == std::errc{} && stop == end && out > 0.0F && out <= 1.0F ? end : nullptr;
}

// The number of a text that is an id, which may stand in quotes.
const char* parse_text_id(const char* p, std::uint64_t& value) {
  std::string unquoted;
  const char* begin = p;
  const bool is_quoted = *p == '"';
  if (is_quoted) {
    for (++p; *p != '"' || p[1] == '"'; ++p) {
      if (*p == '\n') return nullptr;
      if (*p == '"') ++p;
      unquoted += *p;
    }
    ++p;
  } else {
    while (*p != ',' && *p != '\r' && *p != '\n') ++p;
  }
  const std::string_view text(is_quoted ? unquoted.data() : begin,
                              is_quoted ? unquoted.size() : static_cast<std::size_t>(p - begin));
  if (!wrong_with_id(text).empty()) return nullptr;
  value = static_cast<std::uint64_t>(number_of_id(text));
  return p;
}

const char* skip_cell(const char* p) {
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

// Behind the newline that ends a row, or nullptr when something else comes.
inline const char* end_row(const char* p) {
  if (*p == '\r') ++p;
  return *p == '\n' ? p + 1 : nullptr;
}

}  // namespace

/// The cells of a row as numbers, by role; the signals as bits.
struct LogRowParser::Cells {
  std::uint64_t user, video, date, hourmin, time_ms, play_ms, duration_ms, is_random, tab;
  std::uint64_t profile_stay, comment_stay;
  unsigned signals;
};

/// Rows whose videos are still to be found.
struct LogRowParser::Batch {
  std::size_t size = 0;
  std::array<const char*, kBatch> line;
  std::array<std::int64_t, kBatch> video;
};

LogRowParser::LogRowParser(const CsvFile& file, const IdMap& users, const IdMap& videos)
    : users_(users), videos_(videos) {
  is_text_[kUser] = users.of_texts();
  is_text_[kVideo] = videos.of_texts();
  roles_.assign(file.header().size(), kIgnored);
  for (std::size_t role = 0; role < kNumRoles; ++role) {
    const Expected& expected = kExpected[role];
    if (expected.required || file.find_column(expected.name) < roles_.size())
      roles_[file.require_column(expected.name)] = static_cast<std::uint8_t>(role);
  }
  in_order_ = !users.of_texts() && !videos.of_texts() && roles_.size() >= kOrder.size() &&
              std::equal(kOrder.begin(), kOrder.end(), roles_.begin()) &&
              (roles_.size() == kOrder.size() || (roles_.size() == kOrder.size() + 1 && roles_.back() == kPropensity));
}

void LogRowParser::parse(std::string_view text, bool skip_bad_rows, ParsedRows& out) const {
  out.rows.clear();
  out.lines = 0;
  out.skipped.clear();
  out.problem.reset();
  // The shortest possible row has one digit a column.
  out.rows.reserve(text.size() / (2 * roles_.size()) + 1);
  const char* const end = text.data() + text.size();
  LogRow row;
  Cells cells{};
  std::int32_t last_date = 0;
  Batch batch;
  for (const char* line = text.data(); line != end; ++out.lines) {
    const char* next = in_order_ ? parse_in_order(line, cells, row.propensity) : nullptr;
    if (next == nullptr) next = parse_by_role(line, cells, row.propensity);
    if (next != nullptr && fill(cells, row, last_date)) {
      videos_.prefetch(cells.video);
      row.source_row = out.lines;
      out.rows.push_back(row);
      batch.line[batch.size] = line;
      batch.video[batch.size] = static_cast<std::int64_t>(cells.video);
      if (++batch.size == kBatch && !find_videos(batch, skip_bad_rows, out)) return;
      line = next;
      continue;
    }
    if (!find_videos(batch, skip_bad_rows, out)) return;  // an unknown video in an earlier row comes first
    RowProblem problem = explain(line);
    if (!skip_bad_rows) {
      out.problem = std::move(problem);
      return;
    }
    ++out.skipped[problem.reason];
    line = static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line))) + 1;
  }
  find_videos(batch, skip_bad_rows, out);
}

// Looks up the videos of the last rows. There are millions, which do not fit into the caches: by now the lookups that
// were announced row by row are there. Returns false when an unknown one ends the parsing.
bool LogRowParser::find_videos(Batch& batch, bool skip_bad_rows, ParsedRows& out) const {
  const std::size_t first = out.rows.size() - batch.size;
  bool unknown = false;
  for (std::size_t i = 0; i < batch.size; ++i) {
    out.rows[first + i].video = videos_.find(batch.video[i]);
    unknown |= out.rows[first + i].video == IdMap::kNone;
  }
  for (std::size_t i = 0; unknown && i < batch.size; ++i) {
    if (out.rows[first + i].video != IdMap::kNone) continue;
    RowProblem problem = explain(batch.line[i]);
    if (!skip_bad_rows) {
      out.lines = out.rows[first + i].source_row;
      out.problem = std::move(problem);
      return false;
    }
    ++out.skipped[problem.reason];
  }
  if (unknown)
    out.rows.erase(std::remove_if(out.rows.begin() + static_cast<std::ptrdiff_t>(first), out.rows.end(),
                                  [](const LogRow& row) { return row.video == IdMap::kNone; }),
                   out.rows.end());
  batch.size = 0;
  return true;
}

// Returns the start of the next line, or nullptr when anything at all is unusual. Reads at most a few bytes beyond the
// line; no cell can begin behind its newline, since every step asks for a comma.
const char* LogRowParser::parse_in_order(const char* p, Cells& c, float& propensity) const {
  const auto number = [&p](std::uint64_t& value) {
    p = parse_digits(p, value);
    return p != nullptr && *p++ == ',';
  };
  if (!number(c.user) || !number(c.video)) return nullptr;
  if (!number(c.date) || !number(c.hourmin) || !number(c.time_ms)) return nullptr;
  bool good = true;
  c.signals = four_flags(p, good);
  if (!good) return nullptr;
  c.signals |= four_flags(p + 6, good) << 3;  // the fourth flag once more, and three others
  p += 14;
  if (!good || !number(c.play_ms) || !number(c.duration_ms) || !number(c.profile_stay) || !number(c.comment_stay))
    return nullptr;
  std::uint64_t profile = 0;
  if (!number(profile) || profile > 1 || !number(c.is_random)) return nullptr;
  c.signals |= static_cast<unsigned>(profile) << static_cast<unsigned>(Signal::kProfile);
  p = parse_digits(p, c.tab);
  if (p == nullptr) return nullptr;
  if (roles_.size() > kOrder.size() && (*p++ != ',' || (p = parse_propensity(p, propensity)) == nullptr))
    return nullptr;
  return end_row(p);
}

// The same for columns in any order, digit by digit. Every line ends in \n, which stops each loop.
const char* LogRowParser::parse_by_role(const char* p, Cells& cells, float& propensity) const {
  std::array<std::uint64_t, kNumRoles> values{};  // optional columns that are absent count as 0
  for (std::size_t i = 0; i < roles_.size(); ++i) {
    if (i > 0 && *p++ != ',') return nullptr;
    if (roles_[i] == kIgnored) {
      p = skip_cell(p);
    } else if (is_text_[roles_[i]]) {
      p = parse_text_id(p, values[roles_[i]]);
    } else if (roles_[i] == kPropensity) {
      p = parse_propensity(p, propensity);
    } else {
      p = parse_digit_by_digit(p, values[roles_[i]]);
    }
    if (p == nullptr) return nullptr;
  }
  unsigned signals = 0;
  for (unsigned s = 0; s < kNumSignals; ++s) {
    if (values[s] > 1) return nullptr;
    signals |= static_cast<unsigned>(values[s]) << s;
  }
  cells = {.user = values[kUser],
           .video = values[kVideo],
           .date = values[kDate],
           .hourmin = values[kHourmin],
           .time_ms = values[kTime],
           .play_ms = values[kPlay],
           .duration_ms = values[kDuration],
           .is_random = values[kRand],
           .tab = values[kTab],
           .profile_stay = values[kProfileStay],
           .comment_stay = values[kCommentStay],
           .signals = signals};
  return end_row(p);
}

// All of a row but its video, which is looked up later.
bool LogRowParser::fill(const Cells& c, LogRow& row, std::int32_t& last_date) const {
  if (c.is_random > 1 || c.play_ms > kMaxSpanMs || c.duration_ms > kMaxSpanMs || c.time_ms > kMaxTimeMs ||
      c.tab > log_limits::kTab.high || !is_hourmin(static_cast<std::int64_t>(c.hourmin)) ||
      c.profile_stay > kMaxSpanMs || c.comment_stay > kMaxSpanMs)
    return false;
  if (c.date != static_cast<std::uint64_t>(last_date)) {
    if (!is_date(static_cast<std::int64_t>(c.date))) return false;
    last_date = static_cast<std::int32_t>(c.date);
  }
  row.user = users_.find(static_cast<std::int64_t>(c.user));
  if (row.user == IdMap::kNone) return false;
  row.time_ms = static_cast<std::int64_t>(c.time_ms);
  row.play_ms = static_cast<std::int32_t>(c.play_ms);
  row.duration_ms = static_cast<std::int32_t>(c.duration_ms);
  row.date = last_date;
  row.hourmin = static_cast<std::uint16_t>(c.hourmin) & 0x7FFFU;
  row.tab = static_cast<std::uint8_t>(c.tab);
  row.signals = static_cast<SignalBits>(c.signals);
  row.is_random = static_cast<std::uint16_t>(c.is_random) & 1U;
  return true;
}

// The slow way, for rows that were refused: says which cell is wrong and what it should be.
RowProblem LogRowParser::explain(const char* begin) const {
  const std::string_view line(begin,
                              static_cast<std::size_t>(static_cast<const char*>(rawmemchr(begin, '\n')) - begin));
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
    const std::string reason = wrong(roles_[i], cells[i]);
    if (reason.empty()) continue;
    const Expected& expected = kExpected[roles_[i]];
    return {fmt::format("{} {}", expected.name, reason),
            fmt::format("{} is '{}' ({}), expected {}; mend the row or skip bad rows (--skip-bad-rows)", expected.name,
                        shown(cells[i]), reason, expected.text),
            place_in(line, cells[i])};
  }
  return {"quoted number", "a number is written in quotes; write it plainly", 1};
}

// Why a cell is not what its role wants; empty when it is fine.
std::string LogRowParser::wrong(std::size_t role, std::string_view cell) const {
  if (role < kNumRoles && is_text_[role]) {
    if (!wrong_with_id(cell).empty()) return std::string(wrong_with_id(cell));
    return (role == kUser ? users_ : videos_).find(number_of_id(cell)) == IdMap::kNone ? "unknown" : "";
  }
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

}  // namespace swipegym
