#include "agents/sasrec/sqn_network.h"

#include <cassert>
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

// L_s of the batch and its gradients: d_last [n, d], and the item table's added to d_items.
template <class Scalar>
double supervised_loss(const SqnNetworkOf<Scalar>& network, const std::vector<std::int32_t>& action,
                       const LossRows<Scalar>& rows, SqnWorkOf<Scalar>& work, MatrixOf<Scalar>& d_items) {
  const MatrixOf<Scalar>& table = network.body.items.table.value;
  const auto n = static_cast<std::size_t>(work.last.rows()), d = static_cast<std::size_t>(table.cols());
  const Factor<Scalar> state(work.last.data(), n, d, d + 1);
  matrix_product<Scalar>(state, transposed(table), work.logits);
  const double loss = softmax_cross_entropy<Scalar>(work.logits, action, rows, &work.d_logits);
  matrix_product<Scalar>(transposed(work.d_logits), state, d_items, true);
  matrix_product<Scalar>(work.d_logits, table, work.d_last);
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
  next.clear(), action.clear(), reward.clear();
}

template <class Scalar>
void write_targets(const SqnNetworkOf<Scalar>& chooser, const SqnNetworkOf<Scalar>& judge,
                   const TransitionsOf<Scalar>& batch, double discount, SqnWorkOf<Scalar>& work) {
  work.target = batch.reward;
  if (batch.next_state.rows() == 0 || discount == 0.0) return;
  chooser.body.forward(batch.next_state, {}, work.next_encoder);
  gather_newest(work.next_encoder.states(), batch.next_state.offset, work.next_last);
  matrix_product<Scalar>(work.next_last, transposed(chooser.values.table.value), work.next_values);
  work.best.resize(static_cast<std::size_t>(work.next_values.rows()));
  for (std::size_t i = 0; i < work.best.size(); ++i) {
    Eigen::Index best = 0;
    work.next_values.row(static_cast<Eigen::Index>(i)).maxCoeff(&best);
    work.best[i] = static_cast<std::int32_t>(best);
  }
  judge.body.forward(batch.next_state, {}, work.next_encoder);
  gather_newest(work.next_encoder.states(), batch.next_state.offset, work.next_last);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.next[i] < 0) continue;
    const std::int32_t action = work.best[static_cast<std::size_t>(batch.next[i])];
    work.target[i] +=
        static_cast<Scalar>(discount) * work.next_last.row(batch.next[i]).dot(judge.values.table.value.row(action));
  }
}

template <class Scalar>
SqnLosses sqn_backward(SqnNetworkOf<Scalar>& network, const TransitionsOf<Scalar>& batch, const SqnObjective& objective,
                       double total, const SasrecDropout& dropout, SqnWorkOf<Scalar>& work, MatrixOf<Scalar>& d_items,
                       SqnGradientsOf<Scalar>& out, std::size_t shard) {
  const std::size_t n = batch.size();
  const auto d = static_cast<Eigen::Index>(network.body.items.dim());
  const MatrixOf<Scalar>& values = network.values.table.value;
  out.clear();
  network.body.forward(batch.state, dropout, work.encoder);
  gather_newest(work.encoder.states(), batch.state.offset, work.last);
  assert(static_cast<std::size_t>(work.last.rows()) == n);

  SqnLosses losses;
  work.chosen.resize(static_cast<Eigen::Index>(n), 1);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    work.chosen(row, 0) = work.last.row(row).dot(values.row(batch.action[i]));
  }
  LossRows<Scalar> rows{.weight = {}, .total_weight = total};
  if (objective.actor) rows.weight = std::span<const Scalar>(work.chosen.data(), n);
  losses.supervised = supervised_loss(network, batch.action, rows, work, d_items);

  if (objective.value_weight > 0.0) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      const Scalar error = work.chosen(row, 0) - work.target[i];
      losses.value += static_cast<double>(error) * static_cast<double>(error) / total;
      const Scalar slope = static_cast<Scalar>(2.0 * objective.value_weight / total) * error;
      work.d_last.row(row) += slope * values.row(batch.action[i]).head(d);
      out.values.push_back({batch.action[i], slope, work.last.data() + row * (d + 1)});
    }
  }
  work.d_states.setZero(work.encoder.states().rows(), d);
  for (std::size_t i = 0; i < n; ++i)
    work.d_states.row(static_cast<Eigen::Index>(batch.state.offset[i + 1]) - 1) =
        work.d_last.row(static_cast<Eigen::Index>(i));
  network.body.backward(batch.state, dropout, work.d_states, work.encoder, out.encoder, shard);
  return losses;
}

template class SqnNetworkOf<float>;
template class SqnNetworkOf<double>;
template struct TransitionsOf<float>;
template struct TransitionsOf<double>;
template void write_targets(const SqnNetworkOf<float>&, const SqnNetworkOf<float>&, const TransitionsOf<float>&, double,
                            SqnWorkOf<float>&);
template void write_targets(const SqnNetworkOf<double>&, const SqnNetworkOf<double>&, const TransitionsOf<double>&,
                            double, SqnWorkOf<double>&);
template SqnLosses sqn_backward(SqnNetworkOf<float>&, const TransitionsOf<float>&, const SqnObjective&, double,
                                const SasrecDropout&, SqnWorkOf<float>&, MatrixOf<float>&, SqnGradientsOf<float>&,
                                std::size_t);
template SqnLosses sqn_backward(SqnNetworkOf<double>&, const TransitionsOf<double>&, const SqnObjective&, double,
                                const SasrecDropout&, SqnWorkOf<double>&, MatrixOf<double>&, SqnGradientsOf<double>&,
                                std::size_t);

}  // namespace swipegym
