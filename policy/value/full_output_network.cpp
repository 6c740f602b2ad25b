#include "policy/value/full_output_network.h"

#include <cassert>
#include <cmath>

#include "core/lanes.h"
#include "nn/activation.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

constexpr float kRowOfOnes = 1.0F;

float dot(const float* a, const float* b, std::size_t count) noexcept {
  FloatLanes sum{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) sum += load_lanes(a + i) * load_lanes(b + i);
  float total = sum_lanes(sum);
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

}  // namespace

FullOutputNetwork::FullOutputNetwork(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t actions,
                                     RandomKey key) {
  assert(!hidden.empty());
  for (std::size_t i = 0; i < hidden.size(); ++i)
    layers_.emplace_back(i == 0 ? inputs : hidden[i - 1], hidden[i], split(key, i), std::sqrt(2.0));
  output_ =
      Embedding(actions, hidden.back(), split(key, hidden.size()), 1.0 / std::sqrt(static_cast<double>(hidden.back())));
  bias_ = Embedding(actions, 1, split(key, hidden.size() + 1), 0.0);
  bias_.table.decays = false;
  lay_out();
}

void FullOutputNetwork::forward(const Matrix& states, Work& work) const {
  work.hidden.resize(layers_.size());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    apply(layers_[i], i == 0 ? states : work.hidden[i - 1], work.hidden[i]);
    activate(Activation::kRelu, work.hidden[i], work.hidden[i]);
  }
}

void FullOutputNetwork::lay_out() {
  columns_ = output_.table.value.transpose();
}

void FullOutputNetwork::all_values(const Work& work, Matrix& values) const {
  assert(columns_.cols() == output_.table.value.rows());
  matrix_product<float>(work.hidden.back(), columns_, values, false, bias_.table.value.data());
}

void FullOutputNetwork::chosen_values(const Work& work, std::span<const std::int32_t> action,
                                      std::span<float> values) const {
  const std::size_t width = output_.dim();
  for (std::size_t i = 0; i < action.size(); ++i) {
    const auto a = static_cast<std::size_t>(action[i]);
    values[i] = dot(work.hidden.back().data() + i * width, output_.table.value.data() + a * width, width) +
                bias_.table.value.data()[a];
  }
}

void FullOutputNetwork::backward(const Matrix& states, std::span<const float> d_value,
                                 std::span<const std::int32_t> action, Work& work, std::size_t shard) {
  const std::size_t width = output_.dim();
  Matrix* gradient = &work.gradient;
  Matrix* below = &work.next_gradient;
  gradient->resize(static_cast<Eigen::Index>(action.size()), static_cast<Eigen::Index>(width));
  work.rows.resize(action.size()), work.biases.resize(action.size());
  for (std::size_t i = 0; i < action.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    gradient->row(row) = d_value[i] * output_.table.value.row(action[i]);
    work.rows[i] = {action[i], d_value[i], work.hidden.back().data() + i * width};
    work.biases[i] = {action[i], d_value[i], &kRowOfOnes};
  }
  for (std::size_t i = layers_.size(); i-- > 0;) {
    // A rectifier's output is above 0 where its input is.
    activate_backward(Activation::kRelu, work.hidden[i], *gradient);
    apply_backward(layers_[i], i == 0 ? states : work.hidden[i - 1], *gradient, i == 0 ? nullptr : below, false, shard);
    std::swap(gradient, below);
  }
}

void FullOutputNetwork::scatter(std::span<Work* const> shards, int threads) {
  thread_local std::vector<std::span<const RowGradient>> rows, biases;
  rows.clear(), biases.clear();
  for (const Work* work : shards) rows.emplace_back(work->rows), biases.emplace_back(work->biases);
  output_.scatter(rows, threads);
  bias_.scatter(biases, 1);
}

void FullOutputNetwork::set_shards(std::size_t count) {
  for (Linear& layer : layers_) layer.set_shards(count);
}

std::vector<Parameter*> FullOutputNetwork::parameters() {
  std::vector<Parameter*> all;
  for (Linear& layer : layers_) all.insert(all.end(), {&layer.weight, &layer.bias});
  return all;
}

std::vector<Embedding*> FullOutputNetwork::embeddings() {
  return {&output_, &bias_};
}

void FullOutputNetwork::save(Hdf5Writer& file, const std::string& name, bool moments) const {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    swipegym::save(file, name + "/hidden/" + std::to_string(i), layers_[i], moments);
  swipegym::save(file, name + "/output", output_.table, moments);
  swipegym::save(file, name + "/bias", bias_.table, moments);
}

void FullOutputNetwork::load(const Hdf5Reader& file, const std::string& name) {
  for (std::size_t i = 0; i < layers_.size(); ++i)
    swipegym::load(file, name + "/hidden/" + std::to_string(i), layers_[i]);
  swipegym::load(file, name + "/output", output_.table);
  swipegym::load(file, name + "/bias", bias_.table);
  lay_out();
}

}  // namespace swipegym
