#include "core/hdf5_storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kDeflateRatio = 1032;  // deflate packs no better: 258 bytes take two bits

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& name, std::string_view what) {
  throw InputError(fmt::format("{}: '{}' {}; the file is damaged, make it again", path.string(), name, what));
}

// Product that stays at its largest value instead of wrapping around.
std::uint64_t times(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

// Whether deflate is among the filters. Others than the two that columns use are refused.
bool is_deflated(hid_t creation, const std::filesystem::path& path, const std::string& name) {
  bool deflated = false;
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    std::size_t no_values = 0;
    unsigned flags = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &no_values, nullptr, 0, nullptr, nullptr);
    if (filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_DEFLATE) refuse(path, name, "is packed by another filter");
    deflated |= filter == H5Z_FILTER_DEFLATE;
  }
  return deflated;
}

// The bytes that reading `dataset` unpacks; refuses one whose chunks are not all there, which would read as whatever
// the file says missing ones are filled with.
std::uint64_t unpacked_bytes(const Hdf5Handle& dataset, hid_t creation, std::uint64_t width,
                             const std::filesystem::path& path, const std::string& name) {
  const std::vector<std::size_t> extent = hdf5_shape(dataset);
  std::vector<hsize_t> chunk(extent.size(), 0);
  if (H5Pget_chunk(creation, static_cast<int>(chunk.size()), chunk.data()) != static_cast<int>(extent.size()))
    refuse(path, name, "has damaged chunks");
  std::uint64_t chunks = 1, chunk_bytes = width;
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    if (chunk[i] == 0) refuse(path, name, "has damaged chunks");
    chunks = times(chunks, extent[i] / chunk[i] + (extent[i] % chunk[i] != 0 ? 1 : 0));
    chunk_bytes = times(chunk_bytes, chunk[i]);
  }
  hsize_t stored = 0;
  const Hdf5Handle space(H5Dget_space(dataset.get()));
  if (H5Dget_num_chunks(dataset.get(), space.get(), &stored) < 0 || stored < chunks)
    refuse(path, name, "lacks some of its chunks");
  return times(chunks, chunk_bytes);
}

void check_storage(hid_t file, const Hdf5Handle& dataset, const std::filesystem::path& path, const std::string& name) {
  const Hdf5Handle creation(H5Dget_create_plist(dataset.get())), space(H5Dget_space(dataset.get()));
  const Hdf5Handle type(H5Dget_type(dataset.get()));
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) refuse(path, name, "holds nothing");
  if (H5Pget_external_count(creation.get()) != 0) refuse(path, name, "lies in another file");
  std::uint64_t bytes = H5Tget_size(type.get());
  for (const std::size_t extent : hdf5_shape(dataset)) bytes = times(bytes, extent);

  std::uint64_t most = std::min<std::uint64_t>(H5Dget_storage_size(dataset.get()), hdf5_file_bytes(file));
  if (is_deflated(creation.get(), path, name)) most = times(most, kDeflateRatio);
  switch (H5Pget_layout(creation.get())) {
    case H5D_COMPACT:
    case H5D_CONTIGUOUS:
      break;
    case H5D_CHUNKED:
      bytes = unpacked_bytes(dataset, creation.get(), H5Tget_size(type.get()), path, name);
      break;
    default:
      refuse(path, name, "is made of other data sets");
  }
  if (bytes > most) refuse(path, name, "is larger than what the file holds of it");
}

}  // namespace

bool hdf5_linked(hid_t file, const std::filesystem::path& path, const std::string& name) {
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    if (H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) return false;
    H5L_info_t info;
    if (H5Lget_info(file, part.c_str(), &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
      refuse(path, part, "is a link to elsewhere");
    if (end == std::string::npos) return true;
  }
}

Hdf5Handle open_hdf5_dataset(hid_t file, const std::filesystem::path& path, const std::string& name) {
  Hdf5Handle dataset(hdf5_linked(file, path, name) ? H5Dopen2(file, name.c_str(), H5P_DEFAULT) : -1);
  if (!dataset) throw InputError(fmt::format("{}: no data set '{}'", path.string(), name));
  check_storage(file, dataset, path, name);
  return dataset;
}

std::vector<std::size_t> hdf5_shape(const Hdf5Handle& dataset) {
  const Hdf5Handle space(H5Dget_space(dataset.get()));
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!extents.empty()) H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

std::uint64_t hdf5_file_bytes(hid_t file) {
  hsize_t bytes = 0;
  return H5Fget_filesize(file, &bytes) < 0 ? 0 : bytes;
}

void require_hdf5_type(const Hdf5Handle& stored, hid_t type, const std::filesystem::path& path,
                       const std::string& name) {
  if (H5Tequal(stored.get(), type) > 0 && H5Tcommitted(stored.get()) == 0) return;
  throw InputError(fmt::format("{}: '{}' has another type than expected ({}-byte {})", path.string(), name,
                               H5Tget_size(type), H5Tget_class(type) == H5T_FLOAT ? "floats" : "integers"));
}

}  // namespace swipegym
