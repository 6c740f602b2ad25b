#include "evaluation/generate/generated_release.h"

namespace swipegym {

GeneratedRelease::GeneratedRelease(const std::filesystem::path& folder, const UserTable& users,
                                   const VideoTable& videos, const ReleaseFormat& format)
    : folder_(folder, is_release_file, format.replace),
      users_(users),
      videos_(videos),
      log_(folder_.temporary(), format.random_log ? "log_random_generated" : "log_standard_generated",
           {.rows_per_part = format.rows_per_part, .propensity = format.propensity}) {
  write_user_csv(folder_.temporary() / "user_features_generated.csv", users_);
  write_video_csv(folder_.temporary() / "video_features_basic_generated.csv", videos_);
}

void GeneratedRelease::add(std::span<const LogRow> rows) {
  for (const LogRow& row : rows)
    log_.add({.user_id = users_.raw_id[row.user],
              .video_id = videos_.raw_id[row.video],
              .user_text = users_.id_text.at_or_empty(row.user),
              .video_text = videos_.id_text.at_or_empty(row.video),
              .time_ms = row.time_ms,
              .date = row.date,
              .hourmin = static_cast<std::int16_t>(row.hourmin),
              .signals = row.signals,
              .play_ms = row.play_ms,
              .duration_ms = row.duration_ms,
              .is_random = static_cast<std::uint8_t>(row.is_random),
              .tab = row.tab,
              .propensity = row.propensity});
}

void GeneratedRelease::commit() {
  log_.finish();
  folder_.commit();
}

}  // namespace swipegym
