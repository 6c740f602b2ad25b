#pragma once

#include <cmath>
#include <numbers>

#include "nn/parameter.h"

namespace swipegym {

/// Glorot & Bengio's normal initialisation: mean 0, variance 2 / (rows + columns).
template <class Scalar>
void initialise_xavier_normal(ParameterOf<Scalar>& parameter, RandomKey key) {
  RandomStream random(key);
  const double deviation = std::sqrt(2.0 / static_cast<double>(parameter.value.rows() + parameter.value.cols()));
  for (Eigen::Index i = 0; i < parameter.value.size(); ++i) {  // Box and Muller
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform_double()));
    parameter.value.data()[i] =
        static_cast<Scalar>(deviation * radius * std::cos(2.0 * std::numbers::pi * random.uniform_double()));
  }
}

}  // namespace swipegym
