#include "core/hdf5_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/hdf5_handle.h"
#include "core/hdf5_storage.h"
#include "core/hdf5_types.h"
#include "core/huge_pages.h"
#include "core/unreadable.h"

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
  if (!std::filesystem::exists(path, error)) throw InputError(unreadable_text(path, error ? error.value() : ENOENT));
  if (std::filesystem::is_directory(path, error))
    throw InputError(fmt::format("{}: is a folder, expected an HDF5 file", path.string()));
  if (!std::filesystem::is_regular_file(path, error))  // opening a FIFO waits for somebody who writes
    throw InputError(fmt::format("{}: is no regular file, expected an HDF5 file", path.string()));
  if (::access(path.c_str(), R_OK) != 0) throw InputError(unreadable_text(path, errno));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) throw InputError(fmt::format("{}: not an HDF5 file, or a truncated one; make it again", path.string()));
  return file;
}

std::size_t elements_of(const Hdf5Handle& dataset) {
  std::size_t count = 1;
  for (const std::size_t extent : hdf5_shape(dataset)) count *= extent;
  return count;
}

// Reads into a buffer of count elements; open_hdf5_dataset() saw to it that the file holds them.
template <class Buffer>
Buffer read_dataset(const Hdf5Handle& dataset, const std::filesystem::path& path, const std::string& name, hid_t type,
                    std::size_t elements) {
  Buffer buffer;
  try {
    buffer.reserve(elements);
    // Before they are touched: what is read has hundreds of megabytes in a large world, and pages cost as much as
    // bytes.
    prefer_huge_pages(buffer.data(), elements * sizeof(*buffer.data()));
    buffer.resize(elements);
  } catch (const std::exception&) {
    throw InputError(fmt::format("{}: '{}' does not fit into memory ({} elements)", path.string(), name, elements));
  }
  if (elements > 0 && H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer.data()) < 0)
    throw InputError(fmt::format("{}: cannot read '{}'; the file is damaged", path.string(), name));
  return buffer;
}

// The stored text type, or an error when the data set or attribute is not text of our kind.
Hdf5Handle require_text(Hdf5Handle type, const std::filesystem::path& path, const std::string& name) {
  if (!type || H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 ||
      H5Tcommitted(type.get()) != 0)
    throw InputError(fmt::format("{}: '{}' is not fixed-length text", path.string(), name));
  return type;
}

Hdf5Handle open_attribute(hid_t file, const std::filesystem::path& path, const std::string& name) {
  Hdf5Handle attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT));
  if (!attribute) throw InputError(fmt::format("{}: no attribute '{}'", path.string(), name));
  return attribute;
}

bool is_scalar(const Hdf5Handle& attribute) {
  return H5Sget_simple_extent_type(Hdf5Handle(H5Aget_space(attribute.get())).get()) == H5S_SCALAR;
}

template <class T>
T read_number(hid_t file, const std::filesystem::path& path, const std::string& name, std::string_view expected) {
  const Hdf5Handle attribute = open_attribute(file, path, name);
  const Hdf5Handle type(H5Aget_type(attribute.get()));
  T value{};
  if (!is_scalar(attribute) || H5Tequal(type.get(), hdf5_type<T>()) <= 0 ||
      H5Aread(attribute.get(), hdf5_type<T>(), &value) < 0)
    throw InputError(fmt::format("{}: attribute '{}' is not {}", path.string(), name, expected));
  return value;
}

std::int64_t read_integer(hid_t file, const std::filesystem::path& path, const std::string& name) {
  return read_number<std::int64_t>(file, path, name, "an integer");
}

std::string read_text_attribute(hid_t file, const std::filesystem::path& path, const std::string& name) {
  const Hdf5Handle attribute = open_attribute(file, path, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Aget_type(attribute.get())), path, name);
  const std::size_t size = H5Tget_size(type.get());
  std::string text;
  if (is_scalar(attribute) && size <= hdf5_file_bytes(file)) text.resize(size);
  if (text.empty() || H5Aread(attribute.get(), type.get(), text.data()) < 0)
    throw InputError(fmt::format("{}: cannot read attribute '{}'; the file is damaged", path.string(), name));
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
    const auto version = read_integer(file_, path_, "schema_version");
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
  return hdf5_linked(file_, path_, name);
}

bool Hdf5Reader::has_attribute(const std::string& name) const {
  const Hdf5Silence silence;
  return H5Aexists(file_, name.c_str()) > 0;
}

template <class T>
std::vector<T> Hdf5Reader::read(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_hdf5_dataset(file_, path_, name);
  require_hdf5_type(Hdf5Handle(H5Dget_type(dataset.get())), hdf5_type<T>(), path_, name);
  return read_dataset<std::vector<T>>(dataset, path_, name, hdf5_type<T>(), elements_of(dataset));
}

std::vector<std::size_t> Hdf5Reader::shape(const std::string& name) const {
  const Hdf5Silence silence;
  return hdf5_shape(open_hdf5_dataset(file_, path_, name));
}

void Hdf5Reader::require_shape(const std::string& name, const std::vector<std::size_t>& expected) const {
  if (const std::vector<std::size_t> found = shape(name); found != expected)
    throw InputError(
        fmt::format("{}: '{}' has shape [{}], expected [{}]; the file is damaged or another build's, make "
                    "it again",
                    path_.string(), name, fmt::join(found, ", "), fmt::join(expected, ", ")));
}

std::string Hdf5Reader::read_text(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_hdf5_dataset(file_, path_, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Dget_type(dataset.get())), path_, name);
  if (elements_of(dataset) != 1)
    throw InputError(fmt::format("{}: '{}' is a list of texts, expected one", path_.string(), name));
  // The element is the whole text, so the buffer counts bytes.
  return strip_padding(read_dataset<std::string>(dataset, path_, name, type.get(), H5Tget_size(type.get())));
}

std::vector<std::string> Hdf5Reader::read_texts(const std::string& name) const {
  const Hdf5Silence silence;
  const Hdf5Handle dataset = open_hdf5_dataset(file_, path_, name);
  const Hdf5Handle type = require_text(Hdf5Handle(H5Dget_type(dataset.get())), path_, name);
  const std::size_t width = H5Tget_size(type.get()), count = elements_of(dataset);
  // However well packed, a list of more texts than the file has bytes is none of ours; each costs memory of its own.
  if (count > hdf5_file_bytes(file_))
    throw InputError(fmt::format("{}: '{}' holds {} texts; the file is damaged", path_.string(), name, count));
  const auto packed = read_dataset<std::string>(dataset, path_, name, type.get(), width * count);
  std::vector<std::string> texts(count);
  for (std::size_t i = 0; i < count; ++i) texts[i] = strip_padding(packed.substr(i * width, width));
  return texts;
}

std::int64_t Hdf5Reader::attribute_int(const std::string& name) const {
  const Hdf5Silence silence;
  return read_integer(file_, path_, name);
}

double Hdf5Reader::attribute_double(const std::string& name) const {
  const Hdf5Silence silence;
  return read_number<double>(file_, path_, name, "a number");
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
SWIPEGYM_FOR_HDF5_TYPES(SWIPEGYM_HDF5_TYPE)
#undef SWIPEGYM_HDF5_TYPE

}  // namespace swipegym
