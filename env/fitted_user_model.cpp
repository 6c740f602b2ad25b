#include "env/fitted_user_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "core/lanes.h"
#include "env/catalogue.h"
#include "nn/fast_math.h"
#include "sim_data/labels.h"

namespace swipegym {

namespace {

constexpr std::int64_t kTypicalGapMs = 8LL * 3600 * 1000;
constexpr std::size_t kStateAlign = 16;  // floats: states start on cache lines

UserHistory& history_of(float* state) {
  return *std::launder(reinterpret_cast<UserHistory*>(state));
}
// Halves of the first layer lie far apart; they travel while the history features are made.
void prefetch(const float* row, std::size_t floats) noexcept {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t i = 0; i < floats; i += kLine) __builtin_prefetch(row + i, 0, 2);
}

constexpr std::size_t kBinLanes = (WatchGrid::kBins + kLanes - 1) / kLanes;  // vectors that cover the bins

// The bins as vectors, padded with `rest`.
std::array<FloatLanes, kBinLanes> load_bins(const float* bins, float rest) noexcept {
  float padded[kBinLanes * kLanes];
  std::copy_n(bins, WatchGrid::kBins, padded);
  std::fill(padded + WatchGrid::kBins, padded + kBinLanes * kLanes, rest);
  std::array<FloatLanes, kBinLanes> out;
  std::memcpy(out.data(), padded, sizeof padded);
  return out;
}

// Softmax of kBins logits in place.
void softmax_bins(float* logits) noexcept {
  const std::array<FloatLanes, kBinLanes> in = load_bins(logits, -1.0e9F);
  FloatLanes highest = in[0];
  for (std::size_t v = 1; v < kBinLanes; ++v) highest = in[v] > highest ? in[v] : highest;
  float lane[kLanes];
  std::memcpy(lane, &highest, sizeof lane);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) lane[i] = std::max(lane[i], lane[i + half]);
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) logits[k] = fast_exp(logits[k] - lane[0]);
  const std::array<FloatLanes, kBinLanes> out = load_bins(logits, 0.0F);
  FloatLanes sum = out[0];
  for (std::size_t v = 1; v < kBinLanes; ++v) sum += out[v];
  const float scale = 1.0F / sum_lanes(sum);
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) logits[k] *= scale;
}

// sum of a[k] * b[k] over the bins.
float dot_bins(const float* a, const float* b) noexcept {
  const auto x = load_bins(a, 0.0F), y = load_bins(b, 0.0F);
  FloatLanes sum = x[0] * y[0];
  for (std::size_t v = 1; v < kBinLanes; ++v) sum += x[v] * y[v];
  return sum_lanes(sum);
}

}  // namespace

struct FittedUserModel::Buffers final : UserModel::Scratch {
  explicit Buffers(const ResponseNetwork& network) {
    const auto rows = static_cast<Eigen::Index>(kChunk);
    dense.setZero(rows, kHistoryFeatures);
    network_buffers.hidden.setZero(rows, static_cast<Eigen::Index>(network.shape.hidden()));
    network_buffers.watch_top.setZero(rows, static_cast<Eigen::Index>(network.shape.watch_top));
    network_buffers.logits.setZero(rows, WatchGrid::kBins);
    network_buffers.feedback_top.setZero(rows, static_cast<Eigen::Index>(network.shape.feedback_top));
    network_buffers.feedback.setZero(rows, kNumSignals);
  }
  Matrix dense;  // [kChunk, kHistoryFeatures]
  ResponseBuffers network_buffers;
  std::array<std::int32_t, kChunk> duration_ms{};
  std::array<const UserHistory*, kChunk> histories{};
  std::array<std::uint8_t, kChunk> bin{};  // drawn by draw_row
  MlpWorkspace return_workspace;
};

FittedUserModel::FittedUserModel(FittedParts parts, Clock clock) : parts_(std::move(parts)), clock_(clock) {
  const ResponseNetwork& network = parts_.network;
  const auto hidden = static_cast<Eigen::Index>(network.shape.hidden());
  history_weight_ = network.first.weight.value.topRows(kHistoryFeatures);
  const std::size_t users = parts_.encoder.num_users(), videos = parts_.encoder.num_videos();
  user_half_.setZero(static_cast<Eigen::Index>(users), hidden);
  for (std::size_t u = 0; u < users; ++u)
    add_user_half(static_cast<std::uint32_t>(u), &user_half_(static_cast<Eigen::Index>(u), 0));
  if (videos <= kTableVideos) {
    video_half_.setZero(static_cast<Eigen::Index>(videos), hidden);
    for (std::size_t v = 0; v < videos; ++v)
      add_video_half(static_cast<std::uint32_t>(v), &video_half_(static_cast<Eigen::Index>(v), 0));
  }
  tab_hour_.resize(static_cast<Eigen::Index>(FeatureEncoder::kTabs * FeatureEncoder::kHours), hidden);
  for (std::size_t tab = 0; tab < FeatureEncoder::kTabs; ++tab)
    for (std::size_t hour = 0; hour < FeatureEncoder::kHours; ++hour)
      tab_hour_.row(static_cast<Eigen::Index>(tab * FeatureEncoder::kHours + hour)) =
          network.table.value.row(static_cast<Eigen::Index>(parts_.encoder.tab_row + tab)) +
          network.table.value.row(static_cast<Eigen::Index>(parts_.encoder.hour_row + hour));
  for (std::size_t cell = 0; cell < kTabClasses * WatchGrid::kBins; ++cell)
    click_of_bin_[cell] = network.bin_effect.value(static_cast<Eigen::Index>(cell), 0);
  last_history_.resize(users);
  for (std::size_t u = 0; u < users; ++u)
    for (std::uint64_t e = parts_.event_offset[u]; e < parts_.event_offset[u + 1]; ++e)
      last_history_[u].add(parts_.event[e]);
}

void FittedUserModel::add_user_half(std::uint32_t user, float* hidden) const noexcept {
  const ResponseNetwork& network = parts_.network;
  Eigen::Map<Eigen::RowVectorXf> out(hidden, static_cast<Eigen::Index>(network.shape.hidden()));
  out += network.first.bias.value.row(0);
  for (std::size_t c = 0; c < kUserCodes; ++c)
    out += network.table.value.row(parts_.encoder.user_code[user * kUserCodes + c]);
  for (std::size_t d = 0; d < kUserDense; ++d)
    out += parts_.encoder.user_dense[user * kUserDense + d] *
           network.first.weight.value.row(static_cast<Eigen::Index>(kHistoryFeatures + d));
}

void FittedUserModel::add_video_half(std::uint32_t video, float* hidden) const noexcept {
  const ResponseNetwork& network = parts_.network;
  Eigen::Map<Eigen::RowVectorXf> out(hidden, static_cast<Eigen::Index>(network.shape.hidden()));
  for (std::size_t c = 0; c < kVideoCodes; ++c)
    out += network.table.value.row(parts_.encoder.video_code[video * kVideoCodes + c]);
  constexpr std::size_t kVideoRow = kHistoryFeatures + kUserDense, kItemRow = kVideoRow + kVideoDense;
  for (std::size_t d = 0; d < kVideoDense; ++d)
    out += parts_.encoder.video_dense[video * kVideoDense + d] *
           network.first.weight.value.row(static_cast<Eigen::Index>(kVideoRow + d));
  for (std::size_t d = 0; d < kItemDense; ++d)
    out += parts_.item_dense[video * kItemDense + d] *
           network.first.weight.value.row(static_cast<Eigen::Index>(kItemRow + d));
}

const UserHistory& FittedUserModel::history(const float* state) noexcept {
  return *std::launder(reinterpret_cast<const UserHistory*>(state));
}

std::size_t FittedUserModel::state_size() const noexcept {
  const std::size_t floats = (sizeof(UserHistory) + sizeof(float) - 1) / sizeof(float);
  return (floats + kStateAlign - 1) / kStateAlign * kStateAlign;
}

std::unique_ptr<UserModel::Scratch> FittedUserModel::make_scratch() const {
  return std::make_unique<Buffers>(parts_.network);
}

void FittedUserModel::begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const {
  auto* past = new (state.data()) UserHistory(last_history_[index_of(user)]);
  // A session start drawn from the log's past begins after the history all the same.
  if (past->last_time_ms >= time_ms) past->last_time_ms = time_ms - kTypicalGapMs;
  past->event_time_ms = past->last_time_ms;
}

void FittedUserModel::begin_next_session(std::int64_t time_ms, std::span<float> state) const {
  UserHistory& past = history_of(state.data());
  past.close_session();
  past.last_time_ms = std::min(past.last_time_ms, time_ms - kSessionGapMs - 1);
}

HistoryQuery FittedUserModel::query_of(const Shown& shown) const noexcept {
  const std::uint32_t video = index_of(shown.video);
  return {.video = video,
          .author = parts_.encoder.video_author[video],
          .tag = parts_.encoder.video_tag[video],
          .time_ms = shown.time_ms,
          .tab_class = static_cast<std::uint8_t>(tab_class(shown.tab)),
          .duration_class = static_cast<std::uint8_t>(duration_class(shown.duration_ms))};
}

HistoryEvent FittedUserModel::event_of(const Shown& shown, const Response& response, ExposureKind exposure,
                                       std::size_t bin) const noexcept {
  const std::int32_t duration = shown.duration_ms;
  HistoryEvent event = parts_.cells.event(exposure == ExposureKind::kInterventional, shown.tab, duration,
                                          parts_.grid.group(duration), bin, response.signals);
  const std::uint32_t video = index_of(shown.video);
  event.video = video, event.author = parts_.encoder.video_author[video], event.tag = parts_.encoder.video_tag[video];
  event.time_ms = shown.time_ms;
  return event;
}

// A logged sequence on the log's clock is what the cells were measured on. Elsewhere (a policy's choices, long dense
// sessions) expectations differ from the cells' and running means fed with that difference would drift: a user shown
// unmatched videos would seem ever more bored. There an event is the user's running mean plus the surprise: what
// happened less what the model itself expected. The mean then moves only by what the response tells.
void FittedUserModel::centre_on_prediction(const Shown& shown, const Response& response, std::size_t row,
                                           const UserHistory& h, const Buffers& at,
                                           HistoryEvent& event) const noexcept {
  const ResponseNetwork& network = parts_.network;
  const auto index = static_cast<Eigen::Index>(row);
  const float* p = &at.network_buffers.logits(index, 0);
  const std::span<const float> feedback(&at.network_buffers.feedback(index, 0), kNumSignals);
  const std::size_t tab = tab_class(shown.tab);
  const ResponseCells::Cell& cell = parts_.cells.cell(true, tab, parts_.grid.group(shown.duration_ms));
  const float* effect = click_of_bin_.data() + tab * WatchGrid::kBins;
  std::array<float, WatchGrid::kBins> click_of_bin;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) click_of_bin[k] = fast_sigmoid(feedback[0] + effect[k]);
  const float level = dot_bins(p, cell.level.data()), click = dot_bins(p, click_of_bin.data());
  const WatchGrid::Segments segments = WatchGrid::segments(shown.duration_ms);
  float long_view = 0.0F;
  for (std::size_t s = 0; s < WatchGrid::kSegments; ++s)
    if (WatchGrid::passes_long_view(WatchGrid::kFirst[s], segments, shown.duration_ms))
      for (std::size_t k = 0; k < WatchGrid::kBinsOf[s]; ++k) long_view += p[WatchGrid::kFirst[s] + k];

  const std::size_t bin = at.bin[row];
  const bool clicked = has(response.signals, Signal::kClick);
  std::array<float, kNumSignals> expected;  // of each signal, given the bin and the click
  const float* bin_effect = network.bin_effect.value.data() + (tab * WatchGrid::kBins + bin) * kNumSignals;
  const float* click_effect = network.click_effect.value.data();
  for (std::size_t s = 0; s < kNumSignals; ++s)
    expected[s] = fast_sigmoid(feedback[s] + bin_effect[s] + (clicked ? click_effect[s] : 0.0F));
  const auto surprise = [&](Signal signal) {
    return (has(response.signals, signal) ? 1.0F : 0.0F) - expected[static_cast<std::size_t>(signal)];
  };
  const auto mean = [&](float sum, float prior) { return sum / (h.count + prior); };
  event.level = cell.level[bin] - level + mean(h.level, 5.0F);
  event.click = (clicked ? 1.0F : 0.0F) - click + mean(h.click, 5.0F);
  event.long_view = (has(response.signals, Signal::kLongView) ? 1.0F : 0.0F) - long_view + mean(h.long_view, 5.0F);
  event.zero = (bin == 0 ? 1.0F : 0.0F) - p[0] + mean(h.zero, 5.0F);
  event.like = surprise(Signal::kLike) + mean(h.like, 10.0F);
  event.profile = surprise(Signal::kProfile) + mean(h.profile, 10.0F);
  event.hate = surprise(Signal::kHate) + mean(h.hate, 10.0F);
  event.other =
      surprise(Signal::kFollow) + surprise(Signal::kComment) + surprise(Signal::kForward) + mean(h.other, 10.0F);
}

void FittedUserModel::forward(std::span<const Shown> shown, std::span<const UserHistory* const> histories,
                              ExposureKind exposure, Buffers& at) const {
  const std::size_t n = shown.size();
  const ResponseNetwork& network = parts_.network;
  const std::size_t width = network.shape.hidden();
  const bool interventional = exposure == ExposureKind::kInterventional;
  for (std::size_t i = 0; i < n; ++i) {
    history_features(*histories[i], query_of(shown[i]), parts_.clip,
                     {&at.dense(static_cast<Eigen::Index>(i), 0), kHistoryFeatures});
    at.duration_ms[i] = shown[i].duration_ms;
    prefetch(user_half_.data() + index_of(shown[i].user) * width, width);
    if (video_half_.rows() > 0) prefetch(video_half_.data() + index_of(shown[i].video) * width, width);
  }
  // Always a product of kChunk rows: a shorter one would take another path and round differently.
  at.network_buffers.hidden.noalias() = at.dense * history_weight_;
  const float* table = network.table.value.data();
  const float* kind = table + (parts_.encoder.kind_row + (interventional ? 1U : 0U)) * width;
  for (std::size_t i = 0; i < n; ++i) {
    const Shown& one = shown[i];
    float* out = &at.network_buffers.hidden(static_cast<Eigen::Index>(i), 0);
    const float* user = user_half_.data() + index_of(one.user) * width;
    const std::size_t tab = std::min<std::size_t>(one.tab, FeatureEncoder::kTabs - 1);
    const float* tab_hour =
        tab_hour_.data() + (tab * FeatureEncoder::kHours + FeatureEncoder::hour(one.time_ms)) * width;
    const float* tab_duration =
        table + (parts_.encoder.tab_duration_row + tab_class(one.tab) * FeatureEncoder::kBuckets +
                 FeatureEncoder::bucket(one.duration_ms)) *
                    width;
    for (std::size_t j = 0; j < width; ++j) out[j] += (user[j] + tab_hour[j]) + (tab_duration[j] + kind[j]);
    if (video_half_.rows() > 0) {
      const float* video = video_half_.data() + index_of(one.video) * width;
      for (std::size_t j = 0; j < width; ++j) out[j] += video[j];
    } else {
      add_video_half(index_of(one.video), out);
    }
  }
  for (std::size_t i = n; i < kChunk; ++i) at.duration_ms[i] = 10000;
  forward_heads(network, at.duration_ms, interventional, at.network_buffers);
  for (std::size_t i = 0; i < n; ++i) softmax_bins(&at.network_buffers.logits(static_cast<Eigen::Index>(i), 0));
}

Response FittedUserModel::draw(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream,
                               Scratch& scratch, float watch_level) const {
  return draw_row(shown, row, key, stream, watch_level, static_cast<Buffers&>(scratch));
}

Response FittedUserModel::draw_row(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream,
                                   float watch_level, Buffers& at) const {
  const float* probability = &at.network_buffers.logits(static_cast<Eigen::Index>(row), 0);
  const std::span<const float> feedback(&at.network_buffers.feedback(static_cast<Eigen::Index>(row), 0), kNumSignals);
  RandomStream random(key, stream);
  const float drawn = random.uniform();
  const float u = watch_level >= 0.0F ? watch_level : drawn;
  std::size_t bin = 0;
  float below = 0.0F;  // probability of the bins before `bin`
  for (; bin + 1 < WatchGrid::kBins && u >= below + probability[bin]; ++bin) below += probability[bin];
  while (bin > 0 && probability[bin] <= 0.0F) --bin;  // rounding never selects a bin the duration cannot have
  at.bin[row] = static_cast<std::uint8_t>(bin);
  Response out;
  // The rest of the same number places the play inside its bin: the draw is the inverse of the distribution function.
  const float level = std::clamp((u - below) / std::max(probability[bin], 1.0e-12F), 0.0F, 0.999999F);
  out.play_ms = parts_.grid.draw_play_ms(bin, level, shown.duration_ms);
  out.watch_ratio = static_cast<float>(out.play_ms) / static_cast<float>(shown.duration_ms);
  const ResponseNetwork& network = parts_.network;
  std::array<float, kNumSignals> uniform, signal_probability;
  for (float& one : uniform) one = random.uniform();
  const float* bin_effect =
      network.bin_effect.value.data() + (tab_class(shown.tab) * WatchGrid::kBins + bin) * kNumSignals;
  const float* click_effect = network.click_effect.value.data();
  const bool click = uniform[0] < fast_sigmoid(feedback[0] + bin_effect[0]);
  for (std::size_t s = 0; s < kNumSignals; ++s)
    signal_probability[s] = fast_sigmoid(feedback[s] + bin_effect[s] + (click ? click_effect[s] : 0.0F) +
                                         (s == kLeave ? leave_shift() : 0.0F));
  unsigned bits = click ? bit(Signal::kClick) : 0U;
  for (std::size_t s = 1; s < kNumSignals; ++s)
    bits |= (s != kLeave && uniform[s] < signal_probability[s] ? 1U : 0U) << s;
  out.leaves = uniform[kLeave] < signal_probability[kLeave];
  if (is_long_view(out.play_ms, shown.duration_ms)) bits |= bit(Signal::kLongView);
  out.signals = static_cast<SignalBits>(bits);
  return out;
}

void FittedUserModel::respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
                              std::span<const RandomKey> keys, std::span<const std::uint32_t> streams,
                              std::span<Response> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  for (std::size_t i = 0; i < shown.size(); ++i) at.histories[i] = &history(states[i]);
  forward(shown, std::span(at.histories).first(shown.size()), exposure, at);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    out[i] = draw_row(shown[i], i, keys[i], streams[i], -1.0F, at);
    remember(shown[i], out[i], i, exposure, at, history_of(states[i]));
  }
}

void FittedUserModel::advance(std::span<const Shown> shown, std::span<const Response> seen,
                              std::span<float* const> states, ExposureKind exposure, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  for (std::size_t i = 0; i < shown.size(); ++i) at.histories[i] = &history(states[i]);
  forward(shown, std::span(at.histories).first(shown.size()), exposure, at);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    at.bin[i] = parts_.grid.bin(seen[i].play_ms, shown[i].duration_ms);
    remember(shown[i], seen[i], i, exposure, at, history_of(states[i]));
  }
}

void FittedUserModel::remember(const Shown& shown, const Response& response, std::size_t row, ExposureKind exposure,
                               const Buffers& at, UserHistory& past) const noexcept {
  HistoryEvent event = event_of(shown, response, exposure, at.bin[row]);
  if (exposure == ExposureKind::kInterventional || clock_ == Clock::kDense)
    centre_on_prediction(shown, response, row, past, at, event);
  past.add(event, clock_ == Clock::kLog);
}

void FittedUserModel::predict(std::span<const Shown> shown, std::span<const UserHistory* const> histories,
                              ExposureKind exposure, std::span<Prediction> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  forward(shown, histories, exposure, at);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    std::copy_n(&at.network_buffers.logits(row, 0), WatchGrid::kBins, out[i].bin.begin());
    out[i].leave = signal_probabilities(parts_.network, out[i].bin, {&at.network_buffers.feedback(row, 0), kNumSignals},
                                        shown[i].tab, shown[i].duration_ms, leave_shift(), out[i].signal);
  }
}

void FittedUserModel::expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                             std::span<Expectation> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  for (std::size_t i = 0; i < shown.size(); ++i) at.histories[i] = &history(states[i]);
  forward(shown, std::span(at.histories).first(shown.size()), exposure, at);
  std::array<float, WatchGrid::kBins> play{};
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const std::span<const float> bins(&at.network_buffers.logits(row, 0), WatchGrid::kBins);
    parts_.grid.mean_play_ms(shown[i].duration_ms, play);
    float mean_ms = 0.0F;
    for (std::size_t k = 0; k < WatchGrid::kBins; ++k) mean_ms += bins[k] * play[k];
    out[i].watch_s = mean_ms / 1000.0F;
    out[i].watch_ratio = mean_ms / static_cast<float>(shown[i].duration_ms);
    out[i].leave = signal_probabilities(parts_.network, bins, {&at.network_buffers.feedback(row, 0), kNumSignals},
                                        shown[i].tab, shown[i].duration_ms, leave_shift(), out[i].signal);
  }
}

void FittedUserModel::ratio_quantiles(const Prediction& prediction, std::int32_t duration_ms,
                                      std::span<float> out) const {
  std::size_t bin = 0;
  double below = 0.0;
  float last = 0.0F;
  for (std::size_t q = 0; q < out.size(); ++q) {
    const double level = static_cast<double>(q + 1) / static_cast<double>(out.size() + 1);
    while (bin + 1 < WatchGrid::kBins && below + static_cast<double>(prediction.bin[bin]) <= level)
      below += static_cast<double>(prediction.bin[bin++]);
    const double mass = std::max(static_cast<double>(prediction.bin[bin]), 1e-12);
    const float inside = static_cast<float>(std::clamp((level - below) / mass, 0.0, 1.0));
    const float ratio = parts_.grid.play_ms(bin, inside, duration_ms) / static_cast<float>(duration_ms);
    out[q] = last = std::max(last, ratio);
  }
}

std::int64_t FittedUserModel::draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state,
                                              RandomKey key, Scratch& scratch) const {
  return parts_.returns.draw_gap_ms(history(state.data()),
                                    {parts_.encoder.user_dense.data() + index_of(user) * kUserDense, kUserDense},
                                    time_ms, key, static_cast<Buffers&>(scratch).return_workspace);
}

}  // namespace swipegym
