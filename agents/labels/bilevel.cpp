#include "agents/labels/bilevel.h"

#include <cassert>
#include <cmath>

namespace swipegym {
namespace {

double probability_of(double logit) {
  return 1.0 / (1.0 + std::exp(-logit));
}

constexpr double kLabelDeviation = 2.0;

}  // namespace

template <class Scalar>
void BilevelOf<Scalar>::labels(const LabeledRows<Scalar>& batch, const BilevelConfig& config,
                               std::vector<Scalar>& out) {
  labeling_.forward(batch.label_inputs, labeling_pass_);
  const auto logit = labeling_pass_.output().col(0).template cast<double>();
  shift_ = 0.0, scale_ = 1.0;
  if (config.standardise) {
    shift_ = logit.mean();
    const double variance = (logit.array() - shift_).square().mean();
    scale_ = kLabelDeviation / std::sqrt(variance + 1e-8);
  }
  out.resize(static_cast<std::size_t>(logit.rows()));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<Scalar>(probability_of(scale_ * (logit(static_cast<Eigen::Index>(i)) - shift_)));
}

template <class Scalar>
double BilevelOf<Scalar>::add_loss_gradient(const LabeledRows<Scalar>& batch, std::span<const Scalar> labels,
                                            typename LabelNetworkOf<Scalar>::Mode mode, const BilevelConfig& config) {
  recommender_.forward(batch.shards, mode, config.threads, pass_);
  const auto rows = static_cast<double>(labels.size());
  double loss = 0.0;
  std::size_t row = 0;
  for (std::size_t s = 0; s < batch.shards.size(); ++s) {
    auto& shard = *pass_.shards[s];
    shard.d_output.resizeLike(shard.output);
    for (Eigen::Index i = 0; i < shard.output.rows(); ++i, ++row) {
      const double logit = shard.output(i, 0), f = probability_of(logit), y = labels[row];
      if (config.cross_entropy) {
        loss += std::max(logit, 0.0) - y * logit + std::log1p(std::exp(-std::abs(logit)));
        shard.d_output(i, 0) = static_cast<Scalar>((f - y) / rows);
      } else {
        loss += (f - y) * (f - y);
        shard.d_output(i, 0) = static_cast<Scalar>(2.0 * (f - y) * f * (1.0 - f) / rows);
      }
    }
  }
  recommender_.backward(batch.shards, mode, config.threads, pass_);
  return loss / rows;
}

template <class Scalar>
void BilevelOf<Scalar>::probe(const std::vector<LabelRows>& shards, int threads, std::vector<double>& outputs) {
  recommender_.forward(shards, LabelNetworkOf<Scalar>::Mode::kProbe, threads, pass_);
  outputs.clear();
  for (std::size_t s = 0; s < shards.size(); ++s)
    for (Eigen::Index i = 0; i < pass_.shards[s]->output.rows(); ++i) outputs.push_back(pass_.shards[s]->output(i, 0));
}

template <class Scalar>
ListObjective::Value BilevelOf<Scalar>::add_label_gradient(const LabeledRows<Scalar>& batch,
                                                           const std::vector<LabelRows>& holdout, const ListRows& lists,
                                                           const BilevelConfig& config,
                                                           const std::array<double, kPlatformObjectives>* weights) {
  using Mode = typename LabelNetworkOf<Scalar>::Mode;
  const auto precondition = [&](DirectionOf<Scalar>& direction) {
    if (config.preconditioned) direction.precondition(parameters_, embeddings_, config.second_moment_scale);
  };

  // The virtual step, and how the lists of the recommender behind it would change with its parameters.
  labels(batch, config, labels_);
  add_loss_gradient(batch, labels_, Mode::kProbe, config);
  step_.take_gradients(parameters_, embeddings_);
  precondition(step_);
  step_.walk(parameters_, embeddings_, -config.virtual_rate);
  recommender_.forward(holdout, Mode::kProbe, config.threads, holdout_pass_);
  scores_.clear();
  for (std::size_t s = 0; s < holdout.size(); ++s)
    for (Eigen::Index i = 0; i < holdout_pass_.shards[s]->output.rows(); ++i)
      scores_.push_back(probability_of(holdout_pass_.shards[s]->output(i, 0)));
  d_scores_.assign(scores_.size(), 0.0);
  const ListObjective objective(config.objective);
  const ListObjective::Value value = objective.evaluate(lists, scores_, d_scores_, config.threads, weights);
  std::size_t row = 0;
  for (std::size_t s = 0; s < holdout.size(); ++s) {
    auto& shard = *holdout_pass_.shards[s];
    shard.d_output.resizeLike(shard.output);
    for (Eigen::Index i = 0; i < shard.output.rows(); ++i, ++row)
      shard.d_output(i, 0) = static_cast<Scalar>(d_scores_[row] * scores_[row] * (1.0 - scores_[row]));
  }
  recommender_.backward(holdout, Mode::kProbe, config.threads, holdout_pass_);
  step_.walk_back(parameters_, embeddings_);

  outer_.take_gradients(parameters_, embeddings_);
  precondition(outer_);
  const double norm = outer_.norm();
  if (!(norm > 0.0)) return value;

  // How much each label's row moves along that direction is what its label is worth.
  const double length = config.difference / norm;
  outer_.walk(parameters_, embeddings_, length);
  probe(batch.shards, config.threads, above_);
  outer_.walk_back(parameters_, embeddings_);
  outer_.walk(parameters_, embeddings_, -length);
  probe(batch.shards, config.threads, below_);
  outer_.walk_back(parameters_, embeddings_);
  const auto rows = static_cast<double>(labels_.size());
  d_label_.resize(static_cast<Eigen::Index>(labels_.size()), 1);
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const double worth = config.cross_entropy
                             ? config.virtual_rate / rows * (above_[i] - below_[i]) / (2.0 * length)
                             : 2.0 * config.virtual_rate / rows *
                                   (probability_of(above_[i]) - probability_of(below_[i])) / (2.0 * length);
    const double y = labels_[i];
    d_label_(static_cast<Eigen::Index>(i), 0) = static_cast<Scalar>(worth * y * (1.0 - y));
  }
  if (config.standardise) standardise_backward();
  labeling_.backward(batch.label_inputs, d_label_, labeling_pass_, nullptr);
  return value;
}

// d_label_ from gradients of the standardised logits to those of the logits, mean and deviation included.
template <class Scalar>
void BilevelOf<Scalar>::standardise_backward() {
  const auto n = static_cast<double>(d_label_.rows());
  const auto standard = [&](Eigen::Index i) {
    return scale_ / kLabelDeviation * (static_cast<double>(labeling_pass_.output()(i, 0)) - shift_);
  };
  double mean = 0.0, along = 0.0;
  for (Eigen::Index i = 0; i < d_label_.rows(); ++i)
    mean += d_label_(i, 0) / n, along += d_label_(i, 0) * standard(i) / n;
  for (Eigen::Index i = 0; i < d_label_.rows(); ++i)
    d_label_(i, 0) = static_cast<Scalar>(scale_ * (d_label_(i, 0) - mean - along * standard(i)));
}

template class BilevelOf<float>;
template class BilevelOf<double>;

}  // namespace swipegym
