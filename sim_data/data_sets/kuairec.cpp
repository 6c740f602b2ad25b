#include <array>
#include <cmath>
#include <span>
#include <unordered_map>

#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/data_sets/data_set_import.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 2> kKuaiRecLogs = {"big_matrix.csv", "small_matrix.csv"};

namespace rec_log {
enum : std::size_t { kUser, kVideo, kPlay, kDuration, kTime };
}
namespace rec_video {
enum : std::size_t { kId, kAuthor, kType, kUploaded, kUploadType, kDuration, kWidth, kHeight, kMusic };
}
namespace rec_tags {
enum : std::size_t { kVideo, kTags };
}

// "[27, 9]"
std::vector<std::uint16_t> tag_list(const DataSetCells& cells, std::size_t column) {
  std::vector<std::uint16_t> tags;
  std::string_view left = cells.text(column);
  const auto refuse = [&] { cells.refuse(column, "a list of tags such as [27, 9]"); };
  if (left.size() < 2 || left.front() != '[' || left.back() != ']') refuse();
  left = left.substr(1, left.size() - 2);
  while (!left.empty()) {
    const std::string_view item = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), item.size() + 1));
    std::uint32_t tag = 0;
    for (const char c : item.substr(std::min(item.size(), item.find_first_not_of(' ')))) {
      if (c < '0' || c > '9' || tag >= VideoTable::kNoTag / 10) refuse();
      tag = tag * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (item.find_first_not_of(' ') == std::string_view::npos) refuse();
    tags.push_back(static_cast<std::uint16_t>(tag));
  }
  return tags;
}

using TagsOfVideo = std::unordered_map<std::int64_t, std::vector<std::uint16_t>>;

TagsOfVideo read_kuairec_tags(const std::filesystem::path& path, DataSetImport& import) {
  struct Row {
    std::int64_t video = 0;
    std::vector<std::uint16_t> tags{};
  };
  DataSetFile file(path, {.data_set = "KuaiRec", .columns = {"video_id", "feat"}, .needed = 2});
  TagsOfVideo tags;
  read_data_set_rows<Row>(
      file, import.options(), "item_categories: ", import.report().dropped,
      [](const DataSetCells& cells, Row& row) -> const char* {
        row.video = cells.id(rec_tags::kVideo);
        row.tags = tag_list(cells, rec_tags::kTags);
        return nullptr;
      },
      [&](std::span<Row> rows) {
        for (Row& row : rows) tags.emplace(row.video, std::move(row.tags));
      });
  return tags;
}

// A row a video and day, of which the columns that stay the same are read, from the video's first row. The counts are
// of the days themselves: they would tell of a day before it is over.
VideoTable read_kuairec_videos(const std::filesystem::path& path, const TagsOfVideo& tags, DataSetImport& import) {
  DataSetFile file(path, {.data_set = "KuaiRec",
                          .columns = {"video_id", "author_id", "video_type", "upload_dt", "upload_type",
                                      "video_duration", "video_width", "video_height", "music_id"},
                          .needed = 9});
  DataSetVideos videos;
  const auto size_of = [](const DataSetCells& cells, std::size_t column) {
    const double size = cells.number_or_nan(column, -1e9, 1e9);
    return size >= 0 && size <= 32767 ? static_cast<std::int16_t>(size) : std::int16_t{0};
  };
  read_data_set_rows<DataSetVideo>(
      file, import.options(), "item_daily_features: ", import.report().dropped,
      [&](const DataSetCells& cells, DataSetVideo& video) -> const char* {
        video.id = cells.id(rec_video::kId);
        video.author = cells.is_empty(rec_video::kAuthor) ? 0 : cells.id(rec_video::kAuthor);
        video.video_type = cells.text(rec_video::kType);
        video.upload_date = cells.date_or_none(rec_video::kUploaded);
        video.upload_type = cells.text(rec_video::kUploadType);
        video.duration_ms = static_cast<float>(cells.number_or_nan(rec_video::kDuration, 0, kMaxSpanMs));
        video.width = size_of(cells, rec_video::kWidth), video.height = size_of(cells, rec_video::kHeight);
        const double music = cells.number_or_nan(rec_video::kMusic, -1e18, 1e18);
        video.music = music >= 0 ? static_cast<std::int64_t>(music) : 0;
        return nullptr;
      },
      [&](std::span<DataSetVideo> rows) {
        for (DataSetVideo& video : rows) {
          if (videos.has(video.id)) continue;
          if (const auto found = tags.find(video.id); found != tags.end()) video.tags = found->second;
          videos.add(video);
        }
      });
  return videos.take();
}

const char* parse_kuairec_row(const DataSetCells& cells, DataSetRow& row) {
  row.play_ms = static_cast<std::int32_t>(cells.number(rec_log::kPlay, 0, kMaxSpanMs));
  row.duration_ms = static_cast<std::int32_t>(cells.number(rec_log::kDuration, 0, kMaxSpanMs));
  if (cells.is_empty(rec_log::kTime)) return "no time";
  row.time_ms = cells.time_ms(rec_log::kTime, 1000.0);
  row.signals = signals_of_play(row.play_ms, row.duration_ms);
  return nullptr;
}

// The small matrix holds every user with every video: that somebody has seen something says nothing of his taste, as
// under random exposure.
void read_kuairec_log(const std::filesystem::path& path, bool is_complete, DataSetImport& import) {
  const DataSetLayout layout{.data_set = "KuaiRec",
                             .columns = {"user_id", "video_id", "play_duration", "video_duration", "timestamp"},
                             .needed = 5};
  const DataSetImport::Parse parse = [is_complete](const DataSetCells& cells, DataSetRow& row) {
    row.is_random = is_complete;
    return parse_kuairec_row(cells, row);
  };
  import.read_log(path, layout, rec_log::kUser, rec_log::kVideo, parse);
}

}  // namespace

LoadReport import_kuairec(const std::filesystem::path& path, const std::filesystem::path& out,
                          const LoadOptions& options) {
  const std::filesystem::path folder = find_data_set_folder(path, "KuaiRec", kKuaiRecLogs);
  DataSetImport import(out, options);
  import.know_users_of(folder, /*any_columns=*/false);
  TagsOfVideo tags;
  if (const auto file = find_data_set_file(folder, "item_categories.csv")) tags = read_kuairec_tags(*file, import);
  if (const auto file = find_data_set_file(folder, "item_daily_features.csv"))
    import.know_videos(read_kuairec_videos(*file, tags, import));
  for (std::size_t i = 0; i < kKuaiRecLogs.size(); ++i)
    if (const auto file = find_data_set_file(folder, kKuaiRecLogs[i])) read_kuairec_log(*file, i == 1, import);
  return import.finish(DataSetClock::kTimes);
}

}  // namespace swipegym
