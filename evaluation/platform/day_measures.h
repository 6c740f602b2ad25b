#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/metrics/undefined.h"

namespace swipegym {

/// What a day of a season came to. NaN where there was nothing to measure.
struct DayMeasures {
  double seconds = kUndefined;       // watched a user-day, of all users whether they came or not
  double visitors = kUndefined;      // share of the users who came
  double sessions = kUndefined;      // a user-day
  double videos = kUndefined;        // shown a user-day
  double clicks = kUndefined;        // share of the videos shown
  double returns = kUndefined;       // share of sessions after which the user is back within 24 hours
  double regret = kUndefined;        // click appeal a video below the best that the session could have been shown
  double uploads = kUndefined;       // of the morning
  double creators = kUndefined;      // active in the evening
  double arrived = kUndefined;       // newcomers of the morning
  double left = kUndefined;          // creators who left for good in the morning
  double newcomers = kUndefined;     // share of those who arrived 30 days ago who are still active
  double gini = kUndefined;          // of the views of creators who are active or were viewed, today
  double discovery = kUndefined;     // share of the best tenth of the uploads that retire today shown kFoundShows times
  double found_days = kUndefined;    // mean days until such a one was
  double appeal = kUndefined;        // mean click appeal of the morning's uploads
  double on_offer = kUndefined;      // videos
  double shown_share = kUndefined;   // of these, shown today
  double fresh = kUndefined;         // share of shows that went to videos with fewer than 10 shows,
  double rising = kUndefined;        // 10 to 99,
  double known = kUndefined;         // and more, as the policy knew them
  double entropy = kUndefined;       // of the categories of a user's last 7 days, nats, over users with 20 videos
  double top_category = kUndefined;  // share of a user's most shown category in these
  double drift = kUndefined;         // shift of users' true tastes since the season began: TasteMeter,
  double echo = kUndefined;          // by it the change of their interest in what they are shown
  double second_interest = kUndefined;  // share of users who were shown their second strongest interest by now,
  double third_interest = kUndefined;   // and their third
  double own_seconds =
      kUndefined;  // a user-day of the users of the season's policy, where another serves half of them,
  double other_seconds = kUndefined;  // and of that half
};

struct MeasureInfo {
  const char* name;   // the column of files
  const char* title;  // of a curve
  double DayMeasures::*value;
  int digits;
};
/// All of them, in the order of files.
std::span<const MeasureInfo> day_measures();

inline constexpr int kSurvivalDays = 30;  // of newcomers
inline constexpr std::uint32_t kFoundShows = 50;

}  // namespace swipegym
