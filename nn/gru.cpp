#include "nn/gru.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "nn/fast_math.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

// Longest sequences first, so that those that still go on are the head of every step's rows.
void arrange_steps(SequenceOffsets offset, std::vector<std::uint32_t>& order, std::vector<std::uint32_t>& begin) {
  const auto length = [offset](std::uint32_t s) { return offset[s + 1] - offset[s]; };
  order.resize(offset.size() - 1);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return length(a) != length(b) ? length(a) > length(b) : a < b; });
  begin.assign(1, 0);
  std::size_t active = order.size();
  for (std::uint32_t t = 0;; ++t) {
    while (active > 0 && length(order[active - 1]) <= t) --active;
    if (active == 0) return;
    begin.push_back(begin.back() + static_cast<std::uint32_t>(active));
  }
}

// h' from the two halves of the gates' sums; `gate` keeps r, z, n.
template <class Scalar>
void step_forward(const Scalar* x, const Scalar* h, const Scalar* before, std::size_t d, Scalar* gate, Scalar* after) {
  for (std::size_t c = 0; c < 2 * d; ++c) gate[c] = fast_sigmoid(x[c] + h[c]);
  const Scalar *r = gate, *z = gate + d, *xn = x + 2 * d, *hn = h + 2 * d;
  Scalar* n = gate + 2 * d;
  for (std::size_t c = 0; c < d; ++c) n[c] = Scalar(2) * fast_sigmoid(Scalar(2) * (xn[c] + r[c] * hn[c])) - Scalar(1);
  for (std::size_t c = 0; c < d; ++c) after[c] = (Scalar(1) - z[c]) * n[c] + z[c] * before[c];
}

// Slopes of the gates' sums from that of h', which becomes the direct part of that of h.
template <class Scalar>
void step_backward(const Scalar* gate, const Scalar* h, const Scalar* before, std::size_t d, Scalar* d_hidden,
                   Scalar* d_x, Scalar* d_h) {
  const Scalar *r = gate, *z = gate + d, *n = gate + 2 * d, *hn = h + 2 * d;
  for (std::size_t c = 0; c < d; ++c) {
    const Scalar slope = d_hidden[c];
    const Scalar d_n = slope * (Scalar(1) - z[c]) * (Scalar(1) - n[c] * n[c]);
    const Scalar d_z = slope * (before[c] - n[c]) * z[c] * (Scalar(1) - z[c]);
    const Scalar d_r = d_n * hn[c] * r[c] * (Scalar(1) - r[c]);
    d_x[c] = d_h[c] = d_r;
    d_x[d + c] = d_h[d + c] = d_z;
    d_x[2 * d + c] = d_n;
    d_h[2 * d + c] = d_n * r[c];
    d_hidden[c] = slope * z[c];
  }
}

}  // namespace

template <class Scalar>
GruOf<Scalar>::GruOf(std::size_t in, std::size_t width, RandomKey key)
    : input(in, 3 * width, split(key, 0)), hidden(width, 3 * width, split(key, 1)) {}

template <class Scalar>
void GruOf<Scalar>::forward(const MatrixOf<Scalar>& in, SequenceOffsets offset, Work& work) const {
  assert(offset.back() == in.rows());
  const std::size_t d = width();
  const Eigen::Index rows = in.rows(), columns = static_cast<Eigen::Index>(d);
  arrange_steps(offset, work.order, work.begin);
  apply(input, in, work.from_input);
  work.from_hidden.resize(rows, 3 * columns), work.gate.resize(rows, 3 * columns), work.hidden.resize(rows, columns);
  work.start.setZero(1, columns);
  work.output.setZero(static_cast<Eigen::Index>(work.order.size()), columns);
  const Scalar* bias = hidden.bias.value.data();
  for (std::size_t t = 0; t + 1 < work.begin.size(); ++t) {
    const std::size_t first = work.begin[t], active = work.begin[t + 1] - first;
    Scalar* sums = work.from_hidden.data() + first * 3 * d;
    const Scalar* before = t > 0 ? work.hidden.data() + work.begin[t - 1] * d : nullptr;
    if (t > 0)
      matrix_product(Factor<Scalar>(before, active, d, d), Factor<Scalar>(hidden.weight.value), sums, 3 * d, false,
                     bias);
    for (std::size_t i = 0; i < active; ++i) {
      if (t == 0) std::copy_n(bias, 3 * d, sums + i * 3 * d);
      const std::uint32_t s = work.order[i];
      Scalar* after = work.hidden.data() + (first + i) * d;
      step_forward(work.from_input.data() + (offset[s] + t) * 3 * d, sums + i * 3 * d,
                   t > 0 ? before + i * d : work.start.data(), d, work.gate.data() + (first + i) * 3 * d, after);
      if (offset[s] + t + 1 == offset[s + 1]) std::copy_n(after, d, work.output.data() + s * d);
    }
  }
}

template <class Scalar>
void GruOf<Scalar>::backward(const MatrixOf<Scalar>& in, SequenceOffsets offset, const MatrixOf<Scalar>& d_output,
                             Work& work, MatrixOf<Scalar>& d_in, std::size_t shard) {
  assert(static_cast<std::size_t>(d_output.rows()) == work.order.size());
  const std::size_t d = width();
  work.d_from_input.resize(in.rows(), work.gate.cols());
  work.d_from_hidden.resize(in.rows(), work.gate.cols());
  // Each sequence's slope waits in its row until its last step comes up.
  work.d_hidden.resize(d_output.rows(), d_output.cols());
  for (std::size_t i = 0; i < work.order.size(); ++i)
    work.d_hidden.row(static_cast<Eigen::Index>(i)) = d_output.row(work.order[i]);
  for (std::size_t t = work.begin.size() - 1; t-- > 0;) {
    const std::size_t first = work.begin[t], active = work.begin[t + 1] - first;
    const Scalar* before = t > 0 ? work.hidden.data() + work.begin[t - 1] * d : nullptr;
    Scalar* d_sums = work.d_from_hidden.data() + first * 3 * d;
    for (std::size_t i = 0; i < active; ++i)
      step_backward(work.gate.data() + (first + i) * 3 * d, work.from_hidden.data() + (first + i) * 3 * d,
                    t > 0 ? before + i * d : work.start.data(), d, work.d_hidden.data() + i * d,
                    work.d_from_input.data() + (offset[work.order[i]] + t) * 3 * d, d_sums + i * 3 * d);
    if (t == 0) break;
    const Factor<Scalar> slopes(d_sums, active, 3 * d, 3 * d);
    matrix_product(slopes, transposed(hidden.weight.value), work.d_hidden.data(), d, true);
    matrix_product<Scalar>(transposed(Factor<Scalar>(before, active, d, d)), slopes, hidden.weight.shards[shard], true);
  }
  hidden.bias.shards[shard].row(0) += work.d_from_hidden.colwise().sum();
  apply_backward(input, in, work.d_from_input, &d_in, false, shard);
}

template <class Scalar>
void GruOf<Scalar>::collect(std::vector<ParameterOf<Scalar>*>& parameters) {
  for (LinearOf<Scalar>* layer : {&input, &hidden})
    parameters.push_back(&layer->weight), parameters.push_back(&layer->bias);
}

template class GruOf<float>;
template class GruOf<double>;

}  // namespace swipegym
