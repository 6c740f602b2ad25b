#include "sim_data/store/column_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include "core/error.h"
#include "core/hdf5_storage.h"
#include "core/parallel_for.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

namespace {

// HDF5 makes missing groups itself but stamps them with the time; equal content must give equal bytes.
void make_groups(hid_t file, const std::string& name) {
  const Hdf5Handle creation(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string group = name.substr(0, slash);
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) <= 0)
      const Hdf5Handle made(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  }
}

std::size_t chunks_of(std::uint64_t rows) {
  return static_cast<std::size_t>((rows + kColumnChunk - 1) / kColumnChunk);
}

// Chunks of our size, packed by our filters in their order: what ColumnDecoder undoes.
bool is_packed_as_ours(const Hdf5Handle& dataset, std::size_t element_size) {
  const Hdf5Handle creation(H5Dget_create_plist(dataset.get()));
  hsize_t chunk = 0;
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED || H5Pget_chunk(creation.get(), 1, &chunk) != 1 ||
      chunk != kColumnChunk)
    return false;
  std::vector<H5Z_filter_t> expected = {H5Z_FILTER_DEFLATE}, filters;
  if (element_size > 1) expected.insert(expected.begin(), H5Z_FILTER_SHUFFLE);
  for (int i = 0; i < H5Pget_nfilters(creation.get()); ++i) {
    std::size_t no_values = 0;
    filters.push_back(
        H5Pget_filter2(creation.get(), static_cast<unsigned>(i), nullptr, &no_values, nullptr, 0, nullptr, nullptr));
  }
  return filters == expected;
}

[[noreturn]] void throw_unwritten(const std::filesystem::path& path, const std::string& name, int error) {
  throw SystemError(fmt::format("{}: cannot write column '{}' ({}); is the disk full?", path.string(), name,
                                std::strerror(error == 0 ? EIO : error)));
}

}  // namespace

ColumnAppender::ColumnAppender(const Hdf5Writer& file, const std::string& name, hid_t type, std::size_t element_size)
    : path_(file.path()), name_(name), element_size_(element_size) {
  const Hdf5Silence silence;
  make_groups(file.handle(), name);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  const hsize_t chunk = kColumnChunk, none = 0, unlimited = H5S_UNLIMITED;
  H5Pset_obj_track_times(creation.get(), false);
  H5Pset_chunk(creation.get(), 1, &chunk);
  if (element_size > 1) H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), 1);
  H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
  const Hdf5Handle space(H5Screate_simple(1, &none, &unlimited));
  errno = 0;
  dataset_ =
      Hdf5Handle(H5Dcreate2(file.handle(), name.c_str(), type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  if (!dataset_) throw_unwritten(path_, name_, errno);
}

void ColumnAppender::append(std::span<const std::byte> packed, std::size_t rows) {
  const Hdf5Silence silence;
  const hsize_t offset = rows_, extent = rows_ + rows;
  errno = 0;
  if (H5Dset_extent(dataset_.get(), &extent) < 0 ||
      H5Dwrite_chunk(dataset_.get(), H5P_DEFAULT, 0, &offset, packed.size(), packed.data()) < 0)
    throw_unwritten(path_, name_, errno);
  rows_ += rows;
}

ColumnReader::ColumnReader(const Hdf5Reader& file, const std::string& name, hid_t type, std::size_t element_size,
                           std::uint64_t rows)
    : path_(file.path()), name_(name), element_size_(element_size) {
  const Hdf5Silence silence;
  dataset_ = open_hdf5_dataset(file.handle(), path_, name);
  require_hdf5_type(Hdf5Handle(H5Dget_type(dataset_.get())), type, path_, name);
  if (hdf5_shape(dataset_) != std::vector<std::size_t>{rows} || !is_packed_as_ours(dataset_, element_size))
    throw InputError(fmt::format("{}: column '{}' is not as this build writes it ({} rows expected); make it again",
                                 path_.string(), name, rows));
}

void ColumnReader::read(std::uint64_t chunk, std::vector<std::byte>& packed) const {
  const Hdf5Silence silence;
  const hsize_t offset = chunk * kColumnChunk;
  hsize_t size = 0;
  std::uint32_t skipped_filters = 0;
  // Packing never makes a chunk much larger, so a size beyond that is damage.
  if (H5Dget_chunk_storage_size(dataset_.get(), &offset, &size) < 0 || size > 2 * kColumnChunk * element_size_ + 4096)
    throw_damaged();
  packed.resize(static_cast<std::size_t>(size));
  if (size == 0 || H5Dread_chunk(dataset_.get(), H5P_DEFAULT, &offset, &skipped_filters, packed.data()) < 0 ||
      skipped_filters != 0)
    throw_damaged();
}

void ColumnReader::throw_damaged() const {
  throw InputError(fmt::format("{}: column '{}' is damaged; make the file again", path_.string(), name_));
}

template <class T>
void write_column(const Hdf5Writer& file, const std::string& name, const std::vector<T>& values, int threads) {
  ColumnAppender column(file, name, hdf5_type<T>(), sizeof(T));
  struct Worker {
    ColumnEncoder encoder;
    std::vector<std::byte> packed;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(worker_count(threads)));
  const auto begin_of = [](std::size_t chunk) { return chunk * kColumnChunk; };
  const auto count_of = [&](std::size_t chunk) { return std::min(values.size() - begin_of(chunk), kColumnChunk); };
  const auto pack = [&](std::size_t chunk, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    worker.encoder.encode_rows(std::span(values).subspan(begin_of(chunk), count_of(chunk)), worker.packed);
  };
  const auto append = [&](std::size_t chunk, int w) {
    column.append(workers[static_cast<std::size_t>(w)].packed, count_of(chunk));
  };
  ordered_for(chunks_of(values.size()), threads, pack, append);
}

template <class T>
std::vector<T> read_column(const Hdf5Reader& file, const std::string& name, int threads) {
  const std::vector<std::size_t> shape = file.shape(name);
  const std::size_t rows = shape.size() == 1 ? shape[0] : 0;
  const ColumnReader column(file, name, hdf5_type<T>(), sizeof(T), rows);
  std::vector<T> values;
  struct Worker {
    ColumnDecoder decoder;
    std::vector<std::byte> packed;
    std::vector<T> last;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(worker_count(threads)));
  std::mutex hdf5;
  values.resize(rows);
  parallel_for(chunks_of(rows), threads, [&](std::size_t chunk, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    {
      const std::lock_guard lock(hdf5);
      column.read(chunk, worker.packed);
    }
    std::span<T> out = std::span(values).subspan(chunk * kColumnChunk);
    const bool whole = out.size() >= kColumnChunk;
    worker.last.resize(whole ? 0 : kColumnChunk);
    const std::span<T> target = whole ? out.first(kColumnChunk) : std::span<T>(worker.last);
    if (!worker.decoder.decode(worker.packed, sizeof(T), std::as_writable_bytes(target))) column.throw_damaged();
    if (!whole) std::copy_n(worker.last.begin(), out.size(), out.begin());
  });
  return values;
}

#define SWIPEGYM_COLUMN_TYPE(T)                                                                     \
  template void write_column<T>(const Hdf5Writer&, const std::string&, const std::vector<T>&, int); \
  template std::vector<T> read_column<T>(const Hdf5Reader&, const std::string&, int);
SWIPEGYM_COLUMN_TYPE(float)
SWIPEGYM_COLUMN_TYPE(std::int8_t)
SWIPEGYM_COLUMN_TYPE(std::int16_t)
SWIPEGYM_COLUMN_TYPE(std::int32_t)
SWIPEGYM_COLUMN_TYPE(std::int64_t)
SWIPEGYM_COLUMN_TYPE(std::uint8_t)
SWIPEGYM_COLUMN_TYPE(std::uint16_t)
SWIPEGYM_COLUMN_TYPE(std::uint32_t)
SWIPEGYM_COLUMN_TYPE(std::uint64_t)
#undef SWIPEGYM_COLUMN_TYPE

}  // namespace swipegym
