#include "nn/adam.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel_for.h"

namespace swipegym {
namespace {

template <class Scalar>
double squared_norm(const Scalar* values, Eigen::Index count) {
  // Eight partial sums in a fixed order: exact enough in double, and vector code.
  double sums[8] = {};
  Eigen::Index i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; ++lane)
      sums[lane] += static_cast<double>(values[i + lane]) * static_cast<double>(values[i + lane]);
  for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double sum = 0.0;
  for (const double part : sums) sum += part;
  return sum;
}

template <class Scalar>
struct Update {
  Scalar beta1, beta2, gradient_scale, step_size, second_scale, epsilon, keep;

  void apply(const Scalar* gradient, Scalar* first, Scalar* second, Scalar* value, Eigen::Index count) const {
    for (Eigen::Index i = 0; i < count; ++i) {
      const Scalar g = gradient[i] * gradient_scale;
      first[i] = beta1 * first[i] + (Scalar(1) - beta1) * g;
      second[i] = beta2 * second[i] + (Scalar(1) - beta2) * g * g;
      value[i] = keep * value[i] - step_size * first[i] / (std::sqrt(second[i] * second_scale) + epsilon);
    }
  }
};

constexpr std::size_t kRowsAtOnce = 1024;          // of a table, by one thread
constexpr Eigen::Index kElementsAtOnce = 1 << 14;  // of a dense parameter, by one thread: stays in its cache

template <class Scalar>
struct Block {
  ParameterOf<Scalar>* parameter;
  Eigen::Index first, count;
};

// Fixed pieces of all parameters, so that sums over them do not depend on threads.
template <class Scalar>
std::vector<Block<Scalar>> cut(std::span<ParameterOf<Scalar>* const> parameters) {
  std::vector<Block<Scalar>> blocks;
  for (ParameterOf<Scalar>* p : parameters)
    for (Eigen::Index first = 0; first < p->value.size(); first += kElementsAtOnce)
      blocks.push_back({p, first, std::min(kElementsAtOnce, p->value.size() - first)});
  return blocks;
}

// Adds the shards of a block to the first, in order, and leaves the others 0; the squared norm of the sum.
template <class Scalar>
double reduce(const Block<Scalar>& block) {
  std::vector<MatrixOf<Scalar>>& shards = block.parameter->shards;
  Scalar* sum = shards[0].data() + block.first;
  for (std::size_t shard = 1; shard < shards.size(); ++shard) {
    Scalar* part = shards[shard].data() + block.first;
    for (Eigen::Index i = 0; i < block.count; ++i) sum[i] += part[i];
    std::fill_n(part, block.count, Scalar(0));
  }
  return squared_norm(sum, block.count);
}

template <class Scalar>
double squared_norm(const EmbeddingOf<Scalar>& embedding, int threads) {
  const std::size_t rows = embedding.touched().size(), dim = embedding.dim();
  std::vector<double> part((rows + kRowsAtOnce - 1) / kRowsAtOnce);
  parallel_for(part.size(), threads, [&](std::size_t block, int) {
    const std::size_t first = block * kRowsAtOnce, count = std::min(kRowsAtOnce, rows - first);
    part[block] =
        squared_norm(embedding.touched_gradient().data() + first * dim, static_cast<Eigen::Index>(count * dim));
  });
  double sum = 0.0;
  for (const double p : part) sum += p;
  return sum;
}

// A touched row of a large table lies anywhere; its lines are asked for while earlier rows are worked on.
template <class Scalar>
void prefetch_row(const ParameterOf<Scalar>& table, std::int32_t row) {
  constexpr Eigen::Index kLine = 64 / sizeof(Scalar);
  const Eigen::Index at = row * table.value.cols();
  for (Eigen::Index c = 0; c < table.value.cols(); c += kLine) {
    __builtin_prefetch(table.value.data() + at + c, 1);
    __builtin_prefetch(table.first_moment.data() + at + c, 1);
    __builtin_prefetch(table.second_moment.data() + at + c, 1);
  }
}

template <class Scalar>
void update_rows(const Update<Scalar>& update, EmbeddingOf<Scalar>& embedding, int threads) {
  ParameterOf<Scalar>& table = embedding.table;
  const Eigen::Index dim = table.value.cols();
  const std::span<const std::int32_t> touched = embedding.touched();
  parallel_for((touched.size() + kRowsAtOnce - 1) / kRowsAtOnce, threads, [&](std::size_t block, int) {
    constexpr std::size_t kAhead = 4;
    const std::size_t end = std::min(touched.size(), (block + 1) * kRowsAtOnce);
    for (std::size_t slot = block * kRowsAtOnce; slot < end; ++slot) {
      if (slot + kAhead < end) prefetch_row(table, touched[slot + kAhead]);
      const Eigen::Index at = touched[slot] * dim;
      update.apply(embedding.touched_gradient().data() + static_cast<Eigen::Index>(slot) * dim,
                   table.first_moment.data() + at, table.second_moment.data() + at, table.value.data() + at, dim);
    }
  });
}

}  // namespace

template <class Scalar>
double AdamOf<Scalar>::step(std::span<ParameterOf<Scalar>* const> parameters,
                            std::span<EmbeddingOf<Scalar>* const> embeddings, int threads) {
  ++steps_;
  const std::vector<Block<Scalar>> blocks = cut(parameters);
  std::vector<double> norms(blocks.size());
  parallel_for(blocks.size(), threads, [&](std::size_t i, int) { norms[i] = reduce(blocks[i]); });
  double norm2 = 0.0;
  for (const double part : norms) norm2 += part;
  for (const EmbeddingOf<Scalar>* embedding : embeddings) norm2 += squared_norm(*embedding, threads);
  const double norm = std::sqrt(norm2);
  if (!std::isfinite(norm)) {
    --steps_;
    return norm;
  }
  const double clip = config_.clip_norm > 0.0 && norm > config_.clip_norm ? config_.clip_norm / norm : 1.0;
  const auto t = static_cast<double>(steps_);

  Update<Scalar> update{};
  update.beta1 = static_cast<Scalar>(config_.beta1);
  update.beta2 = static_cast<Scalar>(config_.beta2);
  update.gradient_scale = static_cast<Scalar>(clip);
  update.step_size = static_cast<Scalar>(config_.learning_rate / (1.0 - std::pow(config_.beta1, t)));
  update.second_scale = static_cast<Scalar>(1.0 / (1.0 - std::pow(config_.beta2, t)));
  update.epsilon = static_cast<Scalar>(config_.epsilon);
  const auto decayed = static_cast<Scalar>(1.0 - config_.learning_rate * config_.weight_decay);

  parallel_for(blocks.size(), threads, [&](std::size_t i, int) {
    const auto& [p, first, count] = blocks[i];
    Update<Scalar> own = update;
    own.keep = p->decays ? decayed : Scalar(1);
    Scalar* gradient = p->gradient().data() + first;
    own.apply(gradient, p->first_moment.data() + first, p->second_moment.data() + first, p->value.data() + first,
              count);
    std::fill_n(gradient, count, Scalar(0));
  });
  for (EmbeddingOf<Scalar>* embedding : embeddings) {
    update.keep = embedding->table.decays ? decayed : Scalar(1);
    update_rows(update, *embedding, threads);
    embedding->zero_gradient();
  }
  return norm;
}

template class AdamOf<float>;
template class AdamOf<double>;

}  // namespace swipegym
