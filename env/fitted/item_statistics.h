#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/fitted/feature_encoder.h"
#include "env/user_history.h"

namespace swipegym {

/// Shrunk mean residuals (see ResponseCells) of a video, its author and its first tag, from rows added so far. Added
/// day by day while training features are made, so that a row's statistics come from strictly earlier days.
class ItemStatistics {
 public:
  explicit ItemStatistics(const FeatureEncoder& encoder);
  void add(std::uint32_t video, const HistoryEvent& event, bool random);
  void features(std::uint32_t video, std::span<float> out) const noexcept;  // kItemDense numbers
  std::vector<float> all_features() const;                                  // [videos, kItemDense]

 private:
  struct Sums {
    float count = 0, random = 0, level = 0, click = 0, long_view = 0, like = 0, profile = 0, other = 0, hate = 0;
  };
  const FeatureEncoder* encoder_;
  std::vector<Sums> video_, author_, tag_;
};

}  // namespace swipegym
