#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/user_history.h"
#include "sim_data/dataset.h"

namespace swipegym {

inline constexpr std::size_t kUserCodes = 24;  // table rows a user adds up in the first layer
inline constexpr std::size_t kVideoCodes = 8;
inline constexpr std::size_t kContextCodes = 5;
inline constexpr std::size_t kUserDense = 4;
inline constexpr std::size_t kVideoDense = 4;
inline constexpr std::size_t kItemDense = 14;                     // causal item statistics, see ItemStatistics
inline constexpr std::size_t kItemExposures = 0, kItemLevel = 1;  // of them: how often, and how it was watched
inline constexpr std::size_t kVideoLength = 0;                    // of video_dense: the logarithm of the duration
inline constexpr std::size_t kDenseFeatures = kHistoryFeatures + kUserDense + kVideoDense + kItemDense;

/// Turns the feature tables into rows of one shared embedding table and a few dense numbers. What the columns meant is
/// needed only here: a fitted simulator carries the codes of its users and videos.
struct FeatureEncoder {
  std::uint32_t table_rows = 0;
  std::vector<std::uint16_t> user_code;   // [users, kUserCodes]
  std::vector<std::uint16_t> video_code;  // [videos, kVideoCodes]
  std::vector<float> user_dense;          // [users, kUserDense]
  std::vector<float> video_dense;         // [videos, kVideoDense]
  std::vector<std::uint32_t> video_tag;   // [videos] dense first tag, for histories
  std::vector<std::uint32_t> video_author;
  std::uint32_t tab_row = 0;           // row of tab t is tab_row + min(t, kTabs - 1)
  std::uint32_t hour_row = 0;          // row of hour h (China time) is hour_row + h
  std::uint32_t off_row = 0;           // off_row: a working day, off_row + 1: a day off
  std::uint32_t kind_row = 0;          // kind_row: standard exposure, kind_row + 1: random
  std::uint32_t tab_duration_row = 0;  // row of (tab class, duration bucket)

  static constexpr std::size_t kTabs = 16, kHours = 24, kMoments = 2 * kHours, kBuckets = 24;

  std::size_t num_users() const noexcept { return user_code.size() / kUserCodes; }
  std::size_t num_videos() const noexcept { return video_code.size() / kVideoCodes; }
  static std::size_t bucket(std::int32_t duration_ms) noexcept;
  static std::size_t hour(std::int64_t time_ms) noexcept;  // UTC + 8, KuaiRand's clock
  /// The hour, plus kHours on a day off work.
  static std::size_t moment(std::int64_t time_ms) noexcept;
  /// Rows that depend on the exposure rather than on user or video alone.
  std::array<std::uint32_t, kContextCodes> context_rows(std::uint8_t tab, std::int64_t time_ms,
                                                        std::int32_t duration_ms, bool random) const noexcept;

  /// Throws InputError unless the columns agree and name rows of the table.
  void validate() const;
  void save(Hdf5Writer& file) const;
  static FeatureEncoder load(const Hdf5Reader& file);
};

/// Encodes the tables of `data`; categories seen by fewer than a handful of users or videos share a row.
FeatureEncoder encode_features(const Dataset& data);

}  // namespace swipegym
