#pragma once

#include <span>
#include <string_view>

#include "nn/matrix.h"

namespace swipegym {

enum class Activation { kIdentity, kRelu, kSilu, kGelu, kTanh };

/// "identity", "relu", "silu", "gelu" or "tanh"; InputError that lists them otherwise.
Activation parse_activation(std::string_view name);
std::span<const std::string_view> activation_names() noexcept;

/// output = f(input), element by element; `output` is resized (it may be `input` itself). GELU is the tanh form.
template <class Scalar>
void activate(Activation activation, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& output);

/// gradient *= f'(input): turns dL/d output into dL/d input in place. `input` is what activate() was given.
template <class Scalar>
void activate_backward(Activation activation, const MatrixOf<Scalar>& input, MatrixOf<Scalar>& gradient);

}  // namespace swipegym
