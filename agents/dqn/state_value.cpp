#include "agents/dqn/state_value.h"

#include <algorithm>
#include <numeric>

#include "agents/gradient_steps.h"

namespace swipegym {

StateValue::StateValue(std::size_t inputs, const DqnConfig& config, int threads, RandomKey key)
    : network_(
          inputs, 1,
          {.hidden = config.network.state_hidden, .adam = adam_of(config), .batch = config.batch, .threads = threads},
          key),
      huber_delta_(config.huber_delta),
      states_(static_cast<Eigen::Index>(config.batch), static_cast<Eigen::Index>(inputs)),
      best_(config.batch),
      rows_(config.batch) {
  std::iota(rows_.begin(), rows_.end(), 0U);
}

void StateValue::smooth(std::size_t first, ConstMatrixRef<float> states, std::span<float> next_value) {
  states_.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(next_value.size())) = states;
  std::copy(next_value.begin(), next_value.end(), best_.begin() + static_cast<std::ptrdiff_t>(first));
  network_.values(states, next_value);
}

void StateValue::step(double learning_rate) {
  network_.adam().set_learning_rate(learning_rate);
  network_.step_towards(states_, rows_, best_, huber_delta_);
}

}  // namespace swipegym
