#include "agents/policy_gradient/fisher_product.h"

#include <algorithm>
#include <cmath>

#include "agents/masked_softmax.h"

namespace swipegym {
namespace {

// Of a difference, as a share of the parameters' norm: near enough for scores to be straight, far enough for their last
// bits not to count.
constexpr double kReach = 1e-3;

template <class Values>
double norm_of(const Values& values) {
  double square = 0.0;
  for (const auto one : values) square += static_cast<double>(one) * static_cast<double>(one);
  return std::sqrt(square);
}

}  // namespace

FisherProduct::FisherProduct(ActorNetwork& actor, const Rollout& rollout, std::span<const std::uint32_t> rows,
                             double damping)
    : actor_(actor), rollout_(rollout), rows_(rows), damping_(damping) {
  const std::size_t m = rollout.shape().slots;
  parameters_.resize(actor.size()), moved_.resize(actor.size()), gradient_.resize(actor.size());
  actor.read(parameters_);
  reach_ = kReach * std::max(norm_of(parameters_), 1e-3);
  log_prob_.resize(rows.size() * m), up_.resize(log_prob_.size()), down_.resize(log_prob_.size());
  actor.score(rollout, rows, log_prob_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> own = std::span(log_prob_).subspan(i * m, m);
    log_softmax(own, std::span(rollout.mask).subspan(rows[i] * m, m), own);
  }
}

void FisherProduct::operator()(std::span<const double> v, std::span<double> out) {
  const double norm = norm_of(v);
  if (!(norm > 0.0)) return std::fill(out.begin(), out.end(), 0.0);
  const double step = reach_ / norm;
  const auto score_at = [&](double along, std::vector<float>& scores) {
    for (std::size_t i = 0; i < moved_.size(); ++i)
      moved_[i] = static_cast<float>(static_cast<double>(parameters_[i]) + along * v[i]);
    actor_.write(moved_);
    actor_.score(rollout_, rows_, scores);
  };
  score_at(step, up_);
  score_at(-step, down_);
  actor_.write(parameters_);
  const std::size_t m = rollout_.shape().slots;
  actor_.gradient(
      rollout_, rows_,
      [&](std::size_t index, std::span<const float>, std::span<float> d_scores) {
        double mean = 0.0;
        for (std::size_t slot = 0, pair = index * m; slot < m; ++slot, ++pair) {
          const double change = (static_cast<double>(up_[pair]) - static_cast<double>(down_[pair])) / (2.0 * step);
          const double chance = std::exp(static_cast<double>(log_prob_[pair]));
          d_scores[slot] = static_cast<float>(chance > 0.0 ? change : 0.0);
          mean += chance > 0.0 ? chance * change : 0.0;
        }
        for (std::size_t slot = 0, pair = index * m; slot < m; ++slot, ++pair)
          d_scores[slot] = static_cast<float>(std::exp(static_cast<double>(log_prob_[pair])) *
                                              (static_cast<double>(d_scores[slot]) - mean));
        return 0.0;
      },
      gradient_);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(gradient_[i]) + damping_ * v[i];
}

}  // namespace swipegym
