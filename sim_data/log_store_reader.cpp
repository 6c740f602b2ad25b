#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.h"
#include "core/json_text.h"
#include "core/parallel_for.h"
#include "sim_data/fingerprint.h"
#include "sim_data/log_limits.h"
#include "sim_data/log_store.h"
#include "sim_data/log_store_columns.h"
#include "sim_data/log_store_tables.h"

namespace swipegym {

struct LogStoreReader::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path, kLogStoreKind, kLogStoreVersion) {}

  // The rows of one chunk that a slice keeps, and where they go.
  struct Piece {
    std::uint64_t chunk = 0, first_row = 0, last_row = 0;  // rows of the chunk inside the users asked for
    std::vector<std::uint8_t> keep;                        // [last_row - first_row]; empty: all
    std::uint64_t kept = 0, begin = 0;                     // rows kept, and their place in the result
  };

  struct Worker {
    ColumnDecoder decoder;
    std::vector<std::byte> packed;
    Log chunk;  // one chunk of each column
  };

  template <class Column>
  void unpack(std::size_t column, std::uint64_t chunk, Worker& worker, Column& out) {
    {
      const std::lock_guard lock(mutex);
      columns[column].read(chunk, worker.packed);
      ++chunks_read;
    }
    out.resize(kColumnChunk);
    const auto bytes = std::as_writable_bytes(std::span(out));
    if (!worker.decoder.decode(worker.packed, columns[column].element_size(), bytes)) columns[column].throw_damaged();
  }

  // Chunks that may hold rows asked for, by what the file says of each.
  std::vector<Piece> candidates(const LoadOptions& options) const {
    std::vector<Piece> pieces;
    const std::size_t users = offset.size() - 1;
    const std::uint64_t first = options.first_user < users ? offset[options.first_user] : rows;
    const std::uint64_t last = options.last_user < users ? offset[options.last_user + 1] : rows;
    for (std::uint64_t chunk = first / kColumnChunk; first < last && chunk * kColumnChunk < last; ++chunk) {
      const std::uint64_t begin = chunk * kColumnChunk, end = std::min(begin + kColumnChunk, rows);
      if (chunk_last_date[chunk] < options.from || chunk_first_date[chunk] > options.until ||
          (!options.standard && chunk_random[chunk] == 0) || (!options.random && chunk_random[chunk] == end - begin))
        continue;
      Piece piece{.chunk = chunk, .first_row = std::max(first, begin), .last_row = std::min(last, end), .keep = {}};
      piece.kept = piece.last_row - piece.first_row;
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

  bool whole_chunk_asked(const Piece& piece, const LoadOptions& options) const {
    return chunk_first_date[piece.chunk] >= options.from && chunk_last_date[piece.chunk] <= options.until &&
           (options.standard || chunk_random[piece.chunk] == kColumnChunk) &&
           (options.random || chunk_random[piece.chunk] == 0);
  }

  // Reads dates and exposure kinds of one chunk to see which rows stay.
  void select(Piece& piece, const LoadOptions& options, Worker& worker) {
    if (whole_chunk_asked(piece, options)) return;
    unpack(kDateColumn, piece.chunk, worker, worker.chunk.date);
    unpack(kRandomColumn, piece.chunk, worker, worker.chunk.is_random);
    piece.kept = 0;
    for (std::uint64_t row = piece.first_row; row < piece.last_row; ++row) {
      const std::size_t i = row % kColumnChunk;
      const std::int32_t date = worker.chunk.date[i];
      const bool keep = date >= options.from && date <= options.until &&
                        (worker.chunk.is_random[i] != 0 ? options.random : options.standard);
      piece.keep.push_back(keep);
      piece.kept += keep;
    }
  }

  // Reads the other columns and copies the rows that stay to their place.
  void copy(const Piece& piece, Worker& worker, Log& log, std::vector<RowSummary>& summaries) {
    for_each_store_column([&](std::size_t c, std::string_view, auto member) {
      if (c == kPropensityColumn && !has_propensity) return;
      unpack(c, piece.chunk, worker, worker.chunk.*member);
    });
    // Where the store keeps no propensity, the scratch column is empty, as in the result.
    worker.chunk.user.assign(kColumnChunk, UserIndex{0});
    auto user = static_cast<std::uint32_t>(std::upper_bound(offset.begin(), offset.end(), piece.first_row) -
                                           offset.begin() - 1);
    std::uint64_t to = piece.begin;
    RowSummary& summary = summaries[piece.chunk];
    for (std::uint64_t row = piece.first_row; row < piece.last_row; ++row) {
      while (offset[user + 1] <= row) ++user;
      if (!piece.keep.empty() && piece.keep[row - piece.first_row] == 0) continue;
      LogRow out = row_at(worker.chunk, row % kColumnChunk);
      out.user = user;
      if (!is_valid(out, offset.size() - 1, videos))
        throw InputError(fmt::format("{}: row {} is damaged; make the file again", file.path().string(), row));
      store_row(out, log, to++);
      summary.add(out);
    }
  }

  Hdf5Reader file;
  std::vector<ColumnReader> columns;
  std::uint64_t rows = 0, fingerprint = 0;
  std::size_t videos = 0;
  bool has_propensity = false;
  std::vector<std::uint64_t> offset;
  std::vector<std::int32_t> chunk_first_date, chunk_last_date;
  std::vector<std::uint64_t> chunk_random;
  std::mutex mutex;  // HDF5 is not called from two threads
  std::uint64_t chunks_read = 0;
};

LogStoreReader::LogStoreReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  Impl& impl = *impl_;
  const auto rows = impl.file.attribute_int("rows");
  impl.has_propensity = impl.file.attribute_int("has_propensity") != 0;
  const std::string text = impl.file.attribute_text("fingerprint");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), impl.fingerprint, 16);
  impl.offset = read_column<std::uint64_t>(impl.file, "users/offset", 1);
  impl.chunk_first_date = impl.file.read<std::int32_t>("chunks/first_date");
  impl.chunk_last_date = impl.file.read<std::int32_t>("chunks/last_date");
  impl.chunk_random = impl.file.read<std::uint64_t>("chunks/random_rows");
  const std::vector<std::size_t> videos = impl.file.shape("videos/raw_id");
  const std::uint64_t chunks = (static_cast<std::uint64_t>(rows) + kColumnChunk - 1) / kColumnChunk;
  if (rows < 0 || error != std::errc{} || end != text.data() + text.size() || impl.offset.empty() ||
      impl.offset.front() != 0 || impl.offset.back() != static_cast<std::uint64_t>(rows) ||
      !std::is_sorted(impl.offset.begin(), impl.offset.end()) || impl.chunk_first_date.size() != chunks ||
      impl.chunk_last_date.size() != chunks || impl.chunk_random.size() != chunks || videos.size() != 1)
    throw InputError(fmt::format("{}: the head of the log is damaged; make the file again", path.string()));
  impl.rows = static_cast<std::uint64_t>(rows);
  impl.videos = videos[0];
  for_each_store_column([&](std::size_t, std::string_view name, auto member) {
    using Element = typename StoredAs<typename std::decay_t<decltype(std::declval<Log>().*member)>::value_type>::type;
    impl.columns.emplace_back(impl.file, std::string(name), hdf5_type<Element>(), sizeof(Element), impl.rows);
  });
}

LogStoreReader::~LogStoreReader() = default;

std::uint64_t LogStoreReader::rows() const noexcept {
  return impl_->rows;
}
std::uint64_t LogStoreReader::fingerprint() const noexcept {
  return impl_->fingerprint;
}
const std::vector<std::uint64_t>& LogStoreReader::user_offset() const noexcept {
  return impl_->offset;
}
std::uint64_t LogStoreReader::chunks_read() const noexcept {
  return impl_->chunks_read;
}
std::string LogStoreReader::truth() const {
  return impl_->file.read_text("truth");
}

LoadReport LogStoreReader::import_report() const {
  LoadReport report;
  const Json json = parse_json(impl_->file.read_text("import_report"), impl_->file.path().string() + ": import_report");
  try {
    json.at("rows_read").get_to(report.rows_read);
    json.at("rows_kept").get_to(report.rows_kept);
    json.at("dropped").get_to(report.dropped);
    json.at("noted").get_to(report.noted);
  } catch (const Json::exception&) {
    throw InputError(fmt::format("{}: 'import_report' is damaged; make the file again", impl_->file.path().string()));
  }
  return report;
}

void LogStoreReader::read_tables(UserTable& users, VideoTable& videos, int threads) const {
  swipegym::read_tables(impl_->file, users, videos, threads);
  if (users.size() + 1 != impl_->offset.size())
    throw InputError(fmt::format("{}: the users are damaged; make the file again", impl_->file.path().string()));
}

Log LogStoreReader::read_rows(const LoadOptions& options, RowSummary& summary) const {
  Impl& impl = *impl_;
  std::vector<Impl::Piece> pieces = impl.candidates(options);
  std::vector<Impl::Worker> workers(static_cast<std::size_t>(worker_count(options.threads)));
  parallel_for(pieces.size(), options.threads, [&](std::size_t i, int worker) {
    impl.select(pieces[i], options, workers[static_cast<std::size_t>(worker)]);
  });
  std::erase_if(pieces, [](const Impl::Piece& piece) { return piece.kept == 0; });
  std::uint64_t total = 0;
  for (Impl::Piece& piece : pieces) {
    piece.begin = total;
    total += piece.kept;
  }
  Log log;
  log.resize(total);
  if (impl.has_propensity) log.propensity.resize(total);
  std::vector<RowSummary> summaries(impl.chunk_random.size());
  std::uint64_t done = 0;
  std::mutex progress;
  parallel_for(pieces.size(), options.threads, [&](std::size_t i, int worker) {
    impl.copy(pieces[i], workers[static_cast<std::size_t>(worker)], log, summaries);
    const std::lock_guard lock(progress);
    done += pieces[i].kept;
    report(options.progress, "reading rows", done, total);
  });
  for (const RowSummary& part : summaries) summary.merge(part);
  // A slice without propensities has no column for them, wherever it was cut from.
  if (std::all_of(log.propensity.begin(), log.propensity.end(), [](float p) { return std::isnan(p); }))
    log.propensity.clear();
  return log;
}

LoadedDataset load_log_store(const std::filesystem::path& path, const LoadOptions& options) {
  const LogStoreReader store(path);
  LoadedDataset loaded;
  Dataset& data = loaded.data;
  store.read_tables(data.users, data.videos, options.threads);
  data.truth = store.truth();
  RowSummary summary;
  data.log = store.read_rows(options, summary);
  data.user_offset = count_offsets(data.log, data.users.size());
  data.fingerprint = combine_fingerprint(hash_tables(data.users, data.videos), summary.hash(), summary.rows());
  if (summary.rows() == store.rows() && data.fingerprint != store.fingerprint())
    throw InputError(
        fmt::format("{}: the contents do not match their fingerprint; make the file again", path.string()));
  loaded.report = store.import_report();
  loaded.report.rows_kept = summary.rows();
  for (const char* of_rows : {"duration 0", "date differs from time_ms", "hour differs from time_ms"})
    loaded.report.noted.erase(of_rows);
  summary.note(loaded.report.noted);
  return loaded;
}

}  // namespace swipegym
