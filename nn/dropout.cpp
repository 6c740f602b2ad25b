#include "nn/dropout.h"

#include <array>
#include <cassert>

#include "core/random_words.h"

namespace swipegym {

template <class Scalar>
void dropout(Scalar rate, RandomKey key, std::size_t first_row, MatrixOf<Scalar>& mask, MatrixOf<Scalar>& values) {
  assert(rate >= Scalar(0) && rate < Scalar(1));
  mask.resize(values.rows(), values.cols());
  const Scalar kept = Scalar(1) / (Scalar(1) - rate);
  const auto drop_below = static_cast<float>(rate);
  alignas(64) std::array<std::uint32_t, kWordsAtOnce> words;
  const auto width = static_cast<std::size_t>(mask.cols());
  for (Eigen::Index row = 0; row < values.rows(); ++row) {
    const auto stream = static_cast<std::uint32_t>(first_row + static_cast<std::size_t>(row));
    Scalar* factors = mask.data() + row * mask.cols();
    Scalar* out = values.data() + row * mask.cols();
    for (std::size_t first = 0; first < width; first += kWordsAtOnce, factors += kWordsAtOnce, out += kWordsAtOnce) {
      random_words(key, stream, static_cast<std::uint32_t>(first / kWordsAtOnce), words);
      if (width - first >= kWordsAtOnce) {
        for (std::size_t i = 0; i < kWordsAtOnce; ++i) {
          factors[i] = to_unit(words[i]) < drop_below ? Scalar(0) : kept;
          out[i] *= factors[i];
        }
      } else {
        for (std::size_t i = 0; i < width - first; ++i) {
          factors[i] = to_unit(words[i]) < drop_below ? Scalar(0) : kept;
          out[i] *= factors[i];
        }
      }
    }
  }
}

template void dropout(float, RandomKey, std::size_t, MatrixOf<float>&, MatrixOf<float>&);
template void dropout(double, RandomKey, std::size_t, MatrixOf<double>&, MatrixOf<double>&);

}  // namespace swipegym
