#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/simulator.h"
#include "policy/value/value_policy.h"
#include "replay/transition_batch.h"

namespace swipegym {

/// `count` distinct videos of [0, num_videos), uniform; all of them when there are fewer.
void draw_distinct_videos(std::size_t num_videos, std::size_t count, RandomKey key, std::vector<std::int32_t>& videos);

/// max over a of Q(s', a) where candidate sets are drawn uniformly anew at every step: any fresh draw of as many videos
/// is as good as the set that s' was offered, so none has to be remembered. With fewer videos than the action space
/// holds it is the restricted maximum that stands in for the full one. Networks must be products
/// (ValueModel::is_product), so that all rows meet the same draw in one matrix product.
class FreshMaximum {
 public:
  /// The videos that stand in for those on offer (draw_distinct_videos).
  void draw(std::size_t num_videos, std::size_t count, RandomKey key) {
    draw_distinct_videos(num_videos, count, key, videos_);
  }

  /// values[i] = Q_judge(s'_i, a*), a* the best drawn video of Q_chooser that s'_i has neither in its history nor in
  /// the user's logged one; 0 where all were seen. The rows' states and histories lie in `encoded`; a judge that is the
  /// chooser gives the plain maximum. A model's item_table is used where it has one.
  void value(const ValueModel& chooser, const ValueModel& judge, const Population& population,
             const TransitionBatch& batch, const ValueNetwork::Work& encoded, std::span<float> values);

  /// The judge's pass over the rows' states in the last value().
  const ValueNetwork::Work& judged() const noexcept { return judged_apart_ ? judge_.work : chooser_.work; }

  const std::vector<std::int32_t>& videos() const noexcept { return videos_; }

 private:
  struct Pass {
    ValueNetwork::Work work;
    Matrix queries, items;
    std::vector<float> offset;
  };
  static void run(const ValueModel& model, const ValueNetwork::Work& encoded, const std::vector<std::int32_t>& videos,
                  Pass& pass);

  std::vector<std::int32_t> videos_, chosen_;
  std::vector<std::uint8_t> any_;  // [rows] whether some drawn video was unseen
  Pass chooser_, judge_;
  bool judged_apart_ = false;  // the judge is not the chooser
  Matrix scores_;              // [rows, videos]
};

}  // namespace swipegym
