#include "sim_data/csv/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/unreadable.h"
#include "sim_data/file_descriptor.h"

namespace swipegym {

namespace {

constexpr std::size_t kInputBytes = 128 << 10;

}  // namespace

struct ByteStream::Impl {
  enum class Packing : std::uint8_t { kNone, kGzip, kZstd };

  static Packing packing_of(std::string_view begin) {
    using namespace std::string_view_literals;
    if (begin.starts_with("\x1F\x8B"sv)) return Packing::kGzip;
    if (begin.starts_with("\x28\xB5\x2F\xFD"sv)) return Packing::kZstd;
    const bool skippable = begin.size() >= 4 && (begin[0] & '\xF0') == '\x50' && begin.substr(1, 3) == "\x2A\x4D\x18"sv;
    return skippable ? Packing::kZstd : Packing::kNone;
  }

  explicit Impl(std::filesystem::path file) : path(std::move(file)), input(kInputBytes) {
    descriptor.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!descriptor.is_open() || ::fstat(descriptor.get(), &info) != 0) throw InputError(unreadable_text(path, errno));
    if (S_ISDIR(info.st_mode)) fail("is a folder, expected a file");
    is_regular = S_ISREG(info.st_mode);
    if (is_regular) size = static_cast<std::uint64_t>(info.st_size);
    while (input_end < 4 && refill()) continue;  // a pipe may give a byte at a time
    packing = packing_of({input.data(), input_end});
    const std::string extension = path.extension().string();
    if (extension == ".gz" && packing != Packing::kGzip) fail("is named .gz but is no gzip file");
    if (extension == ".zst" && packing != Packing::kZstd) fail("is named .zst but is no zstd file");
    if (packing == Packing::kGzip && ::inflateInit2(&gzip, 15 + 16) != Z_OK) throw std::bad_alloc();
    if (packing == Packing::kZstd && (zstd = ::ZSTD_createDCtx()) == nullptr) throw std::bad_alloc();
  }

  ~Impl() {
    if (packing == Packing::kGzip) ::inflateEnd(&gzip);
    ::ZSTD_freeDCtx(zstd);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[noreturn]] void fail(std::string_view what) const { throw InputError(fmt::format("{}: {}", path.string(), what)); }

  // Appends bytes of the file to the input that is left; false at its end.
  bool refill() {
    if (input_begin == input_end) input_begin = input_end = 0;
    while (true) {
      const ssize_t got = ::read(descriptor.get(), input.data() + input_end, input.size() - input_end);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw SystemError(fmt::format("{}: read failed ({})", path.string(), std::strerror(errno)));
      input_end += static_cast<std::size_t>(got);
      position += static_cast<std::uint64_t>(got);
      return got > 0;
    }
  }

  // Moves on by what input and room allow; returns the bytes it put to `out`.
  std::size_t unpack(char* out, std::size_t room) {
    switch (packing) {
      case Packing::kGzip:
        return unpack_gzip(out, room);
      case Packing::kZstd:
        return unpack_zstd(out, room);
      case Packing::kNone:
        break;
    }
    const std::size_t count = std::min(room, input_end - input_begin);
    std::memcpy(out, input.data() + input_begin, count);
    input_begin += count;
    return count;
  }

  std::size_t unpack_gzip(char* out, std::size_t room) {
    if (!is_open) ::inflateReset(&gzip);
    is_open = true;
    gzip.next_in = reinterpret_cast<Bytef*>(input.data() + input_begin);
    gzip.avail_in = static_cast<uInt>(input_end - input_begin);
    gzip.next_out = reinterpret_cast<Bytef*>(out);
    gzip.avail_out = static_cast<uInt>(std::min<std::size_t>(room, 1U << 30));
    const uInt offered = gzip.avail_out;
    const int code = ::inflate(&gzip, Z_NO_FLUSH);
    input_begin = input_end - gzip.avail_in;
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code == Z_STREAM_END) {
      is_open = false;
      ++parts;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      fail(parts > 0 && gzip.total_out == 0 ? "holds something behind its packed end; it is damaged"
                                            : "is a damaged gzip file");
    }
    return offered - gzip.avail_out;
  }

  std::size_t unpack_zstd(char* out, std::size_t room) {
    ZSTD_inBuffer from{input.data() + input_begin, input_end - input_begin, 0};
    ZSTD_outBuffer to{out, room, 0};
    const std::size_t code = ::ZSTD_decompressStream(zstd, &to, &from);
    input_begin += from.pos;
    if (::ZSTD_isError(code) != 0) {
      switch (::ZSTD_getErrorCode(code)) {
        case ZSTD_error_memory_allocation:
          throw std::bad_alloc();
        case ZSTD_error_frameParameter_windowTooLarge:
          fail("needs more than 128 MiB to be unpacked; pack it again without --long and --ultra");
        case ZSTD_error_prefix_unknown:
          if (parts > 0) fail("holds something behind its packed end; it is damaged");
          [[fallthrough]];
        default:
          fail("is a damaged zstd file");
      }
    }
    is_open = code != 0;
    parts += is_open ? 0 : 1;
    return to.pos;
  }

  std::filesystem::path path;
  FileDescriptor descriptor;
  bool is_regular = false;
  std::uint64_t size = 0, position = 0;
  Packing packing = Packing::kNone;
  std::vector<char> input;
  std::size_t input_begin = 0, input_end = 0;
  z_stream gzip{};
  ZSTD_DCtx* zstd = nullptr;
  bool is_open = false;     // inside a member or frame
  std::uint64_t parts = 0;  // members or frames behind us
};

ByteStream::ByteStream(std::filesystem::path path) : impl_(std::make_unique<Impl>(std::move(path))) {}
ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&& other) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&& other) noexcept = default;

std::size_t ByteStream::read(char* out, std::size_t size) {
  Impl& impl = *impl_;
  std::size_t done = 0;
  while (done < size) {
    const std::size_t input_before = impl.input_begin;
    std::size_t got = 0;
    // What was read before may still be to come out when there is no more input.
    if (impl.is_open || impl.input_begin < impl.input_end) got = impl.unpack(out + done, size - done);
    done += got;
    if (got > 0 || impl.input_begin != input_before) continue;
    if (impl.refill()) continue;
    if (impl.is_open) impl.fail("is cut short: the packed file ends before its contents do");
    break;
  }
  return done;
}

bool ByteStream::is_packed() const noexcept {
  return impl_->packing != Impl::Packing::kNone;
}
bool ByteStream::is_regular() const noexcept {
  return impl_->is_regular;
}
std::uint64_t ByteStream::size() const noexcept {
  return impl_->size;
}
std::uint64_t ByteStream::position() const noexcept {
  return impl_->position - (impl_->input_end - impl_->input_begin);
}

}  // namespace swipegym
