#pragma once

#include <algorithm>
#include <cstdint>

#include "core/curve.h"
#include "core/json_number.h"

namespace swipegym {

/// The curve of a training that counts updates: a line, {update, loss}, every hundredth of them.
class LossCurve {
 public:
  LossCurve(const CurveListener& listener, std::int64_t updates) : listener_(listener), updates_(updates) {
    if (listener.begin)
      listener.begin(
          {{"update", "updates so far", ""}, {"loss", "mean over the updates since the line before", "loss"}}, {});
  }

  /// Of the next update.
  void add(double loss) {
    constexpr std::int64_t kLines = 100;
    sum_ += loss, ++count_, ++update_;
    if (update_ * kLines / updates_ == (update_ - 1) * kLines / updates_) return;
    lines_.push_back({{"update", update_}, {"loss", json_number(sum_ / static_cast<double>(count_))}});
    sum_ = 0.0, count_ = 0;
    if (listener_.add) listener_.add(lines_.back());
  }

  const Json& lines() const noexcept { return lines_; }

 private:
  const CurveListener& listener_;
  std::int64_t updates_, update_ = 0, count_ = 0;
  double sum_ = 0.0;
  Json lines_ = Json::array();
};

}  // namespace swipegym
