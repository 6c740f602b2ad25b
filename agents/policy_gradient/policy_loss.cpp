#include "agents/policy_gradient/policy_loss.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "agents/masked_softmax.h"

namespace swipegym {
void generalised_advantages(const AdvantageRequest& r, std::span<float> advantage) {
  assert(advantage.size() == r.steps * r.envs && r.value.size() == (r.steps + 1) * r.envs);
  assert(r.next_value.empty() || r.next_value.size() == advantage.size());
  for (std::size_t env = 0; env < r.envs; ++env) {
    float later = 0.0F;
    for (std::size_t step = r.steps; step-- > 0;) {
      const std::size_t at = step * r.envs + env;
      if (!r.valid[at]) {
        advantage[at] = later = 0.0F;
        continue;
      }
      const float future = r.discount * r.stays[at];
      const float next = r.next_value.empty() ? r.value[at + r.envs] : r.next_value[at];
      if (r.terminated[at] || r.truncated[at]) later = 0.0F;
      later = r.reward[at] + future * next - r.value[at] + future * r.lambda * later;
      advantage[at] = later;
    }
  }
}

double standardise(std::span<const std::uint8_t> valid, std::span<float> values) {
  double sum = 0.0, square = 0.0, count = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) sum += static_cast<double>(values[i]), count += 1.0;
  const double mean = count > 0.0 ? sum / count : 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) square += (static_cast<double>(values[i]) - mean) * (static_cast<double>(values[i]) - mean);
  const double deviation = count > 0.0 ? std::sqrt(square / count) : 0.0;
  const double scale = 1.0 / (deviation + 1e-8);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (valid[i]) values[i] = static_cast<float>((static_cast<double>(values[i]) - mean) * scale);
  return deviation;
}

namespace {

struct ActionLoss {
  double loss = 0.0;
  double slope = 0.0;  // with respect to log p(a)
};

ActionLoss action_loss(const PolicyLoss& how, double log_prob, double old_log_prob, double advantage) {
  switch (how.kind) {
    case PolicyLoss::Kind::kClipped: {
      const double ratio = std::exp(log_prob - old_log_prob);
      const double low = how.clip > 0.0F ? 1.0 - static_cast<double>(how.clip) : 0.0;
      const double high = how.clip > 0.0F ? 1.0 + static_cast<double>(how.clip) : ratio;
      const double clipped = std::clamp(ratio, low, high);
      if (clipped * advantage < ratio * advantage) return {-clipped * advantage, 0.0};
      return {-ratio * advantage, -ratio * advantage};
    }
    case PolicyLoss::Kind::kReinforce: {
      const double ratio = std::min(std::exp(log_prob - old_log_prob), static_cast<double>(how.importance_cap));
      const auto k = static_cast<double>(how.slate);
      const double weight = ratio * k * std::pow(1.0 - std::exp(log_prob), k - 1.0) * advantage;
      return {-weight * log_prob, -weight};
    }
    case PolicyLoss::Kind::kRegression: {
      const double weight = std::min(std::exp(advantage / static_cast<double>(how.regression_beta)),
                                     static_cast<double>(how.regression_cap));
      return {-weight * log_prob, -weight};
    }
  }
  return {};
}

// Adds entropy and divergence of a softmax to `out`; returns that entropy.
double measure_softmax(std::span<const float> log_prob, std::span<const float> old_log_prob, PolicyRowResult& out) {
  double entropy = 0.0;
  for (std::size_t slot = 0; slot < log_prob.size(); ++slot) {
    const auto now = static_cast<double>(log_prob[slot]), old = static_cast<double>(old_log_prob[slot]);
    entropy -= std::exp(now) * now;
    out.kl += std::exp(old) * (old - now);
  }
  out.entropy += entropy;
  return entropy;
}

// Of d_scores, to which the slope of each action's log p has been added at its slot: what these, `slopes` together, and
// the entropy do to the other scores. d log p(a) / d z_j = [a = j] - p_j and dH / d z_j = -p_j (log p_j + H).
void add_softmax_slopes(std::span<const float> log_prob, double slopes, double weight, double entropy,
                        std::span<float> d_scores) {
  for (std::size_t slot = 0; slot < d_scores.size(); ++slot) {
    const auto own = static_cast<double>(log_prob[slot]);
    const double chance = std::exp(own);
    d_scores[slot] += static_cast<float>(chance * (weight * (chance > 0.0 ? own + entropy : 0.0) - slopes));
  }
}

}  // namespace

PolicyRowResult policy_loss(const PolicyLoss& how, const PolicyRow& row, std::span<float> d_scores) {
  PolicyRowResult out;
  measure_softmax(row.log_prob, row.old_log_prob, out);
  double slopes = 0.0;
  std::fill(d_scores.begin(), d_scores.end(), 0.0F);
  for (const std::int32_t action : row.actions) {
    if (action < 0) continue;
    const auto slot = static_cast<std::size_t>(action);
    const ActionLoss one = action_loss(how, static_cast<double>(row.log_prob[slot]),
                                       static_cast<double>(row.old_log_prob[slot]), static_cast<double>(row.advantage));
    out.loss += one.loss;
    slopes += one.slope;
    d_scores[slot] += static_cast<float>(one.slope);
  }
  const auto weight = static_cast<double>(how.entropy);
  out.loss -= weight * out.entropy;
  add_softmax_slopes(row.log_prob, slopes, weight, out.entropy, d_scores);
  return out;
}

PolicyRowResult chained_policy_loss(const PolicyLoss& how, const PolicyRow& row, std::span<const std::size_t> ends,
                                    std::span<float> d_scores) {
  assert(row.actions.size() == ends.size() && ends.back() == d_scores.size());
  double now = 0.0, old = 0.0;
  for (const std::int32_t action : row.actions) {
    now += static_cast<double>(row.log_prob[static_cast<std::size_t>(action)]);
    old += static_cast<double>(row.old_log_prob[static_cast<std::size_t>(action)]);
  }
  const ActionLoss joint = action_loss(how, now, old, static_cast<double>(row.advantage));
  const auto weight = static_cast<double>(how.entropy);
  PolicyRowResult out;
  std::fill(d_scores.begin(), d_scores.end(), 0.0F);
  for (std::size_t step = 0, begin = 0; step < ends.size(); begin = ends[step++]) {
    const std::size_t count = ends[step] - begin;
    const std::span<const float> own = row.log_prob.subspan(begin, count);
    const double entropy = measure_softmax(own, row.old_log_prob.subspan(begin, count), out);
    d_scores[static_cast<std::size_t>(row.actions[step])] += static_cast<float>(joint.slope);
    add_softmax_slopes(own, joint.slope, weight, entropy, d_scores.subspan(begin, count));
  }
  out.loss = joint.loss - weight * out.entropy;
  return out;
}

double anchor_loss(float weight, std::span<const float> log_prob, std::span<const float> anchor_log_prob,
                   std::span<float> d_scores) {
  double divergence = 0.0;
  for (std::size_t i = 0; i < log_prob.size(); ++i)
    if (log_prob[i] > kMaskedLogProb)
      divergence += std::exp(static_cast<double>(log_prob[i])) * static_cast<double>(log_prob[i] - anchor_log_prob[i]);
  // d KL / d z_i = p_i (log p_i - log q_i - KL)
  for (std::size_t i = 0; i < log_prob.size(); ++i)
    if (log_prob[i] > kMaskedLogProb)
      d_scores[i] += static_cast<float>(static_cast<double>(weight) * std::exp(static_cast<double>(log_prob[i])) *
                                        (static_cast<double>(log_prob[i] - anchor_log_prob[i]) - divergence));
  return static_cast<double>(weight) * divergence;
}

}  // namespace swipegym
