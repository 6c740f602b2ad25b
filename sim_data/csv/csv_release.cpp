#include "sim_data/csv/csv_release.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "sim_data/csv/log_csv_reader.h"
#include "sim_data/csv/release_files.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/fingerprint.h"
#include "sim_data/id_map.h"
#include "sim_data/row_summary.h"
#include "sim_data/store/row_sorter.h"

namespace swipegym {

namespace {

// truth.json lies beside the CSV files when they were drawn from a known user model.
std::string read_truth(const std::filesystem::path& folder) {
  std::ifstream in(folder / "truth.json", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void add_counts(std::map<std::string, std::uint64_t>& to, const std::map<std::string, std::uint64_t>& from) {
  for (const auto& [what, count] : from) to[what] += count;
}

// The first row of a video is kept. Ids are looked up in a map that is needed anyway, so that two rows of one cost
// nothing to find.
IdMap map_videos(VideoTable& videos, const ReleaseFiles& files, const LoadOptions& options, TableCsvCounts& counts) {
  const bool of_texts = !videos.id_text.empty();
  IdMap map(videos.raw_id, of_texts);
  if (map.repeated() == IdMap::kNone) return map;
  if (!options.skip_bad_rows) {
    std::string id;
    append_id(id, videos, map.repeated());
    throw InputError(
        fmt::format("{}: video_id {} appears twice, the second time in data row {}; remove one or skip bad "
                    "rows (--skip-bad-rows)",
                    files.videos.front().string(), shown(id), map.repeated() + 1));
  }
  counts.skipped["video_features_basic: repeated video_id"] += drop_repeated(videos);
  return IdMap(videos.raw_id, of_texts);
}

}  // namespace

ReleaseRows read_release(const std::filesystem::path& directory, const LoadOptions& options,
                         const std::filesystem::path& spill_folder, LoadReport& counts,
                         const std::function<void(ReleaseTables&&)>& on_tables,
                         const std::function<void(std::span<const LogRow>)>& on_rows) {
  const ReleaseFiles files = find_release_files(directory);
  const TableCsvOptions table_options{
      .skip_bad_rows = options.skip_bad_rows, .threads = options.threads, .progress = options.progress};
  TableCsvCounts table_counts;
  ReleaseTables tables;
  tables.users = read_user_csv(files.users, table_options, table_counts);
  tables.videos = read_video_csv(files.videos, table_options, table_counts);
  tables.truth = read_truth(files.folder);
  const IdMap users(tables.users.raw_id, !tables.users.id_text.empty());
  const IdMap videos = map_videos(tables.videos, files, options, table_counts);
  const std::uint64_t table_hash = hash_tables(tables.users, tables.videos);
  const std::size_t num_users = tables.users.size();
  on_tables(std::move(tables));

  RowSorter sorter(num_users, spill_folder);
  const LogCsvCounts log_counts =
      read_log_csv(files.logs, users, videos,
                   {.skip_bad_rows = options.skip_bad_rows, .threads = options.threads, .progress = options.progress},
                   [&](std::span<const LogRow> rows) { sorter.add(rows); });
  if (log_counts.rows_read == 0) throw InputError(fmt::format("{}: the log files hold no rows", files.folder.string()));
  const RowSorter::Drained drained = sorter.drain(options.threads, RowFilter(options), options.progress, on_rows);

  counts.rows_read += log_counts.rows_read;
  counts.rows_kept += drained.kept.rows();
  if (drained.repeated > 0) counts.dropped["repeated"] += drained.repeated;
  add_counts(counts.dropped, log_counts.skipped);
  add_counts(counts.dropped, table_counts.skipped);
  add_counts(counts.noted, table_counts.noted);
  if (files.hidden > 0) counts.noted["hidden files named like parts, not read"] += files.hidden;
  drained.kept.note(counts.noted);
  return {.rows = drained.kept.rows(),
          .fingerprint = combine_fingerprint(table_hash, drained.kept.hash(), drained.kept.rows())};
}

}  // namespace swipegym
