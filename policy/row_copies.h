#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/observation.h"

namespace swipegym {

/// Some rows of an observation as an observation of their own, in the order given; a row may stand there several times.
class RowCopies {
 public:
  RowCopies() = default;
  RowCopies(const ObservationView& from, std::span<const std::uint32_t> rows);
  RowCopies(const RowCopies&) = delete;
  RowCopies& operator=(const RowCopies&) = delete;

  const ObservationView& observation() const noexcept { return observation_; }

 private:
  ObservationView observation_;
  std::vector<std::uint32_t> user_;
  std::vector<float> user_features_, history_ratio_, history_age_days_, context_, hours_since_, candidate_features_;
  std::vector<std::int32_t> history_video_, candidate_;
  std::vector<std::uint8_t> history_signals_, tab_, mask_;
};

}  // namespace swipegym
