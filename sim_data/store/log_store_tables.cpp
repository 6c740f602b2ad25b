#include "sim_data/store/log_store_tables.h"

#include <fmt/format.h>

#include <string>

#include "sim_data/store/column_file.h"

namespace swipegym {

namespace {

// Only where ids are texts, so that other stores keep their bytes.
void write_id_texts(Hdf5Writer& file, const std::string& table, const IdTexts& texts, int threads) {
  if (texts.empty()) return;
  write_column(file, table + "/id_text_offset", texts.offset, threads);
  write_column(file, table + "/id_text", texts.bytes, threads);
}

IdTexts read_id_texts(const Hdf5Reader& file, const std::string& table, int threads) {
  IdTexts texts;
  if (!file.has(table + "/id_text_offset")) return texts;
  texts.offset = read_column<std::uint64_t>(file, table + "/id_text_offset", threads);
  texts.bytes = read_column<std::uint8_t>(file, table + "/id_text", threads);
  return texts;
}

}  // namespace

void write_tables(Hdf5Writer& file, const UserTable& users, const VideoTable& videos, int threads) {
  write_column(file, "users/raw_id", users.raw_id, threads);
  write_id_texts(file, "users", users.id_text, threads);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < users.columns.size(); ++i) {
    names.push_back(users.columns[i].name);
    write_column(file, fmt::format("users/column_{}", i), users.columns[i].value, threads);
    file.write_texts(fmt::format("users/categories_{}", i), users.columns[i].categories);
  }
  file.write_texts("users/columns", names);

  write_column(file, "videos/raw_id", videos.raw_id, threads);
  write_id_texts(file, "videos", videos.id_text, threads);
  write_column(file, "videos/author", videos.author, threads);
  write_column(file, "videos/author_raw_id", videos.author_raw_id, threads);
  write_column(file, "videos/video_type", videos.video_type, threads);
  file.write_texts("videos/video_types", videos.video_types);
  write_column(file, "videos/upload_type", videos.upload_type, threads);
  file.write_texts("videos/upload_types", videos.upload_types);
  write_column(file, "videos/upload_date", videos.upload_date, threads);
  write_column(file, "videos/duration_ms", videos.duration_ms, threads);
  write_column(file, "videos/width", videos.width, threads);
  write_column(file, "videos/height", videos.height, threads);
  write_column(file, "videos/music_id", videos.music_id, threads);
  write_column(file, "videos/music_type", videos.music_type, threads);
  if (!videos.visible_status.empty()) write_column(file, "videos/visible_status", videos.visible_status, threads);
  write_column(file, "videos/tag_offset", videos.tag_offset, threads);
  write_column(file, "videos/tag", videos.tag, threads);
}

void read_tables(const Hdf5Reader& file, UserTable& users, VideoTable& videos, int threads) {
  users.raw_id = read_column<std::int64_t>(file, "users/raw_id", threads);
  users.id_text = read_id_texts(file, "users", threads);
  users.columns.clear();
  for (std::string& name : file.read_texts("users/columns")) {
    const std::size_t i = users.columns.size();
    FeatureColumn column{.name = std::move(name),
                         .value = read_column<float>(file, fmt::format("users/column_{}", i), threads),
                         .categories = file.read_texts(fmt::format("users/categories_{}", i))};
    users.columns.push_back(std::move(column));
  }
  file.check(users);

  videos.raw_id = read_column<std::int64_t>(file, "videos/raw_id", threads);
  videos.id_text = read_id_texts(file, "videos", threads);
  videos.author = read_column<std::uint32_t>(file, "videos/author", threads);
  videos.author_raw_id = read_column<std::int64_t>(file, "videos/author_raw_id", threads);
  videos.video_type = read_column<std::uint8_t>(file, "videos/video_type", threads);
  videos.video_types = file.read_texts("videos/video_types");
  videos.upload_type = read_column<std::uint8_t>(file, "videos/upload_type", threads);
  videos.upload_types = file.read_texts("videos/upload_types");
  videos.upload_date = read_column<std::int32_t>(file, "videos/upload_date", threads);
  videos.duration_ms = read_column<float>(file, "videos/duration_ms", threads);
  videos.width = read_column<std::int16_t>(file, "videos/width", threads);
  videos.height = read_column<std::int16_t>(file, "videos/height", threads);
  videos.music_id = read_column<std::int64_t>(file, "videos/music_id", threads);
  videos.music_type = read_column<std::int8_t>(file, "videos/music_type", threads);
  if (file.has("videos/visible_status"))
    videos.visible_status = read_column<std::int8_t>(file, "videos/visible_status", threads);
  videos.tag_offset = read_column<std::uint32_t>(file, "videos/tag_offset", threads);
  videos.tag = read_column<std::uint16_t>(file, "videos/tag", threads);
  file.check(videos);
}

}  // namespace swipegym
