#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "sim_data/file_descriptor.h"

namespace swipegym {

/// Bytes put away in a file without a name, which vanishes with the process, however that ends. A full disk is a
/// SystemError; a folder that cannot be written to an InputError, at the first append.
class SpillFile {
 public:
  explicit SpillFile(std::filesystem::path folder);
  /// Returns where the bytes begin.
  std::uint64_t append(const void* bytes, std::size_t size);
  void read(void* bytes, std::size_t size, std::uint64_t begin) const;

 private:
  std::filesystem::path folder_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace swipegym
