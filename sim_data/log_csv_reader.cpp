#include "sim_data/log_csv_reader.h"

#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "core/error.h"
#include "sim_data/csv_file.h"
#include "sim_data/log_row_parser.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kLogBlockBytes = 2 << 20;

}  // namespace

LogCsvCounts read_log_csv(const std::vector<std::filesystem::path>& paths, const IdMap& users, const IdMap& videos,
                          const LogCsvOptions& options, const std::function<void(std::span<const LogRow>)>& sink) {
  std::vector<CsvFile> files;
  std::vector<LogRowParser> parsers;
  std::uint64_t bytes_total = 0;
  for (const auto& path : paths) {
    files.emplace_back(path);
    parsers.emplace_back(files.back(), users, videos);
    bytes_total += files.back().size();
  }
  const std::vector<CsvBlock> blocks = cut_blocks(files, kLogBlockBytes);
  struct Worker {
    std::vector<char> text;
    ParsedRows parsed;
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
    ParsedRows& parsed = workers[static_cast<std::size_t>(w)].parsed;
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
