#pragma once

#include <memory>

#include "policy/policy.h"

namespace swipegym {

/// The one-step oracle of one simulator, acting in any env with the same catalogue: it scores the reward that
/// `believed` expects next, after looking on at the session so far. In its own simulator it chooses as OneStepOracle
/// does (but for signals, of which it sees those that follow from the play time); in another, its choices are what the
/// simulator is worth as a guide.
///
/// Stateless: a session is read again from the observation at every step, so the observation's history must hold it
/// (history_length of at least the session's videos), and a step costs as many passes of the model as were shown.
class SimulatorOracle final : public Policy {
 public:
  /// Throws InputError for a pessimism, as OneStepOracle has it, that check_pessimism() refuses.
  explicit SimulatorOracle(std::shared_ptr<const Simulator> believed, float pessimism = 0.0F);
  std::string_view name() const noexcept override { return "oracle"; }
  /// Throws InputError without an env or with the full catalogue.
  void score(const DecisionBatch& batch, std::span<float> scores) const override;

 private:
  std::shared_ptr<const Simulator> believed_;
  float pessimism_;
};

}  // namespace swipegym
