#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace swipegym {

/// Rows in a chunk of every column: the unit of compression and of reading a slice.
inline constexpr std::size_t kColumnChunk = 16384;

/// Packs a chunk of a column as HDF5's filters 'shuffle' and 'deflate' would, so that any HDF5 program reads it, but on
/// any thread and faster: after the shuffle, byte planes that are noise are stored and the others run-length and
/// Huffman coded, which is where nearly all of deflate's gain lies for logs. One encoder a worker.
class ColumnEncoder {
 public:
  ColumnEncoder();
  ~ColumnEncoder();
  ColumnEncoder(ColumnEncoder&&) noexcept;
  ColumnEncoder& operator=(ColumnEncoder&&) noexcept;
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
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::vector<std::byte> planes_, padded_;
};

/// Unpacks such a chunk. One decoder a worker.
class ColumnDecoder {
 public:
  ColumnDecoder();
  ~ColumnDecoder();
  ColumnDecoder(ColumnDecoder&&) noexcept;
  ColumnDecoder& operator=(ColumnDecoder&&) noexcept;
  /// Fills `out`, whose size the caller knows. Returns false when the chunk is damaged or of another size.
  bool decode(std::span<const std::byte> packed, std::size_t element_size, std::span<std::byte> out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::vector<std::byte> planes_;
};

}  // namespace swipegym
