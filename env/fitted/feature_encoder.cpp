#include "env/fitted/feature_encoder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/validate.h"
#include "env/simulator.h"
#include "sim_data/days_off.h"

namespace swipegym {

namespace {

constexpr std::size_t kRareUsers = 150, kRareVideos = 15;
constexpr std::size_t kMaxRowsOfColumn = 400;

// Gives each frequent value of a column a row; rare and missing values share the column's first.
std::vector<std::uint32_t> rows_of(const std::vector<double>& values, std::size_t rare, std::uint32_t& next_row) {
  std::map<double, std::size_t> counts;
  for (const double value : values)
    if (!std::isnan(value)) ++counts[value];
  std::vector<std::pair<std::size_t, double>> frequent;
  for (const auto& [value, count] : counts)
    if (count >= rare) frequent.emplace_back(count, value);
  std::sort(frequent.begin(), frequent.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  if (frequent.size() > kMaxRowsOfColumn) frequent.resize(kMaxRowsOfColumn);
  const std::uint32_t rare_row = next_row++;
  std::map<double, std::uint32_t> row;
  for (const auto& [count, value] : frequent) row[value] = next_row++;
  std::vector<std::uint32_t> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto found = std::isnan(values[i]) ? row.end() : row.find(values[i]);
    out[i] = found == row.end() ? rare_row : found->second;
  }
  return out;
}

float scaled_log(float value, float scale) {
  return std::isnan(value) || value < 0.0F ? 0.0F : std::log1p(value) / scale - 0.5F;
}

}  // namespace

std::size_t FeatureEncoder::bucket(std::int32_t duration_ms) noexcept {
  // 3 s to 600 s in equal steps of the logarithm.
  const float x = std::log(std::max(static_cast<float>(duration_ms), 1.0F) / 3000.0F) / std::log(200.0F);
  return static_cast<std::size_t>(std::clamp(x * (kBuckets - 1) + 0.5F, 0.0F, static_cast<float>(kBuckets - 1)));
}

std::size_t FeatureEncoder::hour(std::int64_t time_ms) noexcept {
  const std::int64_t hours = time_ms / 3600000 + 8;
  return static_cast<std::size_t>(((hours % 24) + 24) % 24);
}

std::size_t FeatureEncoder::moment(std::int64_t time_ms) noexcept {
  return hour(time_ms) + (is_day_off(day_of_time(time_ms)) ? kHours : 0);
}

std::array<std::uint32_t, kContextCodes> FeatureEncoder::context_rows(std::uint8_t tab, std::int64_t time_ms,
                                                                      std::int32_t duration_ms,
                                                                      bool random) const noexcept {
  constexpr auto kADay = static_cast<std::uint32_t>(kHours);
  const auto moment_now = static_cast<std::uint32_t>(moment(time_ms));
  return {tab_row + std::min<std::uint32_t>(tab, kTabs - 1), hour_row + moment_now % kADay,
          off_row + moment_now / kADay, kind_row + (random ? 1U : 0U),
          tab_duration_row + static_cast<std::uint32_t>(tab_class(tab) * kBuckets + bucket(duration_ms))};
}

FeatureEncoder encode_features(const Dataset& data) {
  FeatureEncoder out;
  const std::size_t users = data.users.size(), videos = data.videos.size();
  std::uint32_t next_row = 0;

  // The columns with numbers on a long scale enter as logarithms; the rest as categories, up to kUserCodes.
  out.user_code.assign(users * kUserCodes, 0);
  out.user_dense.assign(users * kUserDense, 0.0F);
  const std::uint32_t nothing = next_row++;  // what unused code slots point at; its row stays zero in effect
  std::fill(out.user_code.begin(), out.user_code.end(), static_cast<std::uint16_t>(nothing));
  const char* const on_log_scale[kUserDense] = {"follow_user_num", "fans_user_num", "friend_user_num", "register_days"};
  std::size_t used = 0;
  for (const FeatureColumn& column : data.users.columns) {
    const auto* log_column = std::find(std::begin(on_log_scale), std::end(on_log_scale), column.name);
    if (log_column != std::end(on_log_scale)) {
      const auto at = static_cast<std::size_t>(log_column - std::begin(on_log_scale));
      for (std::size_t u = 0; u < users; ++u) out.user_dense[u * kUserDense + at] = scaled_log(column.value[u], 8.0F);
      continue;
    }
    const bool of_a_log = column.name.ends_with("_range");  // a coarser copy of a column above
    if (used == kUserCodes ||
        (of_a_log && column.name != "register_days_range" && column.name != "fans_user_num_range"))
      continue;
    const std::vector<double> values(column.value.begin(), column.value.end());
    const std::vector<std::uint32_t> rows = rows_of(values, kRareUsers, next_row);
    for (std::size_t u = 0; u < users; ++u) out.user_code[u * kUserCodes + used] = static_cast<std::uint16_t>(rows[u]);
    ++used;
  }

  out.video_code.assign(videos * kVideoCodes, static_cast<std::uint16_t>(nothing));
  out.video_dense.assign(videos * kVideoDense, 0.0F);
  out.video_tag.resize(videos);
  out.video_author = data.videos.author;
  const VideoTable& table = data.videos;
  const auto add_code = [&](std::size_t slot, auto value_of) {
    std::vector<double> values(videos);
    for (std::size_t v = 0; v < videos; ++v) values[v] = value_of(v);
    const std::vector<std::uint32_t> rows = rows_of(values, kRareVideos, next_row);
    for (std::size_t v = 0; v < videos; ++v)
      out.video_code[v * kVideoCodes + slot] = static_cast<std::uint16_t>(rows[v]);
  };
  const auto nth_tag = [&](std::size_t v, std::size_t n) {
    return table.tag_offset[v] + n < table.tag_offset[v + 1] ? static_cast<double>(table.tag[table.tag_offset[v] + n])
                                                             : std::nan("");
  };
  add_code(0, [&](std::size_t v) { return static_cast<double>(table.video_type[v]); });
  add_code(1, [&](std::size_t v) { return static_cast<double>(table.upload_type[v]); });
  add_code(2, [&](std::size_t v) { return static_cast<double>(table.upload_date[v]); });
  add_code(3, [&](std::size_t v) { return static_cast<double>(table.music_type[v]); });
  add_code(4, [&](std::size_t v) { return nth_tag(v, 0); });
  add_code(5, [&](std::size_t v) { return nth_tag(v, 1); });
  add_code(6, [&](std::size_t v) { return table.height[v] > table.width[v] ? 1.0 : table.width[v] > 0 ? 0.0 : 2.0; });
  add_code(7, [&](std::size_t v) {  // nine fine steps of duration, so that videos of like length share a row
    return std::isnan(table.duration_ms[v]) ? std::nan("")
                                            : static_cast<double>(FeatureEncoder::bucket(
                                                  static_cast<std::int32_t>(std::min(table.duration_ms[v], 1.0e8F))));
  });
  for (std::size_t v = 0; v < videos; ++v) {
    const float seconds = std::isnan(table.duration_ms[v]) ? 33.0F : std::max(table.duration_ms[v], 1.0F) / 1000.0F;
    float* dense = out.video_dense.data() + v * kVideoDense;
    dense[0] = (std::log(seconds) - 3.5F) / 1.5F;
    dense[1] = dense[0] * dense[0] - 1.0F;
    dense[2] = std::isnan(table.duration_ms[v]) ? 1.0F : 0.0F;
    dense[3] = table.width[v] > 0
                   ? std::log(static_cast<float>(table.height[v] + 1) / static_cast<float>(table.width[v] + 1))
                   : 0.0F;
    const std::uint16_t tag = table.first_tag(v);
    out.video_tag[v] = tag;
  }

  out.tab_row = next_row, next_row += FeatureEncoder::kTabs;
  out.hour_row = next_row, next_row += FeatureEncoder::kHours;
  out.off_row = next_row, next_row += 2;
  out.kind_row = next_row, next_row += 2;
  out.tab_duration_row = next_row, next_row += kTabClasses * FeatureEncoder::kBuckets;
  out.table_rows = next_row;
  if (next_row > 65535)
    throw InputError("the feature tables have " + std::to_string(next_row) + " frequent categories, more than 65535");
  return out;
}

void FeatureEncoder::save(Hdf5Writer& file) const {
  file.write("encoder/user_code", user_code);
  file.write("encoder/video_code", video_code);
  file.write("encoder/user_dense", user_dense);
  file.write("encoder/video_dense", video_dense);
  file.write("encoder/video_tag", video_tag);
  file.write("encoder/video_author", video_author);
  file.write("encoder/rows",
             std::vector<std::uint32_t>{table_rows, tab_row, hour_row, kind_row, tab_duration_row, off_row});
}

FeatureEncoder FeatureEncoder::load(const Hdf5Reader& file) {
  FeatureEncoder out;
  out.user_code = file.read<std::uint16_t>("encoder/user_code");
  out.video_code = file.read<std::uint16_t>("encoder/video_code");
  out.user_dense = file.read<float>("encoder/user_dense");
  out.video_dense = file.read<float>("encoder/video_dense");
  out.video_tag = file.read<std::uint32_t>("encoder/video_tag");
  out.video_author = file.read<std::uint32_t>("encoder/video_author");
  const auto rows = file.read_array<std::uint32_t, 6>("encoder/rows");
  out.table_rows = rows[0], out.tab_row = rows[1], out.hour_row = rows[2], out.kind_row = rows[3];
  out.tab_duration_row = rows[4], out.off_row = rows[5];
  return file.checked(std::move(out));
}

void FeatureEncoder::validate() const {
  const std::size_t users = num_users(), videos = num_videos();
  require_size("encoder/user_code", user_code.size(), users * kUserCodes);
  require_size("encoder/video_code", video_code.size(), videos * kVideoCodes);
  require_size("encoder/user_dense", user_dense.size(), users * kUserDense);
  require_size("encoder/video_dense", video_dense.size(), videos * kVideoDense);
  require_size("encoder/video_tag", video_tag.size(), videos);
  require_size("encoder/video_author", video_author.size(), videos);
  require_below("encoder/user_code", std::span(user_code), table_rows);
  require_below("encoder/video_code", std::span(video_code), table_rows);
  require_between("encoder/user_dense", std::span(user_dense), -kLargestFeature, kLargestFeature);
  require_between("encoder/video_dense", std::span(video_dense), -kLargestFeature, kLargestFeature);
  require_below("encoder/video_tag", std::span(video_tag), std::uint64_t{VideoTable::kNoTag} + 1);
  require_below("encoder/video_author", std::span(video_author), videos);
  const auto require_rows = [&](std::string_view name, std::uint64_t first, std::uint64_t count) {
    require_that(name, first + count <= table_rows, "rows of the table");
  };
  require_that("encoder/rows", table_rows <= 65535, "at most 65535 rows of the table");
  require_rows("encoder/rows: tabs", tab_row, kTabs);
  require_rows("encoder/rows: hours", hour_row, kHours);
  require_rows("encoder/rows: days off", off_row, 2);
  require_rows("encoder/rows: kinds of exposure", kind_row, 2);
  require_rows("encoder/rows: tabs and durations", tab_duration_row, kTabClasses * kBuckets);
}

}  // namespace swipegym
