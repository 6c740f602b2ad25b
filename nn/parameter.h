#pragma once

#include <cassert>
#include <string>
#include <vector>

#include "core/random.h"
#include "nn/matrix.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// A trained matrix with its gradient and Adam moments. Threads that work on shards of a batch accumulate into a shard
/// each; reduce_gradient() adds the shards in order, so the sum does not depend on how many threads there were.
template <class Scalar>
struct ParameterOf {
  MatrixOf<Scalar> value;
  MatrixOf<Scalar> first_moment, second_moment;  // Adam's running means of g and g^2
  std::vector<MatrixOf<Scalar>> shards;          // gradients; shards[0] holds the sum after reduce_gradient()
  bool decays = true;                            // weight decay applies; false for biases

  ParameterOf() : shards(1) {}

  /// Zero value, moments and gradients of this shape.
  void resize(std::size_t rows, std::size_t columns, std::size_t num_shards = 1) {
    const auto r = static_cast<Eigen::Index>(rows), c = static_cast<Eigen::Index>(columns);
    value.setZero(r, c), first_moment.setZero(r, c), second_moment.setZero(r, c);
    set_shards(num_shards);
  }
  /// The number of shards that may be accumulated into; all are zeroed.
  void set_shards(std::size_t count) { shards.assign(count, MatrixOf<Scalar>::Zero(value.rows(), value.cols())); }
  const MatrixOf<Scalar>& gradient() const noexcept { return shards[0]; }
  MatrixOf<Scalar>& gradient() noexcept { return shards[0]; }
  void reduce_gradient() {
    for (std::size_t shard = 1; shard < shards.size(); ++shard) {
      shards[0] += shards[shard];
      shards[shard].setZero();
    }
  }
  void zero_gradient() {
    for (MatrixOf<Scalar>& shard : shards) shard.setZero();
  }
};
using Parameter = ParameterOf<float>;

/// Weights are small numbers. Files with larger ones are damaged or of a training that diverged: refused, so that no
/// sum over a few layers overflows.
inline constexpr float kLargestWeight = 1.0e6F;

/// Draws values uniformly with mean 0 and standard deviation gain / sqrt(fan_in).
template <class Scalar>
void initialise(ParameterOf<Scalar>& parameter, RandomKey key, double fan_in, double gain);

/// Writes name/value and, when `moments`, name/first_moment and name/second_moment.
void save(Hdf5Writer& file, const std::string& name, const Parameter& parameter, bool moments);
/// Reads what save() wrote into a parameter of the right shape; InputError names the file and object when it differs,
/// or holds a number that is no weight. Moments are read when the file has them, else zeroed.
void load(const Hdf5Reader& file, const std::string& name, Parameter& parameter);

}  // namespace swipegym
