#pragma once

#include <cstdint>

#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// A session is a run of one user's rows in which no row comes later than this after the one before it.
inline constexpr std::int64_t kSessionGapMs = 30LL * 60 * 1000;

/// Watch ratios enter item statistics and histories clipped here: a video left running overnight says nothing about
/// taste, and the largest ratio of the real log is 63.
inline constexpr float kRatioClip = 5.0F;

/// Videos of history a population keeps of each user.
inline constexpr std::size_t kHistoryVideos = 200;

/// Columns of Catalogue::video_features. Item statistics come from rows with date <= until only, of both logs, and are
/// shrunk to the log's mean by kShrinkage pseudo-rows, so that a video without rows has the mean.
enum VideoFeature : std::size_t {
  kVideoLogDuration,    // (ln(duration in s) - 3.5) / 1.5: about -1 for 7 s, 0 for 33 s, 1 for 150 s
  kVideoExposures,      // ln(1 + exposures) / 10
  kVideoMeanRatio,      // shrunk mean watch ratio (= Catalogue::item_mean)
  kVideoClickRate,      // shrunk mean of is_click
  kVideoLikeRate,       // shrunk mean of is_like, times 10 so that it varies on the others' scale
  kVideoIsAd,           // 1 when video_type is AD
  kVideoUploadType,     // upload type's code / (number of upload types), in [0, 1)
  kVideoTagPopularity,  // ln(1 + exposures of the first tag) / ln(1 + all exposures), in [0, 1]
};
inline constexpr float kShrinkage = 20.0F;

/// Columns of Catalogue::user_features. An absent or empty cell is 0 (and 'other' for the activity). The three last
/// columns come from rows with date <= until and are shrunk to the log's mean by kUserShrinkage pseudo-rows.
enum UserFeature : std::size_t {
  kUserFullActive,  // one-hot of user_active_degree: full_active, high_active, middle_active, low_active, 2_14_day_new
  kUserHighActive,
  kUserMiddleActive,
  kUserLowActive,
  kUserNew,
  kUserOtherActive,   // any other degree
  kUserIsStreamer,    // is_live_streamer == 1 (-124 means no)
  kUserIsAuthor,      // is_video_author == 1
  kUserFollows,       // ln(1 + follow_user_num) / 8
  kUserFans,          // ln(1 + fans_user_num) / 8
  kUserFriends,       // ln(1 + friend_user_num) / 8
  kUserRegisterDays,  // ln(1 + register_days) / 8
  kUserLowPeriod,     // is_lowactive_period
  kUserRows,          // ln(1 + rows of the log) / 8
  kUserMeanRatio,     // shrunk mean watch ratio
  kUserClickRate,     // shrunk mean of is_click
};
inline constexpr float kUserShrinkage = 10.0F;

/// What a policy may know of the videos and users of `data`, from its tables and its rows with date <= until_date
/// (yyyymmdd). Indices are the data set's. Throws InputError when there is no such row.
Catalogue build_catalogue(const Dataset& data, std::int32_t until_date);

/// Session starts and newest videos of each user in the rows with date <= until_date. Throws as build_catalogue does.
Population build_population(const Dataset& data, std::int32_t until_date);

}  // namespace swipegym
