#include "agents/policy_gradient/policy_loss.h"

#include <algorithm>
#include <cmath>

namespace swipegym {
namespace {

struct ActionLoss {
  double loss = 0.0;
  double slope = 0.0;  // with respect to log p(a)
};

ActionLoss action_loss(const PolicyLoss& how, double log_chance, double old_log_chance, double advantage) {
  switch (how.kind) {
    case PolicyLoss::Kind::kClipped: {
      const double ratio = std::exp(log_chance - old_log_chance);
      const double low = how.clip > 0.0F ? 1.0 - static_cast<double>(how.clip) : 0.0;
      const double high = how.clip > 0.0F ? 1.0 + static_cast<double>(how.clip) : ratio;
      const double clipped = std::clamp(ratio, low, high);
      if (clipped * advantage < ratio * advantage) return {-clipped * advantage, 0.0};
      return {-ratio * advantage, -ratio * advantage};
    }
    case PolicyLoss::Kind::kReinforce: {
      const double ratio = std::min(std::exp(log_chance - old_log_chance), static_cast<double>(how.importance_cap));
      const auto k = static_cast<double>(how.slate);
      const double weight = ratio * k * std::pow(1.0 - std::exp(log_chance), k - 1.0) * advantage;
      return {-weight * log_chance, -weight};
    }
    case PolicyLoss::Kind::kRegression: {
      const double weight = std::min(std::exp(advantage / static_cast<double>(how.regression_beta)),
                                     static_cast<double>(how.regression_cap));
      return {-weight * log_chance, -weight};
    }
  }
  return {};
}

}  // namespace

PolicyRowResult policy_loss(const PolicyLoss& how, const PolicyRow& row, std::span<float> d_scores) {
  PolicyRowResult out;
  for (std::size_t slot = 0; slot < d_scores.size(); ++slot) {
    const auto now = static_cast<double>(row.log_chance[slot]), old = static_cast<double>(row.old_log_chance[slot]);
    out.entropy -= std::exp(now) * now;
    out.kl += std::exp(old) * (old - now);
  }
  double slopes = 0.0;
  std::fill(d_scores.begin(), d_scores.end(), 0.0F);
  for (const std::int32_t action : row.actions) {
    if (action < 0) continue;
    const auto slot = static_cast<std::size_t>(action);
    const ActionLoss one =
        action_loss(how, static_cast<double>(row.log_chance[slot]), static_cast<double>(row.old_log_chance[slot]),
                    static_cast<double>(row.advantage));
    out.loss += one.loss;
    slopes += one.slope;
    d_scores[slot] += static_cast<float>(one.slope);
  }
  // d log p(a) / d z_j = [a = j] - p_j and dH / d z_j = -p_j (log p_j + H).
  out.loss -= static_cast<double>(how.entropy) * out.entropy;
  for (std::size_t slot = 0; slot < d_scores.size(); ++slot) {
    const auto log_chance = static_cast<double>(row.log_chance[slot]);
    const double chance = std::exp(log_chance);
    d_scores[slot] += static_cast<float>(
        chance * (static_cast<double>(how.entropy) * (chance > 0.0 ? log_chance + out.entropy : 0.0) - slopes));
  }
  return out;
}

}  // namespace swipegym
