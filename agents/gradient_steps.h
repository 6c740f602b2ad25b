#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "core/random.h"
#include "nn/adam.h"

namespace swipegym {

/// The same rows in an order drawn from the key (Fisher and Yates).
inline std::vector<std::uint32_t> shuffled(std::vector<std::uint32_t> rows, RandomKey key) {
  RandomStream random(key);
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[random.below(static_cast<std::uint32_t>(i))]);
  return rows;
}
/// The same of [0, count).
inline std::vector<std::uint32_t> shuffled_numbers(std::size_t count, RandomKey key) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return shuffled(std::move(numbers), key);
}

/// What settings say of Adam; a setting that they do not have keeps its default.
template <class Config>
AdamConfig adam_of(const Config& config) {
  AdamConfig adam{.learning_rate = config.learning_rate};
  if constexpr (requires { config.beta2; }) adam.beta2 = config.beta2;
  if constexpr (requires { config.weight_decay; }) adam.weight_decay = config.weight_decay;
  if constexpr (requires { config.clip_norm; }) adam.clip_norm = config.clip_norm;
  return adam;
}

/// The learning rate after `share` in [0, 1] of a training: it falls linearly from the first to the final one.
template <class Config>
double learning_rate_at(const Config& config, double share) {
  return config.learning_rate + share * (config.final_learning_rate - config.learning_rate);
}

/// Calls use(to, from) for the values of every parameter and table of two networks of one shape.
template <class Network, class Use>
void each_value(Network& to, Network& from, const Use& use) {
  const std::vector<Parameter*> own = to.parameters(), other = from.parameters();
  for (std::size_t i = 0; i < own.size(); ++i) use(own[i]->value, other[i]->value);
  const std::vector<Embedding*> tables = to.embeddings(), others = from.embeddings();
  for (std::size_t i = 0; i < tables.size(); ++i) use(tables[i]->table.value, others[i]->table.value);
}
/// target += rate * (online - target); exactly online for rate 1.
template <class Network>
void move_target_towards(Network& target, Network& online, float rate) {
  each_value(target, online, [rate](Matrix& to, const Matrix& from) {
    if (rate == 1.0F)
      to = from;
    else
      to += rate * (from - to);
  });
}

}  // namespace swipegym
