#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "env/simulator.h"
#include "env/tabular/tabular_mdp.h"

namespace swipegym {

/// A simulator reduced to tables, small enough for exact answers: groups of users, kinds of video, and how far the last
/// video was watched as one of a few levels. A state is (group, kind shown last, its level), or (group, nothing shown
/// yet); an action is the kind to show next. Each level of a kind has one play time, so that the answer to a video
/// tells an agent the state it leads to.
struct TabularWorld {
  std::size_t groups = 0, kinds = 0, levels = 0;
  std::vector<double> level_probability;    // [states, kinds, levels]; sums to 1 over levels
  std::vector<double> leave_probability;    // [states, kinds, levels]: of leaving after such an answer
  std::vector<std::int32_t> play_ms;        // [kinds, levels], rising in the level
  std::vector<std::int32_t> duration_ms;    // [kinds], > 0
  std::vector<std::uint32_t> group_starts;  // [groups]: sessions of each group among all; their sum is small
  std::vector<float> user_features;         // [groups, kUserFeatures]
  std::vector<float> video_features;        // [kinds, kVideoFeatures]

  std::size_t states_a_group() const noexcept { return 1 + kinds * levels; }
  std::size_t states() const noexcept { return groups * states_a_group(); }
  std::size_t first_state(std::size_t group) const noexcept { return group * states_a_group(); }
  std::size_t state_after(std::size_t group, std::size_t kind, std::size_t level) const noexcept {
    return first_state(group) + 1 + kind * levels + level;
  }
  std::size_t group_of(std::size_t state) const noexcept { return state / states_a_group(); }
  /// Where the entries of (state, kind) begin in level_probability and leave_probability.
  std::size_t answers(std::size_t state, std::size_t kind) const noexcept { return (state * kinds + kind) * levels; }
};

/// The world as a decision process whose reward is seconds watched; an outcome is (level, stays or leaves).
TabularMdp make_mdp(const TabularWorld& world, double discount);

}  // namespace swipegym
