#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "env/vector_env.h"
#include "policy/policy.h"
#include "policy/select.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// What an update says of itself; means over the updates since the last report.
struct LearnerStats {
  std::int64_t updates = 0;  // so far
  double loss = 0.0;
  double mean_value = 0.0;  // mean predicted value
  double gradient_norm = 0.0;
};

/// What learners add up between two reports.
class LearnerTally {
 public:
  void add_step(double loss, double gradient_norm) noexcept {
    sums_.loss += loss, sums_.gradient_norm += gradient_norm;
    ++steps_;
  }
  /// The mean predicted value of a batch, in the reward's unit.
  void add_value(double value) noexcept {
    sums_.mean_value += value;
    ++values_;
  }
  /// Means since the last call.
  LearnerStats take(std::int64_t updates) noexcept {
    const auto mean = [](double sum, std::int64_t count) { return count > 0 ? sum / static_cast<double>(count) : 0.0; };
    const LearnerStats stats{.updates = updates,
                             .loss = mean(sums_.loss, steps_),
                             .mean_value = mean(sums_.mean_value, values_),
                             .gradient_norm = mean(sums_.gradient_norm, steps_)};
    *this = {};
    return stats;
  }

 private:
  LearnerStats sums_;
  std::int64_t steps_ = 0, values_ = 0;
};

/// A figure that an agent tells of a stretch of training beside LearnerStats.
struct AgentFigure {
  std::string name, meaning;  // as JSON names it, and what it is with its unit
  std::string title;          // as tables name it
  double value = 0.0;         // NaN where it is not defined
  int digits = 2;             // that tables show behind the point
};

/// What a learner holds in memory.
struct LearnerBytes {
  std::size_t network = 0, replay = 0;  // parameters of its policy; steps it remembers
};

/// Learns from a stream of steps. train_online() drives it: act with policy() and exploration(), observe(), update().
/// Everything it does follows from its seed and what it observed, never from threads or time.
class Learner {
 public:
  virtual ~Learner() = default;
  /// What it acts by: it changes with every update.
  virtual const Policy& policy() const noexcept = 0;
  /// What it has learned so far, published: a policy that may be saved and does not change any more.
  virtual std::shared_ptr<const Policy> snapshot() const = 0;
  /// How the next step explores, after this many env steps.
  virtual Exploration exploration(std::int64_t env_steps) const = 0;
  /// The actions that `env` is about to take, [envs, K]: the place to ask it what it expects of them.
  virtual void before_step(const VectorEnv& env, std::span<const std::int32_t> actions) { (void)env, (void)actions; }
  /// New episodes begin in every env.
  virtual void begin(const ObservationView& first) = 0;
  virtual void observe(const StepView& step) = 0;
  /// In envs whose autoreset is kDisabled, behind observe(): users of rows with mask 1, whose session is over, came
  /// back and begin their next one with this observation.
  virtual void come_back([[maybe_unused]] const ObservationView& now,
                         [[maybe_unused]] std::span<const std::uint8_t> back) {}
  /// Learns what is due after this many env steps; may do nothing.
  virtual void update(std::int64_t env_steps) = 0;
  /// Means since the last call.
  virtual LearnerStats take_stats() = 0;

  /// Of the updates in (begin, end] env steps; the same names whatever the stretch.
  virtual std::vector<AgentFigure> figures([[maybe_unused]] std::int64_t begin,
                                           [[maybe_unused]] std::int64_t end) const {
    return {};
  }
  /// What else the JSON file of a training holds, by key.
  virtual Json details() const { return Json::object(); }
  virtual LearnerBytes bytes() const { return {}; }

  /// Everything needed to go on with the same numbers from the beginning of a round, under `name`/.
  virtual void save(Hdf5Writer& file, const std::string& name) const = 0;
  virtual void load(const Hdf5Reader& file, const std::string& name) = 0;
};

}  // namespace swipegym
