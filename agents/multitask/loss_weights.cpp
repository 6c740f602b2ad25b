#include "agents/multitask/loss_weights.h"

#include <cmath>

namespace swipegym {

LossWeights::LossWeights(std::vector<double> weight, bool by_uncertainty)
    : weight_(std::move(weight)), by_uncertainty_(by_uncertainty) {
  log_variance_.resize(1, weight_.size());
  log_variance_.decays = false;
}

double LossWeights::factor(std::size_t head) const noexcept {
  if (!by_uncertainty_) return weight_[head];
  return weight_[head] * std::exp(-static_cast<double>(log_variance_.value(0, static_cast<Eigen::Index>(head))));
}

double LossWeights::total(std::span<const double> loss) {
  double total = 0.0;
  for (std::size_t head = 0; head < weight_.size(); ++head) {
    total += factor(head) * loss[head];
    if (!by_uncertainty_) continue;
    const auto at = static_cast<Eigen::Index>(head);
    total += weight_[head] * static_cast<double>(log_variance_.value(0, at));
    log_variance_.gradient()(0, at) += static_cast<float>(weight_[head] - factor(head) * loss[head]);
  }
  return total;
}

void LossWeights::settle(std::size_t head, double loss) {
  log_variance_.value(0, static_cast<Eigen::Index>(head)) = static_cast<float>(std::log(loss));
}

}  // namespace swipegym
