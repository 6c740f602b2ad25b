#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/range.h"

namespace swipegym {

/// How the Lagrange multiplier of a constraint J <= d follows what is measured. J and d are in any unit; all rules see
/// J - d, and a constraint from below, J >= d, is given as -J <= -d.
struct MultiplierConfig {
  std::string rule = "adam";  // fixed, projected, adam or pid
  double initial = 0.0;       // at first, and for ever if fixed
  double limit = 10.0;        // never above it
  double rate = 0.05;         // step of projected and adam
  double final_rate = -1.0;   // reached linearly at the end; -1: as at first
  double hold = 0.0;          // share of a training before it moves: what a policy misses while it learns is no price
  double proportional = 1.0, integral = 0.1, derivative = 0.01;  // gains of pid
  double smoothing = 0.5;  // pid: share that the old running mean keeps an update (OmniSafe: .95, of longer epochs)
  int delay = 10;          // pid: updates between the two means whose difference is the derivative
};

template <class Visitor>
void visit_fields(Visitor& visit, MultiplierConfig& config) {
  visit("rule", config.rule, one_of({"fixed", "projected", "adam", "pid"}));
  visit("initial", config.initial, ranges::kWeight);
  visit("limit", config.limit, ranges::kWeight);
  visit("rate", config.rate, between(1e-9, 1e6));
  visit("final_rate", config.final_rate, between(1e-9, 1e6).or_value(-1));
  visit("hold", config.hold, below(0, 1));
  visit("proportional", config.proportional, ranges::kWeight);
  visit("integral", config.integral, ranges::kWeight);
  visit("derivative", config.derivative, ranges::kWeight);
  visit("smoothing", config.smoothing, below(0, 1));
  visit("delay", config.delay, between(1, 1'000'000));
}

/// Throws InputError naming the first setting that makes no sense.
void check(const MultiplierConfig& config);

/// A multiplier's state() as a checkpoint holds it.
struct MultiplierState {
  const MultiplierConfig& config;
  std::vector<double> values;

  void validate() const;
};

/// One multiplier. The rules are
///   projected: l <- [l + rate (J - d)]+                               (RCPO: Tessler et al. 2019)
///   adam:      Adam's step on the loss -l (J - d), then [l]+          (OmniSafe's `lagrange.py`)
///   pid:       l = [K_p P + I + K_d D]+,  I <- [I + K_i (J - d)]+,    (Stooke et al. 2020, as in `pid_lagrange.py`)
///              P a running mean of J - d, D = [running mean of J - that of `delay` updates ago]+
/// and each result is cut at `limit`.
class Multiplier {
 public:
  explicit Multiplier(const MultiplierConfig& config);

  double value() const noexcept { return value_; }
  /// Moves on by what was measured; returns the new value. `share` of the training, in [0, 1], is over.
  double update(double cost, double bound, double share = 0.0);

  /// Everything that changes, for a checkpoint.
  std::vector<double> state() const;
  void set_state(const std::vector<double>& state);

 private:
  double adam_step(double gradient, double rate);
  double pid_step(double cost, double bound);

  MultiplierConfig config_;
  double value_;
  double first_moment_ = 0.0, second_moment_ = 0.0;  // adam
  std::int64_t steps_ = 0;
  double integral_, proportional_ = 0.0, mean_cost_ = 0.0;  // pid
  std::deque<double> mean_costs_;                           // pid: at most `delay`, oldest first
};

}  // namespace swipegym
