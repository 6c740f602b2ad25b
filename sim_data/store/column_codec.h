#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct libdeflate_compressor;
struct libdeflate_decompressor;

namespace swipegym {

/// Rows in a chunk of every column: the unit of compression and of reading a slice.
inline constexpr std::size_t kColumnChunk = 16384;

/// Packs a chunk of a column as HDF5's filters 'shuffle' and 'deflate' would, so that any HDF5 program reads it, but on
/// any thread and faster (libdeflate). One encoder a worker.
class ColumnEncoder {
 public:
  ColumnEncoder();
  /// `bytes` holds whole elements of `element_size` bytes. `out` is overwritten.
  void encode(std::span<const std::byte> bytes, std::size_t element_size, std::vector<std::byte>& out);
  /// At most kColumnChunk rows, as a whole chunk: the last row is repeated, which costs next to nothing.
  template <class T>
  void encode_rows(std::span<const T> rows, std::vector<std::byte>& out) {
    const std::span<const std::byte> bytes = std::as_bytes(rows);
    if (rows.size() == kColumnChunk) return encode(bytes, sizeof(T), out);
    padded_.assign(bytes.begin(), bytes.end());
    while (padded_.size() < kColumnChunk * sizeof(T))
      padded_.insert(padded_.end(), bytes.end() - sizeof(T), bytes.end());
    encode(padded_, sizeof(T), out);
  }

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const noexcept;
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
  std::vector<std::byte> planes_, padded_;
};

/// Unpacks such a chunk. One decoder a worker.
class ColumnDecoder {
 public:
  ColumnDecoder();
  /// Fills `out`, whose size the caller knows. Returns false when the chunk is damaged or of another size.
  bool decode(std::span<const std::byte> packed, std::size_t element_size, std::span<std::byte> out);

 private:
  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const noexcept;
  };
  std::unique_ptr<libdeflate_decompressor, Free> decompressor_;
  std::vector<std::byte> planes_;
};

}  // namespace swipegym
