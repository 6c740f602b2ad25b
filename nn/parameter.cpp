#include "nn/parameter.h"

#include <cmath>

namespace swipegym {

template <class Scalar>
void initialise(ParameterOf<Scalar>& parameter, RandomKey key, double fan_in, double gain) {
  const double bound = gain * std::sqrt(3.0 / fan_in);  // a uniform on [-b, b] has standard deviation b / sqrt(3)
  RandomStream random(key);
  for (Eigen::Index i = 0; i < parameter.value.size(); ++i)
    parameter.value.data()[i] = static_cast<Scalar>((2.0 * static_cast<double>(random.uniform()) - 1.0) * bound);
}

template void initialise(ParameterOf<float>&, RandomKey, double, double);
template void initialise(ParameterOf<double>&, RandomKey, double, double);

}  // namespace swipegym
