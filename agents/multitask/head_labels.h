#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/matrix.h"
#include "policy/multitask/multitask_policy.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// What each head should say of a logged row. A row is its session's last when the user's next row comes later than
/// kSessionGapMs after it. That is known of rows which the known part of the log goes on for as long as that gap. A
/// thinned log leaves out rows of a session too, so its sessions end more often than those of the platform.
class HeadLabels {
 public:
  /// Nothing that happened after the last row dated up to `until` is known. `data` must outlive this.
  HeadLabels(const Dataset& data, std::int32_t until);

  /// [kNumHeads]: the watch ratio (clipped to kRatioClip; of a row whose duration is known), else 0, 1 or NaN where it
  /// is not known.
  std::array<float, kNumHeads> of(std::size_t row) const noexcept;
  /// The same by output: kWatch the ratio, kWatched whether it exceeds kWatchedAbove.
  float of(std::size_t row, HeadOutput output) const noexcept;

 private:
  float leaves(std::size_t row) const noexcept;

  const Dataset& data_;
  std::int64_t known_until_ms_ = 0;
};

/// What a policy says of logged rows, [rows, kHeadOutputs]: each row's own video, offered at its time to its user after
/// the user's strictly earlier rows. `catalogue` is the one the policy was loaded for.
Matrix head_rows(const MultitaskPolicy& policy, const Dataset& data, const Catalogue& catalogue,
                 std::span<const std::uint32_t> rows, int threads);

}  // namespace swipegym
