#include "sim_data/csv/log_csv_reader.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "core/error.h"
#include "sim_data/csv/csv_blocks.h"
#include "sim_data/csv/log_row_parser.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kLogBlockBytes = 2 << 20;

}  // namespace

LogCsvCounts read_log_csv(const std::vector<std::filesystem::path>& paths, const IdMap& users, const IdMap& videos,
                          const LogCsvOptions& options, const std::function<void(std::span<const LogRow>)>& sink) {
  std::vector<CsvFile> files;
  std::vector<LogRowParser> parsers;
  for (const auto& path : paths) {
    files.emplace_back(path);
    parsers.emplace_back(files.back(), users, videos);
  }
  CsvBlocks blocks(files, kLogBlockBytes);
  struct Worker {
    CsvBlock block;
    ParsedRows parsed;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(worker_count(options.threads)));
  LogCsvCounts counts;
  std::uint64_t file_line = 2, bytes_done = 0;  // of the current file, where the next block begins
  std::size_t current_file = 0;

  const auto take = [&](std::size_t, int w) { return blocks.take(workers[static_cast<std::size_t>(w)].block); };
  const auto parse = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    blocks.load(worker.block);
    parsers[worker.block.file].parse(worker.block.text, options.skip_bad_rows, worker.parsed);
  };
  const auto commit = [&](std::size_t, int w) {
    const CsvBlock& block = workers[static_cast<std::size_t>(w)].block;
    const CsvFile& file = files[block.file];
    ParsedRows& parsed = workers[static_cast<std::size_t>(w)].parsed;
    if (std::exchange(current_file, block.file) != block.file) file_line = 2;
    file_line += parsed.lines;
    if (parsed.problem) throw_at(file.path(), file_line, parsed.problem->column, parsed.problem->message);
    if (counts.rows_read + parsed.lines > std::numeric_limits<std::uint32_t>::max())
      throw InputError(fmt::format("{}: more than 4294967295 rows", file.path().string()));
    for (LogRow& row : parsed.rows) row.source_row += static_cast<std::uint32_t>(counts.rows_read);
    counts.rows_read += parsed.lines;
    for (const auto& [reason, count] : parsed.skipped) counts.skipped[reason] += count;
    sink(parsed.rows);
    bytes_done += block.bytes;
    report(options.progress, "reading logs", bytes_done, blocks.bytes_total());
  };
  ordered_stream(options.threads, take, parse, commit);
  return counts;
}

}  // namespace swipegym
