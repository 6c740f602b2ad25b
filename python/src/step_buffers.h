#pragma once

#include <cstdint>
#include <vector>

#include "env/vector_env.h"

namespace swipegym::python {

/// The columns of an observation as one block of memory each, that Python's arrays point into.
struct ObservationBuffers {
  ObservationBuffers(std::size_t rows, std::size_t history_length, std::size_t candidates);

  std::size_t rows, history_length, candidates;
  std::vector<std::int64_t> user;             // [rows]
  std::vector<float> user_features;           // [rows, kUserFeatures]
  std::vector<std::int32_t> history_video;    // [rows, L]
  std::vector<float> history_ratio;           // [rows, L]
  std::vector<std::uint8_t> history_signals;  // [rows, L]
  std::vector<float> context;                 // [rows, kContextFeatures]
  std::vector<std::int32_t> candidate;        // [rows, m]
  std::vector<float> candidate_features;      // [rows, m, kVideoFeatures]
  std::vector<std::uint8_t> mask;             // [rows, m]
  std::vector<std::uint8_t> tab;              // [rows]
  std::vector<float> hours_since;             // [rows]

  /// Rows [begin, end) of a view of the same shape.
  void copy(const ObservationView& view, std::size_t begin, std::size_t end);
};

/// Everything that one step or reset returned. What a VectorEnv shows is overwritten by its next call; this is not.
/// What becomes information has the types that Gymnasium's vectors of lone environments give it: 64 bits.
struct StepBuffers {
  explicit StepBuffers(const VectorEnv& env);

  std::size_t rows, slate, costs;
  ObservationBuffers observation;
  ObservationBuffers final_observation;  // kSameStep: of the rows that ended; otherwise of no rows
  std::vector<double> reward;            // [rows]
  std::vector<float> cost;               // [rows, costs]
  std::vector<std::uint8_t> terminated, truncated, autoreset;  // [rows]
  std::vector<double> gap_h;                                   // [rows]
  std::vector<std::int64_t> video;                             // [rows, K]
  std::vector<double> watch_ratio, watch_s;                    // [rows, K]
  std::vector<std::int64_t> signals;                           // [rows, K]
  std::size_t seen_width;                                      // with the full catalogue; else 0
  std::vector<std::int64_t> seen;  // [rows, seen_width], videos that may not be shown again, -1 behind the last

  /// After a reset: the observation; rewards and all else become those of a row that nothing was shown to.
  void take(const ObservationView& view, int threads);
  void take(const StepView& view, int threads);
  /// After either, where there are no candidates: what each row has seen.
  void take_seen(const VectorEnv& env);
};

}  // namespace swipegym::python
