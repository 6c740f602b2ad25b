#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/hdf5_handle.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "sim_data/store/column_codec.h"

namespace swipegym {

/// A chunked, compressed column of an HDF5 file that is being written. Chunks are packed on any thread by a
/// ColumnEncoder and handed over in order, since HDF5 itself is not called from two threads.
class ColumnAppender {
 public:
  /// `type` is an hdf5_type<T>(). Groups in the name are made as needed.
  ColumnAppender(const Hdf5Writer& file, const std::string& name, hid_t type, std::size_t element_size);
  std::size_t element_size() const noexcept { return element_size_; }
  /// Appends one packed chunk that holds `rows` rows (fewer than kColumnChunk only in the last one; the packed bytes
  /// are a whole chunk all the same). Throws SystemError when the disk is full.
  void append(std::span<const std::byte> packed, std::size_t rows);

 private:
  std::filesystem::path path_;
  std::string name_;
  std::size_t element_size_;
  std::uint64_t rows_ = 0;
  Hdf5Handle dataset_;
};

/// Such a column for reading.
class ColumnReader {
 public:
  /// Throws InputError when the column is missing, of another type or not of `rows` rows.
  ColumnReader(const Hdf5Reader& file, const std::string& name, hid_t type, std::size_t element_size,
               std::uint64_t rows);
  std::size_t element_size() const noexcept { return element_size_; }
  /// The packed bytes of a chunk; not to be called from two threads at once.
  void read(std::uint64_t chunk, std::vector<std::byte>& packed) const;
  /// InputError that names the file and the column.
  [[noreturn]] void throw_damaged() const;

 private:
  std::filesystem::path path_;
  std::string name_;
  std::size_t element_size_;
  Hdf5Handle dataset_;
};

/// Writes or reads a whole column on `threads` workers.
template <class T>
void write_column(const Hdf5Writer& file, const std::string& name, const std::vector<T>& values, int threads);
template <class T>
std::vector<T> read_column(const Hdf5Reader& file, const std::string& name, int threads);

}  // namespace swipegym
