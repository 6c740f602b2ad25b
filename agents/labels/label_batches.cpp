#include "agents/labels/label_batches.h"

#include <algorithm>

#include "agents/supervised_rows.h"
#include "core/error.h"
#include "core/parallel_pieces.h"
#include "sim_data/labels.h"

namespace swipegym {

void LabelBatches::fill(std::span<const std::uint32_t> rows, std::vector<LabelRows>& shards) {
  const std::size_t count = (rows.size() + kShardRows - 1) / kShardRows;
  shards.resize(count);
  if (batches_.size() < count) batches_.resize(count);
  parallel_pieces(rows.size(), kShardRows, threads_, [&](std::size_t s, std::size_t first, std::size_t own) {
    LoggedStates::Batch& batch = batches_[s];
    states_.fill(rows.subspan(first, own), batch);
    encoder_.clear(shards[s], own);
    for (std::size_t i = 0; i < own; ++i)
      encoder_.add(batch.observation, i, batch.video[i], /*repeat_history=*/false, i, shards[s]);
  });
}

TrainedParts label_parts(LabelNetwork& network, Adam& adam) {
  TrainedParts parts;
  parts.adam = &adam;
  for (const NamedParameter& part : named_state(network)) parts.parameters.push_back({part.name, part.parameter});
  parts.dense = network.parameters(), parts.tables = network.embeddings();
  return parts;
}

std::vector<std::uint32_t> label_rows(const SupervisedTask& task, std::initializer_list<DayRange> days) {
  std::vector<std::uint32_t> rows = rows_of_days(*task.data, days);
  if (rows.size() < 2) throw InputError("no two standard rows of a known duration lie in the days to train on");
  return rows;
}

LabelFigures label_figures(const Dataset& data, std::span<const std::uint32_t> rows, std::span<const float> scores,
                           std::size_t k, GainMode mode) {
  const Log& log = data.log;
  std::vector<std::uint32_t> user(rows.size());
  std::vector<float> watch_s(rows.size()), duration_s(rows.size()), feedback(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    user[i] = index_of(log.user[rows[i]]);
    watch_s[i] = 1e-3F * static_cast<float>(log.play_ms[rows[i]]);
    duration_s[i] = 1e-3F * static_cast<float>(log.duration_ms[rows[i]]);
    feedback[i] = has_explicit_feedback(log.signals[rows[i]]) ? 1.0F : 0.0F;
  }
  LabelFigures out;
  out.ranked = rank_users(user, scores, k + 1);
  out.watch = discounted_gain_ratio(out.ranked, watch_s, k, mode);
  out.feedback = discounted_gain_ratio(out.ranked, feedback, k, mode);
  out.spread = duration_spread(out.ranked, duration_s, k);
  return out;
}

}  // namespace swipegym
