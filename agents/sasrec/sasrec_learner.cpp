#include "agents/sasrec/sasrec_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agents/gradient_steps.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "nn/losses.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

bool is_finite(const Matrix& values) {
  return values.allFinite();
}

}  // namespace

void SasrecExamples::clear() {
  histories.clear();
  histories.features.resize(0, histories.features.cols());
  target.clear(), negatives.clear();
  state.clear(), item.clear(), author.clear(), tag.clear(), user.clear(), binary.clear(), ratio.clear();
  features.resize(0, features.cols());
}

SasrecLearner::SasrecLearner(SasrecNetwork& network, const Settings& settings)
    : network_(network),
      settings_(settings),
      adam_(settings.adam),
      key_(split(make_key(settings.seed), Draw::kBatch)),
      pieces_(settings.shards),
      d_items_(pieces_.shards()),
      parameters_(network.parameters()),
      embeddings_(network.embeddings()) {
  network.set_shards(pieces_.shards());
}

void SasrecLearner::assemble(std::size_t sequences, const Provide& provide) {
  pieces_.assemble(sequences, settings_.piece_rows, settings_.threads, [&](std::size_t sequence, Piece& piece) {
    if (piece.rows() == 0)
      piece.examples.histories.features.resize(0, static_cast<Eigen::Index>(network_.step_features.in()));
    provide(sequence, piece.examples);
  });
}

SasrecLearner::Totals SasrecLearner::count() const {
  Totals totals;
  for (const Piece* piece : pieces_.list()) {
    const SasrecExamples& e = piece->examples;
    totals.targets +=
        static_cast<double>(std::count_if(e.target.begin(), e.target.end(), [](std::int32_t t) { return t >= 0; }));
    totals.candidates += static_cast<double>(e.item.size());
  }
  return totals;
}

double SasrecLearner::softmax_loss(Piece& piece, double total, bool learning, std::size_t shard) {
  // Rows with a target alone, against the whole table; its gradient is dense and kept a shard.
  std::vector<std::int32_t> rows, target;
  for (std::size_t row = 0; row < piece.examples.target.size(); ++row)
    if (piece.examples.target[row] >= 0) {
      rows.push_back(static_cast<std::int32_t>(row));
      target.push_back(piece.examples.target[row]);
    }
  const Matrix& states = piece.work.states();
  piece.d_states.setZero(states.rows(), states.cols());
  if (rows.empty()) return 0.0;
  thread_local Matrix chosen, logits, gradient, d_chosen;
  chosen.resize(static_cast<Eigen::Index>(rows.size()), states.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) chosen.row(static_cast<Eigen::Index>(i)) = states.row(rows[i]);
  const Matrix& table = network_.items.table.value;
  matrix_product<float>(chosen, transposed(table), logits);
  const double loss = softmax_cross_entropy(logits, target, LossRows<float>{.weight = {}, .total_weight = total},
                                            learning ? &gradient : nullptr);
  if (!learning) return loss;
  gradient *= static_cast<float>(settings_.next_weight);
  matrix_product<float>(transposed(gradient), chosen, d_items_[shard], true);
  matrix_product<float>(gradient, table, d_chosen);
  for (std::size_t i = 0; i < rows.size(); ++i)
    piece.d_states.row(rows[i]) = d_chosen.row(static_cast<Eigen::Index>(i));
  return loss;
}

void SasrecLearner::learn_heads(Piece& piece, const Totals& totals, bool learning, std::size_t shard) {
  const SasrecExamples& e = piece.examples;
  const SasrecDropout dropout{.head = learning ? settings_.head_dropout : 0.0,
                              .key = split(key_, static_cast<std::uint64_t>(adam_.steps())),
                              .first_row = piece.first_row};
  network_.forward_heads(e.state, e.item, e.author, e.features, dropout, piece.work, e.tag, e.user);
  const Matrix& out = piece.work.head.output();
  const auto n = static_cast<Eigen::Index>(e.item.size());
  const LossRows<float> rows{.weight = {}, .total_weight = totals.candidates};
  const Matrix binary = out.col(SasrecNetwork::kBinary), ratio = out.col(SasrecNetwork::kRatio);
  Matrix d_binary, d_ratio;
  const Matrix clicked = as_matrix(e.binary.data(), e.binary.size(), 1),
               watched = as_matrix(e.ratio.data(), e.ratio.size(), 1);
  piece.binary = binary_cross_entropy(binary, clicked, rows, &d_binary);
  piece.ratio = settings_.huber_delta > 0.0F ? huber(ratio, watched, settings_.huber_delta, rows, &d_ratio)
                                             : mean_squared_error(ratio, watched, rows, &d_ratio);
  if (!learning) return;
  piece.d_head.resize(n, SasrecNetwork::kHeads);
  piece.d_head.col(SasrecNetwork::kBinary) = static_cast<float>(settings_.binary_weight) * d_binary;
  piece.d_head.col(SasrecNetwork::kRatio) = static_cast<float>(settings_.ratio_weight) * d_ratio;
  network_.backward_heads(piece.d_head, piece.work, piece.d_states, piece.gradients, shard);
}

void SasrecLearner::forward(Piece& piece, const Totals& totals, bool learning, std::size_t shard) {
  const SasrecExamples& e = piece.examples;
  const SasrecDropout dropout{.rate = learning ? settings_.dropout : 0.0,
                              .attention = learning ? settings_.attention_dropout : 0.0,
                              .key = split(key_, static_cast<std::uint64_t>(adam_.steps())),
                              .first_row = piece.first_row};
  piece.gradients.clear();
  piece.next = piece.binary = piece.ratio = 0.0;
  network_.forward(e.histories, dropout, piece.work);
  const Matrix& states = piece.work.states();
  if (settings_.next_weight > 0.0 && totals.targets > 0.0) {
    if (settings_.softmax) {
      piece.next = softmax_loss(piece, totals.targets, learning, shard);
    } else {
      const std::size_t first = piece.gradients.items.size();
      piece.next = next_video_loss<float>(states, network_.items, e.target, e.negatives, totals.targets, piece.d_states,
                                          piece.gradients);
      if (settings_.next_weight != 1.0) {
        const auto weight = static_cast<float>(settings_.next_weight);
        piece.d_states *= weight;
        for (std::size_t i = first; i < piece.gradients.items.size(); ++i) piece.gradients.items[i].factor *= weight;
      }
    }
  } else {
    piece.d_states.setZero(states.rows(), states.cols());
  }
  if (!e.item.empty()) learn_heads(piece, totals, learning, shard);
  if (learning) network_.backward(e.histories, dropout, piece.d_states, piece.work, piece.gradients, shard);
}

SasrecLosses SasrecLearner::losses(const Totals& totals) const {
  SasrecLosses sum;
  sum.targets = totals.targets, sum.candidates = totals.candidates;
  for (const Piece* piece : pieces_.list())
    sum.next += piece->next, sum.binary += piece->binary, sum.ratio += piece->ratio;
  sum.total =
      settings_.next_weight * sum.next + settings_.binary_weight * sum.binary + settings_.ratio_weight * sum.ratio;
  return sum;
}

SasrecLosses SasrecLearner::step(const Provide& provide) {
  assemble(settings_.sequences, provide);
  const Totals totals = count();
  const bool dense = settings_.softmax && settings_.next_weight > 0.0;
  const Matrix& table = network_.items.table.value;
  if (dense)
    for (Matrix& d_items : d_items_) d_items.setZero(table.rows(), table.cols());
  pieces_.each(settings_.threads, [&](Piece& piece, std::size_t shard) { forward(piece, totals, true, shard); });
  SasrecLosses out = losses(totals);
  if (!std::isfinite(out.total)) throw_not_finite();

  std::vector<const SasrecGradientsOf<float>*> gradients;
  for (const Piece* piece : pieces_.list()) gradients.push_back(&piece->gradients);
  scatter_tables(network_, gradients, settings_.threads, dense ? sum_of_shards(d_items_) : std::vector<RowGradient>{});
  out.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
  if (!std::isfinite(out.gradient_norm)) throw_not_finite();  // a rectifier may hide it from the loss
  return out;
}

SasrecLosses SasrecLearner::evaluate(std::size_t sequences, const Provide& provide) {
  assemble(sequences, provide);
  const Totals totals = count();
  pieces_.each(settings_.threads, [&](Piece& piece, std::size_t shard) { forward(piece, totals, false, shard); });
  return losses(totals);
}

void SasrecLearner::throw_not_finite() const {
  std::string where = "the gradient";
  const auto look = [&] {
    for (const Parameter* parameter : parameters_)
      if (!is_finite(parameter->value)) return void(where = "a parameter");
    for (const Embedding* table : embeddings_)
      if (!is_finite(table->table.value))
        return void(where = table == embeddings_[0] ? "the item table" : "an embedding table");
    for (const Piece* piece : pieces_.list()) {
      const auto& work = piece->work;
      if (!is_finite(piece->examples.histories.features)) return void(where = "the input features");
      if (!is_finite(work.input)) return void(where = "the input layer");
      for (std::size_t b = 0; b < work.transformer.blocks.size(); ++b) {
        if (!is_finite(work.transformer.blocks[b].attended)) return void(where = fmt::format("block {}, attention", b));
        if (!is_finite(work.transformer.blocks[b].output))
          return void(where = fmt::format("block {}, position-wise layers", b));
      }
      if (!is_finite(work.states())) return void(where = "the last normalisation");
      if (!piece->examples.item.empty() && !is_finite(work.head.output())) return void(where = "the heads");
    }
  };
  look();
  throw SystemError(
      fmt::format("training step {}: the loss or its gradient is not a number; the first value that is not finite lies "
                  "in {}. Nothing was learned "
                  "from this step; lower learning_rate or set clip_norm",
                  adam_.steps() + 1, where));
}

SasrecLearner::Settings learner_settings(const SupervisedTask& task, const SasrecConfig& config) {
  return {.adam = adam_of(config),
          .dropout = config.dropout,
          .attention_dropout = config.attention_dropout,
          .head_dropout = config.head_dropout,
          .next_weight = config.next_weight,
          .binary_weight = config.binary_weight,
          .ratio_weight = config.ratio_weight,
          .softmax = config.softmax,
          .huber_delta = config.huber_delta,
          .sequences = config.batch,
          .threads = task.threads,
          .seed = task.seed};
}

}  // namespace swipegym
