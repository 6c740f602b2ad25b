#include "nn/dropout.h"

#include <cassert>

namespace swipegym {

template <class Scalar>
void dropout(Scalar rate, RandomKey key, std::size_t first_row, MatrixOf<Scalar>& mask, MatrixOf<Scalar>& values) {
  assert(rate >= Scalar(0) && rate < Scalar(1));
  mask.resize(values.rows(), values.cols());
  const Scalar kept = Scalar(1) / (Scalar(1) - rate);
  const auto drop_below = static_cast<float>(rate);
  for (Eigen::Index row = 0; row < values.rows(); ++row) {
    RandomStream random(key, static_cast<std::uint32_t>(first_row + static_cast<std::size_t>(row)));
    Scalar* factors = mask.data() + row * mask.cols();
    for (Eigen::Index i = 0; i < mask.cols(); ++i) factors[i] = random.uniform() < drop_below ? Scalar(0) : kept;
  }
  values.array() *= mask.array();
}

template void dropout(float, RandomKey, std::size_t, MatrixOf<float>&, MatrixOf<float>&);
template void dropout(double, RandomKey, std::size_t, MatrixOf<double>&, MatrixOf<double>&);

}  // namespace swipegym
