#include "agents/dqn/fresh_maximum.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace swipegym {
namespace {

// Whether the user of row `row` has watched the video, in this session or in the log.
bool was_watched(const Population& population, const TransitionBatch& batch, std::size_t row, std::int32_t video) {
  const std::int32_t* history = &batch.next.history_video[row * batch.history_length];
  if (std::find(history, history + batch.history_length, video) != history + batch.history_length) return true;
  const auto* logged = population.history_video.data();
  const auto first = population.history_offset[batch.user[row]], last = population.history_offset[batch.user[row] + 1];
  return std::find(logged + first, logged + last, static_cast<std::uint32_t>(video)) != logged + last;
}

}  // namespace

void draw_distinct_videos(std::size_t num_videos, std::size_t count, RandomKey key, std::vector<std::int32_t>& videos) {
  count = std::min(count, num_videos);
  videos.resize(count);
  RandomStream random(key);
  if (2 * count >= num_videos) {  // most of them: the head of a shuffle
    std::vector<std::int32_t> all(num_videos);
    std::iota(all.begin(), all.end(), 0);
    if (count < num_videos)
      for (std::size_t i = 0; i < count; ++i)
        std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(num_videos - i))]);
    std::copy_n(all.begin(), count, videos.begin());
    return;
  }
  // Few of them: draw, drop the repeated, draw for those.
  std::size_t have = 0;
  while (have < count) {
    for (std::size_t i = have; i < count; ++i)
      videos[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(num_videos)));
    std::sort(videos.begin(), videos.end());
    have = static_cast<std::size_t>(std::unique(videos.begin(), videos.end()) - videos.begin());
  }
}

void FreshMaximum::run(const ValueModel& model, const ValueNetwork::Work& encoded,
                       const std::vector<std::int32_t>& videos, Pass& pass) {
  assert(model.is_product());
  pass.work.states = encoded.states;
  pass.work.histories.watched = encoded.histories.watched;
  model.network.forward_states(*model.items, pass.work);
  model.network.queries(pass.work, pass.queries, pass.offset);
  pass.work.videos = videos;
  if (model.item_table.size() == 0) {
    model.network.forward_items(*model.items, pass.work);
    pass.items = pass.work.item.output();
    return;
  }
  pass.items.resize(static_cast<Eigen::Index>(videos.size()), model.item_table.cols());
  for (std::size_t i = 0; i < videos.size(); ++i)
    pass.items.row(static_cast<Eigen::Index>(i)) = model.item_table.row(videos[i]);
}

void FreshMaximum::value(const ValueModel& chooser, const ValueModel& judge, const Population& population,
                         const TransitionBatch& batch, const ValueNetwork::Work& encoded, std::span<float> values) {
  run(chooser, encoded, videos_, chooser_);
  scores_.noalias() = chooser_.queries * chooser_.items.transpose();
  chosen_.resize(batch.rows);
  any_.resize(batch.rows);
  constexpr float kSeen = -std::numeric_limits<float>::infinity();
  for (std::size_t row = 0; row < batch.rows; ++row) {
    // The best one was rarely seen before, so only the best one is looked up.
    Eigen::Index best = 0;
    auto scores = scores_.row(static_cast<Eigen::Index>(row));
    while (scores.maxCoeff(&best) > kSeen &&
           was_watched(population, batch, row, videos_[static_cast<std::size_t>(best)]))
      scores(best) = kSeen;
    chosen_[row] = videos_[static_cast<std::size_t>(best)];
    any_[row] = scores(best) > kSeen;
    values[row] = any_[row] ? scores(best) + chooser_.offset[row] : 0.0F;
  }
  judged_apart_ = &judge != &chooser;
  if (!judged_apart_) return;
  run(judge, encoded, chosen_, judge_);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const auto i = static_cast<Eigen::Index>(row);
    if (any_[row]) values[row] = judge_.queries.row(i).dot(judge_.items.row(i)) + judge_.offset[row];
  }
}

}  // namespace swipegym
