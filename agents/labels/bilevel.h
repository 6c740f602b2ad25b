#pragma once

#include <span>
#include <vector>

#include "agents/labels/list_objective.h"
#include "nn/direction.h"
#include "nn/mlp.h"
#include "policy/label/label_network.h"

namespace swipegym {

struct BilevelConfig {
  ListObjectiveConfig objective;
  bool standardise = false;        // labels are the sigmoid of logits brought to mean 0 and deviation 2 over the batch:
                                   // lists know orders only, so nothing else keeps labels from drifting into one corner
  bool cross_entropy = false;      // of the recommender's logit and the label; otherwise squared error of probabilities
  double virtual_rate = 0.1;       // length of the virtual step
  bool preconditioned = false;     // the virtual step is Adam's without momentum, its second moments held constant
  double second_moment_scale = 1;  // 1 / (1 - beta2^t) of that Adam
  double difference = 1e-2;        // length of the two steps that measure a directional derivative
  int threads = 1;
};

/// Some logged rows as inputs of the recommender, cut into shards, and of the labeling model.
template <class Scalar>
struct LabeledRows {
  std::vector<LabelRows> shards;
  MatrixOf<Scalar> label_inputs;  // [rows, inputs]
};

/// The outer step of LabelCraft (Bai et al., "LabelCraft: Empowering Short Video Recommendations with Automated Label
/// Crafting", WSDM 2024): how the labels should change so that a recommender which takes one step towards them makes
/// better lists for hold-out users.
///
/// With theta' = theta - r P grad L(theta, labels) and g = P grad M(theta'), the labels enter grad L linearly, so
///   dM / d label_i = (2 r / B) g . grad f_i(theta)        (squared error; cross-entropy: (r / B) g . grad logit_i),
/// exact and without second derivatives; g . grad is the derivative along g, a symmetric difference.
template <class Scalar>
class BilevelOf {
 public:
  /// Both must outlive this; the recommender has at least as many gradient shards as any batch.
  BilevelOf(LabelNetworkOf<Scalar>& recommender, MlpOf<Scalar>& labeling)
      : recommender_(recommender),
        labeling_(labeling),
        parameters_(recommender.parameters()),
        embeddings_(recommender.embeddings()) {}

  /// Adds dM / d phi to the gradients of the labeling model's weights. Values, statistics and gradients of the
  /// recommender are left as they were (its gradients must be zero). `weights` as in ListObjective.
  ListObjective::Value add_label_gradient(const LabeledRows<Scalar>& batch, const std::vector<LabelRows>& holdout,
                                          const ListRows& lists, const BilevelConfig& config,
                                          const std::array<double, kPlatformObjectives>* weights = nullptr);

  /// Labels of a batch, [rows]: the labeling model's sigmoid.
  void labels(const LabeledRows<Scalar>& batch, const BilevelConfig& config, std::vector<Scalar>& out);

  /// Passes the batch through the recommender in `mode` and adds the gradient of its loss against `labels`; returns the
  /// mean loss.
  double add_loss_gradient(const LabeledRows<Scalar>& batch, std::span<const Scalar> labels,
                           typename LabelNetworkOf<Scalar>::Mode mode, const BilevelConfig& config);

 private:
  void standardise_backward();
  void probe(const std::vector<LabelRows>& shards, int threads, std::vector<double>& outputs);

  LabelNetworkOf<Scalar>& recommender_;
  MlpOf<Scalar>& labeling_;
  std::vector<ParameterOf<Scalar>*> parameters_;
  std::vector<EmbeddingOf<Scalar>*> embeddings_;
  typename LabelNetworkOf<Scalar>::Pass pass_, holdout_pass_;
  MlpWorkspaceOf<Scalar> labeling_pass_;
  DirectionOf<Scalar> step_, outer_;
  std::vector<Scalar> labels_;
  std::vector<double> scores_, d_scores_, above_, below_;
  MatrixOf<Scalar> d_label_;
  double shift_ = 0.0, scale_ = 1.0;  // of the last labels: sigmoid(scale * (logit - shift))
};
using Bilevel = BilevelOf<float>;

}  // namespace swipegym
