#include "sim_data/store/spill_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace swipegym {

namespace {

// Without a name from the beginning where the file system can: a kill between making and unlinking would leave it.
FileDescriptor open_unnamed(const std::filesystem::path& folder) {
  if (FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); file.is_open()) return file;
  std::string name = (folder / ".swipegym-spill-XXXXXX").string();
  FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.is_open()) {
    const std::string message = fmt::format("{}: cannot write here ({})", folder.string(), std::strerror(errno));
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO) throw SystemError(message);
    throw InputError(message);
  }
  ::unlink(name.c_str());
  return file;
}

// Moves `size` bytes with pread or pwrite, which may do less than asked.
template <class Call, class Pointer>
void transfer(Call call, int descriptor, Pointer data, std::size_t size, std::uint64_t offset,
              const std::filesystem::path& folder) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t moved = call(descriptor, data + done, size - done, static_cast<off_t>(offset + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0)
      throw SystemError(fmt::format("{}: cannot use a temporary file here ({}); is the disk full?", folder.string(),
                                    std::strerror(moved < 0 ? errno : EIO)));
    done += static_cast<std::size_t>(moved);
  }
}

}  // namespace

SpillFile::SpillFile(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::uint64_t SpillFile::append(const void* bytes, std::size_t size) {
  if (!file_.is_open()) file_ = open_unnamed(folder_);
  transfer(::pwrite, file_.get(), static_cast<const char*>(bytes), size, size_, folder_);
  return std::exchange(size_, size_ + size);
}

void SpillFile::read(void* bytes, std::size_t size, std::uint64_t begin) const {
  transfer(::pread, file_.get(), static_cast<char*>(bytes), size, begin, folder_);
}

}  // namespace swipegym
