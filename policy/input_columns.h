#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "env/observation.h"
#include "policy/item_inputs.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// What a value network with the default encoder reads, as columns of numbers with names: for learners of other kinds,
/// such as trees. Columns of a state are StateEncoder's; those of a pair of state and video are the numbers that the
/// video tower reads (VideoTables), the cross features, and what it has vectors of: the indices of the video's tag and
/// of the video itself, two categories (-1: unknown).
class InputColumns {
 public:
  static constexpr std::size_t kCategories = 2;  // the last columns of a pair

  explicit InputColumns(const Catalogue& catalogue);
  InputColumns(const InputColumns&) = delete;
  InputColumns& operator=(const InputColumns&) = delete;

  /// Names of the columns, [state_size()] and [pair_size()].
  std::vector<std::string> state_names() const;
  std::vector<std::string> pair_names() const;
  std::size_t state_size() const noexcept { return encoder_.state_size(); }
  std::size_t pair_size() const noexcept { return tables_.size() + StateEncoder::kCross + kCategories; }
  std::size_t num_videos() const noexcept { return items_.num_videos(); }

  /// out [rows, state_size()].
  void states(const ObservationView& observation, int threads, std::span<float> out) const;
  /// Of `videos` [rows, per_row]: out [rows, per_row, pair_size()], or where `with_state` each pair's columns behind
  /// those of its state, [rows, per_row, state_size() + pair_size()]. Never depends on threads.
  void pairs(const ObservationView& observation, std::span<const std::int32_t> videos, bool with_state, int threads,
             std::span<float> out) const;

 private:
  ItemInputs items_;
  VideoTables tables_;  // without embeddings
  StateEncoder encoder_;
};

}  // namespace swipegym
