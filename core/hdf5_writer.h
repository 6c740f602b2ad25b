#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output_part.h"

namespace swipegym {

/// Writes an HDF5 file that appears when commit() is called (see OutputPart): an interrupted run leaves the earlier
/// file intact. A device or a pipe is refused. No object times are stored: equal content gives equal bytes. Names are
/// paths
/// ("watch/hidden/weight"); groups are made as needed.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(std::filesystem::path path);
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  /// Numbers (float, double, (u)int8..64). What is not finite is never written: SystemError that names the first such
  /// value, and the earlier file stays as it was. It is a model that has diverged, or a mistake of ours.
  template <class T>
  void write(const std::string& name, std::span<const T> values);
  template <class T>
  void write(const std::string& name, const std::vector<T>& values) {
    write(name, std::span<const T>(values));
  }
  /// Figures of which some may be NaN: what was not measured, or did not exist.
  void write_figures(const std::string& name, std::span<const double> values);
  /// Row-major [rows, columns].
  template <class T>
  void write_matrix(const std::string& name, std::span<const T> values, std::size_t rows, std::size_t columns);
  void write_text(const std::string& name, std::string_view text);
  void write_texts(const std::string& name, const std::vector<std::string>& texts);
  void attribute(const std::string& name, std::int64_t value);
  void attribute(const std::string& name, double value);
  void attribute(const std::string& name, std::string_view value);
  /// Flushes, closes and renames. Throws SystemError when the disk is full and InputError when `path` is unwritable.
  void commit();

  std::int64_t handle() const noexcept { return file_; }  // for chunked columns, see sim_data/store/column_file.h
  const std::filesystem::path& path() const noexcept { return part_.path(); }

 private:
  OutputPart part_;
  std::int64_t file_ = -1;
};

}  // namespace swipegym
