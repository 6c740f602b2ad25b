#include "env/fitted/response_pass.h"

#include <algorithm>
#include <cstring>

#include "core/lanes.h"
#include "nn/affine_rows.h"
#include "nn/fast_math.h"

namespace swipegym {

namespace {

constexpr std::size_t kTableVideos = 300'000;  // of all members; more videos have their halves added up each time
constexpr std::size_t kTabMoments = FeatureEncoder::kTabs * FeatureEncoder::kMoments;
constexpr std::size_t kTabDurations = kTabClasses * FeatureEncoder::kBuckets;
constexpr float kNever = -1.0e9F;  // logit of the bins that only fill a vector up

constexpr std::size_t whole_vectors(std::size_t floats) noexcept {
  return (floats + kLanes - 1) / kLanes * kLanes;
}

Matrix zeros(std::size_t rows, std::size_t columns) {
  return Matrix::Zero(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
}

// `matrix` in the upper left corner of zeros.
Matrix padded(const Matrix& matrix, std::size_t rows, std::size_t columns) {
  Matrix out = zeros(rows, columns);
  out.topLeftCorner(matrix.rows(), matrix.cols()) = matrix;
  return out;
}

template <std::size_t kParts>
using Starts = std::array<std::array<const float*, kParts>, kChunk>;

// How many rows of the chunk are computed for so many that are asked for. A row has the same bits whatever their
// number.
constexpr std::size_t whole_blocks(std::size_t rows) noexcept {
  return (rows + kRowBlock - 1) / kRowBlock * kRowBlock;
}

// A layer over the first rows of the chunk, whole blocks of them.
void layer(std::size_t rows, const float* in, std::size_t in_stride, const Matrix& weight, const Matrix& bias,
           bool rectify, Matrix& out) noexcept {
  Starts<1> start;
  start.fill({bias.data()});
  affine_rows<1>(std::span(start).first(rows), in, in_stride, weight, rectify, out.data(),
                 static_cast<std::size_t>(out.cols()));
}

void softmax(float* logits, std::size_t stride) noexcept {
  FloatLanes highest = load_lanes(logits);
  for (std::size_t at = kLanes; at < stride; at += kLanes) {
    const FloatLanes next = load_lanes(logits + at);
    highest = next > highest ? next : highest;
  }
  const float top = max_lanes(highest);
  for (std::size_t k = 0; k < stride; ++k) logits[k] = fast_exp(logits[k] - top);
  std::fill(logits + WatchGrid::kBins, logits + stride, 0.0F);
  FloatLanes sum = load_lanes(logits);
  for (std::size_t at = kLanes; at < stride; at += kLanes) sum += load_lanes(logits + at);
  const float scale = 1.0F / sum_lanes(sum);
  for (std::size_t k = 0; k < stride; ++k) logits[k] *= scale;
}

}  // namespace

ResponsePass::Buffers::Buffers(const ResponsePass& pass)
    : history(zeros(kChunk, kHistoryFeatures)),
      probability(zeros(kChunk, kBinStride)),
      feedback(zeros(kChunk, kLanes)),
      hidden(zeros(kChunk, pass.width())),
      watch_top(zeros(kChunk, static_cast<std::size_t>(pass.watch_second_.cols()) + ExposureEffects::kWidth)),
      feedback_top(zeros(kChunk, static_cast<std::size_t>(pass.feedback_second_.cols()))),
      video_half(zeros(kChunk, pass.width())) {}

ResponsePass::ResponsePass(const FittedParts& parts)
    : watch_hidden_(parts.network.shape.watch_hidden),
      feedback_hidden_(parts.network.shape.feedback_hidden),
      feedback_at_(whole_vectors(watch_hidden_)),
      users_(parts.encoder.features.num_users()),
      videos_(parts.encoder.features.num_videos()),
      hazard_(parts.network.shape.watch_head == WatchHead::kHazard) {
  const ResponseNetwork& network = parts.network;
  const FeatureEncoder& encoder = parts.encoder.features;
  const std::size_t width = feedback_at_ + whole_vectors(feedback_hidden_);
  const std::size_t watch_top = whole_vectors(network.shape.watch_top);
  const std::size_t feedback_top = whole_vectors(network.shape.feedback_top);
  const auto row_of = [](Matrix& matrix, std::size_t row) { return &matrix(static_cast<Eigen::Index>(row), 0); };

  history_weight_ = zeros(kHistoryFeatures, width);
  for (std::size_t k = 0; k < kHistoryFeatures; ++k)
    spread(&network.first.weight.value(static_cast<Eigen::Index>(k), 0), 1.0F, row_of(history_weight_, k));
  const std::size_t members = parts.num_members();
  user_half_ = zeros(members * users_, width);
  if (members * videos_ <= kTableVideos) video_half_ = zeros(members * videos_, width);
  tab_moment_ = zeros(members * kTabMoments, width);
  for (std::size_t m = 0; m < members; ++m) {
    for (std::size_t u = 0; u < users_; ++u) add_user_half(parts, m, u, row_of(user_half_, m * users_ + u));
    for (std::size_t v = 0; v < videos_ && video_half_.size() > 0; ++v)
      add_video_half(parts, m, v, row_of(video_half_, m * videos_ + v)), effect_.push_back(parts.effect_of_video(m, v));
    const Matrix& table = parts.first_layer(m).table;
    const auto table_row = [&](std::size_t row) { return &table(static_cast<Eigen::Index>(row), 0); };
    for (std::size_t tab = 0; tab < FeatureEncoder::kTabs; ++tab)
      for (std::size_t moment = 0; moment < FeatureEncoder::kMoments; ++moment) {
        float* out = row_of(tab_moment_, m * kTabMoments + tab * FeatureEncoder::kMoments + moment);
        spread(table_row(encoder.tab_row + tab), 1.0F, out);
        spread(table_row(encoder.hour_row + moment % FeatureEncoder::kHours), 1.0F, out);
        spread(table_row(encoder.off_row + moment / FeatureEncoder::kHours), 1.0F, out);
      }
  }

  watch_second_ = padded(network.watch_second.weight.value, feedback_at_, watch_top);
  watch_second_bias_ = padded(network.watch_second.bias.value, 1, watch_top);
  feedback_second_ = padded(network.feedback_second.weight.value, width - feedback_at_, feedback_top);
  feedback_second_bias_ = padded(network.feedback_second.bias.value, 1, feedback_top);
  feedback_out_ = padded(network.feedback_out.weight.value, feedback_top, kLanes);
  for (const bool interventional : {false, true}) heads_[interventional ? 1 : 0] = make_heads(parts, interventional);
}

void ResponsePass::copy_video(VideoIndex from, VideoIndex to) noexcept {
  for (std::size_t first = 0; first < static_cast<std::size_t>(video_half_.rows()); first += videos_)
    video_half_.row(static_cast<Eigen::Index>(first + index_of(to))) =
        video_half_.row(static_cast<Eigen::Index>(first + index_of(from)));
  for (std::size_t first = 0; first < effect_.size(); first += videos_)
    effect_[first + index_of(to)] = effect_[first + index_of(from)];
}

ResponsePass::Heads ResponsePass::make_heads(const FittedParts& parts, bool interventional) const {
  const ResponseNetwork& network = parts.network;
  const auto top = static_cast<Eigen::Index>(network.shape.watch_top);
  const std::size_t before = whole_vectors(network.shape.watch_top), units = before + ExposureEffects::kWidth;
  Matrix weight = network.watch_out.weight.value, bias = network.watch_out.bias.value;
  const auto with_directions = [&](const Matrix& of_trunk) {
    Matrix out = padded(of_trunk, units, kBinStride);
    if (interventional)
      out.block(static_cast<Eigen::Index>(before), 0, kDirections, WatchGrid::kBins) = exposure_directions();
    return out;
  };
  Matrix feedback = network.feedback_out.bias.value;
  Heads heads;
  if (interventional) {
    feedback += network.feedback_shift;
    if (hazard_) {
      heads.hazard_shift = with_directions(network.watch_shift.topRows(top));
      heads.hazard_bias = padded(network.watch_shift.row(top), 1, kBinStride);
    } else {
      weight += network.watch_shift.topRows(top);
      bias += network.watch_shift.row(top);
    }
  }
  heads.watch_out = hazard_ ? padded(weight, units, kBinStride) : with_directions(weight);
  heads.watch_bias = padded(bias, 1, kBinStride);
  heads.feedback_bias = padded(feedback, 1, kLanes);
  heads.tab_duration = zeros(parts.num_members() * kTabDurations, width());
  for (std::size_t m = 0; m < parts.num_members(); ++m)
    for (std::size_t row = 0; row < kTabDurations; ++row)
      for (const std::size_t from : {parts.encoder.features.tab_duration_row + row,
                                     std::size_t{parts.encoder.features.kind_row} + (interventional ? 1 : 0)})
        spread(&parts.first_layer(m).table(static_cast<Eigen::Index>(from), 0), 1.0F,
               &heads.tab_duration(static_cast<Eigen::Index>(m * kTabDurations + row), 0));
  return heads;
}

void ResponsePass::spread(const float* units, float scale, float* hidden) const noexcept {
  for (std::size_t j = 0; j < watch_hidden_; ++j) hidden[j] += scale * units[j];
  for (std::size_t j = 0; j < feedback_hidden_; ++j) hidden[feedback_at_ + j] += scale * units[watch_hidden_ + j];
}

void ResponsePass::add_user_half(const FittedParts& parts, std::size_t member, std::size_t user,
                                 float* hidden) const noexcept {
  const FirstLayer first = parts.first_layer(member);
  const std::size_t units = watch_hidden_ + feedback_hidden_;
  spread(first.bias, 1.0F, hidden);
  for (std::size_t c = 0; c < kUserCodes; ++c)
    spread(&first.table(parts.encoder.features.user_code[user * kUserCodes + c], 0), 1.0F, hidden);
  for (std::size_t d = 0; d < kUserDense; ++d)
    spread(first.dense + d * units, parts.encoder.features.user_dense[user * kUserDense + d], hidden);
}

void ResponsePass::add_video_half(const FittedParts& parts, std::size_t member, std::size_t video,
                                  float* hidden) const noexcept {
  const FirstLayer first = parts.first_layer(member);
  const std::size_t units = watch_hidden_ + feedback_hidden_;
  for (std::size_t c = 0; c < kVideoCodes; ++c)
    spread(&first.table(parts.encoder.features.video_code[video * kVideoCodes + c], 0), 1.0F, hidden);
  constexpr std::size_t kVideoRow = kUserDense, kItemRow = kVideoRow + kVideoDense;
  for (std::size_t d = 0; d < kVideoDense; ++d)
    spread(first.dense + (kVideoRow + d) * units, parts.encoder.features.video_dense[video * kVideoDense + d], hidden);
  for (std::size_t d = 0; d < kItemDense; ++d)
    spread(first.dense + (kItemRow + d) * units, parts.item_dense[video * kItemDense + d], hidden);
}

void ResponsePass::add_effects(const FittedParts& parts, std::span<const Shown> shown, bool interventional,
                               Buffers& at) const noexcept {
  const auto first = static_cast<Eigen::Index>(watch_second_.cols());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    float* units = &at.watch_top(static_cast<Eigen::Index>(i), first);
    if (!interventional) {
      std::fill_n(units, ExposureEffects::kWidth, 0.0F);
      continue;
    }
    const std::size_t video = index_of(shown[i].video), member = at.member[i];
    const ExposureEffects::OfVideo effect =
        effect_.empty() ? parts.effect_of_video(member, video) : effect_[member * videos_ + video];
    const float activity = parts.network.effects.activity(at.history(static_cast<Eigen::Index>(i), 0));
    for (std::size_t k = 0; k < ExposureEffects::kWidth; ++k)
      units[k] = effect.alone[k] + activity * effect.of_activity[k];
  }
}

void ResponsePass::prefetch(VideoIndex video, std::size_t member, ExpectedPart part) const noexcept {
  if (video_half_.size() == 0) return;
  constexpr std::size_t kLine = 64 / sizeof(float);
  const float* half = video_half_.data() + (member * videos_ + index_of(video)) * width();
  for (std::size_t i = 0; i < columns(part); i += kLine) __builtin_prefetch(half + i, 0, 2);
  __builtin_prefetch(effect_.data() + member * videos_ + index_of(video), 0, 2);
}

void ResponsePass::forward(const FittedParts& parts, std::span<const Shown> shown,
                           std::span<const float* const> user_half, ExposureKind exposure, Buffers& at,
                           ExpectedPart part) const noexcept {
  const Heads& heads = heads_[exposure == ExposureKind::kInterventional ? 1 : 0];
  const std::size_t stride = width();
  Starts<4> start;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Shown& one = shown[i];
    const std::size_t member = at.member[i];
    const std::size_t tab = std::min<std::size_t>(one.tab, FeatureEncoder::kTabs - 1);
    const float* video;
    if (video_half_.size() > 0) {
      video = video_half_.data() + (member * videos_ + index_of(one.video)) * stride;
    } else {
      float* own = &at.video_half(static_cast<Eigen::Index>(i), 0);
      std::fill_n(own, stride, 0.0F);
      add_video_half(parts, member, index_of(one.video), own);
      video = own;
    }
    start[i] = {
        user_half[i],
        tab_moment_.data() +
            (member * kTabMoments + tab * FeatureEncoder::kMoments + FeatureEncoder::moment(one.time_ms)) * stride,
        heads.tab_duration.data() + (member * kTabDurations + tab_class(one.tab) * FeatureEncoder::kBuckets +
                                     FeatureEncoder::bucket(one.duration_ms)) *
                                        stride,
        video};
  }
  const std::size_t rows = whole_blocks(shown.size());
  for (std::size_t i = shown.size(); i < rows; ++i) start[i] = start[0];
  affine_rows<4>(std::span(start).first(rows), at.history.data(), kHistoryFeatures, history_weight_, true,
                 at.hidden.data(), stride, columns(part));
  layer(rows, at.hidden.data(), stride, watch_second_, watch_second_bias_, true, at.watch_top);
  add_effects(parts, shown, exposure == ExposureKind::kInterventional, at);
  watch_probabilities(shown, heads, at);
  if (part == ExpectedPart::kWatch) return;
  layer(rows, at.hidden.data() + feedback_at_, stride, feedback_second_, feedback_second_bias_, true, at.feedback_top);
  layer(rows, at.feedback_top.data(), static_cast<std::size_t>(at.feedback_top.cols()), feedback_out_,
        heads.feedback_bias, false, at.feedback);
}

void ResponsePass::watch_probabilities(std::span<const Shown> shown, const Heads& heads, Buffers& at) const noexcept {
  const auto top = static_cast<std::size_t>(at.watch_top.cols());
  const auto mask = [&] {
    for (std::size_t i = 0; i < shown.size(); ++i)
      WatchGrid::mask_logits(shown[i].duration_ms,
                             {&at.probability(static_cast<Eigen::Index>(i), 0), WatchGrid::kBins});
  };
  const std::size_t rows = whole_blocks(shown.size());
  layer(rows, at.watch_top.data(), top, heads.watch_out, heads.watch_bias, false, at.probability);
  if (hazard_) {
    mask();  // nobody stops in a bin that the duration cannot have
    for (std::size_t i = 0; i < shown.size(); ++i)
      hazards_to_logits({&at.probability(static_cast<Eigen::Index>(i), 0), WatchGrid::kBins});
    if (heads.hazard_shift.size() > 0) {
      Starts<2> start;
      for (std::size_t i = 0; i < rows; ++i)
        start[i] = {&at.probability(static_cast<Eigen::Index>(i), 0), heads.hazard_bias.data()};
      affine_rows<2>(std::span(start).first(rows), at.watch_top.data(), top, heads.hazard_shift, false,
                     at.probability.data(), kBinStride);
    }
  }
  mask();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    float* logits = &at.probability(static_cast<Eigen::Index>(i), 0);
    std::fill(logits + WatchGrid::kBins, logits + kBinStride, kNever);
    softmax(logits, kBinStride);
  }
}

}  // namespace swipegym
