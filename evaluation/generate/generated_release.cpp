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
  for (const LogRow& row : rows) {
    CsvLogRow out = without_ids(row);
    out.user_id = users_.raw_id[row.user], out.video_id = videos_.raw_id[row.video];
    out.user_text = users_.id_text.at_or_empty(row.user), out.video_text = videos_.id_text.at_or_empty(row.video);
    log_.add(out);
  }
}

void GeneratedRelease::commit() {
  log_.finish();
  folder_.commit();
}

}  // namespace swipegym
