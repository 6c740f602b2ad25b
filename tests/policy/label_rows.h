#pragma once

#include <vector>

#include "core/random.h"
#include "policy/label/label_network.h"

namespace swipegym::test {

/// Random rows with histories of 0 to 4 videos, some unknown, and statistics; cut into shards of `shard_rows`.
inline std::vector<LabelRows> random_label_rows(const LabelInputs& inputs, std::size_t rows, std::size_t shard_rows,
                                                std::uint64_t seed) {
  RandomStream random(make_key(seed));
  const auto draw = [&](std::size_t count) {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(count) + 1)) - 1;
  };
  std::vector<LabelRows> shards;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % shard_rows == 0) {
      const auto n = static_cast<Eigen::Index>(std::min(shard_rows, rows - row));
      shards.emplace_back();
      shards.back().user_statistics.setZero(n, static_cast<Eigen::Index>(inputs.user_statistics));
      shards.back().video_statistics.setZero(n, static_cast<Eigen::Index>(inputs.video_statistics));
    }
    LabelRows& shard = shards.back();
    const auto at = static_cast<Eigen::Index>(shard.size());
    for (Matrix* values : {&shard.user_statistics, &shard.video_statistics})
      for (Eigen::Index j = 0; j < values->cols(); ++j) (*values)(at, j) = random.uniform() - 0.5F;
    shard.user.push_back(draw(inputs.users)), shard.video.push_back(draw(inputs.videos));
    shard.bucket.push_back(draw(kDurationBuckets)), shard.tag.push_back(draw(inputs.tags));
    const auto begin = static_cast<std::uint32_t>(shard.history_video.size());
    for (std::uint32_t j = random.below(5); j > 0; --j) {
      shard.history_video.push_back(draw(inputs.videos));
      shard.history_bucket.push_back(draw(kDurationBuckets));
      shard.history_tag.push_back(draw(inputs.tags));
    }
    shard.history.push_back({begin, static_cast<std::uint32_t>(shard.history_video.size())});
  }
  return shards;
}

}  // namespace swipegym::test
