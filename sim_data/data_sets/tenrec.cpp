#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "sim_data/csv/interactions_csv.h"
#include "sim_data/data_sets/data_set_import.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 3> kTenrecLogs = {"QB-video.csv", "QK-video.csv", "ctr_data_1M.csv"};

namespace ten_log {
enum : std::size_t { kUser, kItem, kClick, kFollow, kLike, kShare, kCategory, kTimes, kGender, kAge };
}

// They share users, so one at a time is read.
std::filesystem::path one_tenrec_log(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return path;
  const std::filesystem::path folder = find_data_set_folder(path, "Tenrec", kTenrecLogs);
  std::filesystem::path found;
  for (const std::string_view name : kTenrecLogs) {
    const auto file = find_data_set_file(folder, name);
    if (file && !found.empty())
      throw InputError(fmt::format("{} and {} are logs of one platform's users; give one of these files",
                                   found.string(), file->string()));
    if (file) found = *file;
  }
  return found;
}

const char* parse_tenrec_row(const DataSetCells& cells, DataSetRow& row) {
  const bool click = cells.flag(ten_log::kClick);
  const std::int64_t times =
      cells.is_empty(ten_log::kTimes) ? 0 : cells.integer(ten_log::kTimes, 0, kMaxSpanMs / kAssumedDurationMs);
  row.duration_ms = kAssumedDurationMs;
  row.play_ms = click ? static_cast<std::int32_t>(std::max<std::int64_t>(times, 1)) * kAssumedDurationMs : 0;
  unsigned bits = click ? bit(Signal::kClick) | bit(Signal::kLongView) : 0U;
  if (cells.flag(ten_log::kFollow)) bits |= bit(Signal::kFollow);
  if (cells.flag(ten_log::kLike)) bits |= bit(Signal::kLike);
  if (cells.flag(ten_log::kShare)) bits |= bit(Signal::kForward);
  row.signals = static_cast<SignalBits>(bits);
  if (!cells.is_empty(ten_log::kCategory))
    row.tag = static_cast<std::uint16_t>(cells.integer(ten_log::kCategory, 0, VideoTable::kNoTag - 1));
  row.about_user = {static_cast<float>(cells.number_or_nan(ten_log::kGender, 0, 1e6)),
                    static_cast<float>(cells.number_or_nan(ten_log::kAge, 0, 1e6))};
  return nullptr;
}

}  // namespace

LoadReport import_tenrec(const std::filesystem::path& path, const std::filesystem::path& out,
                         const LoadOptions& options) {
  DataSetImport import(out, options);
  import.name_user_facts({"gender", "age"});
  import.assume("no duration, 10 s assumed, watched where clicked");
  const DataSetLayout layout{.data_set = "Tenrec",
                             .columns = {"user_id", "item_id", "click", "follow", "like", "share", "video_category",
                                         "watching_times", "gender", "age"},
                             .needed = 10};
  import.read_log(one_tenrec_log(path), layout, ten_log::kUser, ten_log::kItem, parse_tenrec_row);
  return import.finish(DataSetClock::kOrder);
}

}  // namespace swipegym
