#include "sim_data/log_store_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "core/error.h"
#include "sim_data/column_file.h"

namespace swipegym {

namespace {

void check(bool good, const Hdf5Reader& file, std::string_view what) {
  if (!good) throw InputError(fmt::format("{}: {} are damaged; make the file again", file.path().string(), what));
}

template <class T>
bool all_below(const std::vector<T>& values, std::size_t bound) {
  return std::all_of(values.begin(), values.end(), [&](T value) { return value < bound; });
}

// Only where ids are texts, so that other stores keep their bytes.
void write_id_texts(Hdf5Writer& file, const std::string& table, const IdTexts& texts, int threads) {
  if (texts.empty()) return;
  write_column(file, table + "/id_text_offset", texts.offset, threads);
  write_column(file, table + "/id_text", texts.bytes, threads);
}

IdTexts read_id_texts(const Hdf5Reader& file, const std::string& table, const std::vector<std::int64_t>& raw_id,
                      int threads) {
  IdTexts texts;
  if (!file.has(table + "/id_text_offset")) return texts;
  texts.offset = read_column<std::uint64_t>(file, table + "/id_text_offset", threads);
  texts.bytes = read_column<std::uint8_t>(file, table + "/id_text", threads);
  bool good = texts.offset.size() == raw_id.size() + 1 && texts.offset.front() == 0 &&
              texts.offset.back() == texts.bytes.size() && std::is_sorted(texts.offset.begin(), texts.offset.end());
  for (std::size_t i = 0; good && i < raw_id.size(); ++i)
    good = wrong_with_id(texts[i]).empty() && raw_id[i] == number_of_id(texts[i]);
  check(good, file, "the ids of the " + table);
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
  write_column(file, "videos/tag_offset", videos.tag_offset, threads);
  write_column(file, "videos/tag", videos.tag, threads);
}

void read_tables(const Hdf5Reader& file, UserTable& users, VideoTable& videos, int threads) {
  users.raw_id = read_column<std::int64_t>(file, "users/raw_id", threads);
  users.id_text = read_id_texts(file, "users", users.raw_id, threads);
  users.columns.clear();
  for (std::string& name : file.read_texts("users/columns")) {
    const std::size_t i = users.columns.size();
    FeatureColumn column{.name = std::move(name),
                         .value = read_column<float>(file, fmt::format("users/column_{}", i), threads),
                         .categories = file.read_texts(fmt::format("users/categories_{}", i))};
    const auto categories = static_cast<float>(column.categories.size());
    check(column.value.size() == users.size() &&
              (column.categories.empty() ||
               std::all_of(column.value.begin(), column.value.end(),
                           [&](float v) { return std::isnan(v) || (v >= 0.0F && v < categories); })),
          file, "the users");
    users.columns.push_back(std::move(column));
  }

  videos.raw_id = read_column<std::int64_t>(file, "videos/raw_id", threads);
  videos.id_text = read_id_texts(file, "videos", videos.raw_id, threads);
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
  videos.tag_offset = read_column<std::uint32_t>(file, "videos/tag_offset", threads);
  videos.tag = read_column<std::uint16_t>(file, "videos/tag", threads);
  const std::size_t n = videos.size();
  for (const std::size_t size : {videos.author.size(), videos.video_type.size(), videos.upload_type.size(),
                                 videos.upload_date.size(), videos.duration_ms.size(), videos.width.size(),
                                 videos.height.size(), videos.music_id.size(), videos.music_type.size()})
    check(size == n, file, "the videos");
  check(all_below(videos.author, videos.num_authors()) && all_below(videos.video_type, videos.video_types.size()) &&
            all_below(videos.upload_type, videos.upload_types.size()) && videos.tag_offset.size() == n + 1 &&
            videos.tag_offset.front() == 0 && videos.tag_offset.back() == videos.tag.size() &&
            std::is_sorted(videos.tag_offset.begin(), videos.tag_offset.end()),
        file, "the videos");
}

}  // namespace swipegym
