#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/observation.h"
#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Logged rows as the observations an agent would have had: the user's features, the videos of strictly earlier rows,
/// time of day, tab and the last ratio of the running session. The position in the session (context 0 and 1) is 0: logs
/// are thinned.
class LoggedStates {
 public:
  /// The views of `data` and `catalogue` (of the same data set) must outlive this.
  LoggedStates(const Dataset& data, const Catalogue& catalogue, std::size_t history_length);

  /// Room for a batch of rows; one a thread.
  struct Batch {
    std::vector<std::uint32_t> user;
    std::vector<float> user_features, history_ratio, context;
    std::vector<std::int32_t> history_video, video;
    std::vector<SignalBits> history_signals;
    std::vector<std::uint8_t> tab;
    std::vector<float> hours_since, history_age_days;
    ObservationView observation;  // of the rows last filled in
  };
  void fill(std::span<const std::uint32_t> rows, Batch& out) const;

  /// Watch ratio of a row, clipped to [0, 5]; 0 where the duration is unknown.
  float ratio(std::size_t row) const noexcept { return ratio_[row]; }

 private:
  void fill_row(std::size_t row, std::size_t to, Batch& out) const;

  const Dataset& data_;
  const Catalogue& catalogue_;
  std::size_t length_;
  std::vector<float> ratio_;
};

}  // namespace swipegym
