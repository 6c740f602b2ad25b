#include "agents/state_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "agents/counters.h"
#include "core/error.h"
#include "core/hdf5_writer.h"
#include "core/parallel_pieces.h"
#include "nn/fast_math.h"

namespace swipegym {

namespace {

constexpr std::size_t kPiece = 256;  // states looked at together

void gather_rows(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) {
  out.resize(static_cast<Eigen::Index>(rows.size()), states.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) out.row(static_cast<Eigen::Index>(i)) = states.row(rows[i]);
}

}  // namespace

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

StateNetwork::StateNetwork(std::size_t inputs, std::size_t actions, const Settings& settings, RandomKey key)
    : settings_(settings),
      network_(layer_sizes(inputs, settings.hidden, actions), Activation::kSilu, key),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows) {
  network_.set_shards(shards_.size());
  if (settings.from_zero) network_.layers.back().weight.value.setZero(), network_.layers.back().bias.value.setZero();
}

void StateNetwork::outputs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const {
  out.resize(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(actions()));
  parallel_pieces(rows.size(), kPiece, settings_.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local MlpWorkspace work;
    thread_local Matrix input;
    gather_rows(states, rows.subspan(first, count), input);
    network_.forward(input, work);
    out.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = work.output();
  });
}

void StateNetwork::log_probs(const Matrix& states, std::span<const std::uint32_t> rows, Matrix& out) const {
  outputs(states, rows, out);
  const std::size_t k = actions();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> row(out.data() + i * k, k);
    log_softmax_all(row, row);
  }
}

StateNetwork::Step StateNetwork::take_step(const Matrix& states, std::span<const std::uint32_t> rows,
                                           const RowLoss& loss, RandomKey key) {
  const std::size_t k = actions(), used = (rows.size() + settings_.shard_rows - 1) / settings_.shard_rows;
  assert(used <= shards_.size());
  const auto share = 1.0F / static_cast<float>(rows.size());
  parallel_pieces(rows.size(), settings_.shard_rows, settings_.threads,
                  [&](std::size_t index, std::size_t first, std::size_t count) {
                    Shard& shard = shards_[index];
                    gather_rows(states, rows.subspan(first, count), shard.input);
                    shard.gradient.resize(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(k));
                    network_.forward(shard.input, shard.work, settings_.dropout, key, first);
                    shard.loss = 0.0;
                    for (std::size_t i = 0; i < count; ++i)
                      shard.loss += loss(first + i, {shard.work.output().data() + i * k, k},
                                         std::span<float>(shard.gradient.data() + i * k, k));
                    shard.gradient *= share;
                    network_.backward(shard.input, shard.gradient, shard.work, nullptr, index);
                  });
  Step out;
  for (std::size_t index = 0; index < used; ++index) out.loss += shards_[index].loss;
  out.loss /= static_cast<double>(rows.size());
  std::vector<Parameter*> parameters;  // collected anew: a copy of this network has its own
  network_.collect(parameters);
  out.gradient_norm = adam_.step(parameters);
  return out;
}

double StateNetwork::step(const Matrix& states, std::span<const std::uint32_t> rows, const RowLoss& loss,
                          RandomKey key) {
  const Step taken = take_step(states, rows, loss, key);
  if (!std::isfinite(taken.gradient_norm))
    throw SystemError(
        fmt::format("a network of {} actions diverged at step {}: lower its learning rate", actions(), adam_.steps()));
  return taken.loss;
}

void StateNetwork::values(ConstMatrixRef<float> states, std::span<float> out) const {
  parallel_pieces(out.size(), kPiece, settings_.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local MlpWorkspace work;
    network_.forward(states.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)), work);
    std::copy_n(work.output().data(), count, out.begin() + static_cast<std::ptrdiff_t>(first));
  });
}

void StateNetwork::step_towards(const Matrix& states, std::span<const std::uint32_t> rows,
                                std::span<const float> target, float huber_delta) {
  const auto loss = [&](std::size_t index, std::span<const float> value, std::span<float> d_value) {
    const float error = value[0] - target[rows[index]];
    d_value[0] = std::clamp(error, -huber_delta, huber_delta);
    return static_cast<double>(d_value[0] * (error - 0.5F * d_value[0]));
  };
  take_step(states, rows, loss, {});
}

void StateNetwork::save(Hdf5Writer& file, const std::string& name) const {
  swipegym::save(file, name + "/network", network_, /*moments=*/true);
  file.write(name + "/steps", std::vector<std::int64_t>{adam_.steps()});
}

void StateNetwork::load(const Hdf5Reader& file, const std::string& name) {
  swipegym::load(file, name + "/network", network_);
  adam_.set_steps(read_counters(file, name + "/steps", 1)[0]);
}

void StateNetwork::restart(double learning_rate) {
  std::vector<Parameter*> parameters;
  network_.collect(parameters);
  for (Parameter* parameter : parameters) parameter->first_moment.setZero(), parameter->second_moment.setZero();
  adam_.set_steps(0);
  adam_.set_learning_rate(learning_rate);
}

}  // namespace swipegym
