#pragma once

#include <cstdint>

#include "core/random.h"
#include "env/platform/creator_law.h"
#include "env/platform/creator_panel.h"

namespace swipegym {

/// A platform without users, for studies and tests of what is fitted to creators: an upload draws watches that are
/// skewed by its creator's and its own quality and fade day by day.
struct DrawnPlatform {
  std::uint32_t creators = 1500;
  std::int32_t days = 90;                        // creators arrive on days of the first half, and upload then
  double watches = 3.0;                          // mean of an upload's first day at quality 1
  double quality_deviation = 0.8;                // of ln quality among creators
  double fading = 0.7;                           // of an upload's watches, a day
  double like_share = 0.1, follow_share = 0.02;  // of watches
};

/// What creators of that law get and do, who all answer only what the law says (mimicry aside: nobody watches here).
/// Random numbers are keyed by (creator, day).
CreatorPanel draw_panel(const CreatorSettings& law, const DrawnPlatform& platform, RandomKey world);

}  // namespace swipegym
