#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "env/observation.h"
#include "env/simulator.h"

namespace swipegym {

/// One side of a batch of transitions: what the agent saw, as the environment's observation has it. Features of users
/// and videos are not repeated here; they stand in the simulator's catalogue.
struct SampledStates {
  std::vector<std::int32_t> history_video;  // [rows, L], oldest first, left-padded with -1
  std::vector<float> history_ratio;         // [rows, L], left-padded with 0
  std::vector<float> context;               // [rows, kContextFeatures]
  std::vector<std::int32_t> candidate;      // [rows, m]
  std::vector<std::uint8_t> mask;           // [rows, m], 1 = may be chosen
};

/// Transitions (s, a, r, s') as structure-of-arrays, row-major. With n steps, `reward` is the discounted sum of the
/// steps taken, s' lies `steps` later, and `discount` is what the value of s' counts for. Where a step's future counts
/// for less than 1 (StepView::stays), so do the rewards behind it.
struct TransitionBatch {
  std::size_t rows = 0;
  std::size_t history_length = 0;  // L
  std::size_t candidates = 0;      // m

  std::vector<std::uint32_t> user;       // [rows]; a transition never leaves its session, so s and s' share the user
  std::vector<std::int32_t> action;      // [rows] slot of the candidate set of s that was shown; -1 where none is kept
  std::vector<std::int32_t> video;       // [rows] the video in it
  std::vector<float> reward;             // [rows]
  std::vector<float> cost;               // [rows, costs]
  std::vector<float> discount;           // [rows] discount^steps times what futures counted for; truncation keeps it
  std::vector<std::uint8_t> terminated;  // [rows] of the last step taken
  std::vector<std::uint8_t> truncated;   // [rows]
  std::vector<std::uint16_t> steps;      // [rows] steps between s and s': n, or fewer at an episode's end
  std::vector<std::uint64_t> id;         // [rows] names the transition within its buffer
  SampledStates state, next;

  /// Views in the form policies read; user_features and candidate_features are null.
  ObservationView observation() const noexcept { return view(state); }
  ObservationView next_observation() const noexcept { return view(next); }

 private:
  ObservationView view(const SampledStates& states) const noexcept {
    ObservationView out;
    out.rows = rows, out.history_length = history_length, out.candidates = candidates;
    out.user = user.data();
    out.history_video = states.history_video.data();
    out.history_ratio = states.history_ratio.data();
    out.context = states.context.data();
    out.candidate = states.candidate.data();
    out.mask = states.mask.data();
    return out;
  }
};

}  // namespace swipegym
