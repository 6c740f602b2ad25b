#include "agents/policy_gradient/cpo_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/gradient_steps.h"
#include "agents/masked_softmax.h"
#include "agents/policy_gradient/fisher_product.h"
#include "agents/policy_gradient/policy_loss.h"

namespace swipegym {
namespace {

constexpr double kBacktrack = 0.8;

using Flat = std::vector<double>;

double dot(const Flat& a, const Flat& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// The row's surrogate loss -p / p_old A - entropy H.
PolicyRowResult surrogate(const CpoBatch& batch, std::uint32_t row, std::span<const float> log_prob,
                          std::span<const std::int32_t> action, double advantage, double entropy,
                          std::span<float> d_scores) {
  const std::size_t m = log_prob.size();
  return policy_loss({.clip = 0.0F, .entropy = static_cast<float>(entropy)},
                     {.log_prob = log_prob,
                      .old_log_prob = batch.log_prob.subspan(row * m, m),
                      .actions = action,
                      .advantage = static_cast<float>(advantage)},
                     d_scores);
}

// The gradient of the mean of `sign` times the surrogate of these advantages.
Flat surrogate_gradient(ActorNetwork& actor, const Rollout& rollout, const CpoBatch& batch,
                        std::span<const float> advantage, double sign, double entropy) {
  const std::size_t m = rollout.shape().slots;
  std::vector<float> gradient(actor.size());
  actor.gradient(
      rollout, batch.rows,
      [&](std::size_t index, std::span<const float> scores, std::span<float> d_scores) {
        thread_local std::vector<float> log_prob;
        log_prob.resize(m);
        const std::uint32_t row = batch.rows[index];
        log_softmax(scores, std::span(rollout.mask).subspan(row * m, m), log_prob);
        // policy_loss() has its sign turned: it is a loss.
        return surrogate(batch, row, log_prob, std::span(rollout.action).subspan(row, 1),
                         -sign * static_cast<double>(advantage[row]), -sign * entropy, d_scores)
            .loss;
      },
      gradient);
  return {gradient.begin(), gradient.end()};
}

// What the policy of now is by the rollout of the one that acted.
struct Measured {
  double gain = 0.0, entropy = 0.0, kl = 0.0;
  std::vector<double> cost;
};
Measured measure_policy(const ActorNetwork& actor, const Rollout& rollout, const CpoBatch& batch,
                        std::vector<float>& scores) {
  const std::size_t m = rollout.shape().slots;
  scores.resize(batch.rows.size() * m);
  actor.score(rollout, batch.rows, scores);
  Measured out;
  out.cost.assign(batch.cost_advantage.size(), 0.0);
  thread_local std::vector<float> unused;
  unused.resize(m);
  const auto count = static_cast<double>(batch.rows.size());
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const std::uint32_t row = batch.rows[i];
    const std::span<float> own = std::span(scores).subspan(i * m, m);
    log_softmax(own, std::span(rollout.mask).subspan(row * m, m), own);
    const PolicyRowResult result = surrogate(batch, row, own, std::span(rollout.action).subspan(row, 1),
                                             static_cast<double>(batch.advantage[row]), batch.entropy, unused);
    out.gain -= result.loss / count, out.entropy += result.entropy / count, out.kl += result.kl / count;
    const std::int32_t slot = rollout.action[row];
    const double ratio = std::exp(static_cast<double>(own[static_cast<std::size_t>(slot)]) -
                                  static_cast<double>(batch.log_prob[row * m + static_cast<std::size_t>(slot)]));
    for (std::size_t c = 0; c < out.cost.size(); ++c)
      out.cost[c] += ratio * static_cast<double>(batch.cost_advantage[c][row]) / count;
  }
  return out;
}

bool is_good(const Measured& old, const Measured& now, const CpoBatch& batch, double radius) {
  if (!std::isfinite(now.gain) || !(now.kl <= radius)) return false;
  bool broken = false;
  for (std::size_t c = 0; c < now.cost.size(); ++c) {
    if (!(now.cost[c] - old.cost[c] <= std::max(-batch.excess[c], 0.0))) return false;
    broken = broken || batch.excess[c] > 0.0;
  }
  return broken || now.gain >= old.gain;
}

}  // namespace

CpoResult cpo_step(ActorNetwork& actor, const Rollout& rollout, const CpoBatch& batch, const TrustRegionConfig& config,
                   RandomKey key) {
  const std::size_t bounds = batch.excess.size(), size = actor.size();
  const std::vector<std::uint32_t> states = shuffled({batch.rows.begin(), batch.rows.end()}, key);
  FisherProduct fisher(actor, rollout, std::span(states).first(std::min(states.size(), config.fisher_rows)),
                       config.damping);
  const auto solved = [&](const Flat& gradient) {
    return conjugate_gradient([&](std::span<const double> x, std::span<double> out) { fisher(x, out); }, gradient,
                              config.iterations);
  };
  const Flat gain = surrogate_gradient(actor, rollout, batch, batch.advantage, 1.0, batch.entropy);
  const Flat along_gain = solved(gain);
  std::vector<Flat> cost(bounds), along_cost(bounds);
  TrustRegion region{.gain = dot(gain, along_gain),
                     .gain_cost = std::vector<double>(bounds),
                     .cost_cost = std::vector<double>(bounds * bounds),
                     .excess = batch.excess,
                     .radius = config.radius};
  for (std::size_t i = 0; i < bounds; ++i) {
    cost[i] = surrogate_gradient(actor, rollout, batch, batch.cost_advantage[i], 1.0, 0.0);
    along_cost[i] = solved(cost[i]);
    region.gain_cost[i] = dot(gain, along_cost[i]);
  }
  for (std::size_t i = 0; i < bounds; ++i)
    for (std::size_t j = 0; j < bounds; ++j)  // few iterations leave a little asymmetry
      region.cost_cost[i * bounds + j] = 0.5 * (dot(cost[i], along_cost[j]) + dot(cost[j], along_cost[i]));
  const TrustRegionStep step = constrained_step(region);

  std::vector<float> before(size), after(size), scores;
  actor.read(before);
  const Measured old = measure_policy(actor, rollout, batch, scores);
  CpoResult result{.recovers = step.recovers,
                   .gradient_norm = std::sqrt(dot(gain, gain)),
                   .entropy = old.entropy,
                   .multipliers = step.multipliers};
  double scale = 1.0;
  for (int trial = 0; trial < config.backtracks && !result.moved; ++trial, scale *= kBacktrack) {
    for (std::size_t k = 0; k < size; ++k) {
      double move = step.along_gain * along_gain[k];
      for (std::size_t i = 0; i < bounds; ++i) move += step.along_cost[i] * along_cost[i][k];
      after[k] = static_cast<float>(static_cast<double>(before[k]) + scale * move);
    }
    actor.write(after);
    const Measured now = measure_policy(actor, rollout, batch, scores);
    if (!is_good(old, now, batch, config.radius)) continue;
    result.moved = true, result.gain = now.gain - old.gain, result.entropy = now.entropy, result.kl = now.kl;
  }
  if (!result.moved) actor.write(before);
  return result;
}

}  // namespace swipegym
