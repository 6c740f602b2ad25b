#include "agents/sasrec/sasrec_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel_for.h"
#include "nn/losses.h"
#include "nn/matrix_product.h"

namespace swipegym {
namespace {

// Rows of one sequence at most; numbers of dropped rows are spread by it, so that no two sequences share any.
constexpr std::size_t kMaxRows = 512;

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
      shards_(std::max<std::size_t>(settings.shards, 1)),
      parameters_(network.parameters()),
      embeddings_(network.embeddings()) {
  network.set_shards(shards_.size());
}

void SasrecLearner::assemble(std::size_t sequences, const Provide& provide) {
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    shard.used = 0;
    const std::size_t end = sequences * (index + 1) / shards_.size();
    for (std::size_t s = sequences * index / shards_.size(); s < end; ++s) {
      if (shard.used == 0 || shard.pieces[shard.used - 1]->examples.histories.rows() >= settings_.piece_rows) {
        if (shard.used == shard.pieces.size()) shard.pieces.push_back(std::make_unique<Piece>());
        Piece& piece = *shard.pieces[shard.used++];
        piece.examples.clear();
        piece.examples.histories.features.resize(0, static_cast<Eigen::Index>(network_.step_features.in()));
        piece.first_row = s * kMaxRows;
      }
      provide(s, shard.pieces[shard.used - 1]->examples);
    }
  });
}

SasrecLearner::Totals SasrecLearner::count() const {
  Totals totals;
  for (const Shard& shard : shards_)
    for (std::size_t p = 0; p < shard.used; ++p) {
      const SasrecExamples& e = shard.pieces[p]->examples;
      totals.targets +=
          static_cast<double>(std::count_if(e.target.begin(), e.target.end(), [](std::int32_t t) { return t >= 0; }));
      totals.candidates += static_cast<double>(e.item.size());
    }
  return totals;
}

double SasrecLearner::softmax_loss(Piece& piece, double total, bool learning, Shard& shard) {
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
  matrix_product<float>(transposed(gradient), chosen, shard.d_items, true);
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
      piece.next = softmax_loss(piece, totals.targets, learning, shards_[shard]);
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
  for (const Shard& shard : shards_)
    for (std::size_t p = 0; p < shard.used; ++p) {
      sum.next += shard.pieces[p]->next;
      sum.binary += shard.pieces[p]->binary;
      sum.ratio += shard.pieces[p]->ratio;
    }
  sum.total =
      settings_.next_weight * sum.next + settings_.binary_weight * sum.binary + settings_.ratio_weight * sum.ratio;
  return sum;
}

SasrecLosses SasrecLearner::step(const Provide& provide) {
  assemble(settings_.sequences, provide);
  const Totals totals = count();
  const bool dense = settings_.softmax && settings_.next_weight > 0.0;
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    if (dense) shard.d_items.setZero(network_.items.table.value.rows(), network_.items.table.value.cols());
    for (std::size_t p = 0; p < shard.used; ++p) forward(*shard.pieces[p], totals, true, index);
  });
  SasrecLosses out = losses(totals);
  if (!std::isfinite(out.total)) throw_not_finite();

  lists_.clear();
  if (dense) {
    for (std::size_t index = 1; index < shards_.size(); ++index) shards_[0].d_items += shards_[index].d_items;
    const auto items = static_cast<std::int32_t>(network_.items.count());
    softmax_rows_.clear();
    for (std::int32_t i = 0; i < items; ++i)
      softmax_rows_.push_back(
          {i, 1.0F, shards_[0].d_items.data() + static_cast<std::size_t>(i) * network_.items.dim()});
    lists_.push_back(softmax_rows_);
  }
  const auto scatter = [&](Embedding& table, auto member) {
    for (const Shard& shard : shards_)
      for (std::size_t p = 0; p < shard.used; ++p) lists_.push_back(shard.pieces[p]->gradients.*member);
    table.scatter(lists_, settings_.threads);
    lists_.clear();
  };
  scatter(network_.items, &SasrecGradientsOf<float>::items);
  if (network_.config().authors) scatter(network_.authors, &SasrecGradientsOf<float>::authors);
  if (network_.tags.count() > 0) scatter(network_.tags, &SasrecGradientsOf<float>::tags);
  if (network_.users.count() > 0) scatter(network_.users, &SasrecGradientsOf<float>::users);
  out.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
  if (!std::isfinite(out.gradient_norm)) throw_not_finite();  // a rectifier may hide it from the loss
  return out;
}

SasrecLosses SasrecLearner::evaluate(std::size_t sequences, const Provide& provide) {
  assemble(sequences, provide);
  const Totals totals = count();
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) {
    for (std::size_t p = 0; p < shards_[index].used; ++p) forward(*shards_[index].pieces[p], totals, false, index);
  });
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
    for (const Shard& shard : shards_)
      for (std::size_t p = 0; p < shard.used; ++p) {
        const auto& work = shard.pieces[p]->work;
        if (!is_finite(shard.pieces[p]->examples.histories.features)) return void(where = "the input features");
        if (!is_finite(work.input)) return void(where = "the input layer");
        for (std::size_t b = 0; b < work.transformer.blocks.size(); ++b) {
          if (!is_finite(work.transformer.blocks[b].attended))
            return void(where = fmt::format("block {}, attention", b));
          if (!is_finite(work.transformer.blocks[b].output))
            return void(where = fmt::format("block {}, position-wise layers", b));
        }
        if (!is_finite(work.states())) return void(where = "the last normalisation");
        if (!shard.pieces[p]->examples.item.empty() && !is_finite(work.head.output())) return void(where = "the heads");
      }
  };
  look();
  throw SystemError(
      fmt::format("training step {}: the loss or its gradient is not a number; the first value that is not finite lies "
                  "in {}. Nothing was learned "
                  "from this step; lower learning_rate or set clip_norm",
                  adam_.steps() + 1, where));
}

}  // namespace swipegym
