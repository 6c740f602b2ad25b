#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/matrix.h"
#include "nn/parameter.h"

namespace swipegym {

/// Dice (Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018): y = p x + alpha (1 - p) x
/// with p = sigmoid(gamma x^ + beta), x^ the batch-normalised x; a rectifier whose kink lies where the data are.
///
/// A batch is cut into shards that threads work on, and its statistics are those of the whole batch, so every pass has
/// two halves: each shard adds what it knows to a sum of its own, the sums are joined in order, each shard goes on.
template <class Scalar>
class DiceOf {
 public:
  static constexpr double kEpsilon = 1e-8;  // added to the variance
  static constexpr double kMomentum = 0.1;  // weight of a batch in the running statistics

  /// Mean and centred sum of squares of a part of the batch, a column each.
  struct Moments {
    std::size_t rows = 0;
    Eigen::ArrayXd mean, squares;
    void join(const Moments& other);
  };
  /// What the way back needs of the whole batch: sums of d and d * x^ over rows.
  struct Sums {
    Eigen::ArrayXd d, d_normal;
  };
  /// What a shard's pass keeps.
  struct Work {
    MatrixOf<Scalar> normal, gate;  // x^ and p
    MatrixOf<Scalar> d_normal;
  };
  using Row = Eigen::Array<Scalar, 1, Eigen::Dynamic>;

  DiceOf() = default;
  explicit DiceOf(std::size_t width);

  static Moments moments(ConstMatrixRef<Scalar> x);
  /// Takes the batch's statistics for the following apply(); `remember` moves the running ones towards them.
  void use(const Moments& batch, bool remember);
  /// Takes the running statistics: predictions do not depend on who else is in the batch.
  void use_running();
  void apply(ConstMatrixRef<Scalar> x, Work& work, MatrixOf<Scalar>& y) const {
    apply_with(x, mean_, inverse_deviation_, work, y);
  }
  /// apply() with the running statistics, whatever is in use; for many threads.
  void predict(ConstMatrixRef<Scalar> x, Work& work, MatrixOf<Scalar>& y) const;

  /// First half of the way back: adds the parameters' gradients to `shard` and returns the shard's sums.
  Sums backward_sums(ConstMatrixRef<Scalar> x, const MatrixOf<Scalar>& d_y, Work& work, std::size_t shard);
  /// Second half: d_x, which may be d_y, given the sums of the whole batch of `rows` rows; with rows = 0 the
  /// statistics were the running ones and are constants.
  void backward(ConstMatrixRef<Scalar> x, const Work& work, const Sums& batch, std::size_t rows,
                MatrixOf<Scalar>& d_y) const;

  void set_shards(std::size_t count) { gamma.set_shards(count), beta.set_shards(count), alpha.set_shards(count); }
  void collect(std::vector<ParameterOf<Scalar>*>& parameters);

  ParameterOf<Scalar> gamma, beta, alpha;              // [1, width]
  ParameterOf<Scalar> running_mean, running_variance;  // [1, width]; follow the batches, not a gradient

 private:
  void apply_with(ConstMatrixRef<Scalar> x, const Row& mean, const Row& inverse_deviation, Work& work,
                  MatrixOf<Scalar>& y) const;
  Row mean_, inverse_deviation_;
};
using Dice = DiceOf<float>;

}  // namespace swipegym
