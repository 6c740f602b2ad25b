#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/fitted/feature_encoder.h"
#include "env/fitted/fit_log.h"
#include "env/user_history.h"

namespace swipegym {

/// What rows added so far tell of a video: how often the platform chose it beside the catalogue's mean, and shrunk mean
/// residuals (see ResponseCells) of the video, its author and its first tag. Added day by day while training features
/// are made, so that a row's statistics come from strictly earlier days.
class ItemStatistics {
 public:
  explicit ItemStatistics(const FeatureEncoder& encoder);
  void add(std::uint32_t video, const HistoryEvent& event, bool random) { change(video, event, random, 1.0F); }
  /// The row at this place of the log, and that it was never there.
  void add(const FitLog& log, std::uint64_t at) { change(log, at, 1.0F); }
  void remove(const FitLog& log, std::uint64_t at) { change(log, at, -1.0F); }
  void features(std::uint32_t video, std::span<float> out) const noexcept;  // kItemDense numbers
  std::vector<float> all_features() const;                                  // [videos, kItemDense]

 private:
  /// Of the logarithm of standard exposures and of kExposurePrior beside that of their mean: 0 on the first day, when
  /// nothing is known, and on the same scale on the last, however long the log. Random exposures do not count: they say
  /// nothing of what the platform thinks, and there are more of them.
  float exposures(std::uint32_t video) const noexcept;

  void change(const FitLog& log, std::uint64_t at, float by);
  void change(std::uint32_t video, const HistoryEvent& event, bool random, float by);

  struct Sums {
    float count = 0, level = 0, click = 0, long_view = 0, like = 0, profile = 0, other = 0, hate = 0;
  };
  const FeatureEncoder* encoder_;
  std::vector<Sums> video_, author_, tag_;
  std::vector<float> standard_;  // [videos] standard exposures
  double all_standard_ = 0.0;
};

/// From all rows of the fold.
ItemStatistics statistics_at_end(const FitLog& log);

}  // namespace swipegym
