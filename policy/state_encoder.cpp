#include "policy/state_encoder.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "env/catalogue.h"

namespace swipegym {
namespace {

constexpr std::size_t kHistoryLanes = 16;  // histories are padded to whole vectors
constexpr std::size_t kMaxTags = 256;
constexpr float kRatioLimit = 2.0F;
constexpr float kFewVideos = 2.0F;  // pseudo-weight that shrinks a tag's or author's mean towards 0
constexpr std::size_t kStats = 4;
constexpr std::size_t kRecentSize = kVideoFeatures + 1;

// Sum over the padded history of weight(j), in a fixed order of lanes that the compiler turns into vectors.
template <class Term>
float sum_histories(std::size_t count, Term term) {
  float lanes[kHistoryLanes] = {};
  for (std::size_t j = 0; j < count; j += kHistoryLanes)
    for (std::size_t lane = 0; lane < kHistoryLanes; ++lane) lanes[lane] += term(j + lane);
  float sum = 0.0F;
  for (const float lane : lanes) sum += lane;
  return sum;
}

std::size_t tag_places(std::size_t num_tags) noexcept {
  return std::clamp<std::size_t>(num_tags, 1, kMaxTags);
}
std::size_t before_tags(const StateEncoderConfig& config) noexcept {
  return kUserFeatures + kContextFeatures + kStats + 2 * kVideoFeatures + config.recent * kRecentSize;
}

}  // namespace

std::size_t StateEncoder::state_size(const StateEncoderConfig& config, std::size_t num_tags) noexcept {
  return before_tags(config) + 3 * tag_places(num_tags);
}

StateEncoder::StateEncoder(const StateEncoderConfig& config, const ItemInputs& items, std::size_t watched)
    : config_(config), items_(&items), watched_(watched), tags_(tag_places(items.num_tags)) {
  tag_fast_ = before_tags(config);
  tag_slow_ = tag_fast_ + tags_;
  tag_liked_ = tag_slow_ + tags_;
  size_ = tag_liked_ + tags_;
}

void StateEncoder::encode(const ObservationView& observation, std::size_t first, std::size_t count, Matrix& states,
                          Histories& histories) const {
  encode_rows(
      observation, count, [first](std::size_t i) { return first + i; }, states, histories);
}

void StateEncoder::encode(const ObservationView& observation, std::span<const std::uint32_t> rows, Matrix& states,
                          Histories& histories) const {
  encode_rows(
      observation, rows.size(), [rows](std::size_t i) { return std::size_t{rows[i]}; }, states, histories);
}

template <class RowOf>
void StateEncoder::encode_rows(const ObservationView& observation, std::size_t count, const RowOf& row_of,
                               Matrix& states, Histories& histories) const {
  assert(static_cast<std::size_t>(states.rows()) >= count && static_cast<std::size_t>(states.cols()) == size_);
  histories.stride = (observation.history_length + kHistoryLanes - 1) / kHistoryLanes * kHistoryLanes;
  const std::size_t total = count * histories.stride;
  histories.author.assign(total, -1);
  histories.deviation.assign(total, 0.0F);
  histories.duration.assign(total, 0.0F);
  histories.fast.assign(total, 0.0F);
  histories.slow.assign(total, 0.0F);
  histories.last_tag.assign(count, -1);
  histories.watched.offset.assign(1, 0);
  histories.watched.video.clear();
  histories.watched.ratio.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = row_of(i);
    encode_row(observation, row, states.data() + i * size_, histories, i);
    if (watched_ > 0) append_watched(observation, row, histories.watched);
  }
}

void StateEncoder::append_watched(const ObservationView& observation, std::size_t row, Watched& watched) const {
  const std::size_t length = observation.history_length;
  const std::int32_t* video = observation.history_video + row * length;
  const float* ratio = observation.history_ratio + row * length;
  std::size_t first = length;
  while (first > 0 && length - first < watched_ && video[first - 1] >= 0) --first;
  watched.video.insert(watched.video.end(), video + first, video + length);
  for (std::size_t j = first; j < length; ++j) watched.ratio.push_back(std::min(ratio[j], kRatioLimit));
  watched.offset.push_back(static_cast<std::uint32_t>(watched.video.size()));
}

void StateEncoder::encode_row(const ObservationView& observation, std::size_t row, float* state, Histories& histories,
                              std::size_t to) const {
  const std::size_t length = observation.history_length;
  const std::int32_t* video = observation.history_video + row * length;
  const float* ratio = observation.history_ratio + row * length;
  std::fill_n(state, size_, 0.0F);
  std::copy_n(observation.user_features + row * kUserFeatures, kUserFeatures, state);
  float* context = state + kUserFeatures;
  std::copy_n(observation.context + row * kContextFeatures, kContextFeatures, context);
  if (!config_.session_clock) context[0] = context[1] = 0.0F;
  context[kContextFeatures - 1] = std::min(context[kContextFeatures - 1], kRatioLimit);

  const std::size_t base = to * histories.stride;
  std::int32_t* author = &histories.author[base];
  float *deviation = &histories.deviation[base], *duration = &histories.duration[base];
  float *fast = &histories.fast[base], *slow = &histories.slow[base];
  std::size_t known = 0;
  float fast_sum = 0.0F, slow_sum = 0.0F, fast_ratio = 0.0F, slow_ratio = 0.0F;
  float fast_weight = 1.0F, slow_weight = 1.0F;
  for (std::size_t j = length; j-- > 0 && video[j] >= 0;) {  // newest first; padding lies in front
    fast[j] = fast_weight, slow[j] = slow_weight;
    const float clipped = std::min(ratio[j], kRatioLimit);
    fast_sum += fast_weight, slow_sum += slow_weight;
    fast_ratio += fast_weight * clipped, slow_ratio += slow_weight * clipped;
    fast_weight *= config_.fast_decay, slow_weight *= config_.slow_decay;
    ++known;
  }
  if (known == 0) return;
  const float usual = slow_ratio / slow_sum;
  float* stats = context + kContextFeatures;
  stats[0] = static_cast<float>(known) / static_cast<float>(length);
  stats[1] = fast_ratio / fast_sum;
  stats[2] = usual;
  stats[3] = 1.0F;  // has a history

  float* mean_features = stats + kStats;
  float* liked_features = mean_features + kVideoFeatures;
  const float per_fast = 1.0F / fast_sum, per_slow = 1.0F / slow_sum;
  for (std::size_t j = length - known; j < length; ++j) {
    const auto v = static_cast<std::size_t>(video[j]);
    const float* features = items_->features.data() + v * kVideoFeatures;
    deviation[j] = std::min(ratio[j], kRatioLimit) - usual;
    duration[j] = features[kVideoLogDuration];
    author[j] = items_->author[v];
    const float mean_weight = fast[j] * per_fast, liked_weight = slow[j] * per_slow * deviation[j];
    for (std::size_t f = 0; f < kVideoFeatures; ++f) {
      mean_features[f] += mean_weight * features[f];
      liked_features[f] += liked_weight * features[f];
    }
    if (items_->tag[v] < 0) continue;
    const std::size_t tag = static_cast<std::size_t>(items_->tag[v]) % tags_;
    state[tag_fast_ + tag] += fast[j];
    state[tag_slow_ + tag] += slow[j] * per_slow;
    state[tag_liked_ + tag] += slow[j] * deviation[j];
  }
  histories.last_tag[to] = items_->tag[static_cast<std::size_t>(video[length - 1])];
  for (std::size_t tag = 0; tag < tags_; ++tag)
    state[tag_liked_ + tag] /= state[tag_slow_ + tag] * slow_sum + kFewVideos;
  float* recent = liked_features + kVideoFeatures;
  for (std::size_t back = 0; back < std::min(config_.recent, known); ++back, recent += kRecentSize) {
    const std::size_t j = length - 1 - back;
    std::copy_n(items_->features.data() + static_cast<std::size_t>(video[j]) * kVideoFeatures, kVideoFeatures, recent);
    recent[kVideoFeatures] = std::min(ratio[j], kRatioLimit);
  }
}

void StateEncoder::cross(const Matrix& states, const Histories& histories, std::size_t row, std::int32_t video,
                         float* out) const {
  std::fill_n(out, kCross, 0.0F);
  if (!config_.cross) return;
  const float* state = states.data() + row * size_;
  const std::size_t base = row * histories.stride, count = histories.stride;
  const std::int32_t* author = &histories.author[base];
  const float *deviation = &histories.deviation[base], *duration = &histories.duration[base];
  const float *fast = &histories.fast[base], *slow = &histories.slow[base];
  const auto v = static_cast<std::size_t>(video);
  const std::int32_t own_tag = items_->tag[v], own_author = items_->author[v];
  const float own_duration = items_->features(static_cast<Eigen::Index>(v), kVideoLogDuration);
  if (own_tag >= 0) {
    const std::size_t tag = static_cast<std::size_t>(own_tag) % tags_;
    out[0] = state[tag_fast_ + tag];
    out[1] = state[tag_slow_ + tag];
    out[2] = state[tag_liked_ + tag];
    out[3] = own_tag == histories.last_tag[row] ? 1.0F : 0.0F;
  }
  if (own_author >= 0) {
    const auto same = [&](std::size_t j) { return author[j] == own_author ? 1.0F : 0.0F; };
    out[4] = sum_histories(count, [&](std::size_t j) { return fast[j] * same(j); });
    const float weight = sum_histories(count, [&](std::size_t j) { return slow[j] * same(j); });
    out[5] =
        sum_histories(count, [&](std::size_t j) { return slow[j] * same(j) * deviation[j]; }) / (weight + kFewVideos);
  }
  // Videos whose log duration differs by less than one unit of the feature (a factor of 4.5) count as alike.
  const auto alike = [&](std::size_t j) {
    const float near = 1.0F - std::abs(duration[j] - own_duration);
    return near > 0.0F ? near : 0.0F;
  };
  const float weight = sum_histories(count, [&](std::size_t j) { return slow[j] * alike(j); });
  out[6] =
      sum_histories(count, [&](std::size_t j) { return slow[j] * alike(j) * deviation[j]; }) / (weight + kFewVideos);
  out[7] = sum_histories(count, [&](std::size_t j) { return fast[j] * alike(j); });
}

}  // namespace swipegym
