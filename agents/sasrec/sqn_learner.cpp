#include "agents/sasrec/sqn_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

// Rows of one state at most; numbers of dropped rows are spread by it, so that no two states share any.
constexpr std::size_t kMaxStateRows = 512;

}  // namespace

SqnLearner::SqnLearner(std::array<SqnNetwork, 2>& networks, const Settings& settings)
    : networks_(networks),
      settings_(settings),
      adam_{Adam(settings.adam), Adam(settings.adam)},
      dropout_key_(split(split(make_key(settings.seed), Draw::kBatch), 0)),
      coin_key_(split(split(make_key(settings.seed), Draw::kBatch), 1)),
      shards_(std::max<std::size_t>(settings.shards, 1)) {
  for (SqnNetwork& network : networks_) network.set_shards(shards_.size());
}

void SqnLearner::set_learning_rate(double rate) noexcept {
  for (Adam& adam : adam_) adam.set_learning_rate(rate);
}

void SqnLearner::assemble(std::size_t transitions, const Provide& provide) {
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    shard.used = 0;
    const std::size_t end = transitions * (index + 1) / shards_.size();
    for (std::size_t i = transitions * index / shards_.size(); i < end; ++i) {
      if (shard.used == 0 || shard.pieces[shard.used - 1]->transitions.state.rows() >= settings_.piece_rows) {
        if (shard.used == shard.pieces.size()) shard.pieces.push_back(std::make_unique<Piece>());
        Piece& piece = *shard.pieces[shard.used++];
        piece.transitions.clear();
        piece.first_row = i * kMaxStateRows;
      }
      provide(i, shard.pieces[shard.used - 1]->transitions);
    }
  });
}

void SqnLearner::scatter(SqnNetwork& network) {
  const Embedding& items = network.body.items;
  for (std::size_t index = 1; index < shards_.size(); ++index) shards_[0].d_items += shards_[index].d_items;
  item_rows_.clear();
  for (std::size_t i = 0; i < items.count(); ++i)
    item_rows_.push_back({static_cast<std::int32_t>(i), 1.0F, shards_[0].d_items.data() + i * items.dim()});
  const auto add = [&](Embedding& table, auto&& list_of) {
    for (const Shard& shard : shards_)
      for (std::size_t p = 0; p < shard.used; ++p) lists_.push_back(list_of(shard.pieces[p]->gradients));
    table.scatter(lists_, settings_.threads);
    lists_.clear();
  };
  using Gradients = SqnGradientsOf<float>;
  lists_.assign(1, item_rows_);
  add(network.body.items, [](const Gradients& g) { return std::span(g.encoder.items); });
  if (network.body.config().authors)
    add(network.body.authors, [](const Gradients& g) { return std::span(g.encoder.authors); });
  if (network.body.tags.count() > 0)
    add(network.body.tags, [](const Gradients& g) { return std::span(g.encoder.tags); });
  if (learns_values()) add(network.values, [](const Gradients& g) { return std::span(g.values); });
}

SqnLosses SqnLearner::step(std::size_t transitions, const Provide& provide) {
  const auto update = static_cast<std::uint64_t>(updates());
  const std::size_t learner = learns_values() ? RandomStream(split(coin_key_, update)).below(2) : 0;
  SqnNetwork& network = networks_[learner];
  const SqnNetwork& judge = networks_[1 - learner];
  assemble(transitions, provide);
  const RandomKey dropout_key = split(dropout_key_, update);
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    shard.d_items.setZero(network.body.items.table.value.rows(), network.body.items.table.value.cols());
    for (std::size_t p = 0; p < shard.used; ++p) {
      Piece& piece = *shard.pieces[p];
      if (learns_values()) write_targets(network, judge, piece.transitions, settings_.objective.discount, piece.work);
      const SasrecDropout dropout{.rate = settings_.dropout, .key = dropout_key, .first_row = piece.first_row};
      piece.losses = sqn_backward(network, piece.transitions, settings_.objective, static_cast<double>(transitions),
                                  dropout, piece.work, shard.d_items, piece.gradients, index);
    }
  });
  SqnLosses sum;
  for (const Shard& shard : shards_)
    for (std::size_t p = 0; p < shard.used; ++p) {
      const SqnLosses& losses = shard.pieces[p]->losses;
      sum.supervised += losses.supervised, sum.value += losses.value;
    }
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
