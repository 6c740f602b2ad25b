#include "core/output_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>  // renameat2

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/output_file.h"

namespace swipegym {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path path, std::function<bool(std::string_view)> ours)
    : path_(std::move(path)), ours_(std::move(ours)) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "out/" is "out"
  if (path_.empty() || path_.filename() == "." || path_.filename() == "..")
    throw InputError(fmt::format("'{}': expected the name of a new folder to write", path_.string()));
  require_ours();
  temporary_ = temporary_name(path_);
  std::error_code error;
  if (path_.has_parent_path()) fs::create_directories(path_.parent_path(), error);
  if (!error) fs::create_directory(temporary_, error);
  if (!error) return;
  const std::string message = fmt::format("{}: cannot make this folder: {}", path_.string(), error.message());
  if (error == std::errc::no_space_on_device || error == std::errc::io_error) throw SystemError(message);
  throw InputError(message + "; choose another path");
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void OutputFolder::require_ours() const {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status))
    throw InputError(fmt::format("{}: is a file, expected the name of a folder to write", path_.string()));
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() || !ours_(name))
      throw InputError(
          fmt::format("{}: holds '{}', which this command did not write, and would be replaced; choose "
                      "another folder or an empty one",
                      path_.string(), name));
  }
  if (error) throw InputError(fmt::format("{}: cannot be read: {}", path_.string(), error.message()));
}

void OutputFolder::commit() {
  require_ours();  // files may have come since
  std::error_code error;
  if (fs::exists(path_, error)) {
    // The exchange is atomic: at no time is there no folder. The old content goes with the temporary name.
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
      fs::remove_all(temporary_, error);
      temporary_.clear();
      return;
    }
    if (errno != EINVAL && errno != ENOSYS)
      throw SystemError(fmt::format("{}: cannot be replaced: {}", path_.string(), std::strerror(errno)));
    fs::remove_all(path_, error);  // a file system without the exchange
  }
  fs::rename(temporary_, path_, error);
  if (error) throw SystemError(fmt::format("{}: cannot be put in place: {}", path_.string(), error.message()));
  temporary_.clear();
}

}  // namespace swipegym
