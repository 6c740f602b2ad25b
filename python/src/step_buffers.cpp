#include "python/src/step_buffers.h"

#include <algorithm>

#include "core/parallel_for.h"
#include "env/seen_videos.h"

namespace swipegym::python {
namespace {

constexpr std::size_t kRowsAtOnce = 256;

// A column that is not known stays as it is.
template <class To, class From>
void copy_rows(std::vector<To>& to, const From* from, std::size_t width, std::size_t begin, std::size_t end) {
  if (from == nullptr) return;
  std::copy(from + begin * width, from + end * width, to.begin() + static_cast<std::ptrdiff_t>(begin * width));
}

// Calls use(begin, end) for blocks of rows, in parallel.
template <class Use>
void for_blocks(std::size_t rows, int threads, const Use& use) {
  parallel_for((rows + kRowsAtOnce - 1) / kRowsAtOnce, threads,
               [&](std::size_t block, int) { use(block * kRowsAtOnce, std::min(rows, (block + 1) * kRowsAtOnce)); });
}

}  // namespace

ObservationBuffers::ObservationBuffers(std::size_t n, std::size_t length, std::size_t m)
    : rows(n),
      history_length(length),
      candidates(m),
      user(n),
      user_features(n * kUserFeatures),
      history_video(n * length),
      history_ratio(n * length),
      history_signals(n * length),
      context(n * kContextFeatures),
      candidate(n * m),
      candidate_features(n * m * kVideoFeatures),
      mask(n * m),
      tab(n),
      hours_since(n) {}

void ObservationBuffers::copy(const ObservationView& view, std::size_t begin, std::size_t end) {
  copy_rows(user, view.user, 1, begin, end);
  copy_rows(user_features, view.user_features, kUserFeatures, begin, end);
  copy_rows(history_video, view.history_video, history_length, begin, end);
  copy_rows(history_ratio, view.history_ratio, history_length, begin, end);
  copy_rows(history_signals, view.history_signals, history_length, begin, end);
  copy_rows(context, view.context, kContextFeatures, begin, end);
  copy_rows(tab, view.tab, 1, begin, end);
  copy_rows(hours_since, view.hours_since, 1, begin, end);
  if (candidates == 0) return;
  copy_rows(candidate, view.candidate, candidates, begin, end);
  copy_rows(candidate_features, view.candidate_features, candidates * kVideoFeatures, begin, end);
  copy_rows(mask, view.mask, candidates, begin, end);
}

StepBuffers::StepBuffers(const VectorEnv& env)
    : rows(env.config().num_envs),
      slate(env.config().slate),
      costs(env.config().costs.size()),
      observation(rows, env.config().history_length, env.candidates().slots()),
      final_observation(env.config().autoreset == AutoresetMode::kSameStep ? rows : 0, env.config().history_length,
                        env.candidates().slots()),
      reward(rows),
      cost(rows * costs),
      terminated(rows),
      truncated(rows),
      autoreset(rows),
      gap_h(rows),
      video(rows * slate),
      watch_ratio(rows * slate),
      watch_s(rows * slate),
      signals(rows * slate),
      seen_width(env.candidates().slots() == 0 ? env.seen(0).capacity() : 0),
      seen(rows * seen_width) {}

void StepBuffers::take(const ObservationView& view, int threads) {
  for_blocks(rows, threads, [&](std::size_t begin, std::size_t end) { observation.copy(view, begin, end); });
  std::fill(reward.begin(), reward.end(), 0.0);
  std::fill(cost.begin(), cost.end(), 0.0F);
  for (std::vector<std::uint8_t>* flags : {&terminated, &truncated, &autoreset})
    std::fill(flags->begin(), flags->end(), std::uint8_t{0});
  std::fill(gap_h.begin(), gap_h.end(), -1.0);
  std::fill(video.begin(), video.end(), -1);
  std::fill(signals.begin(), signals.end(), 0);
  std::fill(watch_ratio.begin(), watch_ratio.end(), 0.0);
  std::fill(watch_s.begin(), watch_s.end(), 0.0);
}

void StepBuffers::take_seen(const VectorEnv& env) {
  if (seen_width == 0) return;
  for_blocks(rows, env.config().threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const auto place = seen.begin() + static_cast<std::ptrdiff_t>(row * seen_width);
      const std::span<const std::uint32_t> videos = env.seen(row).videos();
      std::fill(std::copy(videos.begin(), videos.end(), place), place + static_cast<std::ptrdiff_t>(seen_width), -1);
    }
  });
}

void StepBuffers::take(const StepView& view, int threads) {
  for_blocks(rows, threads, [&](std::size_t begin, std::size_t end) {
    observation.copy(view.observation, begin, end);
    if (final_observation.rows > 0) final_observation.copy(view.final_observation, begin, end);
    copy_rows(reward, view.reward, 1, begin, end);
    copy_rows(cost, view.cost, costs, begin, end);
    copy_rows(terminated, view.terminated, 1, begin, end);
    copy_rows(truncated, view.truncated, 1, begin, end);
    copy_rows(autoreset, view.autoreset, 1, begin, end);
    copy_rows(gap_h, view.gap_h, 1, begin, end);
    copy_rows(video, view.video, slate, begin, end);
    copy_rows(watch_ratio, view.watch_ratio, slate, begin, end);
    copy_rows(watch_s, view.watch_s, slate, begin, end);
    copy_rows(signals, view.signals, slate, begin, end);
  });
}

}  // namespace swipegym::python
