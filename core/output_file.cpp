#include "core/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

bool is_device(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

[[noreturn]] void throw_unwritable(const fs::path& path, int error) {
  std::error_code ignored;
  if (path.empty()) throw InputError("the output path is empty; give a file name");
  if (fs::is_directory(path, ignored))
    throw InputError(fmt::format("{}: is a directory, expected a file name to write", path.string()));
  if (!fs::is_directory(folder_of(path), ignored))
    throw InputError(fmt::format("{}: cannot be written, the folder {} does not exist; make it first", path.string(),
                                 folder_of(path).string()));
  // No space or no quota is the machine's trouble; the rest is a path one can choose differently.
  if (error == ENOSPC || error == EDQUOT || error == EIO)
    throw SystemError(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error)));
  throw InputError(fmt::format("{}: cannot be written: {}; choose another path", path.string(), std::strerror(error)));
}

[[noreturn]] void throw_failed(const fs::path& path, int error) {
  throw SystemError(fmt::format("{}: write failed: {}; nothing was changed there", path.string(),
                                std::strerror(error == 0 ? EIO : error)));
}

}  // namespace

fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  return folder_of(path) / fmt::format(".{}.{}-{}.part", path.filename().string(), ::getpid(), counter++);
}

OutputFile::OutputFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (path_.empty() || !path_.has_filename() || fs::is_directory(path_, ignored)) throw_unwritable(path_, EISDIR);
  if (!is_device(path_)) temporary_ = temporary_name(path_);
  file_ = std::fopen((temporary_.empty() ? path_ : temporary_).c_str(), "wb");
  if (file_ == nullptr) throw_unwritable(path_, errno);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      file_(std::exchange(other.file_, nullptr)) {
  other.temporary_.clear();
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) std::fclose(file_);
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void OutputFile::write(std::string_view bytes) {
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) throw_failed(path_, errno);
}

void OutputFile::commit() {
  errno = 0;
  if (std::fflush(file_) != 0) throw_failed(path_, errno);
  // A full disk may show itself only when the kernel writes back: ask before the old file is replaced.
  if (!temporary_.empty() && ::fsync(::fileno(file_)) != 0) throw_failed(path_, errno);
  const int closed = std::fclose(std::exchange(file_, nullptr));
  if (closed != 0) throw_failed(path_, errno);
  if (temporary_.empty()) return;
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) throw_failed(path_, error.value());
  temporary_.clear();
}

void write_file(const fs::path& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

void require_writable(const fs::path& path) {
  if (is_device(path)) return;
  const OutputFile probe(path);
}

}  // namespace swipegym
