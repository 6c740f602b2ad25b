#include "agents/offline/action_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/error.h"
#include "core/parallel_for.h"
#include "nn/fast_math.h"

namespace swipegym {

void log_softmax_all(std::span<const float> logits, std::span<float> out) {
  constexpr std::size_t kLanes = 8;  // in a fixed order, so that the compiler may use vectors
  const float most = *std::max_element(logits.begin(), logits.end());
  float sum[kLanes] = {};
  const std::size_t whole = logits.size() - logits.size() % kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += fast_exp(logits[i + lane] - most);
  for (std::size_t i = whole; i < logits.size(); ++i) sum[0] += fast_exp(logits[i] - most);
  float total = 0.0F;
  for (const float one : sum) total += one;
  const float shift = most + std::log(total);
  for (std::size_t i = 0; i < logits.size(); ++i) out[i] = logits[i] - shift;
}

ActionNetwork::ActionNetwork(std::size_t inputs, std::size_t actions, const Settings& settings, RandomKey key)
    : settings_(settings),
      network_(layer_sizes(inputs, settings.hidden, actions), Activation::kSilu, key),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows) {
  network_.set_shards(shards_.size());
}

void ActionNetwork::outputs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const {
  constexpr std::size_t kPiece = 256;
  out.resize(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(actions()));
  parallel_for((rows.size() + kPiece - 1) / kPiece, settings_.threads, [&](std::size_t piece, int) {
    thread_local MlpWorkspace work;
    thread_local Matrix input;
    const std::size_t first = piece * kPiece, count = std::min(kPiece, rows.size() - first);
    input.resize(static_cast<Eigen::Index>(count), states.cols());
    for (std::size_t i = 0; i < count; ++i) input.row(static_cast<Eigen::Index>(i)) = states.row(rows[first + i]);
    network_.forward(input, work);
    out.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = work.output();
  });
}

void ActionNetwork::log_probs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const {
  outputs(states, rows, out);
  const std::size_t k = actions();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> row(out.data() + i * k, k);
    log_softmax_all(row, row);
  }
}

double ActionNetwork::step(const Matrix& states, std::span<const std::uint32_t> rows, const RowLoss& loss,
                           RandomKey key) {
  const std::size_t piece = settings_.shard_rows, used = (rows.size() + piece - 1) / piece, k = actions();
  assert(used <= shards_.size());
  const auto share = 1.0F / static_cast<float>(rows.size());
  parallel_for(used, settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    const std::size_t first = index * piece, count = std::min(piece, rows.size() - first);
    shard.input.resize(static_cast<Eigen::Index>(count), states.cols());
    shard.gradient.resize(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(k));
    for (std::size_t i = 0; i < count; ++i) shard.input.row(static_cast<Eigen::Index>(i)) = states.row(rows[first + i]);
    network_.forward(shard.input, shard.work, settings_.dropout, key, first);
    shard.loss = 0.0;
    for (std::size_t i = 0; i < count; ++i)
      shard.loss +=
          loss(first + i, {shard.work.output().data() + i * k, k}, std::span<float>(shard.gradient.data() + i * k, k));
    shard.gradient *= share;
    network_.backward(shard.input, shard.gradient, shard.work, nullptr, index);
  });
  double total = 0.0;
  for (std::size_t index = 0; index < used; ++index) total += shards_[index].loss;
  std::vector<Parameter*> parameters;  // collected anew: a copy of this network has its own
  network_.collect(parameters);
  if (!std::isfinite(adam_.step(parameters)))
    throw SystemError(
        fmt::format("a network of {} actions diverged at step {}: lower its learning rate", k, adam_.steps()));
  return total / static_cast<double>(rows.size());
}

void ActionNetwork::restart(double learning_rate) {
  std::vector<Parameter*> parameters;
  network_.collect(parameters);
  for (Parameter* parameter : parameters) parameter->first_moment.setZero(), parameter->second_moment.setZero();
  adam_.set_steps(0);
  adam_.set_learning_rate(learning_rate);
}

}  // namespace swipegym
