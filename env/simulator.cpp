#include "env/simulator.h"

#include <limits>

#include "core/validate.h"
#include "env/catalogue.h"
#include "sim_data/log_limits.h"

namespace swipegym {

void Catalogue::validate() const {
  const std::size_t videos = num_videos(), users = num_users();
  require_that("catalogue/raw_video_id", videos > 0 && videos <= std::numeric_limits<std::int32_t>::max(),
               "between one video and 2147483647");
  require_that("catalogue/raw_user_id", users > 0 && users <= std::numeric_limits<std::int32_t>::max(),
               "between one user and 2147483647");
  require_size("catalogue/duration_ms", duration_ms.size(), videos);
  require_size("catalogue/tag", tag.size(), videos);
  require_size("catalogue/author", author.size(), videos);
  require_size("catalogue/exposures", exposures.size(), videos);
  require_size("catalogue/item_mean", item_mean.size(), videos);
  require_size("catalogue/video_features", video_features.size(), videos * kVideoFeatures);
  require_size("catalogue/user_features", user_features.size(), users * kUserFeatures);
  // Tables are made as large as these say.
  require_that("catalogue/sizes", num_tags <= videos + 1, "at most a tag a video, and one for none");
  require_that("catalogue/sizes", num_authors <= videos, "at most an author a video");
  require_between("catalogue/duration_ms", std::span(duration_ms), 1, static_cast<std::int32_t>(kMaxSpanMs));
  require_below("catalogue/tag", std::span(tag), num_tags);
  require_below("catalogue/author", std::span(author), num_authors);
  require_between("catalogue/item_mean", std::span(item_mean), 0.0F, 2.0F * kRatioClip);
  require_between("catalogue/video_features", std::span(video_features), -kLargestFeature, kLargestFeature);
  require_between("catalogue/user_features", std::span(user_features), -kLargestFeature, kLargestFeature);
  if (!hate_rate.empty()) {
    require_size("catalogue/hate_rate", hate_rate.size(), videos);
    require_between("catalogue/hate_rate", std::span(hate_rate), 0.0F, 1.0F);
  }
  if (!upload_day.empty()) require_size("catalogue/upload_day", upload_day.size(), videos);
  if (!visible_status.empty()) {
    require_size("catalogue/visible_status", visible_status.size(), videos);
    require_between("catalogue/visible_status", std::span(visible_status), std::int8_t{-1},
                    std::numeric_limits<std::int8_t>::max());
  }
  if (!raw_author_id.empty()) require_size("catalogue/raw_author_id", raw_author_id.size(), num_authors);
  if (!tag_code.empty()) require_size("catalogue/tag_code", tag_code.size(), num_tags);
  require_that("catalogue_until", until == 0 || is_date(until), "a date yyyymmdd, or 0");
}

void Population::validate(std::size_t users, std::size_t videos) const {
  require_that("population/start_user", !start_user.empty(), "at least one session start");
  require_size("population/start_time_ms", start_time_ms.size(), start_user.size());
  require_size("population/start_tab", start_tab.size(), start_user.size());
  require_below("population/start_user", std::span(start_user), users);
  require_between("population/start_time_ms", std::span(start_time_ms), std::int64_t{0}, kMaxTimeMs);
  require_below("population/start_tab", std::span(start_tab), log_limits::kTab.high + 1);
  require_offsets("population/history_offset", std::span(history_offset), users, history_video.size());
  require_size("population/history_ratio", history_ratio.size(), history_video.size());
  require_size("population/history_signals", history_signals.size(), history_video.size());
  require_below("population/history_video", std::span(history_video), videos);
  require_between("population/history_ratio", std::span(history_ratio), 0.0F, kRatioClip);
}

void Simulator::validate() const {
  catalogue.validate();
  population.validate(catalogue.num_users(), catalogue.num_videos());
  fit.validate();
}

}  // namespace swipegym
