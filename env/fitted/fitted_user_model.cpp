#include "env/fitted/fitted_user_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "core/lanes.h"
#include "core/random_words.h"
#include "env/catalogue.h"
#include "nn/fast_math.h"
#include "sim_data/labels.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kMemberDraw = 0x6D656D626572ULL;  // child of a session's key that draws its member
constexpr std::int64_t kTypicalGapMs = 8LL * 3600 * 1000;
// A session's state is its UserHistory, filled up to whole cache lines, and a copy of the user's half of the first
// layer: a session reads that at every step, and the table of all users lies further away.
constexpr std::size_t kHistoryFloats = (sizeof(UserHistory) + 63) / 64 * (64 / sizeof(float));

UserHistory& history_of(float* state) {
  return *std::launder(reinterpret_cast<UserHistory*>(state));
}
// WatchGrid::mean_play_ms of the videos asked about lately. An oracle asks about the same videos step after step, and
// the means of forty bins take longer than the network.
class MeanPlays {
 public:
  using Row = std::array<float, WatchGrid::kBins>;
  const Row& of(const WatchGrid& grid, const Shown& shown) {
    if (duration_.empty()) {  // most scratches never expect anything
      duration_.assign(kSlots, 0);
      mean_ = std::make_unique_for_overwrite<Row[]>(kSlots);
    }
    const std::size_t slot = index_of(shown.video) % kSlots;
    if (duration_[slot] != shown.duration_ms) {
      grid.mean_play_ms(shown.duration_ms, mean_[slot]);
      duration_[slot] = shown.duration_ms;
    }
    return mean_[slot];
  }

 private:
  static constexpr std::size_t kSlots = 16'384;  // 2.7 MB, of which only those met are touched
  std::vector<std::int32_t> duration_;           // 0: an empty slot
  std::unique_ptr<Row[]> mean_;
};

// sum of a[k] * b[k] over the bins and their filling.
float dot_bins(const float* a, const float* b) noexcept {
  FloatLanes sum = load_lanes(a) * load_lanes(b);
  for (std::size_t at = kLanes; at < ResponsePass::kBinStride; at += kLanes)
    sum += load_lanes(a + at) * load_lanes(b + at);
  return sum_lanes(sum);
}

}  // namespace

struct FittedUserModel::Buffers final : UserModel::Scratch {
  explicit Buffers(const ResponsePass& response_pass) : pass(response_pass) {}
  const float* probability(std::size_t row) const noexcept {
    return &pass.probability(static_cast<Eigen::Index>(row), 0);
  }
  std::span<const float> feedback(std::size_t row) const noexcept {
    return {&pass.feedback(static_cast<Eigen::Index>(row), 0), kNumSignals};
  }
  // Of a mean over members: the feedback of one who may have answered so, by how likely each is to have.
  void take_feedback(std::size_t row, RandomKey key, std::uint32_t stream) {
    const auto at = static_cast<Eigen::Index>(row), column = static_cast<Eigen::Index>(bin[row]);
    float all = 0.0F;
    for (const Matrix& said : member_probability) all += said(at, column);
    float left = all * RandomStream(split(key, kMemberDraw), stream).uniform();
    std::size_t member = 0;
    for (; member + 1 < member_probability.size(); ++member)
      if ((left -= member_probability[member](at, column)) < 0.0F) break;
    pass.feedback.row(at) = member_feedback[member].row(at);
  }
  ResponsePass::Buffers pass;
  // Of predict() with members, whose mean `pass` then has: what each said, from which draw() takes one's feedback.
  std::vector<Matrix> member_probability, member_feedback;
  bool is_mean = false;
  std::array<const UserHistory*, kChunk> histories{};
  std::array<const float*, kChunk> user_half{};
  std::array<std::uint8_t, kChunk> bin{};  // drawn by draw_row
  MlpWorkspace return_workspace;
  MeanPlays mean_plays;
};

FittedUserModel::FittedUserModel(FittedParts parts, Clock clock)
    : parts_(std::move(parts)), clock_(clock), pass_(parts_) {
  const std::size_t users = parts_.encoder.features.num_users();
  for (std::size_t tab = 0; tab < kTabClasses; ++tab) {
    for (std::size_t bin = 0; bin < WatchGrid::kBins; ++bin)
      click_of_bin_[tab][bin] =
          parts_.network.bin_effect.value(static_cast<Eigen::Index>(tab * WatchGrid::kBins + bin), 0);
    for (std::size_t group = 0; group < WatchGrid::kGroups; ++group)
      std::ranges::copy(parts_.encoder.cells.cell(true, tab, group).level, level_of_bin_[tab][group].begin());
  }
  last_history_.resize(users);
  for (std::size_t u = 0; u < users; ++u)
    for (std::uint64_t e = parts_.event_offset[u]; e < parts_.event_offset[u + 1]; ++e)
      last_history_[u].add(parts_.event[e]);
}

namespace {

// A table of `width` numbers a row, with its first row repeated up to `rows`.
template <class T>
void lengthen(std::vector<T>& table, std::size_t width, std::size_t rows) {
  const std::vector<T> first(table.begin(), table.begin() + static_cast<std::ptrdiff_t>(width));
  table.reserve(rows * width);
  while (table.size() < rows * width) table.insert(table.end(), first.begin(), first.end());
}

template <class T>
void copy_table_row(std::vector<T>& table, std::size_t width, std::size_t from, std::size_t to) {
  std::copy_n(table.begin() + static_cast<std::ptrdiff_t>(from * width), width,
              table.begin() + static_cast<std::ptrdiff_t>(to * width));
}

}  // namespace

void FittedUserModel::make_room(std::size_t videos) {
  FeatureEncoder& features = parts_.encoder.features;
  lengthen(features.video_code, kVideoCodes, videos);
  lengthen(features.video_dense, kVideoDense, videos);
  lengthen(features.video_tag, 1, videos);
  lengthen(features.video_author, 1, videos);
  lengthen(parts_.item_dense, kItemDense, videos);
  pass_ = ResponsePass(parts_);
}

void FittedUserModel::copy_video(VideoIndex from, VideoIndex to, std::uint32_t author) {
  FeatureEncoder& features = parts_.encoder.features;
  const std::size_t a = index_of(from), b = index_of(to);
  copy_table_row(features.video_code, kVideoCodes, a, b);
  copy_table_row(features.video_dense, kVideoDense, a, b);
  copy_table_row(features.video_tag, 1, a, b);
  features.video_author[b] = author;
  copy_table_row(parts_.item_dense, kItemDense, a, b);
  pass_.copy_video(from, to);
}

const UserHistory& FittedUserModel::history(const float* state) noexcept {
  return *std::launder(reinterpret_cast<const UserHistory*>(state));
}

std::size_t FittedUserModel::state_size() const noexcept {
  return kHistoryFloats + (num_members() == 1 ? pass_.width() : 0);
}

std::size_t FittedUserModel::member_of(RandomKey session) const noexcept {
  if (num_members() == 1) return 0;
  return RandomStream(split(session, kMemberDraw)).below(static_cast<std::uint32_t>(num_members()));
}

std::unique_ptr<UserModel::Scratch> FittedUserModel::make_scratch() const {
  return std::make_unique<Buffers>(pass_);
}

void FittedUserModel::begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const {
  auto* past = new (state.data()) UserHistory(last_history_[index_of(user)]);
  // A session start drawn from the log's past begins after the history all the same.
  if (past->last_time_ms >= time_ms) past->last_time_ms = time_ms - kTypicalGapMs;
  past->event_time_ms = past->last_time_ms;
  if (num_members() == 1) std::copy_n(pass_.user_half(user, 0), pass_.width(), state.data() + kHistoryFloats);
}

void FittedUserModel::begin_next_session(std::int64_t time_ms, std::span<float> state) const {
  UserHistory& past = history_of(state.data());
  past.close_session();
  past.last_time_ms = std::min(past.last_time_ms, time_ms - kSessionGapMs - 1);
}

// A logged sequence on the log's clock is what the cells were measured on. Elsewhere (a policy's choices, long dense
// sessions of a thinned log) expectations differ from the cells' and running means fed with that difference would
// drift: a user shown unmatched videos would seem ever more bored. There an event is the user's running mean plus the
// surprise: what happened less what the model itself expected. The mean then moves only by what the response tells.
void FittedUserModel::centre_on_prediction(const Shown& shown, const Response& response, std::size_t row,
                                           const UserHistory& h, const Buffers& at,
                                           HistoryEvent& event) const noexcept {
  const ResponseNetwork& network = parts_.network;
  const float* p = at.probability(row);
  const std::span<const float> feedback = at.feedback(row);
  const std::size_t tab = tab_class(shown.tab);
  const BinRow& level_of_bin = level_of_bin_[tab][parts_.encoder.grid.group(shown.duration_ms)];
  std::array<float, ResponsePass::kBinStride> click_of_bin;
  for (std::size_t k = 0; k < click_of_bin.size(); ++k)
    click_of_bin[k] = fast_sigmoid(feedback[0] + click_of_bin_[tab][k]);
  const float level = dot_bins(p, level_of_bin.data()), click = dot_bins(p, click_of_bin.data());
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
  event.level = level_of_bin[bin] - level + mean(h.level, 5.0F);
  event.click = (clicked ? 1.0F : 0.0F) - click + mean(h.click, 5.0F);
  event.long_view = (has(response.signals, Signal::kLongView) ? 1.0F : 0.0F) - long_view + mean(h.long_view, 5.0F);
  event.zero = (bin == 0 ? 1.0F : 0.0F) - p[0] + mean(h.zero, 5.0F);
  event.like = surprise(Signal::kLike) + mean(h.like, 10.0F);
  event.profile = surprise(Signal::kProfile) + mean(h.profile, 10.0F);
  event.hate = surprise(Signal::kHate) + mean(h.hate, 10.0F);
  event.other =
      surprise(Signal::kFollow) + surprise(Signal::kComment) + surprise(Signal::kForward) + mean(h.other, 10.0F);
}

void FittedUserModel::read_histories(std::span<const Shown> shown, Buffers& at) const {
  for (std::size_t i = 0; i < shown.size(); ++i)
    history_features(*at.histories[i], parts_.encoder.query(shown[i]), parts_.clip,
                     {&at.pass.history(static_cast<Eigen::Index>(i), 0), kHistoryFeatures});
}

void FittedUserModel::forward(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                              Buffers& at, ExpectedPart part) const {
  const bool has_half = num_members() == 1 && !states.empty();
  for (std::size_t i = 0; i < shown.size(); ++i)
    at.user_half[i] =
        has_half ? states[i] + kHistoryFloats : pass_.user_half(shown[i].user, std::size_t{at.pass.member[i]});
  pass_.forward(parts_, shown, std::span(at.user_half).first(shown.size()), exposure, at.pass, part);
}

void FittedUserModel::forward_states(std::span<const Shown> shown, std::span<const float* const> states,
                                     ExposureKind exposure, Buffers& at) const {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    at.histories[i] = &history(states[i]);
    pass_.prefetch(shown[i].video, at.pass.member[i]);
  }
  read_histories(shown, at);
  forward(shown, states, exposure, at);
  at.is_mean = false;
}

template <class Visit>
void FittedUserModel::for_all_members(std::span<const Shown> shown, std::span<const float* const> states,
                                      ExposureKind exposure, Buffers& at, ExpectedPart part, const Visit& visit) const {
  for (const Shown& one : shown) pass_.prefetch(one.video, 0, part);
  read_histories(shown, at);
  at.is_mean = false;
  for (std::size_t member = 0; member < num_members(); ++member) {
    at.pass.member.fill(static_cast<std::uint8_t>(member));
    forward(shown, states, exposure, at, part);
    visit(member);
  }
}

Response FittedUserModel::draw(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream,
                               Scratch& scratch, float watch_level) const {
  return draw_row(shown, row, key, stream, watch_level, static_cast<Buffers&>(scratch));
}

Response FittedUserModel::draw_row(const Shown& shown, std::size_t row, RandomKey key, std::uint32_t stream,
                                   float watch_level, Buffers& at) const {
  const float* probability = at.probability(row);
  BulkRandomStream random(key, stream);
  const float drawn = random.uniform();
  const float u = watch_level >= 0.0F ? watch_level : drawn;
  std::size_t bin = 0;
  float below = 0.0F;  // probability of the bins before `bin`
  for (; bin + 1 < WatchGrid::kBins && u >= below + probability[bin]; ++bin) below += probability[bin];
  while (bin > 0 && probability[bin] <= 0.0F) --bin;  // rounding never selects a bin the duration cannot have
  at.bin[row] = static_cast<std::uint8_t>(bin);
  if (at.is_mean) at.take_feedback(row, key, stream);
  const std::span<const float> feedback = at.feedback(row);
  Response out;
  // The rest of the same number places the play inside its bin: the draw is the inverse of the distribution function.
  const float level = std::clamp((u - below) / std::max(probability[bin], 1.0e-12F), 0.0F, 0.999999F);
  out.play_ms = parts_.encoder.grid.draw_play_ms(bin, level, shown.duration_ms);
  out.watch_ratio = static_cast<float>(out.play_ms) / static_cast<float>(shown.duration_ms);
  const ResponseNetwork& network = parts_.network;
  std::array<float, kNumSignals> uniform, signal_probability;
  for (float& one : uniform) one = random.uniform();
  const float* bin_effect =
      network.bin_effect.value.data() + (tab_class(shown.tab) * WatchGrid::kBins + bin) * kNumSignals;
  const float* click_effect = network.click_effect.value.data();
  const bool click = uniform[0] < fast_sigmoid(feedback[0] + bin_effect[0]);
  const float clicked = click ? 1.0F : 0.0F;
  for (std::size_t s = 0; s < kNumSignals; ++s)
    signal_probability[s] = feedback[s] + bin_effect[s] + clicked * click_effect[s];
  signal_probability[kLeaveColumn] += leave_shift();
  for (float& one : signal_probability) one = fast_sigmoid(one);
  unsigned bits = click ? bit(Signal::kClick) : 0U;
  for (std::size_t s = 1; s < kNumSignals; ++s)
    bits |= (s != kLeaveColumn && uniform[s] < signal_probability[s] ? 1U : 0U) << s;
  out.leaves = uniform[kLeaveColumn] < signal_probability[kLeaveColumn];
  if (is_long_view(out.play_ms, shown.duration_ms)) bits |= bit(Signal::kLongView);
  out.signals = static_cast<SignalBits>(bits);
  return out;
}

void FittedUserModel::respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
                              std::span<const RandomKey> keys, std::span<const std::uint32_t> streams,
                              std::span<Response> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  if (num_members() > 1)
    for (std::size_t i = 0; i < shown.size(); ++i) at.pass.member[i] = static_cast<std::uint8_t>(member_of(keys[i]));
  forward_states(shown, states, exposure, at);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    out[i] = draw_row(shown[i], i, keys[i], streams[i], -1.0F, at);
    remember(shown[i], out[i], i, exposure, at, history_of(states[i]));
  }
}

void FittedUserModel::advance(std::span<const Shown> shown, std::span<const Response> seen,
                              std::span<float* const> states, ExposureKind exposure, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  for (std::size_t i = 0; i < shown.size(); ++i)  // whose key nobody knows: by the user
    at.pass.member[i] = static_cast<std::uint8_t>(index_of(shown[i].user) % num_members());
  forward_states(shown, states, exposure, at);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    at.bin[i] = parts_.encoder.grid.bin(seen[i].play_ms, shown[i].duration_ms);
    remember(shown[i], seen[i], i, exposure, at, history_of(states[i]));
  }
}

void FittedUserModel::remember(const Shown& shown, const Response& response, std::size_t row, ExposureKind exposure,
                               const Buffers& at, UserHistory& past) const noexcept {
  const RowEncoder& encoder = parts_.encoder;
  const WatchGrid::Place place{.group = static_cast<std::uint8_t>(encoder.grid.group(shown.duration_ms)),
                               .bin = at.bin[row]};
  HistoryEvent event = encoder.event(shown, exposure == ExposureKind::kInterventional, place, response.signals);
  event.watched = std::min(response.watch_ratio, 1.0F);
  const bool thinned = !parts_.whole_sessions;
  if (exposure == ExposureKind::kInterventional || (thinned && clock_ == Clock::kDense))
    centre_on_prediction(shown, response, row, past, at, event);
  past.add(event, !thinned || clock_ == Clock::kLog);
}

void FittedUserModel::predict(std::span<const Shown> shown, std::span<const UserHistory* const> histories,
                              ExposureKind exposure, std::span<Prediction> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  std::copy(histories.begin(), histories.end(), at.histories.begin());
  const std::size_t members = num_members();
  const bool mixes = members > 1;
  at.member_probability.resize(mixes ? members : 0), at.member_feedback.resize(at.member_probability.size());
  const float share = 1.0F / static_cast<float>(members);
  std::fill(out.begin(), out.end(), Prediction{});
  for_all_members(shown, {}, exposure, at, ExpectedPart::kAll, [&](std::size_t member) {
    if (mixes) at.member_probability[member] = at.pass.probability, at.member_feedback[member] = at.pass.feedback;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      Expectation one;
      expect_row(shown[i], i, ExpectedPart::kAll, at, one);
      out[i].leave += share * one.leave, out[i].watch_s += share * one.watch_s;
      for (std::size_t k = 0; k < WatchGrid::kBins; ++k) out[i].bin[k] += share * at.probability(i)[k];
      for (std::size_t k = 0; k < kNumSignals; ++k) out[i].signal[k] += share * one.signal[k];
    }
  });
  at.is_mean = mixes;
  for (std::size_t i = 0; mixes && i < shown.size(); ++i)
    std::copy(out[i].bin.begin(), out[i].bin.end(), &at.pass.probability(static_cast<Eigen::Index>(i), 0));
}

void FittedUserModel::expect_row(const Shown& shown, std::size_t row, ExpectedPart part, Buffers& at,
                                 Expectation& out) const {
  out = {};
  expect_play(shown, row, at, out);
  if (part == ExpectedPart::kWatch) return;
  const std::span<const float> bins(at.probability(row), WatchGrid::kBins);
  out.leave = signal_probabilities(parts_.network, bins, at.feedback(row), shown.tab, shown.duration_ms, leave_shift(),
                                   out.signal);
}

void FittedUserModel::expect_mean(std::span<const Shown> shown, std::span<const float* const> states,
                                  ExposureKind exposure, ExpectedPart part, std::span<Expectation> out,
                                  Buffers& at) const {
  for (std::size_t i = 0; i < shown.size(); ++i) at.histories[i] = &history(states[i]);
  const float share = 1.0F / static_cast<float>(num_members());
  for_all_members(shown, states, exposure, at, part, [&](std::size_t member) {
    for (std::size_t i = 0; i < shown.size(); ++i) {
      Expectation one;
      expect_row(shown[i], i, part, at, one);
      if (member == 0) out[i] = {};
      out[i].watch_s += share * one.watch_s, out[i].watch_ratio += share * one.watch_ratio;
      out[i].leave += share * one.leave;
      for (std::size_t k = 0; k < kNumSignals; ++k) out[i].signal[k] += share * one.signal[k];
    }
  });
}

void FittedUserModel::expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                             std::span<Expectation> out, Scratch& scratch) const {
  expect_mean(shown, states, exposure, ExpectedPart::kAll, out, static_cast<Buffers&>(scratch));
}

void FittedUserModel::expect_watch(std::span<const Shown> shown, std::span<const float* const> states,
                                   ExposureKind exposure, std::span<Expectation> out, Scratch& scratch) const {
  expect_mean(shown, states, exposure, ExpectedPart::kWatch, out, static_cast<Buffers&>(scratch));
}

void FittedUserModel::expect_members(ExpectedPart part, std::span<const Shown> shown,
                                     std::span<const float* const> states, ExposureKind exposure,
                                     std::span<Expectation> out, Scratch& scratch) const {
  Buffers& at = static_cast<Buffers&>(scratch);
  for (std::size_t i = 0; i < shown.size(); ++i) at.histories[i] = &history(states[i]);
  for_all_members(shown, states, exposure, at, part, [&](std::size_t member) {
    for (std::size_t i = 0; i < shown.size(); ++i) expect_row(shown[i], i, part, at, out[member * shown.size() + i]);
  });
}

void FittedUserModel::expect_play(const Shown& shown, std::size_t row, Buffers& at, Expectation& out) const {
  const float* bins = at.probability(row);
  const MeanPlays::Row& play = at.mean_plays.of(parts_.encoder.grid, shown);
  float mean_ms = 0.0F;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) mean_ms += bins[k] * play[k];
  out.watch_s = mean_ms / 1000.0F;
  out.watch_ratio = mean_ms / static_cast<float>(shown.duration_ms);
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
    const float ratio = parts_.encoder.grid.play_ms(bin, inside, duration_ms) / static_cast<float>(duration_ms);
    out[q] = last = std::max(last, ratio);
  }
}

std::int64_t FittedUserModel::draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state,
                                              RandomKey key, Scratch& scratch) const {
  return parts_.returns.draw_gap_ms(
      history(state.data()), {parts_.encoder.features.user_dense.data() + index_of(user) * kUserDense, kUserDense},
      time_ms, key, static_cast<Buffers&>(scratch).return_workspace);
}

}  // namespace swipegym
