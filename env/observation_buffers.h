#pragma once

#include <cstdint>
#include <vector>

#include "env/observation.h"

namespace swipegym {

/// The memory behind an ObservationView. A history row is also the session's own record of its last L videos: a step
/// moves it left in place, which costs the one copy that writing the observation costs anyway.
struct ObservationBuffers {
  ObservationBuffers() = default;
  /// m = 0 for the full catalogue.
  ObservationBuffers(std::size_t rows, std::size_t history_length, std::size_t candidates);
  static std::uint64_t bytes(std::uint64_t rows, std::uint64_t history_length, std::uint64_t candidates);

  ObservationView view() const noexcept;
  /// Copies row `row` of `from`, which has the same shape.
  void copy_row(std::size_t row, const ObservationBuffers& from) noexcept { copy_row(row, row, from); }
  /// Row `to_row` becomes what row `from_row` of `from` is.
  void copy_row(std::size_t from_row, std::size_t to_row, const ObservationBuffers& from) noexcept;

  std::size_t rows = 0, history_length = 0, candidates = 0;
  std::vector<std::uint32_t> user;
  std::vector<float> user_features;
  std::vector<std::int32_t> history_video;
  std::vector<float> history_ratio;
  std::vector<float> context;
  std::vector<std::int32_t> candidate;
  std::vector<float> candidate_features;
  std::vector<std::uint8_t> mask;
  std::vector<std::uint8_t> history_signals;
  std::vector<std::uint8_t> tab;
  std::vector<float> hours_since;
};

}  // namespace swipegym
