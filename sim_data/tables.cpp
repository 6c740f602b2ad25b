#include "sim_data/tables.h"

#include <fmt/format.h>

#include <cmath>

#include "core/validate.h"
#include "sim_data/log_limits.h"

namespace swipegym {

namespace {

// Index of the first value that is neither good nor NaN, or the number of values.
template <class Good>
std::size_t first_bad(const std::vector<float>& values, const Good& good) {
  unsigned bad = 0;
  for (const float value : values) bad |= static_cast<unsigned>(value == value) & static_cast<unsigned>(!good(value));
  std::size_t at = bad == 0 ? values.size() : 0;
  while (at < values.size() && (std::isnan(values[at]) || good(values[at]))) ++at;
  return at;
}

template <class Good>
void require_or_empty(const std::string& name, const std::vector<float>& values, const Good& good,
                      const std::string& expected) {
  if (const std::size_t at = first_bad(values, good); at < values.size())
    detail::throw_invalid(name, at, values[at], expected + ", or NaN for an empty cell");
}

// Where ids are texts there is one a row, and the row's number is the text's.
void require_ids(const std::string& table, const IdTexts& texts, const std::vector<std::int64_t>& raw_id) {
  if (texts.empty()) return;
  require_offsets(table + "/id_text_offset", std::span(texts.offset), raw_id.size(), texts.bytes.size());
  for (std::size_t row = 0; row < raw_id.size(); ++row)
    if (const std::string_view wrong = wrong_with_id(texts[row]); !wrong.empty())
      throw InputError(fmt::format("{}/id_text: the id of row {} is {}", table, row, wrong));
    else if (raw_id[row] != number_of_id(texts[row]))
      detail::throw_invalid(table + "/raw_id", row, raw_id[row], "the number of the row's id text");
}

}  // namespace

void UserTable::validate() const {
  require_ids("users", id_text, raw_id);
  for (const FeatureColumn& column : columns) {
    const std::string name = fmt::format("users: column '{}'", column.name);
    require_size(name, column.value.size(), size());
    const auto categories = static_cast<float>(column.categories.size());
    if (column.categories.empty())
      require_or_empty(
          name, column.value, [](float v) { return std::abs(v) <= std::numeric_limits<float>::max(); },
          "a finite number");
    else
      require_or_empty(
          name, column.value, [categories](float v) { return v >= 0.0F && v < categories && v == std::floor(v); },
          fmt::format("an index below {}", column.categories.size()));
  }
}

void VideoTable::validate() const {
  require_ids("videos", id_text, raw_id);
  const auto sized = [&](std::string_view name, std::size_t entries) { require_size(name, entries, size()); };
  sized("videos/author", author.size()), sized("videos/video_type", video_type.size());
  sized("videos/upload_type", upload_type.size()), sized("videos/upload_date", upload_date.size());
  sized("videos/duration_ms", duration_ms.size()), sized("videos/width", width.size());
  sized("videos/height", height.size()), sized("videos/music_id", music_id.size());
  sized("videos/music_type", music_type.size());
  require_below("videos/author", std::span(author), num_authors());
  require_below("videos/video_type", std::span(video_type), video_types.size());
  require_below("videos/upload_type", std::span(upload_type), upload_types.size());
  for (std::size_t v = 0; v < size(); ++v)
    if (upload_date[v] != 0 && !is_date(upload_date[v]))
      detail::throw_invalid("videos/upload_date", v, upload_date[v], "a date yyyymmdd, or 0 where it is missing");
  require_or_empty(
      "videos/duration_ms", duration_ms, [](float v) { return v >= 0.0F && v <= static_cast<float>(kMaxSpanMs); },
      "milliseconds from 0 to 1000000000");
  require_between("videos/width", std::span(width), std::int16_t{0}, std::numeric_limits<std::int16_t>::max());
  require_between("videos/height", std::span(height), std::int16_t{0}, std::numeric_limits<std::int16_t>::max());
  require_between("videos/music_type", std::span(music_type), std::int8_t{-1}, std::numeric_limits<std::int8_t>::max());
  if (!visible_status.empty()) {
    sized("videos/visible_status", visible_status.size());
    require_between("videos/visible_status", std::span(visible_status), std::int8_t{-1},
                    std::numeric_limits<std::int8_t>::max());
  }
  require_offsets("videos/tag_offset", std::span(tag_offset), size(), tag.size());
}

}  // namespace swipegym
