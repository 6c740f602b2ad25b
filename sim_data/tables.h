#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sim_data/id_texts.h"

namespace swipegym {

/// One column of user features. Numbers keep their value; text columns hold an index into `categories`.
/// NaN means the cell was empty.
struct FeatureColumn {
  std::string name;
  std::vector<float> value;             // [users]
  std::vector<std::string> categories;  // empty for a numeric column
};

/// user_features_*.csv: row i belongs to UserIndex i.
struct UserTable {
  std::vector<std::int64_t> raw_id;
  IdTexts id_text{};                   // where ids are texts
  std::vector<FeatureColumn> columns;  // in file order, without user_id

  std::size_t size() const noexcept { return raw_id.size(); }
  /// Throws InputError unless every column has a cell a user, and each cell is a number, a category or empty.
  void validate() const;
  /// The column of that name, or nullptr.
  const FeatureColumn* find(std::string_view name) const noexcept {
    for (const FeatureColumn& column : columns)
      if (column.name == name) return &column;
    return nullptr;
  }
};

/// video_features_basic_*.csv: row i belongs to VideoIndex i. Compact, since 27K has 32 million rows.
struct VideoTable {
  std::vector<std::int64_t> raw_id;
  IdTexts id_text{};                        // where ids are texts
  std::vector<std::uint32_t> author;        // dense author index, in order of first appearance
  std::vector<std::int64_t> author_raw_id;  // [authors]
  std::vector<std::uint8_t> video_type;     // index into video_types
  std::vector<std::string> video_types;
  std::vector<std::uint8_t> upload_type;  // index into upload_types
  std::vector<std::string> upload_types;
  std::vector<std::int32_t> upload_date;    // yyyymmdd, 0 when missing
  std::vector<float> duration_ms;           // NaN when missing
  std::vector<std::int16_t> width, height;  // 0 when missing
  std::vector<std::int64_t> music_id;       // 0 when missing
  std::vector<std::int8_t> music_type;      // -1 when missing
  /// KuaiRand's visible_status, -1 where the cell is empty. Empty where the files have no such column or it is 0 in
  /// every row, as in all releases: tables of those keep their bytes and fingerprints.
  std::vector<std::int8_t> visible_status{};
  std::vector<std::uint32_t> tag_offset;  // [videos + 1]; tags of video v are tag[tag_offset[v] .. tag_offset[v+1])
  std::vector<std::uint16_t> tag;         // KuaiRand's tag codes

  std::size_t size() const noexcept { return raw_id.size(); }
  /// Throws InputError unless every column has an entry a video, and indices point into their lists.
  void validate() const;
  std::size_t num_authors() const noexcept { return author_raw_id.size(); }
  static constexpr std::uint16_t kNoTag = std::numeric_limits<std::uint16_t>::max();
  std::uint16_t first_tag(std::size_t video) const noexcept {
    return tag_offset[video] == tag_offset[video + 1] ? kNoTag : tag[tag_offset[video]];
  }
};

}  // namespace swipegym
