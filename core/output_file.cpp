#include "core/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace swipegym {
namespace {

[[noreturn]] void throw_failed(const std::filesystem::path& path, int error) {
  throw SystemError(fmt::format("{}: write failed: {}; nothing was changed there", path.string(),
                                std::strerror(error == 0 ? EIO : error)));
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path path) : part_(std::move(path), OutputKind::kText) {
  const int descriptor = ::fcntl(part_.descriptor(), F_DUPFD_CLOEXEC, 0);  // the part's own holds the lock
  file_ = descriptor < 0 ? nullptr : ::fdopen(descriptor, "wb");
  if (file_ == nullptr) throw_failed(part_.path(), errno);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : part_(std::move(other.part_)), file_(std::exchange(other.file_, nullptr)) {}

OutputFile::~OutputFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void OutputFile::write(std::string_view bytes) {
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) throw_failed(part_.path(), errno);
}

void OutputFile::commit() {
  errno = 0;
  if (std::fflush(file_) != 0) throw_failed(part_.path(), errno);
  // A full disk may show itself only when the kernel writes back: ask before the old file is replaced.
  if (!part_.is_stream() && ::fsync(::fileno(file_)) != 0) throw_failed(part_.path(), errno);
  if (std::fclose(std::exchange(file_, nullptr)) != 0) throw_failed(part_.path(), errno);
  part_.commit();
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace swipegym
