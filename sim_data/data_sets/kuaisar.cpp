#include <array>
#include <cmath>
#include <span>

#include "sim_data/data_sets/data_set_import.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr std::int64_t kUnknownCode = 124;

namespace sar_log {
enum : std::size_t { kUser, kItem, kPlay, kDuration, kTime, kClick, kForward, kLike, kFollow };
}
namespace sar_item {
enum : std::size_t { kId, kAuthor, kType, kUploaded, kUploadType, kCategory };
}

const char* parse_sar_item(const DataSetCells& cells, DataSetVideo& video) {
  video.id = cells.id(sar_item::kId);
  video.author = cells.is_empty(sar_item::kAuthor) ? 0 : cells.id(sar_item::kAuthor);
  video.video_type = cells.text(sar_item::kType);
  video.upload_date = cells.date_or_none(sar_item::kUploaded);
  if (video.upload_date == 19700101) video.upload_date = 0;  // padding, as its description says
  video.upload_type = cells.text(sar_item::kUploadType);
  if (cells.is_empty(sar_item::kCategory)) return nullptr;
  const std::int64_t category = cells.integer(sar_item::kCategory, -kUnknownCode, VideoTable::kNoTag - 1);
  if (category > 0) video.tags = {static_cast<std::uint16_t>(category)};  // 0 is "empty", -124 unknown
  return nullptr;
}

VideoTable read_kuaisar_items(const std::filesystem::path& path, DataSetImport& import) {
  DataSetFile file(
      path, {.data_set = "KuaiSAR",
             .columns = {"item_id", "author_id", "item_type", "upload_time", "upload_type", "first_level_category_id"},
             .needed = 6});
  return import.read_videos(file, "item_features: ", "repeated item_id", parse_sar_item);
}

const char* parse_sar_row(const DataSetCells& cells, DataSetRow& row) {
  row.play_ms = static_cast<std::int32_t>(cells.number(sar_log::kPlay, 0, kMaxSpanMs));
  if (!cells.is_empty(sar_log::kDuration))
    row.duration_ms = static_cast<std::int32_t>(cells.number(sar_log::kDuration, 0, kMaxSpanMs));
  row.time_ms = cells.time_ms(sar_log::kTime, 1.0);
  unsigned bits = signals_of_play(row.play_ms, row.duration_ms) & bit(Signal::kLongView);
  if (cells.flag(sar_log::kClick)) bits |= bit(Signal::kClick);
  if (cells.flag(sar_log::kForward)) bits |= bit(Signal::kForward);
  if (cells.flag(sar_log::kLike)) bits |= bit(Signal::kLike);
  if (cells.flag(sar_log::kFollow)) bits |= bit(Signal::kFollow);
  row.signals = static_cast<SignalBits>(bits);
  return nullptr;
}

}  // namespace

LoadReport import_kuaisar(const std::filesystem::path& path, const std::filesystem::path& out,
                          const LoadOptions& options) {
  constexpr std::array<std::string_view, 1> kLog = {"rec_inter.csv"};
  const std::filesystem::path folder = find_data_set_folder(path, "KuaiSAR", kLog);
  DataSetImport import(out, options);
  import.know_users_of(folder, /*any_columns=*/true);
  if (const auto file = find_data_set_file(folder, "item_features.csv"))
    import.know_videos(read_kuaisar_items(*file, import));
  const DataSetLayout layout{.data_set = "KuaiSAR",
                             .columns = {"user_id", "item_id", "playing_time", "duration_ms", "timestamp", "click",
                                         "forward", "like", "follow"},
                             .needed = 9};
  import.read_log(*find_data_set_file(folder, kLog[0]), layout, sar_log::kUser, sar_log::kItem, parse_sar_row);
  return import.finish(DataSetClock::kTimes);
}

}  // namespace swipegym
