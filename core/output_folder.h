#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace swipegym {

/// A folder of files that appears only when whole: files are written into a temporary folder beside `path`, which
/// commit() puts in its place and a destructor without commit() removes, so that an interrupted run leaves the earlier
/// folder intact. An earlier folder is replaced only when `ours` recognises every name in it; nobody's files are lost
/// to a mistyped path.
class OutputFolder {
 public:
  /// Throws InputError when a folder cannot be made there, or when one is there that holds other files.
  OutputFolder(std::filesystem::path path, std::function<bool(std::string_view name)> ours);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where to write the files until they are whole.
  const std::filesystem::path& temporary() const noexcept { return temporary_; }
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Puts the folder in place of the earlier one. Throws SystemError when that fails.
  void commit();

 private:
  void require_ours() const;

  std::filesystem::path path_, temporary_;
  std::function<bool(std::string_view)> ours_;
};

}  // namespace swipegym
