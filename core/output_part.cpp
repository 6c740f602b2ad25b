#include "core/output_part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "core/error.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartEnd = ".part";
constexpr int kMaxLinks = 40;
constexpr std::chrono::seconds kReaderWait{10};

thread_local OutputGroup* current_group = nullptr;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Parts of `target` are hidden beside it as .NAME.PID-N.part; a long name is cut, since names are at most 255 bytes.
std::string part_begin(const fs::path& target) {
  constexpr std::size_t kLongest = 200;
  return "." + target.filename().string().substr(0, kLongest) + ".";
}

fs::path new_part_name(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  return folder_of(target) / fmt::format("{}{}-{}{}", part_begin(target), ::getpid(), counter++, kPartEnd);
}

bool is_part_of(std::string_view name, std::string_view begin) {
  if (!name.starts_with(begin) || !name.ends_with(kPartEnd) || name.size() < begin.size() + kPartEnd.size())
    return false;
  const std::string_view number = name.substr(begin.size(), name.size() - begin.size() - kPartEnd.size());
  const std::size_t dash = number.find('-');
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return dash != std::string_view::npos && digits(number.substr(0, dash)) && digits(number.substr(dash + 1));
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Standard output or error where `path` leads to what it goes to; -1 where it does not.
int standard_stream(const struct stat& status) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own = {};
    if (::fstat(stream, &own) == 0 && same_file(own, status)) return stream;
  }
  return -1;
}

[[noreturn]] void throw_unwritable(const fs::path& path, int error) {
  const std::string message = fmt::format("{}: cannot be written: {}", path.string(), std::strerror(error));
  // No space or no quota is the machine's trouble; the rest is a path one can choose differently.
  if (error == ENOSPC || error == EDQUOT || error == EIO) throw SystemError(message);
  throw InputError(message + "; choose another path");
}

void require_stream(const fs::path& path, const struct stat& status, OutputKind kind) {
  if (kind == OutputKind::kFolder)
    throw InputError(fmt::format("{}: is a file, expected the name of a folder to write", path.string()));
  if (kind == OutputKind::kBinary)
    throw InputError(
        fmt::format("{}: is a device, a pipe or what standard output goes to, into which this file cannot be written; "
                    "give the name of a file",
                    path.string()));
  if (S_ISBLK(status.st_mode)) throw InputError(fmt::format("{}: is a disk; give the name of a file", path.string()));
}

void require_name(const fs::path& path, OutputKind kind) {
  std::error_code ignored;
  if (path.empty()) throw InputError("the output path is empty; give the name of a file or folder");
  if (kind == OutputKind::kFolder) {
    const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
    if (name.empty() || name == "." || name == "..")
      throw InputError(fmt::format("'{}': expected the name of a new folder to write", path.string()));
    const fs::file_status status = fs::status(path, ignored);
    if (fs::exists(status) && !fs::is_directory(status))
      throw InputError(fmt::format("{}: is a file, expected the name of a folder to write", path.string()));
    return;
  }
  if (!path.has_filename() || fs::is_directory(path, ignored))
    throw InputError(fmt::format("{}: is a directory, expected a file name to write", path.string()));
  const fs::path folder = folder_of(path);
  if (!fs::is_directory(folder, ignored) && !fs::is_symlink(path, ignored))
    throw InputError(fmt::format("{}: cannot be written, the folder {} does not exist; make it first", path.string(),
                                 folder.string()));
}

// A pipe is opened once somebody reads it. The wait has an end, for nobody may.
int open_for_writing(const fs::path& path) {
  const auto end = std::chrono::steady_clock::now() + kReaderWait;
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0) {
      ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
      return descriptor;
    }
    if (errno != ENXIO) throw_unwritable(path, errno);
    if (std::chrono::steady_clock::now() > end)
      throw InputError(fmt::format("{}: nobody reads this pipe; start its reader first", path.string()));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// Takes the lock that says that a part is being written. False where somebody is just removing it.
bool lock_part(int descriptor, const fs::path& part) {
  // A shared one, so that the part can be read while it waits for its group; who removes it needs the other kind.
  if (::flock(descriptor, LOCK_SH | LOCK_NB) != 0) return errno != EWOULDBLOCK;  // file systems without locks
  struct stat held = {}, there = {};
  return ::fstat(descriptor, &held) == 0 && ::stat(part.c_str(), &there) == 0 && same_file(held, there);
}

void swap_in(const fs::path& folder, const fs::path& target) {
  std::error_code error;
  // The exchange is atomic: at no time is there no folder. The old content goes with the temporary name.
  if (::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(folder, error);
    return;
  }
  if (errno != EINVAL && errno != ENOSYS)
    throw SystemError(fmt::format("{}: cannot be replaced: {}", target.string(), std::strerror(errno)));
  fs::remove_all(target, error);  // a file system without the exchange
  fs::rename(folder, target, error);
  if (error) throw SystemError(fmt::format("{}: cannot be put in place: {}", target.string(), error.message()));
}

// The deepest folder above `path` that is there.
fs::path nearest_folder(const fs::path& path) {
  fs::path folder = folder_of(path);
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder_of(folder);
  return folder;
}

}  // namespace

fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::absolute(path.has_filename() ? path : path.parent_path(), error);
  for (int links = 0; fs::is_symlink(place, error); ++links) {
    if (links == kMaxLinks) throw_unwritable(path, ELOOP);
    const fs::path next = fs::read_symlink(place, error);
    place = next.is_absolute() ? next : place.parent_path() / next;
  }
  const fs::path whole = fs::weakly_canonical(place, error);
  return error ? place.lexically_normal() : whole;
}

bool is_stream(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return false;
  return !S_ISREG(status.st_mode) || standard_stream(status) >= 0;
}

void remove_stale_parts(const fs::path& path) {
  const fs::path target = resolved(path), folder = folder_of(target);
  if (folder.native().ends_with(kPartEnd)) return;  // a folder that is not whole yet: all in it is this run's
  const std::string begin = part_begin(target);
  std::vector<fs::path> parts;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (is_part_of(entry->path().filename().native(), begin)) parts.push_back(entry->path());
  for (const fs::path& part : parts) {
    const int descriptor = ::open(part.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && fs::remove_all(part, error) > 0 && !error)
      if (current_group != nullptr && current_group->on_removed_) current_group->on_removed_(part);
    ::close(descriptor);
  }
}

void require_writable(const fs::path& path, OutputKind kind) {
  struct stat status = {};
  if (is_stream(path)) {
    ::stat(path.c_str(), &status);
    require_stream(path, status, kind);
    if (standard_stream(status) < 0 && ::access(path.c_str(), W_OK) != 0) throw_unwritable(path, errno);
    return;
  }
  require_name(path, kind);
  if (kind != OutputKind::kFolder) {
    const OutputPart probe(path, kind);
    return;
  }
  const fs::path above = nearest_folder(resolved(path));
  std::error_code ignored;
  if (!fs::is_directory(above, ignored)) throw_unwritable(path, ENOTDIR);
  if (::access(above.c_str(), W_OK | X_OK) != 0) throw_unwritable(path, errno);
}

OutputPart::OutputPart(fs::path path, OutputKind kind) : path_(std::move(path)) {
  if (swipegym::is_stream(path_))
    open_stream(kind);
  else
    open_part(kind);
}

OutputPart::OutputPart(OutputPart&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {
  other.temporary_.clear();
}

OutputPart::~OutputPart() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  if (descriptor_ >= 0) ::close(descriptor_);  // and with it the lock, once there is nothing to remove
}

void OutputPart::open_stream(OutputKind kind) {
  target_ = path_;
  struct stat status = {};
  if (::stat(path_.c_str(), &status) != 0) throw_unwritable(path_, errno);
  require_stream(path_, status, kind);
  const int standard = standard_stream(status);
  descriptor_ = standard >= 0 ? ::fcntl(standard, F_DUPFD_CLOEXEC, 0) : open_for_writing(path_);
  if (descriptor_ < 0) throw_unwritable(path_, errno);
}

void OutputPart::open_part(OutputKind kind) {
  require_name(path_, kind);
  target_ = resolved(path_);
  if (kind == OutputKind::kFolder) {
    std::error_code error;
    fs::create_directories(folder_of(target_), error);
    if (error) throw_unwritable(path_, error.value());
  }
  remove_stale_parts(target_);
  for (;;) {
    fs::path part = new_part_name(target_);
    const bool made = kind != OutputKind::kFolder || ::mkdir(part.c_str(), 0777) == 0;
    const int flags = kind == OutputKind::kFolder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT | O_EXCL;
    const int descriptor = made ? ::open(part.c_str(), flags | O_CLOEXEC, 0666) : -1;
    if (descriptor < 0 && errno == EEXIST) continue;  // a number that a process of the same id has left
    if (descriptor < 0) throw_unwritable(path_, errno);
    if (lock_part(descriptor, part)) {
      descriptor_ = descriptor;
      temporary_ = std::move(part);
      return;
    }
    ::close(descriptor);
  }
}

void OutputPart::commit() {
  if (is_stream()) return;
  OutputGroup* const group = current_group;
  if (group != nullptr && std::find(group->targets_.begin(), group->targets_.end(), target_) != group->targets_.end())
    group->waiting_.push_back(std::move(*this));
  else
    put_in_place();
}

void OutputPart::put_in_place() {
  std::error_code error;
  if (fs::is_directory(temporary_, error) && fs::exists(target_, error)) {
    swap_in(temporary_, target_);
  } else {
    fs::rename(temporary_, target_, error);
    if (error) throw SystemError(fmt::format("{}: cannot be put in place: {}", path_.string(), error.message()));
  }
  temporary_.clear();
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

OutputGroup::OutputGroup(const std::vector<fs::path>& targets, std::function<void(const fs::path&)> on_removed)
    : on_removed_(std::move(on_removed)), outer_(std::exchange(current_group, this)) {
  for (const fs::path& target : targets) targets_.push_back(resolved(target));
}

OutputGroup::~OutputGroup() {
  current_group = outer_;
}

void OutputGroup::commit() {
  for (OutputPart& part : waiting_) part.put_in_place();
  waiting_.clear();
  std::error_code ignored;  // what cannot be removed harms nobody
  for (const fs::path& path : no_longer_needed_) fs::remove(path, ignored);
}

fs::path where_written(const fs::path& path) {
  if (current_group == nullptr) return path;
  const fs::path target = resolved(path);
  for (const OutputPart& part : current_group->waiting_)
    if (part.target() == target) return part.temporary();
  return path;
}

}  // namespace swipegym
