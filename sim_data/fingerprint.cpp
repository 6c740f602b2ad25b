#include "sim_data/fingerprint.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

namespace swipegym {

namespace {

// One step of a multiply-and-fold hash: both halves of the 128-bit product matter.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9E3779B97F4A7C15ULL) * (b ^ 0xD1B54A32D192ED03ULL);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_text(std::uint64_t seed, std::string_view text) noexcept {
  seed = fold(seed, text.size());
  for (const char c : text) seed = fold(seed, static_cast<unsigned char>(c));
  return seed;
}

std::uint64_t hash_texts(std::uint64_t seed, const std::vector<std::string>& texts) {
  seed = fold(seed, texts.size());
  for (const std::string& text : texts) seed = hash_text(seed, text);
  return seed;
}

template <class T>
std::uint64_t word_of(T value) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    // A missing cell is one value, whichever NaN it is.
    return std::isnan(value) ? 0x7FC00000U : std::bit_cast<std::uint32_t>(value);
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

// Four chains hide the multiplier's latency; columns may have 32 million entries.
template <class T>
std::uint64_t hash_values(std::uint64_t seed, const std::vector<T>& values) noexcept {
  std::uint64_t chain[4] = {seed, seed + 1, seed + 2, seed + 3};
  for (std::size_t i = 0; i < values.size(); ++i) chain[i & 3] = fold(chain[i & 3], word_of(values[i]));
  seed = fold(seed, values.size());
  for (const std::uint64_t part : chain) seed = fold(seed, part);
  return seed;
}

}  // namespace

std::uint64_t hash_row(const LogRow& row) noexcept {
  const auto pack = [](std::uint32_t high, std::uint32_t low) { return std::uint64_t{high} << 32 | low; };
  std::uint64_t hash = fold(pack(row.user, row.video), static_cast<std::uint64_t>(row.time_ms));
  hash = fold(hash, pack(static_cast<std::uint32_t>(row.play_ms), static_cast<std::uint32_t>(row.duration_ms)));
  hash = fold(hash, pack(static_cast<std::uint32_t>(row.date), row.source_row));
  hash = fold(hash, std::uint64_t{row.hourmin} << 24 | std::uint64_t{row.tab} << 16 | std::uint64_t{row.signals} << 8 |
                        std::uint64_t{row.is_random});
  return std::isnan(row.propensity) ? hash : fold(hash, word_of(row.propensity));
}

std::uint64_t hash_tables(const UserTable& users, const VideoTable& videos) {
  std::uint64_t hash = hash_values(1, users.raw_id);
  for (const FeatureColumn& column : users.columns) {
    hash = hash_text(hash, column.name);
    hash = hash_values(hash, column.value);
    hash = hash_texts(hash, column.categories);
  }
  hash = hash_values(hash, videos.raw_id);
  hash = hash_values(hash, videos.author);
  hash = hash_values(hash, videos.author_raw_id);
  hash = hash_values(hash, videos.video_type);
  hash = hash_texts(hash, videos.video_types);
  hash = hash_values(hash, videos.upload_type);
  hash = hash_texts(hash, videos.upload_types);
  hash = hash_values(hash, videos.upload_date);
  hash = hash_values(hash, videos.duration_ms);
  hash = hash_values(hash, videos.width);
  hash = hash_values(hash, videos.height);
  hash = hash_values(hash, videos.music_id);
  hash = hash_values(hash, videos.music_type);
  if (!videos.visible_status.empty()) hash = hash_values(hash, videos.visible_status);
  hash = hash_values(hash, videos.tag_offset);
  return hash_values(hash, videos.tag);
}

std::uint64_t combine_fingerprint(std::uint64_t tables, std::uint64_t sum_of_row_hashes, std::uint64_t rows) noexcept {
  return fold(fold(tables, sum_of_row_hashes), rows);
}

std::string fingerprint_text(std::uint64_t fingerprint) {
  return fmt::format("{:016x}", fingerprint);
}

}  // namespace swipegym
