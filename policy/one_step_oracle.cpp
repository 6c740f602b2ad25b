#include "policy/one_step_oracle.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "core/error.h"
#include "core/parallel_for.h"
#include "core/parallel_pieces.h"
#include "env/candidate_sources.h"
#include "env/seen_videos.h"
#include "policy/best_unseen.h"

namespace swipegym {

float expected_reward(const RewardWeights& weights, const Expectation& expectation) noexcept {
  float sum = weights.watch_s * expectation.watch_s + weights.watch_ratio * expectation.watch_ratio;
  for (std::size_t i = 0; i < kNumSignals; ++i) sum += weights.signal[i] * expectation.signal[i];
  return sum;
}

ExpectedPart expected_part(const RewardWeights& weights) noexcept {
  const bool any = std::any_of(std::begin(weights.signal), std::end(weights.signal), [](float w) { return w != 0.0F; });
  return any ? ExpectedPart::kAll : ExpectedPart::kWatch;
}

namespace {

// The expected reward in env `row` of every video of the catalogue, or of the listed ones when a list is given.
void expect_many(const VectorEnv& env, std::size_t row, std::span<const std::int32_t> listed, int threads,
                 std::span<float> scores) {
  const RewardWeights& reward = env.config().reward;
  const ExpectedPart part = expected_part(reward);
  parallel_pieces(scores.size(), 64 * kChunk, threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local std::vector<std::int32_t> videos;
    thread_local std::vector<Expectation> expectations;
    videos.resize(count), expectations.resize(count);
    if (listed.empty())
      std::iota(videos.begin(), videos.end(), static_cast<std::int32_t>(first));
    else
      std::copy_n(listed.begin() + static_cast<std::ptrdiff_t>(first), count, videos.begin());
    env.expect_videos(row, videos, expectations, part);
    std::transform(expectations.begin(), expectations.end(), scores.begin() + static_cast<std::ptrdiff_t>(first),
                   [&](const Expectation& e) { return expected_reward(reward, e); });
  });
}

// Calls use(i, threads, worker) for each of `rows`: many rows side by side, few one after the other with all threads.
template <class Use>
void each_row(std::size_t rows, int threads, const Use& use) {
  const bool many = rows >= static_cast<std::size_t>(worker_count(threads));
  parallel_for(rows, many ? threads : 1,
               [&](std::size_t i, int worker) { use(i, many ? 1 : threads, static_cast<std::size_t>(worker)); });
}

// Policy::best_videos() by the expected reward of all `videos` of the catalogue, or of the listed ones.
bool best_expected(const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                   std::span<const std::int32_t> listed, std::size_t videos, std::size_t count,
                   std::span<std::int32_t> out) {
  std::vector<std::vector<float>> scores(static_cast<std::size_t>(worker_count(batch.threads)));
  std::atomic<bool> found = true;
  std::vector<std::int32_t> offered;
  if (const VideoRange range = batch.env->on_offer(); listed.empty() && range.size() < videos) {
    offered.resize(videos = range.size());
    std::iota(offered.begin(), offered.end(), static_cast<std::int32_t>(range.begin));
    listed = offered;
  }
  each_row(rows.size(), batch.threads, [&](std::size_t i, int threads, std::size_t worker) {
    scores[worker].resize(videos);
    expect_many(*batch.env, rows[i], listed, threads, scores[worker]);
    if (!best_unseen(scores[worker], listed, batch, rows[i], count, out.subspan(i * count, count))) found = false;
  });
  return found;
}

// The allowed slots of each row, row by row: no room for the expectations of all, and none asked for masked slots.
void score_allowed(const DecisionBatch& batch, std::span<float> scores) {
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  const std::size_t m = observation.candidates;
  const ExpectedPart part = expected_part(env.config().reward);
  parallel_for(observation.rows, batch.threads, [&](std::size_t row, int) {
    thread_local std::vector<std::int32_t> videos;
    thread_local std::vector<std::size_t> slots;
    thread_local std::vector<Expectation> expectations;
    videos.clear(), slots.clear();
    for (std::size_t slot = row * m; slot < (row + 1) * m; ++slot)
      if (observation.mask[slot]) {
        slots.push_back(slot);
        videos.push_back(observation.candidate[slot]);
      }
    expectations.resize(videos.size());
    env.expect_videos(row, videos, expectations, part);
    for (std::size_t i = 0; i < slots.size(); ++i)
      scores[slots[i]] = expected_reward(env.config().reward, expectations[i]);
  });
}

}  // namespace

void OneStepOracle::score(const DecisionBatch& batch, std::span<float> scores) const {
  if (batch.env == nullptr)
    throw InputError("the one-step oracle needs the environment itself: it cannot score recorded observations");
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  // The model answers kChunk questions at a time: of few candidates those of several rows together.
  if (observation.candidates >= 4 * kChunk) return score_allowed(batch, scores);
  if (observation.candidates > 0) {
    std::vector<Expectation> expectations(scores.size());
    env.expect_all(expectations, expected_part(env.config().reward));
    std::transform(expectations.begin(), expectations.end(), scores.begin(),
                   [&](const Expectation& e) { return expected_reward(env.config().reward, e); });
    return;
  }
  const std::size_t videos = env.simulator().catalogue.num_videos();
  each_row(observation.rows, batch.threads, [&](std::size_t row, int threads, std::size_t) {
    expect_many(env, row, {}, threads, scores.subspan(row * videos, videos));
  });
}

bool OneStepOracle::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                std::span<std::int32_t> out) const {
  return batch.env != nullptr &&
         best_expected(batch, rows, {}, batch.env->simulator().catalogue.num_videos(), count, out);
}

namespace {

// The videos that statistics of the catalogue put first: by mean seconds watched, by mean ratio, by length. Ascending.
std::vector<std::int32_t> promising(const Catalogue& catalogue, std::size_t count) {
  const std::size_t videos = catalogue.num_videos();
  std::vector<float> seconds(videos), duration(videos);
  for (std::size_t v = 0; v < videos; ++v) {
    duration[v] = static_cast<float>(catalogue.duration_ms[v]);
    seconds[v] = catalogue.item_mean[v] * duration[v];
  }
  std::vector<std::int32_t> out;
  for (const std::span<const float> score :
       {std::span<const float>(seconds), std::span(catalogue.item_mean), std::span<const float>(duration)}) {
    const std::vector<std::int32_t> first = best_first(score, (count + 2) / 3);
    out.insert(out.end(), first.begin(), first.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Moves sessions on by a few videos of the list.
void watch_some(VectorEnv& sessions, const std::vector<std::int32_t>& list, std::span<const RandomKey> keys) {
  const std::size_t videos = sessions.simulator().catalogue.num_videos();
  std::vector<std::int32_t> actions(keys.size());
  for (std::uint32_t step = 0; step < 5; ++step) {
    for (std::size_t row = 0; row < keys.size(); ++row) {
      RandomStream random(keys[row], step);
      actions[row] = list[random.below(static_cast<std::uint32_t>(list.size()))];
      if (sessions.seen(row).contains(static_cast<std::uint32_t>(actions[row])))
        actions[row] = draw_unseen(videos, sessions.seen(row), random);
    }
    sessions.step(actions);
  }
}

}  // namespace

ShortlistOracle::ShortlistOracle(std::shared_ptr<const Simulator> simulator, const VectorEnvConfig& env,
                                 const Settings& settings, const Progress& progress) {
  const Catalogue& catalogue = simulator->catalogue;
  const std::size_t total = settings.states + settings.recall_states;
  VectorEnvConfig sampled = env;
  sampled.num_envs = total;
  sampled.autoreset = AutoresetMode::kNextStep;
  VectorEnv sessions(simulator, std::make_shared<FullCatalogue>(), sampled);
  std::vector<std::uint64_t> seeds(total);
  std::vector<RandomKey> keys(total);
  for (std::size_t row = 0; row < total; ++row) {
    keys[row] = split(make_key(settings.seed), row);
    seeds[row] = std::uint64_t{keys[row].hi} << 32 | keys[row].lo;
  }
  sessions.reset(seeds);

  const std::vector<std::int32_t> asked = promising(catalogue, settings.asked);
  std::vector<float> scores(asked.size());
  for (std::size_t row = 0; row < settings.states; ++row) {
    expect_many(sessions, row, asked, env.threads, scores);
    for (const std::int32_t place : best_first(scores, settings.per_state))
      videos_.push_back(asked[static_cast<std::size_t>(place)]);
  }
  std::sort(videos_.begin(), videos_.end());
  videos_.erase(std::unique(videos_.begin(), videos_.end()), videos_.end());

  // The list was made at the first step of its own sessions; the others are looked at later, over all videos.
  watch_some(sessions, videos_, keys);
  scores.resize(catalogue.num_videos());
  std::size_t held = 0;
  for (std::size_t row = settings.states; row < total; ++row) {
    report(progress, "the oracle's recall", row - settings.states, settings.recall_states);
    expect_many(sessions, row, {}, env.threads, scores);
    const auto here = static_cast<std::uint32_t>(row);
    const DecisionBatch batch{.observation = sessions.observation(), .env = &sessions, .keys = {}, .streams = {}};
    std::int32_t best = 0;
    best_unseen(scores, {}, batch, here, 1, {&best, 1});
    held += std::binary_search(videos_.begin(), videos_.end(), best);
  }
  if (settings.recall_states > 0) recall_ = static_cast<double>(held) / static_cast<double>(settings.recall_states);
}

void ShortlistOracle::score(const DecisionBatch&, std::span<float>) const {
  throw InputError("the oracle of a large catalogue knows its shortlist only: use it with the full catalogue");
}

bool ShortlistOracle::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                  std::span<std::int32_t> out) const {
  return batch.env != nullptr && best_expected(batch, rows, videos_, videos_.size(), count, out);
}

}  // namespace swipegym
