#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace swipegym {

/// Reads what Hdf5Writer wrote. Every failure (no such file, truncated, missing name, wrong type, data that the file
/// does not hold itself) is an InputError that names the file and the object.
class Hdf5Reader {
 public:
  /// Throws unless the file's attribute "kind" equals `kind` and its "schema_version" equals `schema_version`.
  Hdf5Reader(std::filesystem::path path, std::string_view kind, std::int64_t schema_version);
  ~Hdf5Reader();
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  bool has(const std::string& name) const;
  bool has_attribute(const std::string& name) const;
  template <class T>
  std::vector<T> read(const std::string& name) const;
  /// As many values as expected.
  template <class T, std::size_t kCount>
  std::array<T, kCount> read_array(const std::string& name) const {
    require_shape(name, {kCount});
    const std::vector<T> values = read<T>(name);
    std::array<T, kCount> out;
    std::copy_n(values.begin(), kCount, out.begin());
    return out;
  }
  /// Row-major values of a table of that shape.
  template <class T>
  std::vector<T> read_matrix(const std::string& name, std::size_t rows, std::size_t columns) const {
    require_shape(name, {rows, columns});
    return read<T>(name);
  }
  /// Throws unless the data set has that rank and those extents: before anything is made as large as it claims to be.
  void require_shape(const std::string& name, const std::vector<std::size_t>& expected) const;
  std::vector<std::size_t> shape(const std::string& name) const;
  std::string read_text(const std::string& name) const;
  std::vector<std::string> read_texts(const std::string& name) const;
  std::int64_t attribute_int(const std::string& name) const;
  double attribute_double(const std::string& name) const;
  std::string attribute_text(const std::string& name) const;

  /// Throws when value.validate() does: its InputError, with this file's name before it.
  template <class T>
  void check(const T& value) const {
    try {
      value.validate();
    } catch (const InputError& error) {
      throw InputError(path_.string() + ": " + error.what() + "; the file is damaged, make it again");
    }
  }
  /// `value`, once check() found nothing wrong with it.
  template <class T>
  T checked(T value) const {
    check(value);
    return value;
  }

  std::int64_t handle() const noexcept { return file_; }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  std::int64_t file_ = -1;
};

/// The attribute "kind" of an HDF5 file of ours ("logs", "simulator", "policy"); InputError when it is none.
std::string hdf5_kind(const std::filesystem::path& path);

}  // namespace swipegym
