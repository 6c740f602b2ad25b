#pragma once

#include <cstddef>
#include <cstdint>

namespace swipegym {

/// What an agent sees of `rows` sessions, as views into structure-of-arrays that the environment owns; valid until its
/// next step or reset. All matrices are row-major. Row i is session i.
struct ObservationView {
  std::size_t rows = 0;
  std::size_t history_length = 0;  // L
  std::size_t candidates = 0;      // m; 0 when the action space is the full catalogue

  const std::uint32_t* user = nullptr;            // [rows]
  const float* user_features = nullptr;           // [rows, kUserFeatures]
  const std::int32_t* history_video = nullptr;    // [rows, L], oldest first, left-padded with -1
  const float* history_ratio = nullptr;           // [rows, L], left-padded with 0
  const float* context = nullptr;                 // [rows, kContextFeatures]
  const std::int32_t* candidate = nullptr;        // [rows, m] video indices
  const float* candidate_features = nullptr;      // [rows, m, kVideoFeatures]
  const std::uint8_t* mask = nullptr;             // [rows, m], 1 = may be chosen
  const std::uint8_t* history_signals = nullptr;  // [rows, L] SignalBits of each watched video, 0 where padded; may be
                                                  // null where feedback is not kept, which reads as 0
  const std::uint8_t* tab = nullptr;              // [rows] KuaiRand's tab; may be null, then context tells 1, 0 and 4
  const float* hours_since = nullptr;             // [rows] since the newest video of the history was shown; -1 where
                                       // there is none or the time is not known; may be null, which reads as -1
  const float* history_age_days = nullptr;  // [rows, L] since each video was shown, 0 where padded; null where only the
                                            // order is known, as in the engine, which reads as 0
};

}  // namespace swipegym
