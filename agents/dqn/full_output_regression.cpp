#include "agents/dqn/full_output_regression.h"

#include <algorithm>
#include <cassert>

#include "core/parallel_for.h"
#include "nn/losses.h"

namespace swipegym {
namespace {

// The highest allowed value of a row, lowest action first; -1 where none is allowed.
std::int32_t best_action(const float* values, const std::uint8_t* mask, std::size_t actions) noexcept {
  std::int32_t best = -1;
  for (std::size_t a = 0; a < actions; ++a)
    if ((mask == nullptr || mask[a]) && (best < 0 || values[a] > values[best])) best = static_cast<std::int32_t>(a);
  return best;
}

}  // namespace

FullOutputRegression::FullOutputRegression(FullOutputNetwork& online, const Settings& settings)
    : online_(online),
      target_(online),
      settings_(settings),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows),
      errors_(settings.batch),
      parameters_(online.parameters()),
      embeddings_(online.embeddings()) {
  online.set_shards(shards_.size());
  for (Shard& shard : shards_) work_.push_back(&shard.online);
}

void FullOutputRegression::value_next(const FullOutputRows& rows, Shard& shard) const {
  const std::size_t count = rows.action.size(), actions = online_.actions();
  const FullOutputNetwork& chooser = settings_.double_q ? online_ : target_;
  chooser.forward(*rows.next, shard.next);
  chooser.all_values(shard.next, shard.all);
  shard.best.resize(count), shard.next_value.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float* values = shard.all.data() + i * actions;
    shard.best[i] = best_action(values, rows.next_mask.empty() ? nullptr : &rows.next_mask[i * actions], actions);
    shard.next_value[i] = shard.best[i] < 0 ? 0.0F : values[shard.best[i]];
  }
  if (!settings_.double_q) return;
  const auto none = [](std::int32_t action) { return action < 0; };
  std::vector<std::int32_t> judged = shard.best;
  std::replace_if(judged.begin(), judged.end(), none, 0);
  target_.forward(*rows.next, shard.next);
  target_.chosen_values(shard.next, judged, shard.next_value);
  for (std::size_t i = 0; i < count; ++i)
    if (none(shard.best[i])) shard.next_value[i] = 0.0F;
}

void FullOutputRegression::run_shard(std::size_t index, const Provide& provide) {
  Shard& shard = shards_[index];
  const std::size_t first = index * settings_.shard_rows;
  const std::size_t count = std::min(settings_.shard_rows, settings_.batch - first);
  const FullOutputRows rows = provide(index, first, count);
  assert(rows.action.size() == count && static_cast<std::size_t>(rows.states->rows()) == count);
  value_next(rows, shard);
  const auto n = static_cast<Eigen::Index>(count);
  shard.target.resize(n, 1), shard.value.resize(n, 1);
  for (std::size_t i = 0; i < count; ++i)
    shard.target.data()[i] = rows.reward[i] + rows.discount[i] * shard.next_value[i];

  online_.forward(*rows.states, shard.online);
  online_.chosen_values(shard.online, rows.action, {shard.value.data(), count});
  for (std::size_t i = 0; i < count; ++i) errors_[first + i] = shard.value.data()[i] - shard.target.data()[i];
  const LossRows<float> whole_batch{.weight = rows.weight, .total_weight = static_cast<double>(settings_.batch)};
  shard.loss = huber(shard.value, shard.target, settings_.huber_delta, whole_batch, &shard.d_value);
  shard.value_sum = shard.value.cast<double>().sum();
  online_.backward(*rows.states, {shard.d_value.data(), count}, rows.action, shard.online, index);
}

RegressionStats FullOutputRegression::step(const Provide& provide) {
  if (settings_.double_q) online_.lay_out();  // it chooses among all actions
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) { run_shard(index, provide); });
  online_.scatter(work_, settings_.threads);
  RegressionStats stats;
  for (const Shard& shard : shards_) {
    stats.loss += shard.loss;
    stats.mean_value += shard.value_sum / static_cast<double>(settings_.batch);
  }
  stats.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
  return stats;
}

void FullOutputRegression::move_target(float rate) {
  const auto blend = [rate](const Matrix& from, Matrix& to) {
    if (rate == 1.0F)
      to = from;
    else
      to += rate * (from - to);
  };
  const std::vector<Parameter*> target = target_.parameters();
  for (std::size_t i = 0; i < target.size(); ++i) blend(parameters_[i]->value, target[i]->value);
  const std::vector<Embedding*> tables = target_.embeddings();
  for (std::size_t i = 0; i < tables.size(); ++i) blend(embeddings_[i]->table.value, tables[i]->table.value);
  target_.lay_out();
}

}  // namespace swipegym
