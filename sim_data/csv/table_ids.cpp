#include <fmt/format.h>

#include <charconv>

#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/id_map.h"

namespace swipegym {

std::pair<std::size_t, bool> require_id_column(const CsvFile& file, std::string_view name) {
  const std::string marked = fmt::format("{}{}", name, kTextIdMark);
  if (file.find_column(marked) == file.header().size()) return {file.require_column(name), false};
  if (file.find_column(name) != file.header().size())
    throw_at(file.path(), 1, 1, fmt::format("both '{}' and '{}' are here; keep one of them", name, marked));
  return {file.require_column(marked), true};
}

std::string read_id(std::string_view cell, bool is_text, std::int64_t& id) {
  if (is_text) {
    if (!wrong_with_id(cell).empty()) return fmt::format("a text of 1 to {} printable bytes", kMaxIdBytes);
    id = number_of_id(cell);
    return {};
  }
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), id);
  return error != std::errc{} || end != cell.data() + cell.size() || id < 0 ? "an integer >= 0" : "";
}

std::uint64_t drop_repeated(VideoTable& videos) {
  VideoTable kept;
  kept.video_types = std::move(videos.video_types);
  kept.upload_types = std::move(videos.upload_types);
  kept.tag_offset = {0};
  IdMap seen, authors;
  for (std::size_t v = 0; v < videos.size(); ++v) {
    if (seen.find(videos.raw_id[v]) != IdMap::kNone) continue;
    seen.find_or_add(videos.raw_id[v]);
    kept.raw_id.push_back(videos.raw_id[v]);
    if (!videos.id_text.empty()) kept.id_text.add(videos.id_text[v]);
    const std::int64_t author = videos.author_raw_id[videos.author[v]];
    kept.author.push_back(authors.find_or_add(author));
    if (kept.author.back() == kept.author_raw_id.size()) kept.author_raw_id.push_back(author);
    kept.video_type.push_back(videos.video_type[v]);
    kept.upload_type.push_back(videos.upload_type[v]);
    kept.upload_date.push_back(videos.upload_date[v]);
    kept.duration_ms.push_back(videos.duration_ms[v]);
    kept.width.push_back(videos.width[v]), kept.height.push_back(videos.height[v]);
    kept.music_id.push_back(videos.music_id[v]), kept.music_type.push_back(videos.music_type[v]);
    if (!videos.visible_status.empty()) kept.visible_status.push_back(videos.visible_status[v]);
    kept.tag.insert(kept.tag.end(), videos.tag.begin() + videos.tag_offset[v],
                    videos.tag.begin() + videos.tag_offset[v + 1]);
    kept.tag_offset.push_back(static_cast<std::uint32_t>(kept.tag.size()));
  }
  const std::uint64_t dropped = videos.size() - kept.size();
  videos = std::move(kept);
  return dropped;
}

}  // namespace swipegym
