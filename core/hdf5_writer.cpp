#include "core/hdf5_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/hdf5_handle.h"
#include "core/hdf5_types.h"

namespace swipegym {

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

// A fixed-length text type: variable-length strings live in a heap whose layout depends on the order of writes. Zero
// bytes pad, so a text cannot end in one.
Hdf5Handle text_type(std::size_t length) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), std::max<std::size_t>(1, length));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

[[noreturn]] void throw_write_error(const std::filesystem::path& path, std::string_view what, int error) {
  const std::string reason = error != 0 ? fmt::format(" ({})", std::strerror(error)) : std::string();
  throw SystemError(fmt::format("{}: cannot write {}{}; is the disk full?", path.string(), what, reason));
}

// Makes the groups of "a/b/name". HDF5 can do so by itself, but then stamps them with the time.
void make_groups(hid_t file, const std::filesystem::path& path, const std::string& name) {
  const Hdf5Handle creation(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string group = name.substr(0, slash);
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) > 0) continue;
    if (!Hdf5Handle(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)))
      throw_write_error(path, "group '" + group + "'", errno);
  }
}

void write_dataset(hid_t file, const std::filesystem::path& path, const std::string& name, hid_t type, hid_t space,
                   const void* data) {
  errno = 0;
  make_groups(file, path, name);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  const Hdf5Handle dataset(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  if (!dataset || H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    throw_write_error(path, "'" + name + "'", errno);
}

void write_attribute(hid_t file, const std::filesystem::path& path, const std::string& name, hid_t type,
                     const void* data) {
  const Hdf5Handle space(H5Screate(H5S_SCALAR));
  errno = 0;
  const Hdf5Handle attribute(H5Acreate2(file, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute || H5Awrite(attribute.get(), type, data) < 0)
    throw_write_error(path, "attribute '" + name + "'", errno);
}

// Without a branch a value, so that the compiler may use vectors.
template <class T>
bool all_finite(std::span<const T> values) noexcept {
  bool all = true;
  for (const T value : values) all &= std::abs(value) <= std::numeric_limits<T>::max();
  return all;
}

template <class T>
void require_finite_values(const std::filesystem::path& path, const std::string& name, std::span<const T> values) {
  if constexpr (std::is_floating_point_v<T>) {
    if (all_finite(values)) return;
    const auto bad = std::find_if(values.begin(), values.end(), [](T value) { return !std::isfinite(value); });
    throw SystemError(
        fmt::format("{}: not written, since '{}' has the value {} at {}: training has diverged. Lower learning_rate or "
                    "weight_decay; an earlier file stays as it was",
                    path.string(), name, *bad, bad - values.begin()));
  }
}

}  // namespace

Hdf5Writer::Hdf5Writer(std::filesystem::path path) : part_(std::move(path), OutputKind::kBinary) {
  const Hdf5Silence silence;
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE)), access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_obj_track_times(creation.get(), false);
  // The 1.8 format is the first that keeps attributes above 64 KiB (a model's config may be longer).
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST);
  H5Pset_file_locking(access.get(), false, true);  // the part has our lock, which HDF5's own would wait for
  errno = 0;
  file_ = H5Fcreate(part_.temporary().c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  if (file_ < 0) throw_write_error(part_.path(), "the file", errno);
}

Hdf5Writer::~Hdf5Writer() {
  const Hdf5Silence silence;
  if (file_ >= 0) H5Fclose(file_);
}

template <class T>
void Hdf5Writer::write(const std::string& name, std::span<const T> values) {
  const Hdf5Silence silence;
  require_finite_values(path(), name, values);
  const hsize_t extent = values.size();
  const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr));
  write_dataset(file_, path(), name, hdf5_type<T>(), space.get(), values.data());
}

void Hdf5Writer::write_figures(const std::string& name, std::span<const double> values) {
  const Hdf5Silence silence;
  const hsize_t extent = values.size();
  const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr));
  write_dataset(file_, path(), name, hdf5_type<double>(), space.get(), values.data());
}

template <class T>
void Hdf5Writer::write_matrix(const std::string& name, std::span<const T> values, std::size_t rows,
                              std::size_t columns) {
  const Hdf5Silence silence;
  if (values.size() != rows * columns)
    throw std::logic_error(
        fmt::format("write_matrix '{}': {} values for [{}, {}]", name, values.size(), rows, columns));
  require_finite_values(path(), name, values);
  const hsize_t extents[2] = {rows, columns};
  const Hdf5Handle space(H5Screate_simple(2, extents, nullptr));
  write_dataset(file_, path(), name, hdf5_type<T>(), space.get(), values.data());
}

void Hdf5Writer::write_text(const std::string& name, std::string_view text) {
  const Hdf5Silence silence;
  const Hdf5Handle type = text_type(text.size()), space(H5Screate(H5S_SCALAR));
  write_dataset(file_, path(), name, type.get(), space.get(), text.empty() ? "" : text.data());
}

void Hdf5Writer::write_texts(const std::string& name, const std::vector<std::string>& texts) {
  const Hdf5Silence silence;
  std::size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, text.size());
  std::string packed(width * texts.size(), '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i].copy(packed.data() + i * width, texts[i].size());
  const hsize_t extent = texts.size();
  const Hdf5Handle type = text_type(width), space(H5Screate_simple(1, &extent, nullptr));
  write_dataset(file_, path(), name, type.get(), space.get(), packed.data());
}

void Hdf5Writer::attribute(const std::string& name, std::int64_t value) {
  const Hdf5Silence silence;
  write_attribute(file_, path(), name, H5T_NATIVE_INT64, &value);
}

void Hdf5Writer::attribute(const std::string& name, double value) {
  const Hdf5Silence silence;
  require_finite_values(path(), name, std::span<const double>(&value, 1));
  write_attribute(file_, path(), name, H5T_NATIVE_DOUBLE, &value);
}

void Hdf5Writer::attribute(const std::string& name, std::string_view value) {
  const Hdf5Silence silence;
  const Hdf5Handle type = text_type(value.size());
  write_attribute(file_, path(), name, type.get(), value.empty() ? "" : value.data());
}

void Hdf5Writer::commit() {
  const Hdf5Silence silence;
  errno = 0;
  const bool flushed = H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0;
  const int error = errno;
  const bool closed = H5Fclose(std::exchange(file_, -1)) >= 0;
  if (!flushed || !closed) throw_write_error(path(), "the end of the file", error);
  part_.commit();
}

#define SWIPEGYM_HDF5_TYPE(T)                                                 \
  template void Hdf5Writer::write<T>(const std::string&, std::span<const T>); \
  template void Hdf5Writer::write_matrix<T>(const std::string&, std::span<const T>, std::size_t, std::size_t);
SWIPEGYM_FOR_HDF5_TYPES(SWIPEGYM_HDF5_TYPE)
#undef SWIPEGYM_HDF5_TYPE

}  // namespace swipegym
