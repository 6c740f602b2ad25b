#include "nn/activation.h"

#include <fmt/format.h>

#include <array>
#include <cassert>

#include "core/error.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"identity", "relu", "silu", "gelu", "tanh"};

// tanh GELU is x * sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
constexpr double kGeluLinear = 1.5957691216057308, kGeluCubic = 0.071354816272600248;

template <class Scalar>
Scalar gelu_gate(Scalar x) noexcept {
  return fast_sigmoid(x * (Scalar(kGeluLinear) + Scalar(kGeluCubic) * x * x));
}

template <class Scalar>
Scalar tanh_of(Scalar x) noexcept {
  return Scalar(2) * fast_sigmoid(Scalar(2) * x) - Scalar(1);
}

// Plain loops over contiguous memory: the compiler turns them into vector code whose remainder gives the same bits.
template <class Scalar, class Function>
void map(const MatrixOf<Scalar>& input, MatrixOf<Scalar>& output, Function function) {
  const Scalar* from = input.data();
  Scalar* to = output.data();
  const Eigen::Index count = input.size();
  for (Eigen::Index i = 0; i < count; ++i) to[i] = function(from[i]);
}

template <class Scalar, class Slope>
void scale(const MatrixOf<Scalar>& input, MatrixOf<Scalar>& gradient, Slope slope) {
  const Scalar* from = input.data();
  Scalar* to = gradient.data();
  const Eigen::Index count = input.size();
  for (Eigen::Index i = 0; i < count; ++i) to[i] *= slope(from[i]);
}

}  // namespace

Activation parse_activation(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Activation>(i);
  throw InputError(fmt::format("unknown activation '{}', expected one of {}", name, fmt::join(kNames, ", ")));
}

std::span<const std::string_view> activation_names() noexcept {
  return kNames;
}

template <class Scalar>
void activate(Activation activation, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& output) {
  output.resize(input.rows(), input.cols());
  switch (activation) {
    case Activation::kIdentity:
      return map(input, output, [](Scalar x) { return x; });
    case Activation::kRelu:
      return map(input, output, [](Scalar x) { return x > Scalar(0) ? x : Scalar(0); });
    case Activation::kSilu:
      return map(input, output, [](Scalar x) { return x * fast_sigmoid(x); });
    case Activation::kGelu:
      return map(input, output, [](Scalar x) { return x * gelu_gate(x); });
    case Activation::kTanh:
      return map(input, output, [](Scalar x) { return tanh_of(x); });
  }
}

template <class Scalar>
void activate_backward(Activation activation, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& gradient) {
  assert(input.rows() == gradient.rows() && input.cols() == gradient.cols());
  switch (activation) {
    case Activation::kIdentity:
      return;
    case Activation::kRelu:
      return scale(input, gradient, [](Scalar x) { return x > Scalar(0) ? Scalar(1) : Scalar(0); });
    case Activation::kSilu:
      return scale(input, gradient, [](Scalar x) {
        const Scalar gate = fast_sigmoid(x);
        return gate * (Scalar(1) + x * (Scalar(1) - gate));
      });
    case Activation::kGelu:
      return scale(input, gradient, [](Scalar x) {
        const Scalar gate = gelu_gate(x);
        const Scalar slope = Scalar(kGeluLinear) + Scalar(3 * kGeluCubic) * x * x;
        return gate * (Scalar(1) + x * (Scalar(1) - gate) * slope);
      });
    case Activation::kTanh:
      return scale(input, gradient, [](Scalar x) {
        const Scalar y = tanh_of(x);
        return Scalar(1) - y * y;
      });
  }
}

template void activate(Activation, const MatrixOf<float>&, MatrixOf<float>&);
template void activate(Activation, const MatrixOf<double>&, MatrixOf<double>&);
template void activate_backward(Activation, const MatrixOf<float>&, MatrixOf<float>&);
template void activate_backward(Activation, const MatrixOf<double>&, MatrixOf<double>&);

}  // namespace swipegym
