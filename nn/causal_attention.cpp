#include "nn/causal_attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/random_words.h"
#include "nn/fast_math.h"
#include "nn/matrix_product.h"
#include "nn/vector_lanes.h"

namespace swipegym {
namespace {

constexpr std::size_t kQueryRows = 24;  // scored together; what they may not see is skipped by whole vectors

// The rows of one head as the columns of out [width, stride]; columns beyond n are 0.
template <class Scalar>
void pack_head(const Scalar* rows, std::size_t row_stride, std::size_t n, std::size_t width, Scalar scale,
               std::size_t stride, Scalar* out) {
  constexpr std::size_t kTile = 16;
  for (std::size_t first = 0; first < stride; first += kTile)
    for (std::size_t c = 0; c < width; ++c) {
      Scalar* to = out + c * stride;
      const std::size_t end = std::min(first + kTile, stride), known = std::min(end, n);
      std::size_t i = first;
      for (; i < known; ++i) to[i] = scale * rows[i * row_stride + c];
      for (; i < end; ++i) to[i] = Scalar(0);
    }
}

// Softmax of the first `seen` scores; the rest up to `stride` becomes 0.
template <class Scalar>
void softmax_prefix(Scalar* score, std::size_t seen, std::size_t stride) {
  using Lanes = VectorLanes<Scalar>;
  using Vector = typename Lanes::Vector;
  const std::size_t whole = whole_lanes<Scalar>(seen);
  for (std::size_t j = seen; j < whole; ++j) score[j] = Scalar(-1e30);
  Vector most = Lanes::load(score);
  for (std::size_t j = Lanes::kCount; j < whole; j += Lanes::kCount) {
    const Vector next = Lanes::load(score + j);
    most = next > most ? next : most;
  }
  const Scalar largest = Lanes::max(most);
  for (std::size_t j = 0; j < whole; ++j) score[j] = fast_exp(score[j] - largest);
  for (std::size_t j = seen; j < whole; ++j) score[j] = Scalar(0);
  Vector total{};
  for (std::size_t j = 0; j < whole; j += Lanes::kCount) total += Lanes::load(score + j);
  const Scalar factor = Scalar(1) / Lanes::sum(total);
  for (std::size_t j = 0; j < whole; j += Lanes::kCount) Lanes::store(score + j, Lanes::load(score + j) * factor);
  std::fill(score + whole, score + stride, Scalar(0));
}

// Factors 0 or 1 / (1 - rate) of the first `seen` weights of a row of a head; the same on the way there and back.
template <class Scalar, class Use>
void each_dropped(const AttentionDropout& dropout, std::size_t row, std::size_t head, std::size_t seen,
                  const Use& use) {
  const auto kept = static_cast<Scalar>(1.0 / (1.0 - dropout.rate));
  const auto drop_below = static_cast<float>(dropout.rate);
  BulkRandomStream random(split(dropout.key, head), static_cast<std::uint32_t>(dropout.first_row + row));
  for (std::size_t j = 0; j < seen; ++j) use(j, random.uniform() < drop_below ? Scalar(0) : kept);
}

std::size_t room_of(SequenceOffsets offset, std::size_t heads, std::size_t lanes) {
  std::size_t room = 0;
  for (std::size_t s = 0; s + 1 < offset.size(); ++s) {
    const std::size_t n = offset[s + 1] - offset[s];
    room += heads * n * ((n + lanes - 1) / lanes * lanes);
  }
  return room;
}

}  // namespace

template <class Scalar>
void causal_attention(const MatrixOf<Scalar>& query, const MatrixOf<Scalar>& key_value, SequenceOffsets offset,
                      std::size_t heads, const AttentionDropout& dropout, AttentionWorkOf<Scalar>& work,
                      MatrixOf<Scalar>& out) {
  const auto d = static_cast<std::size_t>(query.cols());
  assert(d % heads == 0 && key_value.cols() == 2 * query.cols() && offset.back() == query.rows());
  const std::size_t width = d / heads;
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  out.resize(query.rows(), query.cols());
  work.weight.resize(room_of(offset, heads, VectorLanes<Scalar>::kCount));
  const bool drops = dropout.rate > 0.0;
  work.kept.resize(drops ? work.weight.size() : 0);
  Scalar* weight = work.weight.data();
  Scalar* kept = work.kept.data();
  for (std::size_t s = 0; s + 1 < offset.size(); ++s) {
    const std::size_t first = offset[s], n = offset[s + 1] - first, stride = whole_lanes<Scalar>(n);
    if (n == 0) continue;  // the matrices may be empty, and so without an address
    for (std::size_t head = 0; head < heads; ++head, weight += n * stride, kept += drops ? n * stride : 0) {
      const Scalar* q = query.data() + first * d + head * width;
      const Scalar* k = key_value.data() + first * 2 * d + head * width;
      const Scalar* v = k + d;
      work.packed.resize(width * stride);
      pack_head(k, 2 * d, n, width, scale, stride, work.packed.data());
      for (std::size_t i = 0; i < n; i += kQueryRows) {
        const std::size_t rows = std::min(kQueryRows, n - i), seen = whole_lanes<Scalar>(i + rows);
        Scalar* block = weight + i * stride;
        multiply_lanes(q + i * d, d, 1, rows, width, work.packed.data(), stride, seen, block, stride, false);
        for (std::size_t r = 0; r < rows; ++r) softmax_prefix(block + r * stride, i + r + 1, seen);
        if (drops) {
          for (std::size_t r = 0; r < rows; ++r) {
            const Scalar* from = block + r * stride;
            Scalar* to = kept + (i + r) * stride;
            each_dropped<Scalar>(dropout, first + i + r, head, i + r + 1,
                                 [&](std::size_t j, Scalar factor) { to[j] = from[j] * factor; });
            std::fill(to + i + r + 1, to + stride, Scalar(0));
          }
          block = kept + i * stride;
        }
        multiply_lanes(block, stride, 1, rows, i + rows, v, 2 * d, width, out.data() + (first + i) * d + head * width,
                       d, false);
      }
    }
  }
}

template <class Scalar>
void causal_attention_backward(const MatrixOf<Scalar>& query, const MatrixOf<Scalar>& key_value, SequenceOffsets offset,
                               std::size_t heads, const AttentionDropout& dropout, AttentionWorkOf<Scalar>& work,
                               const MatrixOf<Scalar>& d_out, MatrixOf<Scalar>& d_query,
                               MatrixOf<Scalar>& d_key_value) {
  using Lanes = VectorLanes<Scalar>;
  using Vector = typename Lanes::Vector;
  const auto d = static_cast<std::size_t>(query.cols());
  const std::size_t width = d / heads;
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(width));
  d_query.resize(query.rows(), query.cols());
  d_key_value.resize(key_value.rows(), key_value.cols());
  const bool drops = dropout.rate > 0.0;
  const Scalar* weight = work.weight.data();
  const Scalar* kept = work.kept.data();
  for (std::size_t s = 0; s + 1 < offset.size(); ++s) {
    const std::size_t first = offset[s], n = offset[s + 1] - first, stride = whole_lanes<Scalar>(n);
    if (n == 0) continue;  // the matrices may be empty, and so without an address
    for (std::size_t head = 0; head < heads; ++head, weight += n * stride, kept += drops ? n * stride : 0) {
      const Scalar* q = query.data() + first * d + head * width;
      const Scalar* k = key_value.data() + first * 2 * d + head * width;
      const Scalar* v = k + d;
      const Scalar* dy = d_out.data() + first * d + head * width;
      Scalar* d_key = d_key_value.data() + first * 2 * d + head * width;
      work.packed.resize(width * stride);
      work.slope.resize(n * stride);
      pack_head(v, 2 * d, n, width, Scalar(1), stride, work.packed.data());
      Scalar* slope = work.slope.data();
      for (std::size_t i = 0; i < n; i += kQueryRows) {
        const std::size_t rows = std::min(kQueryRows, n - i), seen = whole_lanes<Scalar>(i + rows);
        Scalar* block = slope + i * stride;
        multiply_lanes(dy + i * d, d, 1, rows, width, work.packed.data(), stride, seen, block, stride, false);
        for (std::size_t r = 0; r < rows; ++r) {
          Scalar* ds = block + r * stride;
          if (drops)
            each_dropped<Scalar>(dropout, first + i + r, head, i + r + 1,
                                 [&](std::size_t j, Scalar factor) { ds[j] *= factor; });
          const Scalar* p = weight + (i + r) * stride;
          Vector along{};
          for (std::size_t j = 0; j < seen; j += Lanes::kCount) along += Lanes::load(ds + j) * Lanes::load(p + j);
          const Scalar mean = Lanes::sum(along);
          for (std::size_t j = 0; j < seen; j += Lanes::kCount)
            Lanes::store(ds + j, Lanes::load(p + j) * (Lanes::load(ds + j) - mean) * scale);
        }
        multiply_lanes(block, stride, 1, rows, i + rows, k, 2 * d, width,
                       d_query.data() + (first + i) * d + head * width, d, false);
      }
      // Columns of weights and slopes: what a video gave to itself and those after it.
      for (std::size_t j = 0; j < n; j += kQueryRows) {
        const std::size_t rows = std::min(kQueryRows, n - j);
        multiply_lanes((drops ? kept : weight) + j * stride + j, 1, stride, rows, n - j, dy + j * d, d, width,
                       d_key + j * 2 * d + d, 2 * d, false);
        multiply_lanes(slope + j * stride + j, 1, stride, rows, n - j, q + j * d, d, width, d_key + j * 2 * d, 2 * d,
                       false);
      }
    }
  }
}

#define SWIPEGYM_ATTENTION(S)                                                                                   \
  template void causal_attention(const MatrixOf<S>&, const MatrixOf<S>&, SequenceOffsets, std::size_t,          \
                                 const AttentionDropout&, AttentionWorkOf<S>&, MatrixOf<S>&);                   \
  template void causal_attention_backward(const MatrixOf<S>&, const MatrixOf<S>&, SequenceOffsets, std::size_t, \
                                          const AttentionDropout&, AttentionWorkOf<S>&, const MatrixOf<S>&,     \
                                          MatrixOf<S>&, MatrixOf<S>&);
SWIPEGYM_ATTENTION(float)
SWIPEGYM_ATTENTION(double)
#undef SWIPEGYM_ATTENTION

}  // namespace swipegym
