#include "agents/sasrec/sqn_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace swipegym {
SqnLearner::SqnLearner(std::array<SqnNetwork, 2>& networks, const Settings& settings)
    : networks_(networks),
      settings_(settings),
      adam_{Adam(settings.adam), Adam(settings.adam)},
      dropout_key_(split(split(make_key(settings.seed), Draw::kBatch), 0)),
      coin_key_(split(split(make_key(settings.seed), Draw::kBatch), 1)),
      pieces_(settings.shards),
      d_items_(pieces_.shards()) {
  for (SqnNetwork& network : networks_) network.set_shards(pieces_.shards());
}

void SqnLearner::set_learning_rate(double rate) noexcept {
  for (Adam& adam : adam_) adam.set_learning_rate(rate);
}

void SqnLearner::scatter(SqnNetwork& network) {
  std::vector<const SasrecGradientsOf<float>*> encoder;
  std::vector<std::span<const RowGradient>> values;
  for (const Piece* piece : pieces_.list())
    encoder.push_back(&piece->gradients.encoder), values.emplace_back(piece->gradients.values);
  scatter_tables(network.body, encoder, settings_.threads, sum_of_shards(d_items_));
  if (learns_values()) network.values.scatter(values, settings_.threads);
}

SqnLosses SqnLearner::step(std::size_t transitions, const Provide& provide) {
  const auto update = static_cast<std::uint64_t>(updates());
  const std::size_t learner = learns_values() ? RandomStream(split(coin_key_, update)).below(2) : 0;
  SqnNetwork& network = networks_[learner];
  const SqnNetwork& judge = networks_[1 - learner];
  pieces_.assemble(transitions, settings_.piece_rows, settings_.threads,
                   [&](std::size_t i, Piece& piece) { provide(i, piece.transitions); });
  const RandomKey dropout_key = split(dropout_key_, update);
  const Matrix& table = network.body.items.table.value;
  for (Matrix& d_items : d_items_) d_items.setZero(table.rows(), table.cols());
  pieces_.each(settings_.threads, [&](Piece& piece, std::size_t shard) {
    if (learns_values()) write_targets(network, judge, piece.transitions, settings_.objective, piece.work);
    const SasrecDropout dropout{.rate = settings_.dropout, .key = dropout_key, .first_row = piece.first_row};
    piece.losses = sqn_backward(network, piece.transitions, settings_.objective, static_cast<double>(transitions),
                                dropout, piece.work, d_items_[shard], piece.gradients, shard);
  });
  SqnLosses sum;
  for (const Piece* piece : pieces_.list())
    sum.supervised += piece->losses.supervised, sum.value += piece->losses.value;
  const auto refuse = [&](const char* what, double value) {
    if (!std::isfinite(value))
      throw SystemError(
          fmt::format("update {}: the {} is not a number. Nothing was learned from it; lower "
                      "learning_rate or set clip_norm",
                      update + 1, what));
  };
  refuse("supervised loss", sum.supervised);
  refuse("loss of values", sum.value);
  scatter(network);
  const std::vector<Parameter*> parameters = network.parameters();
  const std::vector<Embedding*> embeddings = network.embeddings();
  refuse("gradient", adam_[learner].step(parameters, embeddings, settings_.threads));
  return sum;
}

}  // namespace swipegym
