#include "agents/labels/label_batches.h"

#include <algorithm>

#include "core/parallel_for.h"
#include "sim_data/labels.h"

namespace swipegym {

void LabelBatches::fill(std::span<const std::uint32_t> rows, std::vector<LabelRows>& shards) {
  const std::size_t count = (rows.size() + kShardRows - 1) / kShardRows;
  shards.resize(count);
  if (batches_.size() < count) batches_.resize(count);
  parallel_for(count, threads_, [&](std::size_t s, int) {
    const auto own = rows.subspan(s * kShardRows, std::min(kShardRows, rows.size() - s * kShardRows));
    LoggedStates::Batch& batch = batches_[s];
    states_.fill(own, batch);
    encoder_.clear(shards[s], own.size());
    for (std::size_t i = 0; i < own.size(); ++i)
      encoder_.add(batch.observation, i, batch.video[i], /*repeat_history=*/false, i, shards[s]);
  });
}

std::vector<float> score_label_rows(const LabelModel& model, LabelBatches& batches,
                                    std::span<const std::uint32_t> rows) {
  std::vector<float> scores(rows.size());
  const LabelEncoder encoder(model);
  // A few shards at a time; the last one is padded to full size as the policy does.
  constexpr std::size_t kAtOnce = 32 * LabelBatches::kShardRows;
  std::vector<LabelRows> shards;
  for (std::size_t begin = 0; begin < rows.size(); begin += kAtOnce) {
    const auto part = rows.subspan(begin, std::min(kAtOnce, rows.size() - begin));
    batches.fill(part, shards);
    parallel_for(shards.size(), batches.threads(), [&](std::size_t s, int) {
      const std::size_t count = shards[s].size();
      if (count < LabelBatches::kShardRows) {
        for (Matrix* values : {&shards[s].user_statistics, &shards[s].video_statistics}) {
          const Matrix known = *values;
          values->setZero(static_cast<Eigen::Index>(LabelBatches::kShardRows), known.cols());
          values->topRows(known.rows()) = known;
        }
        while (shards[s].size() < LabelBatches::kShardRows) encoder.add_padding(shards[s]);
      }
      LabelNetwork::Pass pass;
      model.network->predict(shards[s], pass);
      const Matrix& output = pass.shards[0]->output;
      for (std::size_t i = 0; i < count; ++i)
        scores[begin + s * LabelBatches::kShardRows + i] =
            label_score(model, output.row(static_cast<Eigen::Index>(i)).data());
    });
  }
  return scores;
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
