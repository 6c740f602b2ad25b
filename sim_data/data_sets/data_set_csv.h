#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim_data/csv/csv_blocks.h"
#include "sim_data/dataset.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

/// How a file of a public data set is written.
struct DataSetLayout {
  std::string_view data_set;              // "KuaiRec", for messages
  std::vector<std::string_view> columns;  // names; without a header, in the file's order
  std::size_t needed = 0;                 // the first so many have to be there
  std::string_view separator = ",";
  bool has_header = true;
};

/// What a row has been found wrong with; caught where the file's lines are counted.
struct BadDataSetCell {
  std::size_t place = 1;  // of the cell in its line, counted from 1
  std::string reason, message;
};

/// A line's cells by the layout's columns, each checked when it is asked for.
class DataSetCells {
 public:
  /// `at` says where in a line each column stands, kAbsent where it does not.
  DataSetCells(const DataSetLayout& layout, std::vector<std::size_t> at, std::size_t count);
  /// Throws BadDataSetCell for an open quote or another number of cells.
  void set(std::string_view line);

  static constexpr std::size_t kAbsent = std::size_t(-1);
  bool has(std::size_t column) const noexcept { return at_[column] != kAbsent; }
  std::string_view text(std::size_t column) const noexcept { return cells_[at_[column]]; }
  /// Nothing is said: no such column, nothing in the cell, \N, NaN or nan.
  bool is_empty(std::size_t column) const noexcept;
  std::size_t size() const noexcept { return cells_.size(); }
  std::string_view cell(std::size_t place) const noexcept { return cells_[place]; }

  // The cell as a number; throws BadDataSetCell for any other text.
  std::int64_t id(std::size_t column) const;  // an integer of at most 18 digits; "12.0" is 12
  std::int64_t integer(std::size_t column, std::int64_t low, std::int64_t high) const;
  double number(std::size_t column, double low, double high) const;
  double number_or_nan(std::size_t column, double low, double high) const;
  bool flag(std::size_t column) const;
  std::int64_t time_ms(std::size_t column, double unit_ms) const;  // see parse_time()
  std::int32_t date_or_none(std::size_t column) const;             // yyyy-mm-dd, perhaps with a time; 0 where empty
  [[noreturn]] void refuse(std::size_t column, const std::string& expected) const;

 private:
  const DataSetLayout& layout_;
  std::vector<std::size_t> at_;
  std::size_t count_;
  std::string_view line_;
  std::vector<std::string_view> cells_;
  std::vector<std::string> storage_;
};

using DataSetCounts = std::map<std::string, std::uint64_t>;

/// A file with its layout's columns found. Throws InputError for one that is missing, or there twice.
class DataSetFile {
 public:
  DataSetFile(std::filesystem::path path, DataSetLayout layout);
  DataSetCells cells() const { return {layout_, at_, count_}; }
  const DataSetLayout& layout() const noexcept { return layout_; }
  std::vector<CsvFile>& file() noexcept { return file_; }
  const std::filesystem::path& path() const noexcept { return file_.front().path(); }

 private:
  DataSetLayout layout_;
  std::vector<CsvFile> file_;  // one
  std::vector<std::size_t> at_;
  std::size_t count_ = 0;
};

/// `name` in a folder, plain or packed. Throws InputError for two packings of it.
std::optional<std::filesystem::path> find_data_set_file(const std::filesystem::path& folder, std::string_view name);
/// The folder, or its `data`, that has one of the files. Throws InputError that names them where neither has.
std::filesystem::path find_data_set_folder(const std::filesystem::path& path, std::string_view data_set,
                                           std::span<const std::string_view> any_of);

/// Parses a file's lines on all threads and hands their rows to commit(std::span<Row>) in the file's order, a block at
/// a time. parse(cells, row) fills a row in; it returns why a row is left out, or nullptr. Rows left out, and bad ones
/// under skip_bad_rows, are counted in `dropped` behind `prefix`. Throws InputError "file:line:column: ..." for the
/// first bad one otherwise. Returns how many lines there were.
template <class Row, class Parse, class Commit>
std::uint64_t read_data_set_rows(DataSetFile& source, const LoadOptions& options, const std::string& prefix,
                                 DataSetCounts& dropped, const Parse& parse, const Commit& commit) {
  constexpr std::uint64_t kBlock = 2ULL << 20;
  struct Worker {
    explicit Worker(DataSetCells with) : cells(std::move(with)) {}
    CsvBlock block;
    DataSetCells cells;
    std::vector<Row> rows;
    std::uint64_t lines = 0;
    DataSetCounts dropped;
    std::optional<BadDataSetCell> bad;  // of the line after the last counted one
  };
  std::vector<Worker> workers;
  for (int w = 0; w < worker_count(options.threads); ++w) workers.emplace_back(source.cells());
  CsvBlocks blocks(source.file(), kBlock);
  std::uint64_t lines = source.layout().has_header ? 1 : 0, bytes = 0;
  const auto work = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    blocks.load(worker.block);
    worker.rows.clear(), worker.dropped.clear(), worker.lines = 0;
    for (std::string_view text = worker.block.text; !text.empty(); ++worker.lines) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      try {
        worker.cells.set(line);
        Row row;
        if (const char* why = parse(std::as_const(worker.cells), row); why == nullptr)
          worker.rows.push_back(std::move(row));
        else
          ++worker.dropped[prefix + why];
      } catch (BadDataSetCell& bad) {
        if (!options.skip_bad_rows) {
          worker.bad = std::move(bad);
          return;
        }
        ++worker.dropped[prefix + bad.reason];
      }
    }
  };
  const auto settle = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    if (worker.bad) throw_at(source.path(), lines + worker.lines + 1, worker.bad->place, worker.bad->message);
    commit(std::span<Row>(worker.rows));
    lines += worker.lines;
    for (const auto& [why, count] : worker.dropped) dropped[why] += count;
    bytes += worker.block.bytes;
    report(options.progress, "reading " + source.path().filename().string(), bytes, blocks.bytes_total());
  };
  ordered_stream(
      options.threads, [&](std::size_t, int w) { return blocks.take(workers[static_cast<std::size_t>(w)].block); },
      work, settle);
  return lines - (source.layout().has_header ? 1 : 0);
}

}  // namespace swipegym
