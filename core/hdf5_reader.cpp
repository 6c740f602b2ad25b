#include "core/hdf5_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/hdf5_handle.h"

namespace swipegym {

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

std::string strip_padding(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

// Opens for reading; tells apart a missing file, an unreadable one and one that is not (or no longer) HDF5.
hid_t open_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw InputError(fmt::format("{}: no such file", path.string()));
  if (std::filesystem::is_directory(path, error))
    throw InputError(fmt::format("{}: is a folder, expected an HDF5 file", path.string()));
  if (::access(path.c_str(), R_OK) != 0)
    throw InputError(fmt::format("{}: cannot read it ({})", path.string(), std::strerror(errno)));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) throw InputError(fmt::format("{}: not an HDF5 file, or a truncated one; make it again", path.string()));
  return file;
}

Hdf5Handle open_dataset(hid_t file, const std::filesystem::path& path, const std::string& name) {
  Hdf5Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!dataset) throw InputError(fmt::format("{}: no data set '{}'", path.string(), name));
  return dataset;
}

std::vector<std::size_t> shape_of(const Hdf5Handle& dataset) {
  const Hdf5Handle space(H5Dget_space(dataset.get()));
  const int rank = std::max(0, H5Sget_simple_extent_ndims(space.get()));
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

// A damaged header may ask for any size; nothing is allocated beyond what the file stores.
std::size_t element_count(const Hdf5Handle& dataset, const std::filesystem::path& path, const std::string& name) {
  std::size_t count = 1;
  for (const std::size_t extent : shape_of(dataset))
    if (__builtin_mul_overflow(count, extent, &count))
      throw InputError(fmt::format("{}: '{}' has an impossible shape; the file is damaged", path.string(), name));
  const Hdf5Handle type(H5Dget_type(dataset.get())), creation(H5Dget_create_plist(dataset.get()));
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, H5Tget_size(type.get()), &bytes) ||
      (H5Pget_layout(creation.get()) == H5D_CONTIGUOUS && bytes > H5Dget_storage_size(dataset.get())))
    throw InputError(fmt::format("{}: '{}' is larger than the file; the file is damaged", path.string(), name));
  return count;
}

// Reads into a buffer of count elements made by `make`; allocation failures name the data set.
template <class Buffer>
Buffer read_dataset(const Hdf5Handle& dataset, const std::filesystem::path& path, const std::string& name, hid_t type,
                    std::size_t elements) {
  Buffer buffer;
  try {
    buffer.resize(elements);
  } catch (const std::exception&) {
    throw InputError(fmt::format("{}: '{}' does not fit into memory ({} elements)", path.string(), name, elements));
  }
  if (elements > 0 && H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer.data()) < 0)
    throw InputError(fmt::format("{}: cannot read '{}'; the file is damaged", path.string(), name));
  return buffer;
}

// The stored text type, or an error when the data set or attribute is not text.
Hdf5Handle require_text(Hdf5Handle type, const std::filesystem::path& path, const std::string& name) {
  if (!type || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0)
    throw InputError(fmt::format("{}: '{}' is not fixed-length text", path.string(), name));
  return type;
}

Hdf5Handle open_attribute(hid_t file, const std::filesystem::path& path, const std::string& name) {
  Hdf5Handle attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT));
  if (!attribute) throw InputError(fmt::format("{}: no attribute '{}'", path.string(), name));
  return attribute;
}

template <class T>
T read_number(hid_t file, const std::filesystem::path& path, const std::string& name, H5T_class_t expected) {
  const Hdf5Handle attribute = open_attribute(file, path, name);
  const Hdf5Handle type(H5Aget_type(attribute.get())), space(H5Aget_space(attribute.get()));
  T value{};
  if (H5Tget_class(type.get()) != expected || H5Sget_simple_extent_npoints(space.get()) != 1 ||
      H5Aread(attribute.get(), hdf5_type<T>(), &value) < 0)
    throw InputError(fmt::format("{}: attribute '{}' is not {}", path.string(), name,
                                 expected == H5T_INTEGER ? "an integer" : "a number"));
  return value;
}

std::string read_text_attribute(hid_t file, const std::filesystem::path& path, const std::string& name) {
  const Hdf5Handle attribute = open_attribute(file, path, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Aget_type(attribute.get())), path, name);
  const Hdf5Handle space(H5Aget_space(attribute.get()));
  std::string text(H5Tget_size(type.get()), '\0');
  if (H5Sget_simple_extent_npoints(space.get()) != 1 || H5Aread(attribute.get(), type.get(), text.data()) < 0)
    throw InputError(fmt::format("{}: cannot read attribute '{}'", path.string(), name));
  return strip_padding(std::move(text));
}

}  // namespace

Hdf5Reader::Hdf5Reader(std::filesystem::path path, std::string_view kind, std::int64_t schema_version)
    : path_(std::move(path)) {
  const Hdf5Silence silence;
  file_ = open_file(path_);
  try {
    if (!H5Aexists(file_, "kind"))
      throw InputError(fmt::format("{}: an HDF5 file, but not one of swipegym's", path_.string()));
    const std::string found = read_text_attribute(file_, path_, "kind");
    if (found != kind)
      throw InputError(fmt::format("{}: a file of kind '{}', expected kind '{}'", path_.string(), found, kind));
    const auto version = read_number<std::int64_t>(file_, path_, "schema_version", H5T_INTEGER);
    if (version != schema_version)
      throw InputError(fmt::format("{}: schema version {} of kind '{}', this build reads version {}; make it again",
                                   path_.string(), version, kind, schema_version));
  } catch (...) {
    H5Fclose(file_);
    throw;
  }
}

Hdf5Reader::~Hdf5Reader() {
  const Hdf5Silence silence;
  H5Fclose(file_);
}

bool Hdf5Reader::has(const std::string& name) const {
  const Hdf5Silence silence;
  // H5Lexists wants every group on the way to exist.
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1))
    if (H5Lexists(file_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  return H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0;
}

bool Hdf5Reader::has_attribute(const std::string& name) const {
  const Hdf5Silence silence;
  return H5Aexists(file_, name.c_str()) > 0;
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_dataset(file_, path_, name);
  const Hdf5Handle type(H5Dget_type(dataset.get()));
  if (H5Tequal(type.get(), hdf5_type<T>()) <= 0)
    throw InputError(fmt::format("{}: '{}' has another type than expected ({}-byte {})", path_.string(), name,
                                 sizeof(T), std::is_floating_point_v<T> ? "floats" : "integers"));
  return read_dataset<std::vector<T>>(dataset, path_, name, hdf5_type<T>(), element_count(dataset, path_, name));
}

std::vector<std::size_t> Hdf5Reader::shape(const std::string& name) const {
  const Hdf5Silence silence;
  return shape_of(open_dataset(file_, path_, name));
}

std::string Hdf5Reader::read_text(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_dataset(file_, path_, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Dget_type(dataset.get())), path_, name);
  if (element_count(dataset, path_, name) != 1)
    throw InputError(fmt::format("{}: '{}' is a list of texts, expected one", path_.string(), name));
  // The element is the whole text, so the buffer counts bytes.
  return strip_padding(read_dataset<std::string>(dataset, path_, name, type.get(), H5Tget_size(type.get())));
}

std::vector<std::string> Hdf5Reader::read_texts(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_dataset(file_, path_, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Dget_type(dataset.get())), path_, name);
  const std::size_t width = H5Tget_size(type.get()), count = element_count(dataset, path_, name);
  const auto packed = read_dataset<std::string>(dataset, path_, name, type.get(), width * count);
  std::vector<std::string> texts(count);
  for (std::size_t i = 0; i < count; ++i) texts[i] = strip_padding(packed.substr(i * width, width));
  return texts;
}

std::int64_t Hdf5Reader::attribute_int(const std::string& name) const {
  const Hdf5Silence silence;
  return read_number<std::int64_t>(file_, path_, name, H5T_INTEGER);
}

double Hdf5Reader::attribute_double(const std::string& name) const {
  const Hdf5Silence silence;
  return read_number<double>(file_, path_, name, H5T_FLOAT);
}

std::string Hdf5Reader::attribute_text(const std::string& name) const {
  const Hdf5Silence silence;
  return read_text_attribute(file_, path_, name);
}

std::string hdf5_kind(const std::filesystem::path& path) {
  const Hdf5Silence silence;
  const Hdf5Handle file(open_file(path));
  if (H5Aexists(file.get(), "kind") <= 0)
    throw InputError(fmt::format("{}: an HDF5 file, but not one of swipegym's", path.string()));
  return read_text_attribute(file.get(), path, "kind");
}

#define SWIPEGYM_HDF5_TYPE(T) template std::vector<T> Hdf5Reader::read<T>(const std::string&) const;
SWIPEGYM_HDF5_TYPE(float)
SWIPEGYM_HDF5_TYPE(double)
SWIPEGYM_HDF5_TYPE(std::int8_t)
SWIPEGYM_HDF5_TYPE(std::int16_t)
SWIPEGYM_HDF5_TYPE(std::int32_t)
SWIPEGYM_HDF5_TYPE(std::int64_t)
SWIPEGYM_HDF5_TYPE(std::uint8_t)
SWIPEGYM_HDF5_TYPE(std::uint16_t)
SWIPEGYM_HDF5_TYPE(std::uint32_t)
SWIPEGYM_HDF5_TYPE(std::uint64_t)
#undef SWIPEGYM_HDF5_TYPE

}  // namespace swipegym
