#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "evaluation/compare/play_sessions.h"
#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// What a policy's choices are expected to earn at once, by the simulator, on states that it did not choose.
struct ExpectedFigures {
  Interval reward;  // of a choice, under the world's weights
  Interval share;   // (reward - of uniform choice) / (of the best choice - of uniform choice), on the same states
  Interval versus;  // share - that of another policy, paired; 0 without one
};
struct ExpectedChoices {
  Interval random, oracle;  // of uniform and of the best choice
  std::vector<ExpectedFigures> policy;
};

struct ExpectedChoicesConfig {
  std::size_t resamples = 1000;  // of the bootstrap
  std::ptrdiff_t versus = -1;    // which policy's share is taken from the others'; -1: none
};

/// Judges every policy (each with one object a training seed) on the candidates of every state of sessions of uniform
/// choice, by the expectation of what it would choose: where it draws, by its probabilities. No answer's noise is in
/// it, so a share needs about a hundredth of the sessions that a return needs; what a choice does to the rest of the
/// session is not in it either. Intervals are hierarchical as those of compare(), over training seeds and sessions.
///
/// Throws InputError for slates and for the full catalogue.
ExpectedChoices expected_choices(const std::shared_ptr<const Simulator>& simulator,
                                 const std::shared_ptr<const CandidateSource>& candidates,
                                 const std::vector<std::vector<std::shared_ptr<const Policy>>>& policies,
                                 const PlayConfig& sessions, const ExpectedChoicesConfig& config,
                                 const Progress& progress = {});

}  // namespace swipegym
