#include "agents/sasrec/sqn_network.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "nn/losses.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

constexpr double kFirstValueDeviation = 0.01;

// The newest state of each sequence, with a 1 for the bias of values.
template <class Scalar>
void gather_newest(const MatrixOf<Scalar>& states, const std::vector<std::uint32_t>& offset, MatrixOf<Scalar>& out) {
  const auto d = states.cols();
  out.resize(static_cast<Eigen::Index>(offset.size()) - 1, d + 1);
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    assert(offset[static_cast<std::size_t>(i) + 1] > offset[static_cast<std::size_t>(i)]);
    out.row(i).head(d) = states.row(static_cast<Eigen::Index>(offset[static_cast<std::size_t>(i) + 1]) - 1);
    out(i, d) = Scalar(1);
  }
}

// best[i] = Q_judge(s, argmax_a Q_chooser(s, a)) of sequence i.
template <class Scalar>
void best_values(const SqnNetworkOf<Scalar>& chooser, const SqnNetworkOf<Scalar>& judge,
                 const PackedHistoriesOf<Scalar>& states, SqnWorkOf<Scalar>& work, std::vector<Scalar>& best) {
  const auto read = [&](const SqnNetworkOf<Scalar>& network) {
    network.body.forward(states, {}, work.next_encoder);
    gather_newest(work.next_encoder.states(), states.offset, work.next_last);
  };
  read(chooser);
  matrix_product<Scalar>(work.next_last, transposed(chooser.values.table.value), work.next_values);
  read(judge);
  best.resize(static_cast<std::size_t>(work.next_values.rows()));
  for (std::size_t i = 0; i < best.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    Eigen::Index action = 0;
    work.next_values.row(row).maxCoeff(&action);
    best[i] = work.next_last.row(row).dot(judge.values.table.value.row(action));
  }
}

constexpr double kMostAdvantage = 10.0, kLeastImportance = 0.1, kMostImportance = 10.0;  // Xin et al. 2022

// Q(s, .) of actions and negatives, of the states in work.last.
template <class Scalar>
void write_values(const SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch, std::size_t negatives,
                  SqnWorkOf<Scalar>& work) {
  const MatrixOf<Scalar>& values = network.values.table.value;
  const auto n = work.last.rows(), k = static_cast<Eigen::Index>(negatives);
  work.chosen.resize(n, 1), work.unseen.resize(n, k);
  for (Eigen::Index i = 0; i < n; ++i) {
    work.chosen(i, 0) = work.last.row(i).dot(values.row(batch.action[static_cast<std::size_t>(i)]));
    for (Eigen::Index j = 0; j < k; ++j)
      work.unseen(i, j) = work.last.row(i).dot(values.row(batch.unseen[static_cast<std::size_t>(i * k + j)]));
  }
}

// work.weight of the supervised losses, whose logits are in work.logits.
template <class Scalar>
void write_weights(const TransitionsOf<Scalar>& batch, const SqnObjective& objective, SqnWorkOf<Scalar>& work) {
  const auto n = work.last.rows();
  work.weight.assign(static_cast<std::size_t>(n), Scalar(1));
  if (objective.weight == ActorWeight::kNone) return;
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const Scalar own = work.chosen(i, 0);
    work.weight[row] = own;
    if (objective.weight != ActorWeight::kAdvantage) continue;
    const Scalar mean = (own + work.unseen.row(i).sum()) / static_cast<Scalar>(1 + work.unseen.cols());
    work.weight[row] = std::clamp(own - mean, Scalar(0), static_cast<Scalar>(kMostAdvantage));
    if (objective.importance == 0.0) continue;
    const auto logits = work.logits.row(i).array();
    const Scalar most = logits.maxCoeff();
    const Scalar chance = std::exp(work.logits(i, batch.action[row]) - most) / (logits - most).exp().sum();
    const double ratio = std::clamp(static_cast<double>(chance / batch.share[row]), kLeastImportance, kMostImportance);
    work.weight[row] *= static_cast<Scalar>(std::pow(ratio, objective.importance));
  }
}

// L_s of the batch and its gradients: d_last [n, d], and the item table's added to d_items.
template <class Scalar>
double supervised_loss(const SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch,
                       const SqnObjective& objective, double total, SqnWorkOf<Scalar>& work,
                       MatrixOf<Scalar>& d_items) {
  const MatrixOf<Scalar>& table = network.body.items.table.value;
  const auto n = static_cast<std::size_t>(work.last.rows()), d = static_cast<std::size_t>(table.cols());
  const Factor<Scalar> state(work.last.data(), n, d, d + 1);
  matrix_product<Scalar>(state, transposed(table), work.logits);
  write_weights(batch, objective, work);
  const double loss = softmax_cross_entropy<Scalar>(work.logits, batch.action,
                                                    {.weight = work.weight, .total_weight = total}, &work.d_logits);
  matrix_product<Scalar>(transposed(work.d_logits), state, d_items, true);
  matrix_product<Scalar>(work.d_logits, table, work.d_last);
  return loss;
}

// L_q of the batch; its gradients are added to work.d_last and listed in `out`.
template <class Scalar>
double value_loss(const SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch,
                  const SqnObjective& objective, double total, SqnWorkOf<Scalar>& work,
                  std::vector<RowGradientOf<Scalar>>& out) {
  const MatrixOf<Scalar>& values = network.values.table.value;
  const auto d = values.cols() - 1, k = work.unseen.cols();
  double loss = 0.0;
  const auto learn = [&](Eigen::Index row, std::int32_t item, Scalar error) {
    loss += static_cast<double>(error) * static_cast<double>(error) / total;
    const Scalar slope = static_cast<Scalar>(2.0 * objective.value_weight / total) * error;
    work.d_last.row(row) += slope * values.row(item).head(d);
    out.push_back({item, slope, work.last.data() + row * (d + 1)});
  };
  for (Eigen::Index i = 0; i < work.last.rows(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    learn(i, batch.action[row], work.chosen(i, 0) - work.target[row]);
    for (Eigen::Index j = 0; j < k; ++j)
      learn(i, batch.unseen[static_cast<std::size_t>(i * k + j)], work.unseen(i, j) - work.stays[row]);
  }
  return loss;
}

}  // namespace

template <class Scalar>
SqnNetworkOf<Scalar>::SqnNetworkOf(SasrecNetworkOf<Scalar> encoder, RandomKey key)
    : body(std::move(encoder)), values(body.items.count(), body.items.dim() + 1, key, kFirstValueDeviation) {
  values.table.decays = false;
}

template <class Scalar>
std::vector<EmbeddingOf<Scalar>*> SqnNetworkOf<Scalar>::embeddings() {
  std::vector<EmbeddingOf<Scalar>*> all = body.embeddings();
  all.push_back(&values);
  return all;
}

template <class Scalar>
void TransitionsOf<Scalar>::clear() {
  for (PackedHistoriesOf<Scalar>* histories : {&state, &next_state}) {
    histories->clear();
    histories->features.resize(0, histories->features.cols());
  }
  next.clear(), action.clear(), reward.clear(), unseen.clear(), share.clear();
}

template <class Scalar>
void write_targets(const SqnNetworkOf<Scalar>& chooser, const SqnNetworkOf<Scalar>& judge,
                   const TransitionsOf<Scalar>& batch, const SqnObjective& objective, SqnWorkOf<Scalar>& work) {
  const auto discount = static_cast<Scalar>(objective.discount);
  work.target = batch.reward;
  if (batch.next_state.rows() > 0 && discount > Scalar(0)) {
    best_values(chooser, judge, batch.next_state, work, work.best);
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch.next[i] >= 0) work.target[i] += discount * work.best[static_cast<std::size_t>(batch.next[i])];
  }
  if (objective.negatives == 0) return;
  work.stays.assign(batch.size(), static_cast<Scalar>(objective.negative_reward));
  if (discount == Scalar(0)) return;
  best_values(chooser, judge, batch.state, work, work.best);
  for (std::size_t i = 0; i < batch.size(); ++i) work.stays[i] += discount * work.best[i];
}

template <class Scalar>
SqnLosses sqn_backward(SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch, const SqnObjective& objective,
                       double total, const SasrecDropout& dropout, SqnWorkOf<Scalar>& work, MatrixOf<Scalar>& d_items,
                       SqnGradientsOf<Scalar>& out, std::size_t shard) {
  assert(batch.unseen.size() == batch.size() * objective.negatives);
  out.clear();
  network.body.forward(batch.state, dropout, work.encoder);
  gather_newest(work.encoder.states(), batch.state.offset, work.last);
  assert(static_cast<std::size_t>(work.last.rows()) == batch.size());
  write_values(network, batch, objective.negatives, work);

  SqnLosses losses;
  losses.supervised = supervised_loss(network, batch, objective, total, work, d_items);
  if (objective.value_weight > 0.0) losses.value = value_loss(network, batch, objective, total, work, out.values);
  work.d_states.setZero(work.encoder.states().rows(), work.last.cols() - 1);
  for (std::size_t i = 0; i < batch.size(); ++i)
    work.d_states.row(static_cast<Eigen::Index>(batch.state.offset[i + 1]) - 1) =
        work.d_last.row(static_cast<Eigen::Index>(i));
  network.body.backward(batch.state, dropout, work.d_states, work.encoder, out.encoder, shard);
  return losses;
}

template class SqnNetworkOf<float>;
template class SqnNetworkOf<double>;
template struct TransitionsOf<float>;
template struct TransitionsOf<double>;
template void write_targets(const SqnNetworkOf<float>&, const SqnNetworkOf<float>&, const TransitionsOf<float>&,
                            const SqnObjective&, SqnWorkOf<float>&);
template void write_targets(const SqnNetworkOf<double>&, const SqnNetworkOf<double>&, const TransitionsOf<double>&,
                            const SqnObjective&, SqnWorkOf<double>&);
template SqnLosses sqn_backward(SqnNetworkOf<float>&, const TransitionsOf<float>&, const SqnObjective&, double,
                                const SasrecDropout&, SqnWorkOf<float>&, MatrixOf<float>&, SqnGradientsOf<float>&,
                                std::size_t);
template SqnLosses sqn_backward(SqnNetworkOf<double>&, const TransitionsOf<double>&, const SqnObjective&, double,
                                const SasrecDropout&, SqnWorkOf<double>&, MatrixOf<double>&, SqnGradientsOf<double>&,
                                std::size_t);

}  // namespace swipegym
