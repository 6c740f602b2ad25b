#include "agents/labels/train_label_model.h"

#include <cmath>
#include <limits>

#include "agents/epoch_loop.h"
#include "agents/labels/label_batches.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "nn/sgd.h"

namespace swipegym {
namespace {

enum class LabelLoss { kCrossEntropy, kSquaredProbability, kSquared };

// Loss and its derivative of one output; the mean over the batch is taken by the caller.
double one_loss(LabelLoss kind, float output, float target, float& slope) {
  const float probability = 1.0F / (1.0F + std::exp(-output));
  switch (kind) {
    case LabelLoss::kCrossEntropy:
      slope = probability - target;
      return std::max(output, 0.0F) - target * output + std::log1p(std::exp(-std::abs(output)));
    case LabelLoss::kSquaredProbability: {
      const float error = probability - target;
      slope = 2.0F * error * probability * (1.0F - probability);
      return error * error;
    }
    case LabelLoss::kSquared:
      break;
  }
  slope = 2.0F * (output - target);
  return (output - target) * (output - target);
}

class LabelTrainer {
 public:
  LabelTrainer(const SupervisedTask& task, const LabelModelConfig& config, LabelModel& model,
               const LabelTargets& targets)
      : task_(task),
        config_(config),
        model_(model),
        targets_(targets),
        loss_(!targets.bounded       ? LabelLoss::kSquared
              : config.loss == "bce" ? LabelLoss::kCrossEntropy
                                     : LabelLoss::kSquaredProbability),
        batches_(*task.data, *task.catalogue, model, task.threads),
        adam_({.learning_rate = config.learning_rate,
               .weight_decay = config.weight_decay,
               .clip_norm = config.clip_norm}),
        adversary_(1, 1, split(make_key(task.seed), Draw::kInit)) {
    for (const NamedParameter& part : named_state(*model.network))
      parts_.parameters.push_back({part.name, part.parameter});
    parts_.parameters.push_back({"adversary/weight", &adversary_.weight});
    parts_.parameters.push_back({"adversary/bias", &adversary_.bias});
    parts_.adam = &adam_;
    parameters_ = model.network->parameters();
    parameters_.push_back(&adversary_.weight), parameters_.push_back(&adversary_.bias);
    embeddings_ = model.network->embeddings();
    const std::size_t shards = (config.batch + LabelBatches::kShardRows - 1) / LabelBatches::kShardRows;
    model.network->set_shards(shards);
    adversary_.set_shards(shards);
  }

  TrainedParts& parts() { return parts_; }

  double train_epoch(std::span<const std::uint32_t> rows, int epoch) {
    const std::size_t batch = std::min(config_.batch, rows.size());
    double sum = 0.0;
    std::size_t batches = 0;
    for (std::size_t first = 0; first + batch <= rows.size(); first += batch) {  // what is left over waits an epoch
      const double loss = step(rows.subspan(first, batch));
      require_finite(loss, epoch, adam_.steps(), parts_);
      sum += loss, ++batches;
      report(task_.progress, "epoch", first + batch, rows.size());
    }
    return sum / static_cast<double>(batches);
  }

  Validation validate(std::span<const std::uint32_t> rows) {
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    if (rows.empty()) return {unknown, unknown};
    const std::vector<float> scores = score_label_rows(model_, batches_, rows);
    const LabelFigures figures = label_figures(*task_.data, rows, scores, config_.stop_k);
    double sum = 0.0;
    if (model_.score == LabelScore::kFirst) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        float slope = 0.0F;
        sum += one_loss(loss_, scores[i], targets_.value[rows[i]], slope) / static_cast<double>(rows.size());
      }
    }
    return {model_.score == LabelScore::kFirst ? sum : unknown, figures.watch.weighted_mean(figures.ranked)};
  }

 private:
  double step(std::span<const std::uint32_t> rows) {
    batches_.fill(rows, shards_);
    LabelNetwork& network = *model_.network;
    network.forward(shards_, LabelNetwork::Mode::kTrain, task_.threads, pass_);
    std::vector<double> loss(shards_.size());
    parallel_for(shards_.size(), task_.threads, [&](std::size_t s, int) {
      const std::size_t first = s * LabelBatches::kShardRows;
      loss[s] = shard_loss(rows.subspan(first, shards_[s].size()), static_cast<float>(rows.size()), s);
    });
    network.backward(shards_, LabelNetwork::Mode::kTrain, task_.threads, pass_);
    double total = 0.0;
    for (const double part : loss) total += part;
    require_finite(total, 0, adam_.steps(), parts_);
    if (config_.optimiser == "adam") {
      adam_.step(parameters_, embeddings_);
    } else {
      sgd_step<float>(parameters_, embeddings_, config_.learning_rate, config_.weight_decay);
      adam_.set_steps(adam_.steps() + 1);
    }
    return total;
  }

  double shard_loss(std::span<const std::uint32_t> rows, float batch, std::size_t s) {
    LabelNetwork::Shard& shard = *pass_.shards[s];
    shard.d_output.resizeLike(shard.output);
    const bool debias = !targets_.bounded && config_.adversary > 0.0F;
    double sum = 0.0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto at = static_cast<Eigen::Index>(i);
      float slope = 0.0F;
      sum += one_loss(loss_, shard.output(at, 0), targets_.value[rows[i]], slope);
      if (debias) slope += adversary_slope(shard.output(at, 0), rows[i], batch, s);
      shard.d_output(at, 0) = slope / batch;
      if (targets_.feedback.empty()) continue;
      sum += config_.feedback_weight *
             one_loss(LabelLoss::kCrossEntropy, shard.output(at, 1), targets_.feedback[rows[i]], slope);
      shard.d_output(at, 1) = config_.feedback_weight * slope / batch;
    }
    return sum / batch;
  }

  // The adversary learns to tell the duration from the gain; the gain learns the opposite (gradient reversal).
  float adversary_slope(float gain, std::uint32_t row, float batch, std::size_t shard) {
    const float weight = adversary_.weight.value(0, 0);
    const float duration =
        model_.items.features(static_cast<Eigen::Index>(index_of(task_.data->log.video[row])), kVideoLogDuration);
    const float error = weight * gain + adversary_.bias.value(0, 0) - duration;
    const float slope = 2.0F * config_.adversary * error;
    adversary_.weight.shards[shard](0, 0) += slope * gain / batch;
    adversary_.bias.shards[shard](0, 0) += slope / batch;
    return -slope * weight;
  }

  const SupervisedTask& task_;
  const LabelModelConfig& config_;
  LabelModel& model_;
  const LabelTargets& targets_;
  LabelLoss loss_;
  LabelBatches batches_;
  Adam adam_;
  Linear adversary_;
  TrainedParts parts_;
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
  std::vector<LabelRows> shards_;
  LabelNetwork::Pass pass_;
};

}  // namespace

void check(const LabelModelConfig& c) {
  check_ranges(c);
}

TrainedModel train_label_model(const SupervisedTask& task, const LabelModelConfig& given) {
  check(given);
  LabelModelConfig config = given;
  const std::vector<std::uint32_t> rows = rows_of_days(*task.data, {task.train, task.holdout});
  if (rows.size() < 2) throw InputError("no two standard rows of a known duration lie in the days to train on");
  const LabelTargets targets = make_label_targets(*task.data, rows, config.label);
  if (!targets.bounded) config.network.duration = false;
  auto model =
      make_label_model(config.label, *task.catalogue, config.network, targets.feedback.empty() ? 1 : 2, task.seed);
  model->score = targets.score;
  model->feedback_weight = config.feedback_weight;
  model->header.data_fingerprint = task.data->fingerprint;
  model->header.catalogue_until = task.train.until;
  model->header.config = config_to_json(config).dump();

  LabelTrainer trainer(task, config, *model, targets);
  const std::vector<std::uint32_t> validation = rows_of_days(*task.data, {task.validate});
  const RandomKey key = split(make_key(task.seed), Draw::kBatch);
  std::vector<EpochReport> epochs = run_epochs(
      task, {.epochs = config.epochs, .patience = config.patience, .identity = "label " + model->header.config},
      trainer.parts(),
      [&](int epoch) {
        return trainer.train_epoch(shuffled(rows, split(key, static_cast<std::uint64_t>(epoch))), epoch);
      },
      [&] { return trainer.validate(validation); });
  model->network->set_shards(1);
  return {std::make_shared<LabelPolicy>(std::move(model)), std::move(epochs), {{"rows", rows.size()}}};
}

}  // namespace swipegym
