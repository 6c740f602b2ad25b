#pragma once

#include <cstdio>
#include <filesystem>
#include <string_view>

#include "core/output_part.h"

namespace swipegym {

/// A text or binary file that appears only when whole (see OutputPart): an interrupted run leaves the earlier file
/// intact. A path that is a device or a pipe (/dev/stdout) is written directly.
class OutputFile {
 public:
  /// Throws InputError when a file cannot be made there.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  /// Buffered. Throws SystemError when the disk is full.
  void write(std::string_view bytes);
  /// Flushes, closes and renames. Throws SystemError when the disk is full.
  void commit();

  const std::filesystem::path& path() const noexcept { return part_.path(); }

 private:
  OutputPart part_;
  std::FILE* file_ = nullptr;
};

/// Writes all of `bytes` to `path` by an OutputFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace swipegym
