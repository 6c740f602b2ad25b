#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace swipegym::fuzz {

/// A file that is written anew for each input, for readers that open what they read. It lies in the system's temporary
/// folder, which scripts/fuzz.sh puts into memory.
class InputFile {
 public:
  InputFile();
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  void set(std::string_view content) const;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// What `write` writes at the path it is given.
template <class Write>
std::string written_by(const Write& write);

/// A folder of this process under the system's temporary one, for what readers make beside what they read.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::string read_bytes(const std::filesystem::path& path);

template <class Write>
std::string written_by(const Write& write) {
  const ScratchFolder folder;
  write(folder.path() / "seed");
  return read_bytes(folder.path() / "seed");
}

}  // namespace swipegym::fuzz
