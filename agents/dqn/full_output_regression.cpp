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

FullOutputRegression::FullOutputRegression(FullOutputNetwork& online, const RegressionSettings& settings, bool double_q,
                                           bool listed)
    : online_(online),
      target_(online),
      settings_(settings),
      double_q_(double_q),
      listed_(listed),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows),
      errors_(settings.batch),
      parameters_(online.parameters()),
      embeddings_(online.embeddings()) {
  online.set_shards(shards_.size());
  for (Shard& shard : shards_) work_.push_back(&shard.online);
}

void FullOutputRegression::choose_among_all(const FullOutputRows& rows, Shard& shard) const {
  const std::size_t actions = online_.actions();
  (double_q_ ? online_ : target_).all_values(shard.next, shard.all);
  for (std::size_t i = 0; i < shard.best.size(); ++i) {
    const float* values = shard.all.data() + i * actions;
    shard.best[i] = best_action(values, rows.next_mask.empty() ? nullptr : &rows.next_mask[i * actions], actions);
    shard.next_value[i] = shard.best[i] < 0 ? 0.0F : values[shard.best[i]];
  }
}

void FullOutputRegression::choose_among_listed(const FullOutputRows& rows, Shard& shard) const {
  const std::size_t listed = rows.next_listed.size() / shard.best.size();
  shard.listed_value.resize(rows.next_listed.size());
  (double_q_ ? online_ : target_).listed_values(shard.next, rows.next_listed, shard.listed_value);
  for (std::size_t i = 0; i < shard.best.size(); ++i) {
    const auto first = shard.listed_value.begin() + static_cast<std::ptrdiff_t>(i * listed);
    const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(listed));
    shard.best[i] = rows.next_listed[static_cast<std::size_t>(best - shard.listed_value.begin())];
    shard.next_value[i] = shard.best[i] < 0 ? 0.0F : *best;
  }
}

void FullOutputRegression::value_next(const FullOutputRows& rows, Shard& shard) const {
  const std::size_t count = rows.action.size();
  (double_q_ ? online_ : target_).forward(*rows.next, shard.next);
  shard.best.resize(count), shard.next_value.resize(count);
  if (listed_)
    choose_among_listed(rows, shard);
  else
    choose_among_all(rows, shard);
  if (!double_q_) return;
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
  shard.rows.target.resize(n, 1), shard.rows.value.resize(n, 1);
  for (std::size_t i = 0; i < count; ++i)
    shard.rows.target.data()[i] = rows.reward[i] + rows.discount[i] * shard.next_value[i];

  online_.forward(*rows.states, shard.online);
  online_.chosen_values(shard.online, rows.action, {shard.rows.value.data(), count});
  shard.rows.judge(settings_, rows.weight, {}, std::span(errors_).subspan(first, count));
  online_.backward(*rows.states, {shard.rows.d_value.data(), count}, rows.action, shard.online, index);
}

RegressionStats FullOutputRegression::step(const Provide& provide) {
  if (double_q_ && !listed_) online_.lay_out();  // it chooses among all actions
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) { run_shard(index, provide); });
  online_.scatter(work_, settings_.threads);
  RegressionStats stats = sum_of(shards_, settings_);
  stats.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
  return stats;
}

void FullOutputRegression::move_target(float rate) {
  move_target_towards(target_, online_, rate);
  if (!listed_) target_.lay_out();
}

}  // namespace swipegym
