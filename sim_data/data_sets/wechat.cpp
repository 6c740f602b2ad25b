#include <array>
#include <cmath>
#include <span>

#include "core/error.h"
#include "sim_data/data_sets/data_set_import.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr std::int64_t kMostWeChatDays = 31;  // the training data have 14, a test file a fifteenth

namespace wx_log {
enum : std::size_t { kUser, kFeed, kDay, kComment, kLike, kPlay, kAvatar, kForward, kFollow };
}
namespace wx_feed {
enum : std::size_t { kId, kAuthor, kSeconds, kSong, kTags };
}

// "12;7;301"
std::vector<std::uint16_t> feed_tags(const DataSetCells& cells) {
  std::vector<std::uint16_t> tags;
  if (cells.is_empty(wx_feed::kTags)) return tags;
  for (std::string_view left = cells.text(wx_feed::kTags); !left.empty();) {
    const std::string_view item = left.substr(0, left.find(';'));
    left.remove_prefix(std::min(left.size(), item.size() + 1));
    std::uint32_t tag = 0;
    bool good = !item.empty() && item.size() <= 5;
    for (const char c : item) {
      good = good && c >= '0' && c <= '9';
      tag = tag * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (!good || tag >= VideoTable::kNoTag)
      cells.refuse(wx_feed::kTags, "tags from 0 to 65534 with semicolons between");
    tags.push_back(static_cast<std::uint16_t>(tag));
  }
  return tags;
}

const char* parse_feed(const DataSetCells& cells, DataSetVideo& video) {
  video.id = cells.id(wx_feed::kId);
  video.author = cells.id(wx_feed::kAuthor);
  video.duration_ms = static_cast<float>(1000.0 * cells.number(wx_feed::kSeconds, 0, kMaxSpanMs / 1000.0));
  if (!cells.is_empty(wx_feed::kSong)) video.music = cells.id(wx_feed::kSong);
  video.tags = feed_tags(cells);
  return nullptr;
}

VideoTable read_feeds(const std::filesystem::path& path, DataSetImport& import) {
  DataSetFile file(path, {.data_set = "the WeChat challenge",
                          .columns = {"feedid", "authorid", "videoplayseconds", "bgm_song_id", "manual_tag_list"},
                          .needed = 3});
  return import.read_videos(file, "feed_info: ", "repeated feedid", parse_feed);
}

const char* parse_wechat_row(const DataSetCells& cells, DataSetRow& row, const DataSetImport& import) {
  row.time_ms = cells.integer(wx_log::kDay, 1, kMostWeChatDays) - 1;
  row.play_ms = static_cast<std::int32_t>(cells.number(wx_log::kPlay, 0, kMaxSpanMs));
  row.duration_ms = import.duration_of(row.item);
  unsigned bits = signals_of_play(row.play_ms, row.duration_ms);
  if (cells.flag(wx_log::kComment)) bits |= bit(Signal::kComment);
  if (cells.flag(wx_log::kLike)) bits |= bit(Signal::kLike);
  if (cells.flag(wx_log::kAvatar)) bits |= bit(Signal::kProfile);
  if (cells.flag(wx_log::kForward)) bits |= bit(Signal::kForward);
  if (cells.flag(wx_log::kFollow)) bits |= bit(Signal::kFollow);
  row.signals = static_cast<SignalBits>(bits);
  return nullptr;
}

}  // namespace

LoadReport import_wechat(const std::filesystem::path& path, const std::filesystem::path& out,
                         const LoadOptions& options) {
  constexpr std::array<std::string_view, 1> kLog = {"user_action.csv"};
  const std::filesystem::path folder = find_data_set_folder(path, "the WeChat challenge", kLog);
  const auto feed_file = find_data_set_file(folder, "feed_info.csv");
  if (!feed_file) throw InputError(folder.string() + ": holds no feed_info.csv, which says how long the feeds are");
  DataSetImport import(out, options);
  import.know_videos(read_feeds(*feed_file, import));
  const DataSetLayout layout{
      .data_set = "the WeChat challenge",
      .columns = {"userid", "feedid", "date_", "comment", "like", "play", "click_avatar", "forward", "follow"},
      .needed = 9};
  const DataSetImport::Parse parse = [&import](const DataSetCells& cells, DataSetRow& row) {
    return parse_wechat_row(cells, row, import);
  };
  import.read_log(*find_data_set_file(folder, kLog[0]), layout, wx_log::kUser, wx_log::kFeed, parse);
  return import.finish(DataSetClock::kDays);
}

}  // namespace swipegym
