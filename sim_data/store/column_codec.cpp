#include "sim_data/store/column_codec.h"

#include <libdeflate.h>

#include <new>
#include <stdexcept>

namespace swipegym {

namespace {

constexpr int kLevel = 1;

template <std::size_t kSize>
void shuffle_fixed(const std::byte* in, std::byte* out, std::size_t elements) {
  for (std::size_t i = 0; i < elements; ++i)
    for (std::size_t b = 0; b < kSize; ++b) out[b * elements + i] = in[i * kSize + b];
}

template <std::size_t kSize>
void unshuffle_fixed(const std::byte* in, std::byte* out, std::size_t elements) {
  for (std::size_t i = 0; i < elements; ++i)
    for (std::size_t b = 0; b < kSize; ++b) out[i * kSize + b] = in[b * elements + i];
}

template <class Run>
void with_size(std::size_t element_size, Run&& run) {
  switch (element_size) {
    case 2:
      return run(std::integral_constant<std::size_t, 2>{});
    case 4:
      return run(std::integral_constant<std::size_t, 4>{});
    case 8:
      return run(std::integral_constant<std::size_t, 8>{});
    default:
      throw std::logic_error("columns have elements of 1, 2, 4 or 8 bytes");
  }
}

}  // namespace

void ColumnEncoder::Free::operator()(libdeflate_compressor* compressor) const noexcept {
  libdeflate_free_compressor(compressor);
}

ColumnEncoder::ColumnEncoder() : compressor_(libdeflate_alloc_compressor(kLevel)) {
  if (!compressor_) throw std::bad_alloc();
}

void ColumnEncoder::encode(std::span<const std::byte> bytes, std::size_t element_size, std::vector<std::byte>& out) {
  std::span<const std::byte> planes = bytes;
  if (element_size > 1) {
    planes_.resize(bytes.size());
    with_size(element_size,
              [&](auto size) { shuffle_fixed<size()>(bytes.data(), planes_.data(), bytes.size() / element_size); });
    planes = planes_;
  }
  out.resize(libdeflate_zlib_compress_bound(compressor_.get(), planes.size()));
  out.resize(libdeflate_zlib_compress(compressor_.get(), planes.data(), planes.size(), out.data(), out.size()));
}

void ColumnDecoder::Free::operator()(libdeflate_decompressor* decompressor) const noexcept {
  libdeflate_free_decompressor(decompressor);
}

ColumnDecoder::ColumnDecoder() : decompressor_(libdeflate_alloc_decompressor()) {
  if (!decompressor_) throw std::bad_alloc();
}

bool ColumnDecoder::decode(std::span<const std::byte> packed, std::size_t element_size, std::span<std::byte> out) {
  std::span<std::byte> planes = out;
  if (element_size > 1) {
    planes_.resize(out.size());
    planes = planes_;
  }
  std::size_t used = 0;
  if (libdeflate_zlib_decompress_ex(decompressor_.get(), packed.data(), packed.size(), planes.data(), planes.size(),
                                    &used, nullptr) != LIBDEFLATE_SUCCESS ||
      used != packed.size())
    return false;
  if (element_size > 1)
    with_size(element_size,
              [&](auto size) { unshuffle_fixed<size()>(planes_.data(), out.data(), out.size() / element_size); });
  return true;
}

}  // namespace swipegym
