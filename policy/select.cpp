#include "policy/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/range.h"
#include "env/candidate_sources.h"
#include "env/seen_videos.h"

namespace swipegym {
namespace {

bool is_score(float score) noexcept {
  return score <= std::numeric_limits<float>::max();
}

}  // namespace

void require_scores(std::span<const float> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!is_score(scores[i]))
      throw NotScored(fmt::format(
          "video {} of the full catalogue is scored with {}, expected a finite number; a learned policy has "
          "diverged: train it again with a lower learning_rate",
          i, scores[i]));
}

void require_scores(const Policy& policy, const ObservationView& observation, std::span<const float> scores) {
  bool all = true;  // without a branch a score, so that the compiler may use vectors
  for (const float score : scores) all &= is_score(score);
  if (all || observation.rows == 0) return;
  const std::size_t slots = scores.size() / observation.rows;
  const std::uint8_t* mask = observation.candidates > 0 ? observation.mask : nullptr;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!is_score(scores[i]) && (mask == nullptr || mask[i] != 0))
      throw NotScored(
          fmt::format("policy '{}' scores slot {} of row {} with {}, expected a finite number; a learned policy has "
                      "diverged: train it again with a lower learning_rate",
                      policy.name(), i % slots, i / slots, scores[i]));
}

void score_slots(const Policy& policy, const DecisionBatch& batch, std::span<float> scores) {
  policy.score(batch, scores);
  require_scores(policy, batch.observation, scores);
}

namespace {

constexpr std::int32_t kNone = -1;

/// One row's slots: which may be chosen still.
struct Row {
  const float* scores;
  const std::uint8_t* mask;             // null: all
  const SeenVideos* seen;               // full catalogue: videos not to be shown again; null: none
  std::span<const std::int32_t> taken;  // chosen for this slate already
  std::size_t slots;

  bool allowed(std::size_t slot) const noexcept {
    if (mask != nullptr && mask[slot] == 0) return false;
    if (seen != nullptr && seen->contains(static_cast<std::uint32_t>(slot))) return false;
    return std::find(taken.begin(), taken.end(), static_cast<std::int32_t>(slot)) == taken.end();
  }
  std::size_t count_allowed() const noexcept {
    std::size_t count = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) count += allowed(slot);
    return count;
  }
};

// The allowed slot with the largest value(slot), the lowest index among equals; a score that is not a number is last.
template <class Value>
std::int32_t best(const Row& row, Value value) {
  std::int32_t found = kNone;
  float most = -std::numeric_limits<float>::infinity();
  for (std::size_t slot = 0; slot < row.slots; ++slot) {
    const float here = value(slot);
    if ((found == kNone || here > most) && row.allowed(slot)) {
      found = static_cast<std::int32_t>(slot);
      most = std::isnan(here) ? -std::numeric_limits<float>::infinity() : here;
    }
  }
  return found;
}

std::int32_t uniform(const Row& row, RandomStream& random) {
  const std::size_t count = row.count_allowed();
  if (count == 0) return kNone;
  std::uint32_t left = random.below(static_cast<std::uint32_t>(count));
  for (std::size_t slot = 0; slot < row.slots; ++slot)
    if (row.allowed(slot) && left-- == 0) return static_cast<std::int32_t>(slot);
  return kNone;
}

std::int32_t choose(const Row& row, const Exploration& how, RandomStream& random) {
  switch (how.kind) {
    case Exploration::Kind::kEpsilonGreedy:
      if (random.uniform() < how.epsilon) return uniform(row, random);
      break;
    case Exploration::Kind::kBoltzmann:
      // Gumbel noise turns a maximum into a softmax draw, and repeated maxima into draws without replacement.
      return best(row, [&](std::size_t slot) {
        const double u = std::max(random.uniform_double(), 1e-300);
        return row.scores[slot] / how.temperature - static_cast<float>(std::log(-std::log(u)));
      });
    case Exploration::Kind::kPolicy:
    case Exploration::Kind::kGreedy:
      break;
  }
  return best(row, [&](std::size_t slot) { return row.scores[slot]; });
}

// A slate of the full catalogue a row, without a score for each video. False when the policy knows no best videos.
bool choose_slates(const Policy& policy, const DecisionBatch& batch, std::span<std::int32_t> actions,
                   std::size_t slate) {
  std::vector<std::uint32_t> all(batch.observation.rows);
  std::iota(all.begin(), all.end(), 0U);
  return policy.best_videos(batch, all, slate, actions);
}

// One video of the full catalogue a row, without a score for each. False when the policy knows no best videos.
bool choose_video(const Policy& policy, const DecisionBatch& batch, const Exploration& how, std::size_t num_videos,
                  std::span<std::int32_t> actions) {
  const float drawn = policy.scores_are_random()                      ? 1.0F
                      : how.kind == Exploration::Kind::kEpsilonGreedy ? how.epsilon
                                                                      : 0.0F;
  std::vector<std::uint32_t> greedy;
  for (std::size_t i = 0; i < batch.observation.rows; ++i) {
    const SeenVideos& seen = batch.env->seen(i);
    RandomStream random(drawn > 0.0F ? split(batch.keys[i], Draw::kExploration) : RandomKey{},
                        drawn > 0.0F ? batch.streams[i] : 0);
    if (drawn > 0.0F && random.uniform() < drawn && seen.size() < num_videos)
      actions[i] = draw_unseen(num_videos, seen, random);
    else
      greedy.push_back(static_cast<std::uint32_t>(i));
  }
  if (greedy.empty()) return true;
  std::vector<std::int32_t> best(greedy.size());
  if (!policy.best_videos(batch, greedy, 1, best)) return false;
  for (std::size_t i = 0; i < greedy.size(); ++i) actions[greedy[i]] = best[i];
  return true;
}

void check(const Exploration& how) {
  if (how.kind == Exploration::Kind::kPolicy) throw InputError("how to choose was left to a policy that is not known");
  if (how.kind == Exploration::Kind::kBoltzmann && !ranges::kTemperature.contains(how.temperature))
    throw InputError(
        fmt::format("the temperature is {}, expected {}", how.temperature, ranges::kTemperature.expected<float>()));
  if (how.kind == Exploration::Kind::kEpsilonGreedy && !ranges::kProbability.contains(how.epsilon))
    throw InputError(fmt::format("epsilon is {}, expected {}", how.epsilon, ranges::kProbability.expected<float>()));
}

}  // namespace

Exploration explore(float epsilon, std::optional<float> temperature) {
  if (epsilon > 0.0F && temperature.value_or(0.0F) > 0.0F)
    throw InputError("epsilon and temperature are two ways to explore; give one of them");
  if (epsilon > 0.0F) return Exploration::epsilon_greedy(epsilon);
  if (!temperature) return {};
  return *temperature == 0.0F ? Exploration::greedy() : Exploration::boltzmann(*temperature);
}

void select_actions(const DecisionBatch& batch, std::span<const float> scores, const Exploration& exploration,
                    std::span<std::int32_t> actions, std::size_t slate) {
  check(exploration);
  const ObservationView& observation = batch.observation;
  const std::size_t rows = observation.rows;
  assert(rows > 0 && actions.size() == rows * slate);
  const std::size_t slots = scores.size() / rows;
  const bool full = observation.candidates == 0;
  for (std::size_t i = 0; i < rows; ++i) {
    std::span<std::int32_t> chosen = actions.subspan(i * slate, slate);
    Row row{.scores = scores.data() + i * slots,
            .mask = observation.mask == nullptr || full ? nullptr : observation.mask + i * slots,
            .seen = full && batch.env != nullptr ? &batch.env->seen(i) : nullptr,
            .taken = {},
            .slots = slots};
    const bool draws = exploration.kind != Exploration::Kind::kGreedy;
    RandomStream random(draws ? split(batch.keys[i], Draw::kExploration) : RandomKey{}, draws ? batch.streams[i] : 0);
    for (std::size_t k = 0; k < slate; ++k) {
      row.taken = chosen.first(k);
      chosen[k] = choose(row, exploration, random);
      if (chosen[k] == kNone)
        throw InputError(fmt::format("row {} allows {} of its {} slots, a slate needs {}", i, k, slots, slate));
    }
  }
}

void choose_actions(const Policy& policy, const DecisionBatch& asked_batch, const Exploration& asked,
                    std::size_t num_videos, std::vector<float>& scores, std::span<std::int32_t> actions,
                    std::size_t slate) {
  const Exploration exploration = resolved(asked, policy);
  check(exploration);
  DecisionBatch batch = asked_batch;
  batch.slate = slate;
  const ObservationView& observation = batch.observation;
  if (observation.candidates == 0 && batch.env != nullptr && slate == 1 &&
      exploration.kind != Exploration::Kind::kBoltzmann &&
      choose_video(policy, batch, exploration, num_videos, actions))
    return;
  if (observation.candidates == 0 && batch.env != nullptr && slate > 1 &&
      exploration.kind == Exploration::Kind::kGreedy && choose_slates(policy, batch, actions, slate))
    return;
  scores.resize(observation.rows * num_slots(observation, num_videos));
  score_slots(policy, batch, scores);
  select_actions(batch, scores, exploration, actions, slate);
}

void choice_probabilities(const Policy& policy, const DecisionBatch& batch, std::size_t row,
                          std::span<const float> scores, std::span<const std::uint8_t> mask,
                          const Exploration& exploration, std::span<double> out) {
  if (!policy.best_probabilities(batch, row, out))
    return selection_probabilities(scores, mask, exploration, policy.scores_are_random(), out);
  check(exploration);
  if (exploration.kind == Exploration::Kind::kBoltzmann)
    throw InputError(
        fmt::format("policy '{}' draws its slates itself; a temperature does not go with it", policy.name()));
  if (exploration.kind != Exploration::Kind::kEpsilonGreedy) return;
  const Row all{.scores = scores.data(),
                .mask = mask.empty() ? nullptr : mask.data(),
                .seen = nullptr,
                .taken = {},
                .slots = scores.size()};
  const double even = exploration.epsilon / static_cast<double>(std::max<std::size_t>(all.count_allowed(), 1));
  for (std::size_t slot = 0; slot < out.size(); ++slot)
    out[slot] = (1.0 - exploration.epsilon) * out[slot] + (all.allowed(slot) ? even : 0.0);
}

void selection_probabilities(std::span<const float> scores, std::span<const std::uint8_t> mask,
                             const Exploration& exploration, bool scores_are_random, std::span<double> out) {
  check(exploration);
  assert(out.size() == scores.size());
  const Row row{.scores = scores.data(),
                .mask = mask.empty() ? nullptr : mask.data(),
                .seen = nullptr,
                .taken = {},
                .slots = scores.size()};
  const std::size_t allowed = row.count_allowed();
  std::fill(out.begin(), out.end(), 0.0);
  if (allowed == 0) return;
  const double even = 1.0 / static_cast<double>(allowed);
  const double explored = exploration.kind == Exploration::Kind::kEpsilonGreedy ? exploration.epsilon : 0.0;
  const std::int32_t winner = best(row, [&](std::size_t slot) { return row.scores[slot]; });
  const float most = scores[static_cast<std::size_t>(winner)];
  double total = 0.0;
  for (std::size_t slot = 0; slot < out.size(); ++slot) {
    if (!row.allowed(slot)) continue;
    if (scores_are_random)
      out[slot] = even;
    else if (exploration.kind == Exploration::Kind::kBoltzmann)
      out[slot] = std::exp((static_cast<double>(scores[slot]) - most) / exploration.temperature);
    else
      out[slot] = explored * even + (static_cast<std::int32_t>(slot) == winner ? 1.0 - explored : 0.0);
    total += out[slot];
  }
  for (double& probability : out) probability /= total;
}

}  // namespace swipegym
