#include "env/session_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <type_traits>
#include <utility>

#include "core/byte_sum.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/memory_budget.h"
#include "env/candidate_sources.h"
#include "env/catalogue.h"
#include "env/expected_reward.h"
#include "env/listed_candidates.h"
#include "env/session_clock.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr float kMaxRatio = 5.0F;                 // ratios are clipped to this in histories and rewards
constexpr std::int64_t kChinaMs = 8 * 3'600'000;  // KuaiRand's clock is UTC+8
constexpr std::size_t kQuarters = 96;             // quarter hours a day

struct ClockFace {
  std::array<float, kQuarters> sin, cos;
};

const ClockFace& clock_face() {
  static const ClockFace face = [] {
    ClockFace f{};
    for (std::size_t q = 0; q < kQuarters; ++q) {
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(q) / kQuarters;
      f.sin[q] = static_cast<float>(std::sin(angle));
      f.cos[q] = static_cast<float>(std::cos(angle));
    }
    return f;
  }();
  return face;
}

float weigh(const RewardWeights& weights, float watch_s, float ratio, SignalBits signals) noexcept {
  float sum = weights.watch_s * watch_s + weights.watch_ratio * ratio;
  for (std::size_t s = 0; s < kNumSignals; ++s)
    if (signals >> s & 1U) sum += weights.signal[s];
  return sum;
}

float weigh_gap(const RewardWeights& weights, float hours) noexcept {
  return (hours <= 24.0F ? weights.return_day : 0.0F) + weights.gap_h * std::min(hours, kMaxGapHours);
}

}  // namespace

// Videos a session may show.
std::uint64_t longest_session(const VectorEnvConfig& config) {
  return product_of({static_cast<std::uint64_t>(config.max_steps), config.slate});
}

// Logged videos that are not offered again. A small catalogue keeps enough videos back for the longest session, so that
// its candidates never run out.
std::size_t excluded_videos(const Simulator& simulator, std::size_t slots, const VectorEnvConfig& config) {
  if (config.growing) return config.exclude_history;  // a session ends where nothing is left
  const std::size_t videos = simulator.catalogue.num_videos();
  const std::uint64_t kept_back = sum_of({longest_session(config), std::max<std::size_t>(slots, 1)});
  return std::min<std::uint64_t>(config.exclude_history, videos - std::min<std::uint64_t>(videos, kept_back));
}

// Floats of a session's state, whole cache lines.
std::size_t state_stride(const Simulator& simulator) {
  return StateRoom::stride_of(simulator.model->state_size());
}

SessionRows::Worker::Worker(const UserModel& model, std::size_t slate_size)
    : scratch(model.make_scratch()), said(model.num_members() * kChunk), slate(kChunk * slate_size) {}

SessionRows::SessionRows(const Simulator& simulator, const CandidateSource& source, const VectorEnvConfig& config)
    : simulator_(simulator),
      source_(source),
      listed_(dynamic_cast<const ListedCandidates*>(&source)),
      config_(config),
      slots_(source.slots()),
      slate_(config.slate),
      costs_(config.costs.size()),
      gaps_(config.draw_gaps || config.reward.asks_for_gaps() ||
            std::any_of(config.costs.begin(), config.costs.end(),
                        [](const RewardWeights& cost) { return cost.asks_for_gaps(); })),
      states_(config.num_envs, simulator.model->state_size()) {
  const std::size_t n = config.num_envs;
  const std::size_t videos = simulator.catalogue.num_videos();
  const std::size_t session = longest_session(config);
  excluded_ = excluded_videos(simulator, slots_, config);
  on_offer_ = {0, static_cast<std::uint32_t>(videos)};

  env_key_.resize(n), candidate_key_.resize(n), response_key_.resize(n), redraw_key_.resize(n);
  episode_.resize(n), step_.resize(n), videos_shown_.resize(n);
  start_ms_.resize(n), time_ms_.resize(n), last_shown_ms_.resize(n), finished_.resize(n);
  // No video is shown twice in a session. A catalogue that grows may outgrow an exact bitmap.
  const std::size_t marked = config.growing ? std::max(videos, SeenVideos::kMaxBits + 1) : videos;
  seen_.assign(n, SeenVideos(marked, excluded_ + (config.growing ? session : std::min(session, videos))));

  now_ = ObservationBuffers(n, config.history_length, slots_);
  if (config.autoreset == AutoresetMode::kSameStep) final_ = ObservationBuffers(n, config.history_length, slots_);
  reward_.resize(n), stays_.resize(n), gap_h_.resize(n), cost_.resize(n * costs_), terminated_.resize(n),
      truncated_.resize(n), autoreset_.resize(n);
  consumed_.resize(n), video_.resize(n * slate_), watch_ratio_.resize(n * slate_), watch_s_.resize(n * slate_);
  signals_.resize(n * slate_);
  view_ = {now_.view(),       reward_.data(),  cost_.data(),     terminated_.data(), truncated_.data(),
           autoreset_.data(), gap_h_.data(),   consumed_.data(), video_.data(),      watch_ratio_.data(),
           watch_s_.data(),   signals_.data(), stays_.data(),    final_.view()};
}

std::uint64_t SessionRows::bytes(const Simulator& simulator, std::size_t slots, const VectorEnvConfig& config) {
  constexpr std::uint64_t kClocks = 4 * sizeof(RandomKey) + 3 * sizeof(std::uint32_t) + 3 * sizeof(std::int64_t) + 1;
  constexpr std::uint64_t kOutputs = 3 * sizeof(float) + 3 + sizeof(std::uint32_t);
  constexpr std::uint64_t kShown = sizeof(std::int32_t) + 2 * sizeof(float) + sizeof(SignalBits);
  const std::size_t videos = simulator.catalogue.num_videos();
  const std::uint64_t session = longest_session(config);
  const std::uint64_t seen =
      SeenVideos::bytes(config.growing ? std::max(videos, SeenVideos::kMaxBits + 1) : videos,
                        sum_of({excluded_videos(simulator, slots, config),
                                config.growing ? session : std::min<std::uint64_t>(session, videos)}));
  const std::uint64_t a_row = sum_of({kClocks, kOutputs, seen, sizeof(float) * state_stride(simulator),
                                      product_of({config.slate, kShown}), sizeof(float) * config.costs.size()});
  const std::uint64_t buffers = config.autoreset == AutoresetMode::kSameStep ? 2 : 1;
  return sum_of({product_of({config.num_envs, a_row}),
                 product_of({buffers, ObservationBuffers::bytes(config.num_envs, config.history_length, slots)})});
}

void SessionRows::reset(std::size_t row, std::uint64_t seed) {
  env_key_[row] = make_key(seed);
  episode_[row] = 0;
  begin_episode(row);
}

void SessionRows::reset_at(std::size_t row, std::uint64_t seed, const SessionStart& start) {
  env_key_[row] = make_key(seed);
  episode_[row] = 0;
  clear_session(row);
  begin_at(row, start);
}

void SessionRows::next_episode(std::size_t row) {
  if (!finished_[row]) ++episode_[row];  // one that is over has been counted by finish()
  begin_episode(row);
}

void SessionRows::begin_episode(std::size_t row) {
  clear_session(row);
  const Population& population = simulator_.population;
  const RandomKey key = split(env_key_[row], episode_[row]);
  const std::size_t start =
      RandomStream(split(key, Draw::kUser)).below(static_cast<std::uint32_t>(population.start_user.size()));
  begin_at(row, {population.start_user[start], population.start_time_ms[start], population.start_tab[start]});
}

void SessionRows::next_session(std::size_t row, UserModel::Scratch& scratch) {
  const std::span<float> mine(state(row), simulator_.model->state_size());
  time_ms_[row] += next_gap_ms(row, scratch);
  simulator_.model->begin_next_session(time_ms_[row], mine);
  clear_session(row);
  start_ms_[row] = time_ms_[row];
  // What the user remembers of earlier sessions is what the observation shows of them.
  const std::size_t length = config_.history_length, kept = std::min(length, excluded_);
  seen_[row].clear();
  for (std::size_t i = length - kept; i < length; ++i)
    if (const std::int32_t video = now_.history_video[row * length + i]; video >= 0)
      seen_[row].insert(static_cast<std::uint32_t>(video), true);
  write_context(row);
}

void SessionRows::keep(std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != i) move_row(rows[i], i);
  set_rows(rows.size());
}

void SessionRows::copy_columns(const SessionRows& other, std::size_t from, std::size_t to) {
  const auto copy = [&](auto SessionRows::*... columns) { (((this->*columns)[to] = (other.*columns)[from]), ...); };
  copy(&SessionRows::env_key_, &SessionRows::candidate_key_, &SessionRows::response_key_, &SessionRows::redraw_key_,
       &SessionRows::episode_, &SessionRows::step_, &SessionRows::videos_shown_, &SessionRows::start_ms_,
       &SessionRows::time_ms_, &SessionRows::last_shown_ms_, &SessionRows::finished_);
  std::copy_n(other.state(from), states_.stride(), state(to));
  now_.copy_row(from, to, other.now_);
}

void SessionRows::move_row(std::size_t from, std::size_t to) {
  copy_columns(*this, from, to);
  std::swap(seen_[to], seen_[from]);
}

void SessionRows::take_row(const SessionRows& other, std::size_t from, std::size_t to) {
  copy_columns(other, from, to);
  seen_[to].copy_from(other.seen_[from]);
}

void SessionRows::set_rows(std::size_t rows) noexcept {
  now_.rows = rows;
  view_.observation = now_.view();
}

std::size_t SessionRows::choices(std::size_t row) const noexcept {
  std::size_t seen = 0;
  for (const std::uint32_t video : seen_[row].videos()) seen += on_offer_.contains(video) ? 1 : 0;
  return on_offer_.size() - std::min(on_offer_.size(), seen);
}

// Of the episode that is counted as over: the same draw whether it is only reported or the user comes back by it.
std::int64_t SessionRows::next_gap_ms(std::size_t row, UserModel::Scratch& scratch) const {
  const RandomKey key = split(split(env_key_[row], episode_[row]), Draw::kReturn);
  const std::int64_t gap = simulator_.model->draw_return_gap(
      UserIndex{now_.user[row]}, time_ms_[row], {state(row), simulator_.model->state_size()}, key, scratch);
  if (config_.gap_scale == 1.0) return gap;
  return std::max(kSessionGapMs + 1, static_cast<std::int64_t>(static_cast<double>(gap) * config_.gap_scale));
}

void SessionRows::draw_gap(std::size_t row, UserModel::Scratch& scratch) {
  gap_h_[row] = static_cast<float>(static_cast<double>(next_gap_ms(row, scratch)) / 3'600'000.0);
  if (!terminated_[row]) return;
  reward_[row] += weigh_gap(config_.reward, gap_h_[row]);
  for (std::size_t c = 0; c < costs_; ++c) cost_[row * costs_ + c] += weigh_gap(config_.costs[c], gap_h_[row]);
}

void SessionRows::clear_session(std::size_t row) {
  const RandomKey key = split(env_key_[row], episode_[row]);
  candidate_key_[row] = split(key, Draw::kCandidates);
  response_key_[row] = split(key, Draw::kResponse);
  redraw_key_[row] = split(key, Draw::kAction);
  step_[row] = 0;
  videos_shown_[row] = 0;
  finished_[row] = 0;
}

void SessionRows::begin_at(std::size_t row, const SessionStart& start) {
  const Population& population = simulator_.population;
  const std::uint32_t user = start.user;
  start_ms_[row] = time_ms_[row] = start.time_ms;
  now_.tab[row] = start.tab;
  last_shown_ms_[row] = -1;  // the history is the whole log's, which may end before or after this time
  simulator_.model->begin(UserIndex{user}, start_ms_[row], {state(row), simulator_.model->state_size()});

  now_.user[row] = user;
  const float* features = simulator_.catalogue.user_features.data() + user * kUserFeatures;
  std::copy_n(features, kUserFeatures, now_.user_features.data() + row * kUserFeatures);

  const std::size_t first = population.history_offset[user];
  const std::size_t last = population.history_offset[user + 1];
  const std::size_t length = config_.history_length;
  const std::size_t shown = std::min(length, last - first);
  std::int32_t* video = now_.history_video.data() + row * length;
  float* ratio = now_.history_ratio.data() + row * length;
  std::uint8_t* signals = now_.history_signals.data() + row * length;
  std::fill_n(video, length - shown, -1);
  std::fill_n(ratio, length - shown, 0.0F);
  std::fill_n(signals, length - shown, std::uint8_t{0});
  std::copy_n(population.history_video.data() + last - shown, shown, video + length - shown);
  std::copy_n(population.history_ratio.data() + last - shown, shown, ratio + length - shown);
  std::copy_n(population.history_signals.data() + last - shown, shown, signals + length - shown);

  seen_[row].clear();
  for (std::size_t i = last - std::min(excluded_, last - first); i < last; ++i)
    seen_[row].insert(population.history_video[i], true);
  write_context(row);
}

void SessionRows::write_context(std::size_t row) noexcept {
  const ClockFace& face = clock_face();
  const std::int64_t local = (time_ms_[row] + kChinaMs) % kDayMs;
  const auto quarter =
      static_cast<std::size_t>((local < 0 ? local + kDayMs : local) / (kDayMs / std::int64_t{kQuarters}));
  float* context = now_.context.data() + row * kContextFeatures;
  context[0] = static_cast<float>(step_[row]) / static_cast<float>(config_.max_steps);
  context[1] = static_cast<float>(time_ms_[row] - start_ms_[row]) / 1'800'000.0F;
  context[2] = face.sin[quarter];
  context[3] = face.cos[quarter];
  context[4] = now_.tab[row] == 1 ? 1.0F : 0.0F;
  context[5] = now_.tab[row] == 0 ? 1.0F : 0.0F;
  context[6] = now_.tab[row] == 4 ? 1.0F : 0.0F;
  now_.hours_since[row] =
      last_shown_ms_[row] < 0 ? -1.0F : static_cast<float>(time_ms_[row] - last_shown_ms_[row]) / 3'600'000.0F;
  context[7] = videos_shown_[row] > 0 ? now_.history_ratio[(row + 1) * config_.history_length - 1] : 0.0F;
}

void SessionRows::list(std::size_t begin, std::size_t end, std::vector<std::int32_t>& lists) const {
  ObservationView now = now_.view();
  now.candidates = 0;
  lists.clear();
  listed_->list({now, seen_.data(), candidate_key_, step_, begin, end}, lists);
}

void SessionRows::observe(std::size_t begin, std::size_t end) {
  if (slots_ == 0) return;
  constexpr std::size_t kAhead = 8;  // rows whose features are fetched while the next ones draw
  constexpr std::size_t kSeenAhead = 3;
  const float* table = simulator_.catalogue.video_features.data();
  const auto gather = [&](std::size_t row) {
    const std::int32_t* candidate = now_.candidate.data() + row * slots_;
    float* features = now_.candidate_features.data() + row * slots_ * kVideoFeatures;
    for (std::size_t slot = 0; slot < slots_; ++slot)
      std::copy_n(table + static_cast<std::size_t>(candidate[slot]) * kVideoFeatures, kVideoFeatures,
                  features + slot * kVideoFeatures);
  };
  thread_local std::vector<std::int32_t> lists;
  if (listed_ != nullptr) list(begin, end, lists);
  const std::size_t length = listed_ == nullptr ? 0 : lists.size() / (end - begin);
  for (std::size_t row = begin; row < end; ++row) {
    const std::span<std::int32_t> candidate(now_.candidate.data() + row * slots_, slots_);
    const std::span<std::uint8_t> mask(now_.mask.data() + row * slots_, slots_);
    if (row + kSeenAhead < end) seen_[row + kSeenAhead].prefetch();
    const CandidateRequest request{now_.user[row], &seen_[row], candidate_key_[row], step_[row]};
    if (listed_ == nullptr)
      source_.fill(request, candidate, mask);
    else
      listed_->fill(request, std::span(lists).subspan((row - begin) * length, length), candidate, mask);
    for (const std::int32_t video : candidate)
      __builtin_prefetch(table + static_cast<std::size_t>(video) * kVideoFeatures);
    if (row >= begin + kAhead) gather(row - kAhead);
  }
  for (std::size_t row = end - std::min(kAhead, end - begin); row < end; ++row) gather(row);
}

void SessionRows::check(std::size_t row, std::span<const std::int32_t> actions) const {
  const std::size_t choices = slots_ > 0 ? slots_ : simulator_.catalogue.num_videos();
  for (std::size_t k = 0; k < slate_; ++k) {
    const std::int32_t action = actions[k];
    if (action < 0 || static_cast<std::size_t>(action) >= choices)
      throw InputError(fmt::format("env {}: action {} is not in [0, {}): choose a {}", row, action, choices,
                                   slots_ > 0 ? "slot of the candidate set" : "video of the catalogue"));
    const auto index = static_cast<std::size_t>(action);
    if (slots_ == 0 && !on_offer_.contains(static_cast<std::uint32_t>(action)))
      throw InputError(
          fmt::format("env {}: video {} is not on offer, [{}, {}) are", row, action, on_offer_.begin, on_offer_.end));
    if (slots_ > 0 ? now_.mask[row * slots_ + index] == 0 : seen_[row].contains(static_cast<std::uint32_t>(action)))
      throw InputError(fmt::format("env {}: action {} is masked: its video has been watched already", row, action));
    for (std::size_t j = 0; j < k; ++j)
      if (actions[j] == action)
        throw InputError(
            fmt::format("env {}: action {} stands twice in the slate (places {} and {})", row, action, j, k));
  }
}

void SessionRows::redraw(std::size_t row, std::span<const std::int32_t> actions, std::span<std::int32_t> slate) const {
  const std::size_t choices = slots_ > 0 ? slots_ : simulator_.catalogue.num_videos();
  RandomStream random(redraw_key_[row], step_[row]);
  const auto valid = [&](std::int32_t action, std::size_t k) {
    if (action < 0 || static_cast<std::size_t>(action) >= choices) return false;
    if (std::find(slate.begin(), slate.begin() + static_cast<std::ptrdiff_t>(k), action) !=
        slate.begin() + static_cast<std::ptrdiff_t>(k))
      return false;
    return slots_ > 0 ? now_.mask[row * slots_ + static_cast<std::size_t>(action)] != 0
                      : may_show(row, static_cast<std::uint32_t>(action));
  };
  for (std::size_t k = 0; k < slate_; ++k) {
    slate[k] = actions[k];
    // finish() ends an episode whose next step would have fewer than K valid choices, so this comes to an end.
    while (!valid(slate[k], k)) slate[k] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(choices)));
  }
}

void SessionRows::choose(std::size_t row, std::span<const std::int32_t> actions, std::span<std::int32_t> slate) const {
  if (config_.invalid_action == InvalidAction::kRedraw)
    redraw(row, actions, slate);
  else
    std::copy_n(actions.begin(), slate_, slate.begin());
  if (slots_ == 0) return;
  for (std::int32_t& action : slate) action = now_.candidate[row * slots_ + static_cast<std::size_t>(action)];
}

Shown SessionRows::shown_next(std::size_t row, std::int32_t video) const noexcept {
  return {UserIndex{now_.user[row]}, VideoIndex{static_cast<std::uint32_t>(video)}, time_ms_[row],
          simulator_.catalogue.duration_ms[static_cast<std::size_t>(video)], now_.tab[row]};
}

void SessionRows::clear_outputs(std::size_t row) noexcept {
  reward_[row] = 0.0F, stays_[row] = 1.0F, gap_h_[row] = -1.0F;
  std::fill_n(cost_.data() + row * costs_, costs_, 0.0F);
  terminated_[row] = truncated_[row] = autoreset_[row] = 0;
  consumed_[row] = 0;
  std::fill_n(video_.data() + row * slate_, slate_, -1);
  std::fill_n(watch_ratio_.data() + row * slate_, slate_, 0.0F);
  std::fill_n(watch_s_.data() + row * slate_, slate_, 0.0F);
  std::fill_n(signals_.data() + row * slate_, slate_, SignalBits{0});
}

// Of the videos in worker.shown, in the states as they are before the answers move them.
void SessionRows::add_expected_rewards(std::size_t live, Worker& worker) {
  const RewardOutlook outlook{.weights = config_.reward, .exposure = config_.exposure, .pessimism = config_.pessimism};
  outlook.expect(*simulator_.model, {worker.shown.data(), live}, {worker.state.data(), live},
                 {worker.expected.data(), live}, *worker.scratch, worker.said,
                 std::span(worker.stays).first(slate_ == 1 ? live : 0));
  for (std::size_t i = 0; i < live; ++i) reward_[worker.row[i]] += worker.expected[i];
}

void SessionRows::show(std::size_t row, std::size_t place, std::int32_t video, const Response& response) {
  const float watch_s = static_cast<float>(response.play_ms) / 1000.0F;
  const float ratio = std::min(response.watch_ratio, kMaxRatio);
  if (config_.rewards == RewardKind::kDrawn) reward_[row] += weigh(config_.reward, watch_s, ratio, response.signals);
  for (std::size_t c = 0; c < costs_; ++c)
    cost_[row * costs_ + c] += weigh(config_.costs[c], watch_s, ratio, response.signals);
  const std::size_t at = row * slate_ + place;
  video_[at] = video;
  watch_ratio_[at] = response.watch_ratio;
  watch_s_[at] = watch_s;
  signals_[at] = response.signals;
  seen_[row].insert(static_cast<std::uint32_t>(video));
  last_shown_ms_[row] = time_ms_[row];
  time_ms_[row] += response.play_ms + kPauseMs;
  terminated_[row] = response.leaves ? 1 : 0;
  stays_[row] = response.leaves ? 0.0F : 1.0F;
  ++consumed_[row];
  ++videos_shown_[row];
}

void SessionRows::shift_history(std::size_t row) noexcept {
  const std::size_t length = config_.history_length;
  const std::size_t count = std::min<std::size_t>(consumed_[row], length);
  const std::size_t newest = row * slate_ + consumed_[row] - count;
  std::int32_t* video = now_.history_video.data() + row * length;
  float* ratio = now_.history_ratio.data() + row * length;
  std::uint8_t* signals = now_.history_signals.data() + row * length;
  std::copy(video + count, video + length, video);
  std::copy(ratio + count, ratio + length, ratio);
  std::copy(signals + count, signals + length, signals);
  for (std::size_t i = 0; i < count; ++i) {
    video[length - count + i] = video_[newest + i];
    ratio[length - count + i] = std::min(watch_ratio_[newest + i], kMaxRatio);
    signals[length - count + i] = signals_[newest + i];
  }
}

void SessionRows::finish(std::size_t row, UserModel::Scratch& scratch) {
  if (autoreset_[row]) return;
  std::size_t choices = slate_;  // a full catalogue has at least a whole session's videos, see VectorEnv
  if (slots_ > 0) {
    choices = 0;
    for (std::size_t slot = 0; slot < slots_ && choices < slate_; ++slot) choices += now_.mask[row * slots_ + slot];
  } else if (config_.growing || on_offer_.size() < simulator_.catalogue.num_videos()) {
    choices = this->choices(row);
  }
  truncated_[row] =
      !terminated_[row] && (step_[row] >= static_cast<std::uint32_t>(config_.max_steps) || choices < slate_) ? 1 : 0;
  if (!terminated_[row] && !truncated_[row]) return;
  ++episode_[row];
  if (gaps_) draw_gap(row, scratch);
  if (config_.autoreset != AutoresetMode::kSameStep) {
    finished_[row] = 1;
    return;
  }
  final_.copy_row(row, now_);
  begin_episode(row);
  observe(row, row + 1);
}

void SessionRows::step(std::size_t begin, std::size_t end, std::span<const std::int32_t> actions, Worker& worker) {
  std::size_t live = 0;
  for (std::size_t row = begin; row < end; ++row) {
    clear_outputs(row);
    if (finished_[row]) {
      begin_episode(row);
      autoreset_[row] = 1;
      continue;
    }
    choose(row, actions.subspan(row * slate_, slate_), {worker.slate.data() + (row - begin) * slate_, slate_});
    worker.row[live++] = static_cast<std::uint32_t>(row);
  }
  const std::size_t stepped = live;
  std::array<std::uint32_t, kChunk> rows_stepped;
  std::copy_n(worker.row.begin(), stepped, rows_stepped.begin());

  for (std::size_t place = 0; place < slate_ && live > 0; ++place) {
    for (std::size_t i = 0; i < live; ++i) {
      const std::size_t row = worker.row[i];
      const std::int32_t video = worker.slate[(row - begin) * slate_ + place];
      seen_[row].prefetch(static_cast<std::uint32_t>(video));
      worker.shown[i] = shown_next(row, video);
      worker.state[i] = state(row);
      worker.key[i] = response_key_[row];
      worker.stream[i] = videos_shown_[row];
    }
    if (config_.rewards == RewardKind::kExpected) add_expected_rewards(live, worker);
    simulator_.model->respond({worker.shown.data(), live}, {worker.state.data(), live}, config_.exposure,
                              {worker.key.data(), live}, {worker.stream.data(), live}, {worker.response.data(), live},
                              *worker.scratch);
    std::size_t stayed = 0;
    for (std::size_t i = 0; i < live; ++i) {
      const std::size_t row = worker.row[i];
      show(row, place, static_cast<std::int32_t>(index_of(worker.shown[i].video)), worker.response[i]);
      if (config_.rewards == RewardKind::kExpected && slate_ == 1) stays_[row] = worker.stays[i];
      if (!worker.response[i].leaves) worker.row[stayed++] = static_cast<std::uint32_t>(row);
    }
    live = stayed;
  }

  for (std::size_t i = 0; i < stepped; ++i) {
    const std::size_t row = rows_stepped[i];
    ++step_[row];
    shift_history(row);
    write_context(row);
  }
  observe(begin, end);
  for (std::size_t row = begin; row < end; ++row) finish(row, *worker.scratch);
}

namespace {

// Columns of a row, one behind the other, as numbers a file may hold.
template <class T>
std::span<const std::uint8_t> bytes_of(const std::vector<T>& column) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const std::uint8_t*>(column.data()), column.size() * sizeof(T)};
}

template <class T>
void read_bytes(const Hdf5Reader& file, const std::string& name, std::vector<T>& column) {
  file.require_shape(name, {column.size() * sizeof(T)});
  const std::vector<std::uint8_t> bytes = file.read<std::uint8_t>(name);
  std::memcpy(column.data(), bytes.data(), bytes.size());
}

}  // namespace

template <class Self, class Visit>
void SessionRows::each_column(Self& self, const Visit& visit) {
  visit("env_key", self.env_key_), visit("candidate_key", self.candidate_key_);
  visit("response_key", self.response_key_), visit("redraw_key", self.redraw_key_);
  visit("episode", self.episode_), visit("step", self.step_), visit("videos_shown", self.videos_shown_);
  visit("start_ms", self.start_ms_), visit("time_ms", self.time_ms_), visit("last_shown_ms", self.last_shown_ms_);
  visit("finished", self.finished_);
  visit("user", self.now_.user), visit("user_features", self.now_.user_features);
  visit("history_video", self.now_.history_video), visit("history_ratio", self.now_.history_ratio);
  visit("history_signals", self.now_.history_signals), visit("context", self.now_.context);
  visit("tab", self.now_.tab), visit("hours_since", self.now_.hours_since);
}

void SessionRows::save(Hdf5Writer& file, const std::string& group) const {
  std::uint64_t sum = kNoBytes;
  each_column(*this, [&](const char* name, const auto& column) {
    file.write(group + "/" + name, bytes_of(column));
    sum = byte_sum(bytes_of(column), sum);
  });
  const std::size_t rows = episode_.size();
  std::vector<float> states;
  std::vector<std::uint32_t> seen, seen_count, logged_count;
  for (std::size_t row = 0; row < rows; ++row) {
    states.insert(states.end(), state(row), state(row) + states_.stride());
    const std::span<const std::uint32_t> videos = seen_[row].videos();
    seen.insert(seen.end(), videos.begin(), videos.end());
    seen_count.push_back(static_cast<std::uint32_t>(videos.size()));
    logged_count.push_back(static_cast<std::uint32_t>(videos.size() - seen_[row].watched().size()));
  }
  file.write(group + "/state", bytes_of(states));
  // Only the user model knows what a state may hold.
  file.write(group + "/sum", std::vector<std::uint64_t>{byte_sum(bytes_of(states), sum)});
  file.write(group + "/seen", seen);
  file.write(group + "/seen_count", seen_count);
  file.write(group + "/logged_count", logged_count);
}

void SessionRows::load(const Hdf5Reader& file, const std::string& group) {
  each_column(*this, [&](const char* name, auto& column) { read_bytes(file, group + "/" + name, column); });
  const std::size_t rows = episode_.size(), videos = simulator_.catalogue.num_videos();
  std::vector<float> states(rows * states_.stride());
  read_bytes(file, group + "/state", states);
  std::uint64_t sum = kNoBytes;
  each_column(*this, [&](const char*, const auto& column) { sum = byte_sum(bytes_of(column), sum); });
  const auto seen = file.read<std::uint32_t>(group + "/seen");
  const auto seen_count = file.read<std::uint32_t>(group + "/seen_count");
  const auto logged_count = file.read<std::uint32_t>(group + "/logged_count");
  const auto damaged = [&](bool holds, const char* what) {
    if (!holds) throw InputError(fmt::format("{}: {} of its rows make no sense", file.path().string(), what));
  };
  damaged(file.read_array<std::uint64_t, 1>(group + "/sum")[0] == byte_sum(bytes_of(states), sum), "the numbers");
  damaged(seen_count.size() == rows && logged_count.size() == rows, "the videos seen");
  for (const std::uint32_t user : now_.user) damaged(user < simulator_.catalogue.num_users(), "the users");
  for (const std::int32_t video : now_.history_video)
    damaged(video >= -1 && video < static_cast<std::int64_t>(videos), "the histories");
  std::size_t at = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(states.data() + row * states_.stride(), states_.stride(), state(row));
    damaged(seen_count[row] <= seen.size() - at && logged_count[row] <= seen_count[row] &&
                seen_count[row] <= seen_[row].capacity(),
            "the videos seen");
    seen_[row].clear();
    for (std::size_t i = 0; i < seen_count[row]; ++i, ++at) {
      damaged(seen[at] < videos, "the videos seen");
      damaged(seen_[row].insert(seen[at], i < logged_count[row]), "the videos seen");
    }
  }
  damaged(at == seen.size(), "the videos seen");
}

}  // namespace swipegym
