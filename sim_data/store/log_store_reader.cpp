#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.h"
#include "core/json_text.h"
#include "core/parallel_for.h"
#include "core/validate.h"
#include "sim_data/fingerprint.h"
#include "sim_data/log_limits.h"
#include "sim_data/store/log_store.h"
#include "sim_data/store/log_store_columns.h"
#include "sim_data/store/log_store_tables.h"

namespace swipegym {

namespace {

// What a store says of its rows, beside the rows.
struct StoreHead {
  std::int64_t rows = 0;
  std::int64_t has_propensity = 0;
  std::string fingerprint_text;
  std::vector<std::uint64_t> user_offset;  // [users + 1]
  std::vector<std::int32_t> chunk_first_date, chunk_last_date;
  std::vector<std::uint64_t> chunk_random;  // rows of random exposure

  static StoreHead load(const Hdf5Reader& file) {
    return file.checked(StoreHead{.rows = file.attribute_int("rows"),
                                  .has_propensity = file.attribute_int("has_propensity"),
                                  .fingerprint_text = file.attribute_text("fingerprint"),
                                  .user_offset = read_column<std::uint64_t>(file, "users/offset", 1),
                                  .chunk_first_date = file.read<std::int32_t>("chunks/first_date"),
                                  .chunk_last_date = file.read<std::int32_t>("chunks/last_date"),
                                  .chunk_random = file.read<std::uint64_t>("chunks/random_rows")});
  }

  std::uint64_t fingerprint() const {
    std::uint64_t value = 0;
    const char* end = fingerprint_text.data() + fingerprint_text.size();
    const auto [stop, error] = std::from_chars(fingerprint_text.data(), end, value, 16);
    require_that("fingerprint", error == std::errc{} && stop == end, "hexadecimal digits");
    return value;
  }

  void validate() const {
    require_between("rows", rows, std::int64_t{0}, std::int64_t{1} << 40);
    require_between("has_propensity", has_propensity, std::int64_t{0}, std::int64_t{1});
    fingerprint();
    require_that("users/offset", !user_offset.empty(), "an entry a user and one more");
    require_offsets("users/offset", std::span(user_offset), user_offset.size() - 1, static_cast<std::size_t>(rows));
    const std::size_t chunks = (static_cast<std::size_t>(rows) + kColumnChunk - 1) / kColumnChunk;
    require_size("chunks/first_date", chunk_first_date.size(), chunks);
    require_size("chunks/last_date", chunk_last_date.size(), chunks);
    require_size("chunks/random_rows", chunk_random.size(), chunks);
    require_between("chunks/random_rows", std::span(chunk_random), std::uint64_t{0}, std::uint64_t{kColumnChunk});
  }
};

}  // namespace

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
      // Slices go by what the head says of a chunk, so its rows must be as it says.
      if (!is_valid(out, offset.size() - 1, videos) || worker.chunk.is_random[row % kColumnChunk] > 1 ||
          out.date < chunk_first_date[piece.chunk] || out.date > chunk_last_date[piece.chunk])
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
  StoreHead head = StoreHead::load(impl.file);
  impl.rows = static_cast<std::uint64_t>(head.rows);
  impl.has_propensity = head.has_propensity != 0;
  impl.fingerprint = head.fingerprint();
  impl.offset = std::move(head.user_offset);
  impl.chunk_first_date = std::move(head.chunk_first_date);
  impl.chunk_last_date = std::move(head.chunk_last_date);
  impl.chunk_random = std::move(head.chunk_random);
  const std::vector<std::size_t> videos = impl.file.shape("videos/raw_id");
  impl.videos = videos.size() == 1 ? videos[0] : 0;
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
  const auto read_count = [](const Json& value) {
    if (!value.is_number_unsigned()) throw InputError("not a count");
    return value.get<std::uint64_t>();
  };
  const auto read_counts = [&](const Json& object, std::map<std::string, std::uint64_t>& counts) {
    if (!object.is_object()) throw InputError("not an object");
    for (const auto& [reason, count] : object.items()) counts[reason] = read_count(count);
  };
  const Json json = parse_json(impl_->file.read_text("import_report"), impl_->file.path().string() + ": import_report");
  try {
    report.rows_read = read_count(json.at("rows_read"));
    report.rows_kept = read_count(json.at("rows_kept"));
    read_counts(json.at("dropped"), report.dropped);
    read_counts(json.at("noted"), report.noted);
  } catch (const std::exception&) {
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
