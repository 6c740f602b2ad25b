#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "sim_data/csv/csv_file.h"
#include "sim_data/csv/log_writer.h"

namespace swipegym {

namespace {

constexpr std::size_t kFlushBytes = 1 << 20;

// The shortest text that reads back as the same float; whole numbers without a point, or with ".0" as pandas writes
// columns that have gaps.
void put_number(std::string& out, float value, bool point_zero) {
  if (std::isnan(value)) return;
  if (value == std::floor(value) && std::fabs(value) < 1e9F) {
    fmt::format_to(std::back_inserter(out), "{}{}", static_cast<std::int64_t>(value), point_zero ? ".0" : "");
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void flush(OutputFile& file, std::string& out, std::size_t limit) {
  if (out.size() < limit) return;
  file.write(out);
  out.clear();
}

}  // namespace

void write_user_csv(const std::filesystem::path& path, const UserTable& users) {
  OutputFile file(path);
  std::string out = "user_id";
  if (!users.id_text.empty()) out += kTextIdMark;
  for (const FeatureColumn& column : users.columns) {
    out += ',';
    append_csv_text(out, column.name);
  }
  out += '\n';
  for (std::size_t user = 0; user < users.size(); ++user) {
    append_id(out, users, user);
    for (const FeatureColumn& column : users.columns) {
      out += ',';
      if (column.categories.empty()) {
        put_number(out, column.value[user], false);
      } else if (!std::isnan(column.value[user])) {
        append_csv_text(out, column.categories[static_cast<std::size_t>(column.value[user])]);
      }
    }
    out += '\n';
    flush(file, out, kFlushBytes);
  }
  flush(file, out, 0);
  file.commit();
}

void write_video_csv(const std::filesystem::path& path, const VideoTable& videos) {
  OutputFile file(path);
  std::string out = "video_id";
  if (!videos.id_text.empty()) out += kTextIdMark;
  out +=
      ",author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
      "music_id,music_type,tag\n";
  const auto put = [&]<class... T>(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(out), format, std::forward<T>(values)...);
  };
  for (std::size_t v = 0; v < videos.size(); ++v) {
    append_id(out, videos, v);
    put(",{},", videos.author_raw_id[videos.author[v]]);
    append_csv_text(out, videos.video_types[videos.video_type[v]]);
    const std::int32_t date = videos.upload_date[v];
    out += ',';
    if (date != 0) put("{:04}-{:02}-{:02}", date / 10000, date / 100 % 100, date % 100);
    out += ',';
    append_csv_text(out, videos.upload_types[videos.upload_type[v]]);
    const int visible = videos.visible_status.empty() ? 0 : videos.visible_status[v];
    out += ',';
    if (visible >= 0) put("{}.0", visible);
    out += ',';
    put_number(out, videos.duration_ms[v], true);
    out += ',';
    if (videos.width[v] != 0) put("{}.0", videos.width[v]);
    out += ',';
    if (videos.height[v] != 0) put("{}.0", videos.height[v]);
    put(",{},", videos.music_id[v]);
    if (videos.music_type[v] >= 0) put("{}.0", videos.music_type[v]);
    out += ',';
    const std::uint32_t first = videos.tag_offset[v], last = videos.tag_offset[v + 1];
    if (last - first > 1) out += '"';
    for (std::uint32_t t = first; t < last; ++t) put("{}{}", t == first ? "" : ",", videos.tag[t]);
    if (last - first > 1) out += '"';
    out += '\n';
    flush(file, out, kFlushBytes);
  }
  flush(file, out, 0);
  file.commit();
}

}  // namespace swipegym
