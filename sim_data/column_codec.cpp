#include "sim_data/column_codec.h"

#include <zlib.h>

#include <array>
#include <cmath>
#include <new>
#include <stdexcept>

namespace swipegym {

namespace {

constexpr int kLevel = 1;
constexpr double kNoiseBits = 7.3;  // a byte; coding such a plane would gain less than a tenth

// Entropy of every fourth byte: enough to tell noise from structure.
bool is_noise(std::span<const std::byte> plane) {
  constexpr std::size_t kStep = 4;
  if (plane.size() < 4096) return false;
  std::array<std::uint32_t, 256> count{};
  for (std::size_t i = 0; i < plane.size(); i += kStep) ++count[static_cast<std::size_t>(plane[i])];
  const double total = static_cast<double>((plane.size() + kStep - 1) / kStep);
  double bits = 0.0;
  for (const std::uint32_t c : count)
    if (c > 0) bits -= c * std::log2(c / total);
  return bits > kNoiseBits * total;
}

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

struct ColumnEncoder::Stream {
  Stream() {
    if (deflateInit(&z, kLevel) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { deflateEnd(&z); }
  z_stream z{};
};

ColumnEncoder::ColumnEncoder() : stream_(std::make_unique<Stream>()) {}
ColumnEncoder::~ColumnEncoder() = default;
ColumnEncoder::ColumnEncoder(ColumnEncoder&&) noexcept = default;
ColumnEncoder& ColumnEncoder::operator=(ColumnEncoder&&) noexcept = default;

void ColumnEncoder::encode(std::span<const std::byte> bytes, std::size_t element_size, std::vector<std::byte>& out) {
  std::span<const std::byte> planes = bytes;
  const std::size_t elements = bytes.size() / element_size;
  if (element_size > 1) {
    planes_.resize(bytes.size());
    with_size(element_size, [&](auto size) { shuffle_fixed<size()>(bytes.data(), planes_.data(), elements); });
    planes = planes_;
  }
  z_stream& z = stream_->z;
  deflateReset(&z);
  // Room for stored blocks, their headers, and the flush between two planes of different kinds.
  out.resize(deflateBound(&z, static_cast<uLong>(bytes.size())) + 64 * element_size + 64);
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  for (std::size_t plane = 0; plane < element_size; ++plane) {
    const std::span<const std::byte> piece = planes.subspan(plane * elements, elements);
    // zlib wants the parameters changed before it sees the bytes they are for.
    int status = is_noise(piece) ? deflateParams(&z, 0, Z_DEFAULT_STRATEGY) : deflateParams(&z, kLevel, Z_RLE);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    z.avail_in = static_cast<uInt>(piece.size());
    if (status == Z_OK) status = deflate(&z, plane + 1 == element_size ? Z_FINISH : Z_NO_FLUSH);
    if (status != (plane + 1 == element_size ? Z_STREAM_END : Z_OK) || z.avail_in != 0)
      throw std::runtime_error("zlib could not pack a column");
  }
  out.resize(out.size() - z.avail_out);
}

struct ColumnDecoder::Stream {
  Stream() {
    if (inflateInit(&z) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { inflateEnd(&z); }
  z_stream z{};
};

ColumnDecoder::ColumnDecoder() : stream_(std::make_unique<Stream>()) {}
ColumnDecoder::~ColumnDecoder() = default;
ColumnDecoder::ColumnDecoder(ColumnDecoder&&) noexcept = default;
ColumnDecoder& ColumnDecoder::operator=(ColumnDecoder&&) noexcept = default;

bool ColumnDecoder::decode(std::span<const std::byte> packed, std::size_t element_size, std::span<std::byte> out) {
  std::span<std::byte> planes = out;
  if (element_size > 1) {
    planes_.resize(out.size());
    planes = planes_;
  }
  z_stream& z = stream_->z;
  inflateReset(&z);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(planes.data());
  z.avail_out = static_cast<uInt>(planes.size());
  if (inflate(&z, Z_FINISH) != Z_STREAM_END || z.avail_out != 0 || z.avail_in != 0) return false;
  if (element_size > 1)
    with_size(element_size,
              [&](auto size) { unshuffle_fixed<size()>(planes_.data(), out.data(), out.size() / element_size); });
  return true;
}

}  // namespace swipegym
