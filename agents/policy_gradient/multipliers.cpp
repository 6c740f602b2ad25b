#include "agents/policy_gradient/multipliers.h"

#include <algorithm>
#include <cmath>

#include "agents/counters.h"
#include "core/config.h"
#include "core/error.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::size_t kFixedState = 7;  // numbers of state() in front of the running means

}  // namespace

void check(const MultiplierConfig& c) {
  check_ranges(c);
  require_setting(c.limit >= c.initial, "multiplier.limit", c.limit, "at least multiplier.initial");
}

Multiplier::Multiplier(const MultiplierConfig& config)
    : config_(config), value_(config.initial), integral_(config.initial), mean_costs_{0.0} {}

double Multiplier::update(double cost, double bound, double share) {
  if (share < config_.hold) return value_;
  const double last = config_.final_rate < 0.0 ? config_.rate : config_.final_rate;
  const double rate = config_.rate + share * (last - config_.rate);
  double next = value_;
  if (config_.rule == "projected") next = value_ + rate * (cost - bound);
  if (config_.rule == "adam") next = adam_step(bound - cost, rate);
  if (config_.rule == "pid") next = pid_step(cost, bound);
  return value_ = std::clamp(next, 0.0, config_.limit);
}

double Multiplier::adam_step(double gradient, double rate) {
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  ++steps_;
  first_moment_ = kBeta1 * first_moment_ + (1.0 - kBeta1) * gradient;
  second_moment_ = kBeta2 * second_moment_ + (1.0 - kBeta2) * gradient * gradient;
  const auto steps = static_cast<double>(steps_);
  const double mean = first_moment_ / (1.0 - std::pow(kBeta1, steps));
  const double square = second_moment_ / (1.0 - std::pow(kBeta2, steps));
  return value_ - rate * mean / (std::sqrt(square) + kEpsilon);
}

double Multiplier::pid_step(double cost, double bound) {
  const double delta = cost - bound;
  integral_ = std::max(0.0, integral_ + config_.integral * delta);
  proportional_ = config_.smoothing * proportional_ + (1.0 - config_.smoothing) * delta;
  mean_cost_ = config_.smoothing * mean_cost_ + (1.0 - config_.smoothing) * cost;
  const double rise = std::max(0.0, mean_cost_ - mean_costs_.front());
  mean_costs_.push_back(mean_cost_);
  if (mean_costs_.size() > static_cast<std::size_t>(config_.delay)) mean_costs_.pop_front();
  return config_.proportional * proportional_ + integral_ + config_.derivative * rise;
}

std::vector<double> Multiplier::state() const {
  std::vector<double> all = {value_,    first_moment_, second_moment_, static_cast<double>(steps_),
                             integral_, proportional_, mean_cost_};
  all.insert(all.end(), mean_costs_.begin(), mean_costs_.end());
  return all;
}

void MultiplierState::validate() const {
  const std::size_t means = values.size() - std::min(values.size(), kFixedState);
  require_that("multiplier", means >= 1 && means <= static_cast<std::size_t>(config.delay),
               "its state and 1 to 'delay' means");
  require_finite("multiplier", std::span(values));
  require_between("multiplier", values[0], 0.0, std::max(config.limit, config.initial));
  require_that("multiplier: second moment", values[2] >= 0.0, "at least 0");
  require_between("multiplier: steps", values[3], 0.0, static_cast<double>(kMostCounted));
  require_that("multiplier: integral", values[4] >= 0.0, "at least 0");
}

void Multiplier::set_state(const std::vector<double>& state) {
  value_ = state[0], first_moment_ = state[1], second_moment_ = state[2];
  steps_ = static_cast<std::int64_t>(state[3]);
  integral_ = state[4], proportional_ = state[5], mean_cost_ = state[6];
  mean_costs_.assign(state.begin() + kFixedState, state.end());
}

}  // namespace swipegym
