#include "evaluation/platform/season_log.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/output_file.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/log_writer.h"

namespace swipegym {
namespace {

// The base's videos, and behind them the uploads as the catalogue knows them; tags are what the platform takes them
// for.
VideoTable with_uploads(VideoTable table, const Catalogue& catalogue) {
  for (std::size_t v = 0; v < table.size(); ++v)
    if (const std::size_t tag = catalogue.tag[v];
        tag < catalogue.tag_code.size() && table.tag_offset[v] < table.tag_offset[v + 1])
      table.tag[table.tag_offset[v]] = catalogue.tag_code[tag];
  for (std::size_t v = table.size(); v < catalogue.num_videos(); ++v) {
    table.raw_id.push_back(catalogue.raw_video_id[v]);
    table.author.push_back(catalogue.author[v]);
    table.video_type.push_back(0);
    table.upload_type.push_back(0);
    table.upload_date.push_back(0);
    table.duration_ms.push_back(static_cast<float>(catalogue.duration_ms[v]));
    table.width.push_back(0), table.height.push_back(0), table.music_id.push_back(0), table.music_type.push_back(-1);
    if (!table.visible_status.empty()) table.visible_status.push_back(0);
    const std::size_t tag = catalogue.tag[v];  // simulators of older files do not know the codes
    if (tag < catalogue.tag_code.size() && catalogue.tag_code[tag] != VideoTable::kNoTag)
      table.tag.push_back(catalogue.tag_code[tag]);
    table.tag_offset.push_back(static_cast<std::uint32_t>(table.tag.size()));
  }
  table.author_raw_id = catalogue.raw_author_id;
  for (std::size_t v = 0; v < table.size(); ++v)
    if (catalogue.upload_day[v] != 0) table.upload_date[v] = date_of_days(catalogue.upload_day[v]);
  return table;
}

}  // namespace

SeasonLog::SeasonLog(std::filesystem::path folder, const UserTable& users, const VideoTable& videos)
    : folder_(std::move(folder)), users_(users), videos_(videos) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw InputError(fmt::format("{}: {}; name a folder that can be made", folder_.string(), error.message()));
}

void SeasonLog::end_day(const PlatformWorld& world) {
  const Catalogue& catalogue = *world.catalogue();
  const std::string day = fmt::format("season_day{:05}", world.day());
  LogCsvWriter standard(folder_, "log_standard_" + day, {}), random(folder_, "log_random_" + day, {.propensity = true});
  for (const LogRow& row : rows_) {
    CsvLogRow out = without_ids(row);
    out.date = 0, out.hourmin = -1;  // those of its time
    out.user_id = users_.raw_id[row.user], out.video_id = catalogue.raw_video_id[row.video];
    out.user_text = users_.id_text.at_or_empty(row.user);
    if (row.video < videos_.size()) out.video_text = videos_.id_text.at_or_empty(row.video);
    (row.is_random ? random : standard).add(out);
  }
  standard.finish(), random.finish();
  rows_.clear();
}

void SeasonLog::finish(const PlatformWorld& world) const {
  write_user_csv(folder_ / "user_features_season.csv", users_);
  write_video_csv(folder_ / "video_features_basic_season.csv", with_uploads(videos_, *world.catalogue()));
  if (const std::string truth = world.truth(); !truth.empty()) write_file(folder_ / "truth.json", truth);
}

}  // namespace swipegym
