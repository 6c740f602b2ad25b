#include "nn/linear.h"

#include "nn/matrix_product.h"

namespace swipegym {

template <class Scalar>
LinearOf<Scalar>::LinearOf(std::size_t in, std::size_t out, RandomKey key, double gain) {
  weight.resize(in, out);
  bias.resize(1, out);
  bias.decays = false;
  initialise(weight, key, static_cast<double>(in), gain);
}

template <class Scalar>
void LinearOf<Scalar>::forward(ConstMatrixRef<Scalar> input, MatrixOf<Scalar>& output) const {
  output.resize(input.rows(), weight.value.cols());
  forward_into(input, output);
}

template <class Scalar>
void LinearOf<Scalar>::forward_into(ConstMatrixRef<Scalar> input, MatrixRef<Scalar> output) const {
  output.noalias() = input * weight.value;
  output.rowwise() += bias.value.row(0);
}

template <class Scalar>
void LinearOf<Scalar>::backward(ConstMatrixRef<Scalar> input, ConstMatrixRef<Scalar> d_output,
                                MatrixOf<Scalar>* d_input, std::size_t shard) {
  weight.shards[shard].noalias() += input.transpose() * d_output;
  bias.shards[shard].row(0) += d_output.colwise().sum();
  if (d_input == nullptr) return;
  d_input->resize(d_output.rows(), weight.value.rows());
  d_input->noalias() = d_output * weight.value.transpose();
}

template <class Scalar>
void apply(const LinearOf<Scalar>& layer, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& output) {
  matrix_product<Scalar>(input, layer.weight.value, output, false, layer.bias.value.data());
}

template <class Scalar>
void apply_backward(LinearOf<Scalar>& layer, const MatrixOf<Scalar>& input, const MatrixOf<Scalar>& d_output,
                    MatrixOf<Scalar>* d_input, bool add, std::size_t shard) {
  matrix_product<Scalar>(transposed(input), d_output, layer.weight.shards[shard], true);
  layer.bias.shards[shard].row(0) += d_output.colwise().sum();
  if (d_input != nullptr) matrix_product<Scalar>(d_output, transposed(layer.weight.value), *d_input, add);
}

#define SWIPEGYM_APPLY(S)                                                    \
  template void apply(const LinearOf<S>&, const MatrixOf<S>&, MatrixOf<S>&); \
  template void apply_backward(LinearOf<S>&, const MatrixOf<S>&, const MatrixOf<S>&, MatrixOf<S>*, bool, std::size_t);
SWIPEGYM_APPLY(float)
SWIPEGYM_APPLY(double)
#undef SWIPEGYM_APPLY

template class LinearOf<float>;
template class LinearOf<double>;

}  // namespace swipegym
