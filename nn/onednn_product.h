#pragma once

#include <cstddef>

#include "nn/matrix_product.h"

namespace swipegym {

/// Whether this build was made with oneDNN, and whether the processor multiplies bf16 (AVX-512 BF16 or AMX).
bool has_onednn() noexcept;
bool has_onednn_bf16() noexcept;

/// out += left * right on the calling thread alone. With `bf16` both factors are rounded to bf16 and sums are fp32.
void multiply_onednn(const Factor<float>& left, const Factor<float>& right, float* out, std::size_t out_stride,
                     bool bf16);

}  // namespace swipegym
