#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace swipegym {

/// The bytes of a file, a pipe or a device in their order, unpacked on the way where they are gzip (also of several
/// members) or zstd (of several frames); which of them they are, their first bytes tell. Memory does not grow with the
/// file, nor with what it unpacks to. A packed file that is cut short, damaged or followed by anything else is an
/// InputError that names it.
class ByteStream {
 public:
  /// Throws InputError for what cannot be read, a folder, and a file named .gz or .zst that is packed otherwise.
  explicit ByteStream(std::filesystem::path path);
  ~ByteStream();
  ByteStream(ByteStream&& other) noexcept;
  ByteStream& operator=(ByteStream&& other) noexcept;

  /// Fills `out` unless the stream ends before; returns how many bytes it got.
  std::size_t read(char* out, std::size_t size);

  bool is_packed() const noexcept;
  /// A file that can be opened again and read anywhere.
  bool is_regular() const noexcept;
  std::uint64_t size() const noexcept;      // of a regular file, packed as it is; else 0
  std::uint64_t position() const noexcept;  // bytes of the file read so far, packed as they are

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swipegym
