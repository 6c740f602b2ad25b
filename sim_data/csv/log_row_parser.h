#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim_data/csv/csv_file.h"
#include "sim_data/id_map.h"
#include "sim_data/log_row.h"

namespace swipegym {

/// What is wrong with a row: `reason` is for counting, the rest for the message.
struct RowProblem {
  std::string reason, message;
  std::size_t column = 1;  // 1-based position in the line
};

/// The rows of a piece of a log file.
struct ParsedRows {
  std::vector<LogRow> rows;  // source_row counts lines from the beginning of the piece
  std::uint32_t lines = 0;   // bad ones included
  std::map<std::string, std::uint64_t> skipped;
  std::optional<RowProblem> problem;  // strict mode: of the line after the last counted one
};

/// Turns lines of one log file into rows, checking every cell. Columns may be in any order; rows in KuaiRand's own
/// order take a faster way, several digits at a time.
class LogRowParser {
 public:
  /// Throws InputError when a column is missing or there twice. `users` and `videos` must outlive the parser.
  LogRowParser(const CsvFile& file, const IdMap& users, const IdMap& videos);

  /// `text` as CsvFile::lines() gives it: whole lines, with readable bytes behind them. Bad rows are counted, or end
  /// the parsing.
  void parse(std::string_view text, bool skip_bad_rows, ParsedRows& out) const;

 private:
  struct Cells;
  struct Batch;
  const char* parse_in_order(const char* p, Cells& cells, float& propensity) const;
  const char* parse_by_role(const char* p, Cells& cells, float& propensity) const;
  bool fill(const Cells& cells, LogRow& row, std::int32_t& last_date) const;
  bool find_videos(Batch& batch, bool skip_bad_rows, ParsedRows& out) const;
  RowProblem explain(const char* begin) const;
  std::string wrong(std::size_t role, std::string_view cell) const;

  const IdMap& users_;
  const IdMap& videos_;
  std::vector<std::uint8_t> roles_;  // what each column of the file means
  std::array<bool, 32> is_text_{};   // of each role: ids that are texts
  bool in_order_ = false;            // numbers in KuaiRand's 19 columns in its order, and perhaps propensity
};

}  // namespace swipegym
