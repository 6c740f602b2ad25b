#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/parallel_for.h"
#include "sim_data/csv/csv_release.h"
#include "sim_data/log_limits.h"
#include "sim_data/ordered_for.h"
#include "sim_data/store/log_store.h"
#include "sim_data/store/log_store_columns.h"
#include "sim_data/store/log_store_tables.h"

namespace swipegym {

namespace {

constexpr std::size_t kFlushChunks = 16;  // rows wait until this many chunks can be packed in parallel

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::string report_text(const LoadReport& report) {
  return nlohmann::json{{"rows_read", report.rows_read},
                        {"rows_kept", report.rows_kept},
                        {"dropped", report.dropped},
                        {"noted", report.noted}}
      .dump();
}

}  // namespace

struct LogStoreWriter::Impl {
  Impl(const std::filesystem::path& out, std::size_t users, int worker_threads)
      : file(out), threads(worker_threads), rows_of_user(users, 0) {}

  void append(std::span<const LogRow> added) {
    for (const LogRow& row : added) ++rows_of_user[row.user];
    const std::size_t first = waiting.size();
    waiting.resize(first + added.size());
    waiting.propensity.resize(first + added.size());
    for (std::size_t i = 0; i < added.size(); ++i) {
      store_row(added[i], waiting, first + i);
      any_propensity |= !std::isnan(added[i].propensity);
    }
    if (waiting.size() >= kFlushChunks * kColumnChunk) flush(waiting.size() / kColumnChunk);
  }

  // Packs and writes the first `chunks` chunks of the waiting rows; the last one may be partly filled.
  void flush(std::size_t chunks) {
    struct Worker {
      ColumnEncoder encoder;
      std::array<std::vector<std::byte>, kNumStoreColumns> packed;
    };
    std::vector<Worker> workers(static_cast<std::size_t>(worker_count(threads)));
    const auto count_of = [&](std::size_t chunk) {
      return std::min(waiting.size() - chunk * kColumnChunk, kColumnChunk);
    };
    const auto pack = [&](std::size_t chunk, int w) {
      Worker& worker = workers[static_cast<std::size_t>(w)];
      for_each_store_column([&](std::size_t c, std::string_view, auto member) {
        const auto rows_of_chunk =
            std::span(std::as_const(waiting.*member)).subspan(chunk * kColumnChunk, count_of(chunk));
        worker.encoder.encode_rows(rows_of_chunk, worker.packed[c]);
      });
    };
    const auto write = [&](std::size_t chunk, int w) {
      for (std::size_t c = 0; c < kNumStoreColumns; ++c)
        columns[c].append(workers[static_cast<std::size_t>(w)].packed[c], count_of(chunk));
      note_chunk(chunk * kColumnChunk, count_of(chunk));
    };
    ordered_for(chunks, threads, pack, write);
    drop_front(std::min(waiting.size(), chunks * kColumnChunk));
  }

  // What a slice needs to pass a chunk over without reading it.
  void note_chunk(std::size_t begin, std::size_t count) {
    const auto dates = std::span(waiting.date).subspan(begin, count);
    const auto random = std::span(waiting.is_random).subspan(begin, count);
    const auto [first, last] = std::minmax_element(dates.begin(), dates.end());
    chunk_first_date.push_back(*first);
    chunk_last_date.push_back(*last);
    chunk_random.push_back(static_cast<std::uint64_t>(std::count(random.begin(), random.end(), 1)));
    rows += count;
  }

  void drop_front(std::size_t count) {
    const auto drop = [&](auto& column) {
      column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(count));
    };
    for_each_store_column([&](std::size_t, std::string_view, auto member) { drop(waiting.*member); });
    drop(waiting.user);
  }

  Hdf5Writer file;
  std::vector<ColumnAppender> columns;  // closed before the file
  int threads;
  Log waiting;
  std::vector<std::uint64_t> rows_of_user;
  std::vector<std::int32_t> chunk_first_date, chunk_last_date;
  std::vector<std::uint64_t> chunk_random;  // rows with is_rand = 1
  std::uint64_t rows = 0;
  bool any_propensity = false;
};

LogStoreWriter::LogStoreWriter(const std::filesystem::path& out, const UserTable& users, const VideoTable& videos,
                               const std::string& truth, int threads)
    : impl_(std::make_unique<Impl>(out, users.size(), threads)) {
  impl_->file.attribute("kind", kLogStoreKind);
  impl_->file.attribute("schema_version", kLogStoreVersion);
  write_tables(impl_->file, users, videos, threads);
  impl_->file.write_text("truth", truth);
  for_each_store_column([&](std::size_t, std::string_view name, auto member) {
    using Element = typename StoredAs<typename std::decay_t<decltype(impl_->waiting.*member)>::value_type>::type;
    impl_->columns.emplace_back(impl_->file, std::string(name), hdf5_type<Element>(), sizeof(Element));
  });
}

LogStoreWriter::~LogStoreWriter() = default;

void LogStoreWriter::append(std::span<const LogRow> rows) {
  impl_->append(rows);
}

void LogStoreWriter::finish(std::uint64_t fingerprint, const LoadReport& report) {
  Impl& impl = *impl_;
  if (impl.waiting.size() > 0) impl.flush((impl.waiting.size() + kColumnChunk - 1) / kColumnChunk);
  impl.columns.clear();
  std::vector<std::uint64_t> offset(impl.rows_of_user.size() + 1, 0);
  for (std::size_t u = 0; u < impl.rows_of_user.size(); ++u) offset[u + 1] = offset[u] + impl.rows_of_user[u];
  write_column(impl.file, "users/offset", offset, impl.threads);
  impl.file.write("chunks/first_date", impl.chunk_first_date);
  impl.file.write("chunks/last_date", impl.chunk_last_date);
  impl.file.write("chunks/random_rows", impl.chunk_random);
  impl.file.write_text("import_report", report_text(report));
  impl.file.attribute("rows", static_cast<std::int64_t>(impl.rows));
  impl.file.attribute("has_propensity", std::int64_t{impl.any_propensity});
  impl.file.attribute("fingerprint", fingerprint_text(fingerprint));
  impl.file.commit();
}

LoadReport import_logs(const std::filesystem::path& directory, const std::filesystem::path& out,
                       const LoadOptions& options) {
  // A store is whole; slices are for reading it.
  const LoadOptions whole{
      .skip_bad_rows = options.skip_bad_rows, .threads = options.threads, .progress = options.progress};
  LoadReport report;
  std::optional<LogStoreWriter> writer;
  const ReleaseRows rows = read_release(
      directory, whole, folder_of(out), report,
      [&](ReleaseTables&& tables) {
        const ReleaseTables held = std::move(tables);  // let go of once written: they are most of the memory
        writer.emplace(out, held.users, held.videos, held.truth, options.threads);
      },
      [&](std::span<const LogRow> batch) { writer->append(batch); });
  writer->finish(rows.fingerprint, report);
  return report;
}

struct LogStoreBuilder::Impl {
  LogStoreWriter writer;
  RowSorter sorter;
  std::size_t users, videos;
  std::uint64_t table_hash;
  int threads;
  Progress progress;
};

LogStoreBuilder::LogStoreBuilder(const std::filesystem::path& out, UserTable users, VideoTable videos,
                                 std::string truth, int threads, Progress progress)
    : impl_(new Impl{.writer = LogStoreWriter(out, users, videos, truth, threads),
                     .sorter = RowSorter(users.size(), folder_of(out)),
                     .users = users.size(),
                     .videos = videos.size(),
                     .table_hash = hash_tables(users, videos),
                     .threads = threads,
                     .progress = std::move(progress)}) {}

LogStoreBuilder::~LogStoreBuilder() = default;

void LogStoreBuilder::add(std::span<const LogRow> rows) {
  for (const LogRow& row : rows) validate(row, impl_->users, impl_->videos);
  impl_->sorter.add(rows);
}

LoadReport LogStoreBuilder::finish() {
  const RowSorter::Drained drained =
      impl_->sorter.drain(impl_->threads, RowFilter(LoadOptions{}), impl_->progress,
                          [&](std::span<const LogRow> batch) { impl_->writer.append(batch); });
  LoadReport report{.rows_read = impl_->sorter.rows(), .rows_kept = drained.kept.rows(), .dropped = {}, .noted = {}};
  if (drained.repeated > 0) report.dropped["repeated"] = drained.repeated;
  drained.kept.note(report.noted);
  impl_->writer.finish(combine_fingerprint(impl_->table_hash, drained.kept.hash(), drained.kept.rows()), report);
  return report;
}

}  // namespace swipegym
