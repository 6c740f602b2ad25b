#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace swipegym {

/// A text or binary file that appears only when whole: written under a temporary name beside `path`, renamed by
/// commit(), removed by a destructor without commit(), so that an interrupted run leaves the earlier file intact. A
/// path that is a device or a pipe (/dev/stdout) is written directly.
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

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_, temporary_;  // temporary_ is empty for a device
  std::FILE* file_ = nullptr;
};

/// Writes all of `bytes` to `path` by an OutputFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The name a file is written under until it is whole: beside `path`, hidden, unique to this process.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Throws InputError, saying why, when no file could be written at `path`: called before long work, not after it.
void require_writable(const std::filesystem::path& path);

}  // namespace swipegym
