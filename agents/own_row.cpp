#include "agents/own_row.h"

#include <algorithm>
#include <cmath>

#include "env/catalogue.h"
#include "policy/item_inputs.h"

namespace swipegym {
namespace {

// A mean of `count` values and `strength` pseudo-values, once `value` is no longer one of them.
float mean_without(float mean, float count, float strength, float value) noexcept {
  return (mean * (count + strength) - value) / (count - 1.0F + strength);
}

}  // namespace

OwnRow::OwnRow(const Dataset& data, std::int32_t until) : data_(data), until_(until) {
  for (Counts* counts : {&users_, &videos_}) {
    const std::size_t size = counts == &users_ ? data.users.size() : data.videos.size();
    counts->rows.assign(size, 0.0F), counts->timed.assign(size, 0.0F);
  }
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.date[row] > until) continue;
    const std::size_t user = index_of(log.user[row]), video = index_of(log.video[row]);
    users_.rows[user] += 1.0F, videos_.rows[video] += 1.0F;
    if (log.duration_ms[row] > 0) users_.timed[user] += 1.0F, videos_.timed[video] += 1.0F;
  }
}

void OwnRow::leave_out(std::size_t row, float* user, float* video, float* derived) const noexcept {
  const Log& log = data_.log;
  if (log.date[row] > until_) return;
  const std::size_t u = index_of(log.user[row]), v = index_of(log.video[row]);
  const float click = has(log.signals[row], Signal::kClick) ? 1.0F : 0.0F;
  const float like = has(log.signals[row], Signal::kLike) ? 1.0F : 0.0F;
  if (log.duration_ms[row] > 0) {
    const float ratio =
        std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]), kRatioClip);
    user[kUserMeanRatio] = mean_without(user[kUserMeanRatio], users_.timed[u], kUserShrinkage, ratio);
    const float mean = mean_without(video[kVideoMeanRatio], videos_.timed[v], kShrinkage, ratio);
    const float duration_s = std::exp(1.5F * video[kVideoLogDuration] + 3.5F);
    derived[kItemMeanSeconds] = mean * duration_s / 20.0F;
    video[kVideoMeanRatio] = mean;
  }
  user[kUserClickRate] = mean_without(user[kUserClickRate], users_.rows[u], kUserShrinkage, click);
  user[kUserRows] = std::log(users_.rows[u]) / 8.0F;
  const float rate = mean_without(video[kVideoClickRate], videos_.rows[v], kShrinkage, click);
  derived[kItemClickRoot] = rate * std::sqrt(std::exp(1.5F * video[kVideoLogDuration] + 3.5F)) / 4.0F;
  video[kVideoClickRate] = rate;
  video[kVideoLikeRate] = 10.0F * mean_without(video[kVideoLikeRate] / 10.0F, videos_.rows[v], kShrinkage, like);
  video[kVideoExposures] = std::log(videos_.rows[v]) / 10.0F;
}

}  // namespace swipegym
