#include "policy/one_step_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "core/error.h"
#include "core/parallel_for.h"
#include "core/parallel_pieces.h"
#include "env/candidate_sources.h"
#include "env/expected_reward.h"
#include "env/seen_videos.h"
#include "policy/best_unseen.h"

namespace swipegym {

OneStepOracle::OneStepOracle(float pessimism)
    : pessimism_(pessimism), name_(pessimism == 0.0F ? "oracle" : fmt::format("oracle:{}", pessimism)) {}

std::optional<float> oracle_pessimism(std::string_view word) {
  constexpr std::string_view kOracle = "oracle";
  if (!word.starts_with(kOracle)) return std::nullopt;
  word.remove_prefix(kOracle.size());
  if (word.empty()) return 0.0F;
  if (word[0] != ':') return std::nullopt;
  return parse_number<float>("the pessimism of oracle:K", word.substr(1), kPessimism);
}

namespace {

// What every video of the catalogue is worth in env `row`, or the listed ones when a list is given.
void expect_many(const VectorEnv& env, std::size_t row, std::span<const std::int32_t> listed, float pessimism,
                 int threads, std::span<float> scores) {
  parallel_pieces(scores.size(), 64 * kChunk, threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local std::vector<std::int32_t> videos;
    videos.resize(count);
    if (listed.empty())
      std::iota(videos.begin(), videos.end(), static_cast<std::int32_t>(first));
    else
      std::copy_n(listed.begin() + static_cast<std::ptrdiff_t>(first), count, videos.begin());
    env.expect_rewards(row, videos, scores.subspan(first, count), pessimism);
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
                   std::span<const std::int32_t> listed, std::size_t videos, float pessimism, std::size_t count,
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
    expect_many(*batch.env, rows[i], listed, pessimism, threads, scores[worker]);
    if (!best_unseen(scores[worker], listed, batch, rows[i], count, out.subspan(i * count, count))) found = false;
  });
  return found;
}

// The allowed slots of each row, row by row: none asked for masked slots.
void score_allowed(const DecisionBatch& batch, float pessimism, std::span<float> scores) {
  const ObservationView& observation = batch.observation;
  const std::size_t m = observation.candidates;
  parallel_for(observation.rows, batch.threads, [&](std::size_t row, int) {
    thread_local std::vector<std::int32_t> videos;
    thread_local std::vector<std::size_t> slots;
    thread_local std::vector<float> worth;
    videos.clear(), slots.clear();
    for (std::size_t slot = row * m; slot < (row + 1) * m; ++slot)
      if (observation.mask[slot]) {
        slots.push_back(slot);
        videos.push_back(observation.candidate[slot]);
      }
    worth.resize(videos.size());
    batch.env->expect_rewards(row, videos, worth, pessimism);
    for (std::size_t i = 0; i < slots.size(); ++i) scores[slots[i]] = worth[i];
  });
}

}  // namespace

void OneStepOracle::score(const DecisionBatch& batch, std::span<float> scores) const {
  if (batch.env == nullptr)
    throw InputError("the one-step oracle needs the environment itself: it cannot score recorded observations");
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  // The model answers kChunk questions at a time: of few candidates those of several rows together.
  if (observation.candidates >= 4 * kChunk) return score_allowed(batch, pessimism_, scores);
  if (observation.candidates > 0) return env.expect_all_rewards(scores, pessimism_);
  const std::size_t videos = env.simulator().catalogue.num_videos();
  each_row(observation.rows, batch.threads, [&](std::size_t row, int threads, std::size_t) {
    expect_many(env, row, {}, pessimism_, threads, scores.subspan(row * videos, videos));
  });
}

bool OneStepOracle::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                std::span<std::int32_t> out) const {
  return batch.env != nullptr &&
         best_expected(batch, rows, {}, batch.env->simulator().catalogue.num_videos(), pessimism_, count, out);
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
    expect_many(sessions, row, asked, 0.0F, env.threads, scores);
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
    expect_many(sessions, row, {}, 0.0F, env.threads, scores);
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
  return batch.env != nullptr && best_expected(batch, rows, videos_, videos_.size(), 0.0F, count, out);
}

}  // namespace swipegym
