#include "nn/layer_norm.h"

#include <cassert>
#include <cmath>

#include "nn/vector_lanes.h"

namespace swipegym {
namespace {

// The two passes for widths of kVectors whole vectors, which then stay in registers; the same sums as the general ones.
template <class Scalar, std::size_t kVectors>
struct FixedWidth {
  using Lanes = VectorLanes<Scalar>;
  using Vector = typename Lanes::Vector;
  static constexpr std::size_t kWidth = kVectors * Lanes::kCount;
  static constexpr Scalar kPerWidth = Scalar(1) / static_cast<Scalar>(kWidth);

  static void forward(const Scalar* input, std::size_t rows, const Scalar* g, const Scalar* b, Scalar epsilon,
                      Scalar* mean_of, Scalar* scale_of, Scalar* output) {
    for (std::size_t row = 0; row < rows; ++row, input += kWidth, output += kWidth) {
      Vector x[kVectors], total{}, squares{};
      for (std::size_t v = 0; v < kVectors; ++v) total += x[v] = Lanes::load(input + v * Lanes::kCount);
      const Scalar mean = Lanes::sum(total) * kPerWidth;
      for (std::size_t v = 0; v < kVectors; ++v) {
        x[v] -= mean;
        squares += x[v] * x[v];
      }
      const Scalar scale = Scalar(1) / std::sqrt(Lanes::sum(squares) * kPerWidth + epsilon);
      for (std::size_t v = 0; v < kVectors; ++v)
        Lanes::store(output + v * Lanes::kCount,
                     x[v] * scale * Lanes::load(g + v * Lanes::kCount) + Lanes::load(b + v * Lanes::kCount));
      mean_of[row] = mean;
      scale_of[row] = scale;
    }
  }

  static void backward(const Scalar* input, const Scalar* mean_of, const Scalar* scale_of, const Scalar* d_output,
                       std::size_t rows, const Scalar* g, bool add, Scalar* d_input, Scalar* d_gamma, Scalar* d_beta) {
    Vector gamma[kVectors], gamma_sum[kVectors], beta_sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      gamma[v] = Lanes::load(g + v * Lanes::kCount);
      gamma_sum[v] = Lanes::load(d_gamma + v * Lanes::kCount);
      beta_sum[v] = Lanes::load(d_beta + v * Lanes::kCount);
    }
    for (std::size_t row = 0; row < rows; ++row, input += kWidth, d_output += kWidth, d_input += kWidth) {
      const Scalar mean = mean_of[row], scale = scale_of[row];
      Vector normal[kVectors], weighted[kVectors], sum{}, along{};
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Vector slope = Lanes::load(d_output + v * Lanes::kCount);
        normal[v] = (Lanes::load(input + v * Lanes::kCount) - mean) * scale;
        weighted[v] = slope * gamma[v];
        sum += weighted[v];
        along += weighted[v] * normal[v];
        gamma_sum[v] += slope * normal[v];
        beta_sum[v] += slope;
      }
      const Scalar mean_slope = Lanes::sum(sum) * kPerWidth, mean_along = Lanes::sum(along) * kPerWidth;
      for (std::size_t v = 0; v < kVectors; ++v) {
        Vector out = (weighted[v] - mean_slope - normal[v] * mean_along) * scale;
        if (add) out += Lanes::load(d_input + v * Lanes::kCount);
        Lanes::store(d_input + v * Lanes::kCount, out);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      Lanes::store(d_gamma + v * Lanes::kCount, gamma_sum[v]);
      Lanes::store(d_beta + v * Lanes::kCount, beta_sum[v]);
    }
  }
};

// The width most networks have here: 64 floats.
constexpr std::size_t kUsualVectors = 4;

template <class Scalar>
constexpr bool has_usual_width(std::size_t width) {
  return width == kUsualVectors * VectorLanes<Scalar>::kCount;
}

}  // namespace

template <class Scalar>
LayerNormOf<Scalar>::LayerNormOf(std::size_t width, double eps) : epsilon(static_cast<Scalar>(eps)) {
  gamma.resize(1, width);
  beta.resize(1, width);
  gamma.value.setOnes();
  gamma.decays = beta.decays = false;
}

template <class Scalar>
void LayerNormOf<Scalar>::forward(const MatrixOf<Scalar>& input, LayerNormWorkOf<Scalar>& work,
                                  MatrixOf<Scalar>& output) const {
  using Lanes = VectorLanes<Scalar>;
  using Vector = typename Lanes::Vector;
  const auto rows = static_cast<std::size_t>(input.rows()), width = static_cast<std::size_t>(input.cols());
  assert(input.cols() == gamma.value.cols());
  output.resize(input.rows(), input.cols());
  work.mean.resize(rows), work.scale.resize(rows);
  const Scalar per_width = Scalar(1) / static_cast<Scalar>(width);
  const Scalar *g = gamma.value.data(), *b = beta.value.data();
  if (has_usual_width<Scalar>(width))
    return FixedWidth<Scalar, kUsualVectors>::forward(input.data(), rows, g, b, epsilon, work.mean.data(),
                                                      work.scale.data(), output.data());
  for (std::size_t row = 0; row < rows; ++row) {
    const Scalar* x = input.data() + row * width;
    Scalar* y = output.data() + row * width;
    Vector total{};
    for (std::size_t c = 0; c < width; c += Lanes::kCount) total += Lanes::load(x + c, width - c);
    const Scalar mean = Lanes::sum(total) * per_width;
    Vector squares{};
    for (std::size_t c = 0; c < width; c += Lanes::kCount) {
      const Vector centred = Lanes::load(x + c, width - c) - mean;
      if (width - c >= Lanes::kCount)
        squares += centred * centred;
      else
        for (std::size_t lane = 0; lane < width - c; ++lane) squares[lane] += centred[lane] * centred[lane];
    }
    const Scalar scale = Scalar(1) / std::sqrt(Lanes::sum(squares) * per_width + epsilon);
    for (std::size_t c = 0; c < width; c += Lanes::kCount)
      Lanes::store(y + c,
                   (Lanes::load(x + c, width - c) - mean) * scale * Lanes::load(g + c, width - c) +
                       Lanes::load(b + c, width - c),
                   width - c);
    work.mean[row] = mean;
    work.scale[row] = scale;
  }
}

template <class Scalar>
void LayerNormOf<Scalar>::backward(const MatrixOf<Scalar>& input, const LayerNormWorkOf<Scalar>& work,
                                   const MatrixOf<Scalar>& d_output, MatrixOf<Scalar>& d_input, bool add,
                                   std::size_t shard) {
  using Lanes = VectorLanes<Scalar>;
  using Vector = typename Lanes::Vector;
  const auto rows = static_cast<std::size_t>(input.rows()), width = static_cast<std::size_t>(input.cols());
  assert(work.mean.size() == rows && d_output.rows() == input.rows() && d_output.cols() == input.cols());
  if (!add && &d_input != &d_output) d_input.resize(input.rows(), input.cols());
  const Scalar per_width = Scalar(1) / static_cast<Scalar>(width);
  const Scalar* g = gamma.value.data();
  Scalar *d_gamma = gamma.shards[shard].data(), *d_beta = beta.shards[shard].data();
  if (has_usual_width<Scalar>(width))
    return FixedWidth<Scalar, kUsualVectors>::backward(input.data(), work.mean.data(), work.scale.data(),
                                                       d_output.data(), rows, g, add, d_input.data(), d_gamma, d_beta);
  for (std::size_t row = 0; row < rows; ++row) {
    const Scalar* x = input.data() + row * width;
    const Scalar* dy = d_output.data() + row * width;
    Scalar* dx = d_input.data() + row * width;
    const Scalar mean = work.mean[row], scale = work.scale[row];
    Vector sum{}, along{};
    for (std::size_t c = 0; c < width; c += Lanes::kCount) {
      const std::size_t left = width - c;
      const Vector slope = Lanes::load(dy + c, left);
      const Vector normal = (Lanes::load(x + c, left) - mean) * scale;
      const Vector weighted = slope * Lanes::load(g + c, left);  // 0 in lanes beyond the width
      sum += weighted;
      along += weighted * normal;
      Lanes::store(d_gamma + c, Lanes::load(d_gamma + c, left) + slope * normal, left);
      Lanes::store(d_beta + c, Lanes::load(d_beta + c, left) + slope, left);
    }
    const Scalar mean_slope = Lanes::sum(sum) * per_width, mean_along = Lanes::sum(along) * per_width;
    for (std::size_t c = 0; c < width; c += Lanes::kCount) {
      const std::size_t left = width - c;
      const Vector normal = (Lanes::load(x + c, left) - mean) * scale;
      Vector out = (Lanes::load(dy + c, left) * Lanes::load(g + c, left) - mean_slope - normal * mean_along) * scale;
      if (add) out += Lanes::load(dx + c, left);
      Lanes::store(dx + c, out, left);
    }
  }
}

template class LayerNormOf<float>;
template class LayerNormOf<double>;

}  // namespace swipegym
