#include "policy/sasrec/sasrec_inputs.h"

#include <algorithm>
#include <cmath>

namespace swipegym {
namespace {

constexpr float kSasrecRatioLimit = 2.0F;
// What a user without history is taken for; shrinks the means of short histories.
constexpr float kPriorRatio = 0.35F, kPriorClick = 0.4F, kPriorLongView = 0.3F, kPriorHalf = 0.3F, kPriorRows = 5.0F;

float clipped(float ratio) noexcept {
  return std::min(ratio, kSasrecRatioLimit);
}

float given(SignalBits bits, Signal signal) noexcept {
  return has(bits, signal) ? 1.0F : 0.0F;
}

// One of kSasrecTabs; the last one holds all higher tabs.
float* write_tab(const ObservationView& observation, std::size_t row, float* out) noexcept {
  const float* context = observation.context + row * kContextFeatures;
  std::size_t tab = kSasrecTabs - 1;
  if (observation.tab != nullptr)
    tab = std::min<std::size_t>(observation.tab[row], kSasrecTabs - 1);
  else if (context[4] > 0.0F || context[5] > 0.0F || context[6] > 0.0F)
    tab = context[4] > 0.0F ? 1 : context[5] > 0.0F ? 0 : 4;
  std::fill_n(out, kSasrecTabs, 0.0F);
  out[tab] = 1.0F;
  return out + kSasrecTabs;
}

// Hats around 4 s, 16 s, 1 min, ... 12 days since the last video, open at both ends; all 0 without a history. A gap
// that is not known is taken for a day.
float* write_gap(const ObservationView& observation, std::size_t row, bool has_history, float* out) noexcept {
  constexpr float kUsualHours = 24.0F;
  std::fill_n(out, kSasrecGapKnots, 0.0F);
  if (has_history) {
    const float given = observation.hours_since != nullptr ? observation.hours_since[row] : -1.0F;
    const float seconds = 3600.0F * (given >= 0.0F ? given : kUsualHours);
    const float place = std::clamp(0.5F * std::log2(std::max(seconds, 1.0F)) - 1.0F, 0.0F, kSasrecGapKnots - 1.0F);
    const auto below = std::min(static_cast<std::size_t>(place), kSasrecGapKnots - 2);
    out[below + 1] = place - static_cast<float>(below);
    out[below] = 1.0F - out[below + 1];
  }
  return out + kSasrecGapKnots;
}

}  // namespace

void write_step_features(const SasrecNetworkConfig& config, const float* video_features, float ratio,
                         SignalBits signals, float* out) noexcept {
  std::fill_n(out, kSasrecStepFeatures, 0.0F);
  if (config.features) std::copy_n(video_features, kVideoFeatures, out);
  if (config.ratios) {
    out[kVideoFeatures] = clipped(ratio);
    out[kVideoFeatures + 1] = ratio > 0.5F ? 1.0F : 0.0F;
    out[kVideoFeatures + 2] = ratio >= 1.0F ? 1.0F : 0.0F;
  }
  if (config.feedback)
    for (std::size_t s = 0; s < kNumSignals; ++s)
      out[kVideoFeatures + kSasrecRatioFeatures + s] = given(signals, static_cast<Signal>(s));
}

void pack_step(const SasrecNetworkConfig& config, const ItemInputs& items, std::size_t video,
               const float* video_features, float ratio, SignalBits signals, std::size_t i, std::size_t length,
               PackedHistories& out) {
  write_step_features(config, video_features, ratio, signals, out.features.data() + out.rows() * kSasrecStepFeatures);
  out.item.push_back(items.id[video]);
  out.author.push_back(items.author[video]);
  out.tag.push_back(items.tag[video]);
  out.position.push_back(static_cast<std::int32_t>(config.positions == "start" ? i : config.max_length - length + i));
}

void pack_history(const SasrecNetworkConfig& config, const ItemInputs& items, const ObservationView& observation,
                  std::size_t row, PackedHistories& out) {
  const std::size_t length = observation.history_length, base = row * length;
  std::size_t begin = length - std::min(length, config.max_length);
  while (begin < length && observation.history_video[base + begin] < 0) ++begin;
  const std::size_t known = length - begin, first = out.rows();
  if (static_cast<std::size_t>(out.features.rows()) < first + known || out.features.cols() == 0)
    out.features.conservativeResize(static_cast<Eigen::Index>(std::max(first + known, 2 * first)),
                                    static_cast<Eigen::Index>(kSasrecStepFeatures));
  for (std::size_t i = 0; i < known; ++i) {
    const std::size_t at = base + begin + i;
    const auto video = static_cast<std::size_t>(observation.history_video[at]);
    pack_step(config, items, video, items.features.data() + video * kVideoFeatures, observation.history_ratio[at],
              observation.history_signals != nullptr ? observation.history_signals[at] : SignalBits{0}, i, known, out);
  }
  out.offset.push_back(static_cast<std::uint32_t>(out.rows()));
}

CandidateEncoder::CandidateEncoder(const ItemInputs& items, const Matrix& features, const ObservationView& observation,
                                   std::size_t row) noexcept
    : items_(items),
      features_(features),
      video_(observation.history_video + row * observation.history_length),
      ratio_(observation.history_ratio + row * observation.history_length),
      signals_(observation.history_signals != nullptr ? observation.history_signals + row * observation.history_length
                                                      : nullptr),
      begin_(0),
      end_(observation.history_length) {
  while (begin_ < end_ && video_[begin_] < 0) ++begin_;
  float* out = shared_;
  out = std::copy_n(observation.user_features + row * kUserFeatures, kSasrecUserFeatures, out);
  out = std::copy_n(observation.context + row * kContextFeatures + 2, kSasrecContextFeatures, out);
  out[-1] = clipped(out[-1]);
  out = write_tab(observation, row, out);
  out = write_gap(observation, row, begin_ < end_, out);

  const auto n = static_cast<float>(end_ - begin_);
  float ratio = 0, click = 0, long_view = 0, like = 0, half = 0, residual = 0, residual_click = 0;
  float recent = 0, recent_residual = 0, recent_weight = 0, weight = 1.0F;
  for (std::size_t j = end_; j-- > begin_;) {
    const SignalBits bits = signals_ != nullptr ? signals_[j] : SignalBits{0};
    const float* f = features_.data() + static_cast<std::size_t>(video_[j]) * kVideoFeatures;
    const float r = clipped(ratio_[j]);
    ratio += r, half += ratio_[j] > 0.5F ? 1.0F : 0.0F;
    click += given(bits, Signal::kClick), long_view += given(bits, Signal::kLongView);
    like += given(bits, Signal::kLike);
    residual += r - f[kVideoMeanRatio];
    residual_click += given(bits, Signal::kClick) - f[kVideoClickRate];
    recent += weight * r, recent_residual += weight * (r - f[kVideoMeanRatio]), recent_weight += weight;
    weight *= 0.8F;
  }
  usual_ = (ratio + kPriorRows * kPriorRatio) / (n + kPriorRows);
  const auto shrunk = [n](float sum, float prior) { return (sum + kPriorRows * prior) / (n + kPriorRows); };
  out[0] = n > 0 ? 1.0F : 0.0F;
  out[1] = std::log1p(n) / 4.0F;
  out[2] = usual_;
  out[3] = shrunk(click, kPriorClick);
  out[4] = shrunk(long_view, kPriorLongView);
  out[5] = 10.0F * like / (n + kPriorRows);
  out[6] = shrunk(half, kPriorHalf);
  out[7] = (recent + kPriorRatio) / (recent_weight + 1.0F);
  out[8] = residual / (n + kPriorRows);
  out[9] = residual_click / (n + kPriorRows);
  out[10] = recent_residual / (recent_weight + 1.0F);
  for (std::size_t back = 0; back < 3; ++back) {
    const bool there = end_ - begin_ > back;
    const std::size_t j = there ? end_ - 1 - back : 0;
    out[11 + 2 * back] = there ? clipped(ratio_[j]) : kPriorRatio;
    out[12 + 2 * back] = there && signals_ != nullptr ? given(signals_[j], Signal::kClick) : there ? 0.0F : kPriorClick;
  }
}

void CandidateEncoder::write(std::int32_t video, float* out) const noexcept {
  const auto v = static_cast<std::size_t>(video);
  const float* f = features_.data() + v * kVideoFeatures;
  out = std::copy_n(shared_, std::size(shared_), out);
  out = std::copy_n(f, kVideoFeatures, out);
  // Hats around durations from 2 s to 11 minutes, half a unit of the scaled logarithm apart.
  const float place = (f[kVideoLogDuration] + 2.0F) / 0.5F;
  for (std::size_t k = 0; k < kSasrecDurationKnots; ++k)
    out[k] = std::max(0.0F, 1.0F - std::abs(place - static_cast<float>(k)));
  out += kSasrecDurationKnots;

  float author_n = 0, author_sum = 0, tag_n = 0, tag_sum = 0, seen_n = 0, seen_ratio = 0, near_n = 0, near_sum = 0;
  for (std::size_t j = begin_; j < end_; ++j) {
    const auto w = static_cast<std::size_t>(video_[j]);
    const float deviation = clipped(ratio_[j]) - features_(static_cast<Eigen::Index>(w), kVideoMeanRatio);
    if (items_.author[w] == items_.author[v] && items_.author[v] >= 0) author_n += 1, author_sum += deviation;
    if (items_.tag[w] == items_.tag[v] && items_.tag[v] >= 0) tag_n += 1, tag_sum += deviation;
    if (w == v) seen_n += 1, seen_ratio = clipped(ratio_[j]);
    const float gap = (features_(static_cast<Eigen::Index>(w), kVideoLogDuration) - f[kVideoLogDuration]) / 0.35F;
    const float nearness = 1.0F / (1.0F + gap * gap);
    near_n += nearness, near_sum += nearness * clipped(ratio_[j]);
  }
  out[0] = std::log1p(author_n);
  out[1] = author_sum / (author_n + 2.0F);
  out[2] = std::log1p(tag_n) / 2.0F;
  out[3] = tag_sum / (tag_n + 3.0F);
  out[4] = std::min(seen_n, 3.0F);
  out[5] = seen_n > 0 ? seen_ratio : usual_;
  out[6] = (near_sum + 2.0F * usual_) / (near_n + 2.0F);
  out[7] = std::log1p(near_n) / 2.0F;
  out[8] = seen_n > 0 ? 1.0F : 0.0F;
}

}  // namespace swipegym
