#include "agents/value_regression.h"

#include <algorithm>
#include <cassert>

#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "nn/losses.h"

namespace swipegym {
namespace {

constexpr std::size_t kReferenceVideos = 256;  // enough for a mean; drawn once, so that centring does not add noise

}  // namespace

void RegressionShard::judge(const RegressionSettings& settings, std::span<const float> weight,
                            std::span<const std::uint64_t> id, std::span<float> errors) {
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = value.data()[i] - target.data()[i];
  value_sum = value.cast<double>().sum();
  const LossRows<float> whole_batch{.weight = weight, .total_weight = static_cast<double>(settings.batch)};
  const Eigen::Index several = outputs.cols();
  if (several == 0) {
    loss = huber(value, target, settings.huber_delta, whole_batch, &d_value);
  } else if (settings.outputs_are == OutputMeaning::kQuantiles) {
    loss = quantile_huber(outputs, target, 1.0F, whole_batch, &d_value);
  } else {
    // A row that a coin keeps from a member has nothing to tell it.
    assert(id.size() == errors.size());
    Matrix taught = target.replicate(1, several);
    for (Eigen::Index row = 0; row < taught.rows(); ++row) {
      const RandomKey coins = split(make_key(id[static_cast<std::size_t>(row)]), Draw::kBatch);
      for (Eigen::Index member = 0; member < several; ++member)
        if (RandomStream(coins, static_cast<std::uint32_t>(member)).below(2) == 0)
          taught(row, member) = outputs(row, member);
    }
    loss = huber(outputs, taught, settings.huber_delta, whole_batch, &d_value) / static_cast<double>(several);
    d_value /= static_cast<float>(several);
  }
}

ValueRegression::ValueRegression(ValueModel& model, const RegressionSettings& settings)
    : model_(model),
      settings_(settings),
      encoder_(make_state_encoder(model)),
      adam_(settings.adam),
      shards_((settings.batch + settings.shard_rows - 1) / settings.shard_rows),
      parameters_(model.network.parameters()),
      embeddings_(model.network.embeddings()) {
  model.network.set_shards(shards_.size());
  errors_.resize(settings.batch);
  if (!model.network.config().dueling) return;
  const std::size_t videos = model.items->num_videos();
  reference_.videos =
      random_videos(videos, std::min(kReferenceVideos, videos), split(make_key(model.header.seed), Draw::kCandidates));
  centre(model.network);
}

void ValueRegression::centre(ValueNetwork& network) {
  if (reference_.videos.empty()) return;
  if (&network == &model_.network) return network.centre(*model_.items, reference_);
  ValueNetwork::Work pass;  // the model's own pass stays for its gradient
  pass.videos = reference_.videos;
  network.centre(*model_.items, pass);
}

// The mean over the reference videos is subtracted from every video's output, so it takes minus the sum of their
// slopes.
void ValueRegression::centre_gradient() {
  const auto width = shards_.front().work.d_item.cols();
  Matrix d_mean = Matrix::Zero(1, width);
  for (const Shard& shard : shards_) d_mean -= shard.work.d_item.colwise().sum();
  model_.network.backward_centre(d_mean, reference_, 0);
  model_.network.scatter(*model_.items, reference_);
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

  model_.network.forward_states(*model_.items, work);
  model_.network.forward_items(*model_.items, work);
  shard.rows.value.resize(n, 1);
  model_.network.combine(work.item.output(), false, count, 1, work, {shard.rows.value.data(), count});
  shard.rows.target = as_matrix(rows.target.data(), count, 1);
  const std::span<float> errors = std::span(errors_).subspan(first, count);
  const bool several = model_.network_config.outputs > 1;
  if (several) model_.network.outputs(work, {shard.rows.value.data(), count}, shard.rows.outputs);
  shard.rows.judge(settings_, rows.weight, rows.id, errors);
  if (several)
    model_.network.backward_outputs(shard.rows.d_value, work, index);
  else
    model_.network.backward({shard.rows.d_value.data(), count}, work, index);
}

RegressionStats ValueRegression::step(const Provide& provide) {
  parallel_for(shards_.size(), settings_.threads, [&](std::size_t index, int) { run_shard(index, provide); });
  for (const Shard& shard : shards_) model_.network.scatter(*model_.items, shard.work);
  RegressionStats stats = sum_of(shards_, settings_);
  if (!reference_.videos.empty()) centre_gradient();
  stats.gradient_norm = adam_.step(parameters_, embeddings_);
  centre(model_.network);
  return stats;
}

}  // namespace swipegym
