#include "agents/value_regression.h"

#include <algorithm>
#include <cassert>

#include "core/parallel_for.h"
#include "nn/losses.h"

namespace swipegym {

ValueRegression::ValueRegression(ValueModel& model, const Settings& settings)
    : model_(model),
      settings_(settings),
      encoder_(model.encoder_config, model.items),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows),
      parameters_(model.network.parameters()),
      embeddings_(model.network.embeddings()) {
  model.network.set_shards(shards_.size());
}

void ValueRegression::run_shard(std::size_t index, const Provide& provide) {
  Shard& shard = shards_[index];
  ValueNetwork::Work& work = shard.work;
  const std::size_t first = index * settings_.shard_rows;
  const std::size_t count = std::min(settings_.shard_rows, settings_.batch - first);
  const RegressionRows rows = provide(index, first, count);
  assert(rows.video.size() == count && rows.target.size() == count && rows.observation.rows == count);

  const auto n = static_cast<Eigen::Index>(count);
  work.states.resize(n, static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(rows.observation, 0, count, work.states, work.histories);
  work.videos.assign(rows.video.begin(), rows.video.end());
  work.cross.resize(n, static_cast<Eigen::Index>(StateEncoder::kCross));
  for (std::size_t i = 0; i < count; ++i)
    encoder_.cross(work.states, work.histories, i, work.videos[i], work.cross.data() + i * StateEncoder::kCross);

  model_.network.forward_states(work);
  model_.network.forward_items(model_.items, work);
  shard.value.resize(n, 1);
  model_.network.combine(work.item.output(), false, count, 1, work, {shard.value.data(), count});
  shard.target = as_matrix(rows.target.data(), count, 1);
  const LossRows<float> whole_batch{.weight = {}, .total_weight = static_cast<double>(settings_.batch)};
  shard.loss = huber(shard.value, shard.target, settings_.huber_delta, whole_batch, &shard.d_value);
  shard.value_sum = shard.value.cast<double>().sum();
  model_.network.backward({shard.d_value.data(), count}, work, index);
}

RegressionStats ValueRegression::step(const Provide& provide) {
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) { run_shard(index, provide); });
  RegressionStats stats;
  for (const Shard& shard : shards_) {
    model_.network.scatter(model_.items, shard.work);
    stats.loss += shard.loss;
    stats.mean_value += shard.value_sum / static_cast<double>(settings_.batch);
  }
  stats.gradient_norm = adam_.step(parameters_, embeddings_);
  return stats;
}

}  // namespace swipegym
