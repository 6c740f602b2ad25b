#pragma once

#include <cstdint>
#include <vector>

#include "sim_data/dataset.h"

namespace swipegym {

/// What rows of the standard log say of every video and user up to a day: what anybody may know who chooses after it.
struct StandardRecord {
  std::vector<double> exposures;   // [videos], rows that show the video
  std::vector<double> mean_ratio;  // [videos], watch ratio clipped to 5, shrunk to the log's by kShrinkage rows
  std::vector<double> duration_s;  // [videos], the table's; where it has none, the median of those it has
  std::vector<double> user_rows;   // [users]
};

/// Of the standard rows dated up to `until` (yyyymmdd) whose duration is known. InputError when there is none.
StandardRecord standard_record(const Dataset& data, std::int32_t until);

/// The videos that a random exposure may show: those of the table; or, where the random log shows fewer than half as
/// many as uniform draws from it would (KuaiRand-1K has 4.37 million videos, its random exposures 7,583), those shown.
std::vector<std::uint32_t> random_pool(const Dataset& data);

}  // namespace swipegym
