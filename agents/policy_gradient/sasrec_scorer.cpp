#include "agents/policy_gradient/sasrec_scorer.h"

#include <algorithm>
#include <cassert>

#include "core/parallel_for.h"
#include "policy/sasrec/sasrec_inputs.h"

namespace swipegym {
namespace {

// Row of the newest state of sequence i; -1: a user without history.
Eigen::Index newest_row(const PackedHistories& histories, std::size_t i) noexcept {
  const bool none = histories.offset[i] == histories.offset[i + 1];
  return none ? -1 : static_cast<Eigen::Index>(histories.offset[i + 1]) - 1;
}

}  // namespace

KeptHistories::KeptHistories(std::size_t rows, std::size_t length)
    : length_(length), video_(rows * length, -1), ratio_(rows * length), signals_(rows * length) {}

void KeptHistories::keep(const ObservationView& from, std::size_t first_row) {
  const std::size_t count = std::min(length_, from.history_length), skipped = from.history_length - count;
  for (std::size_t row = 0; row < from.rows; ++row) {
    const std::size_t to = (first_row + row) * length_ + length_ - count, at = row * from.history_length + skipped;
    std::copy_n(from.history_video + at, count, video_.begin() + static_cast<std::ptrdiff_t>(to));
    std::copy_n(from.history_ratio + at, count, ratio_.begin() + static_cast<std::ptrdiff_t>(to));
    if (from.history_signals != nullptr)
      std::copy_n(from.history_signals + at, count, signals_.begin() + static_cast<std::ptrdiff_t>(to));
  }
}

void KeptHistories::move_to_front(std::size_t from, std::size_t count) {
  const auto first = static_cast<std::ptrdiff_t>(from * length_);
  std::copy_n(video_.begin() + first, count * length_, video_.begin());
  std::copy_n(ratio_.begin() + first, count * length_, ratio_.begin());
  std::copy_n(signals_.begin() + first, count * length_, signals_.begin());
}

ObservationView KeptHistories::view() const noexcept {
  ObservationView view;
  view.rows = video_.size() / length_;
  view.history_length = length_;
  view.history_video = video_.data(), view.history_ratio = ratio_.data(), view.history_signals = signals_.data();
  return view;
}

SasrecScorer::SasrecScorer(SasrecModel& model, const Settings& settings, std::size_t most_rows)
    : model_(model),
      settings_(settings),
      adam_(settings.adam),
      shards_((most_rows + settings.shard_rows - 1) / settings.shard_rows),
      parameters_(model.network.parameters()),
      embeddings_(model.network.embeddings()) {
  assert(model.objective == SasrecObjective::kNext);
  model.network.set_shards(shards_.size());
}

void SasrecScorer::forward(const Rollout& rollout, const KeptHistories& histories, std::span<const std::uint32_t> rows,
                           Shard& shard) const {
  const SasrecNetwork& network = model_.network;
  const ItemInputs& items = model_.items;
  const Matrix& table = network.items.table.value;
  const std::size_t m = rollout.shape().slots;
  const ObservationView seen = histories.view();
  shard.histories.clear();
  for (const std::uint32_t row : rows) pack_history(network.config(), items, seen, row, shard.histories);
  shard.histories.features.conservativeResize(static_cast<Eigen::Index>(shard.histories.rows()),
                                              static_cast<Eigen::Index>(kSasrecStepFeatures));
  network.forward(shard.histories, {}, shard.work);
  shard.scores.resize(rows.size() * m);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Eigen::Index state = newest_row(shard.histories, i);
    for (std::size_t slot = 0; slot < m; ++slot) {
      const auto video = static_cast<std::size_t>(rollout.candidate[rows[i] * m + slot]);
      float& score = shard.scores[i * m + slot];
      if (state < 0)
        score = items.features(static_cast<Eigen::Index>(video), kVideoExposures);
      else
        score = items.id[video] < 0 ? 0.0F : shard.work.states().row(state).dot(table.row(items.id[video]));
    }
  }
}

void SasrecScorer::score(const Rollout& rollout, const KeptHistories& histories, std::span<const std::uint32_t> rows,
                         std::span<float> out) const {
  const std::size_t m = rollout.shape().slots, piece = settings_.shard_rows;
  parallel_for((rows.size() + piece - 1) / piece, settings_.threads, [&](std::size_t index, int) {
    thread_local Shard shard;
    const std::size_t first = index * piece, count = std::min(piece, rows.size() - first);
    forward(rollout, histories, rows.subspan(first, count), shard);
    std::copy(shard.scores.begin(), shard.scores.end(), out.begin() + static_cast<std::ptrdiff_t>(first * m));
  });
}

// The losses of a shard's rows, numbered from `first`, and their gradients in the states and the item table.
void SasrecScorer::learn(const Rollout& rollout, std::span<const std::uint32_t> rows, std::size_t first, float share,
                         const RowLoss& loss, Shard& shard) {
  const Matrix &states = shard.work.states(), &table = model_.network.items.table.value;
  const std::size_t m = rollout.shape().slots;
  shard.d_scores.resize(rows.size() * m);
  shard.gradients.clear();
  shard.d_states.setZero(states.rows(), states.cols());
  shard.loss = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<float> d_scores = std::span(shard.d_scores).subspan(i * m, m);
    shard.loss += loss(first + i, std::span(shard.scores).subspan(i * m, m), d_scores);
    const Eigen::Index state = newest_row(shard.histories, i);
    for (std::size_t slot = 0; state >= 0 && slot < m; ++slot) {
      const std::int32_t id = model_.items.id[static_cast<std::size_t>(rollout.candidate[rows[i] * m + slot])];
      if (id < 0) continue;
      const float slope = share * d_scores[slot];
      shard.d_states.row(state) += slope * table.row(id);
      shard.gradients.items.push_back({id, slope, states.data() + state * states.cols()});
    }
  }
}

SasrecScorer::Step SasrecScorer::step(const Rollout& rollout, const KeptHistories& histories,
                                      std::span<const std::uint32_t> rows, const RowLoss& loss) {
  SasrecNetwork& network = model_.network;
  const std::size_t piece = settings_.shard_rows, used = (rows.size() + piece - 1) / piece;
  assert(used <= shards_.size());
  const float share = 1.0F / static_cast<float>(rows.size());
  parallel_for(used, settings_.threads, [&](std::size_t index, int) {
    Shard& shard = shards_[index];
    const std::size_t first = index * piece;
    const std::span<const std::uint32_t> own = rows.subspan(first, std::min(piece, rows.size() - first));
    forward(rollout, histories, own, shard);
    learn(rollout, own, first, share, loss, shard);
    network.backward(shard.histories, {}, shard.d_states, shard.work, shard.gradients, index);
  });
  Step out;
  std::vector<std::span<const RowGradient>> lists;
  const auto scatter = [&](Embedding& table, auto member) {
    lists.clear();
    for (std::size_t index = 0; index < used; ++index) lists.push_back(shards_[index].gradients.*member);
    table.scatter(lists, settings_.threads);
  };
  scatter(network.items, &SasrecGradientsOf<float>::items);
  if (network.config().authors) scatter(network.authors, &SasrecGradientsOf<float>::authors);
  if (network.tags.count() > 0) scatter(network.tags, &SasrecGradientsOf<float>::tags);
  for (std::size_t index = 0; index < used; ++index) out.loss += shards_[index].loss * static_cast<double>(share);
  out.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
  return out;
}

}  // namespace swipegym
