#include "agents/labels/train_label_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/labels/label_batches.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "sim_data/d2co_label.h"
#include "sim_data/duration_groups.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

using LabelOfRow = std::function<float(std::size_t row)>;

LabelOfRow main_label(const Log& log, std::span<const std::uint32_t> training_rows, const std::string& label) {
  if (label == "ef") return [&log](std::size_t r) { return has_explicit_feedback(log.signals[r]) ? 1.0F : 0.0F; };
  if (label == "pc")
    return [&log](std::size_t r) { return is_play_complete(log.play_ms[r], log.duration_ms[r]) ? 1.0F : 0.0F; };
  if (label == "pcr") return [&log](std::size_t r) { return play_completion_rate(log.play_ms[r], log.duration_ms[r]); };
  if (label == "wt") {
    std::int32_t longest = 1;
    for (const std::uint32_t row : training_rows) longest = std::max(longest, log.play_ms[row]);
    return [&log, longest](std::size_t r) {
      return std::min(1.0F, static_cast<float>(log.play_ms[r]) / static_cast<float>(longest));
    };
  }
  const std::vector<std::uint64_t> rows(training_rows.begin(), training_rows.end());
  if (label == "d2co")
    return
        [&log, d2co = D2CoLabel(log, rows)](std::size_t r) { return d2co.label(log.play_ms[r], log.duration_ms[r]); };
  const DurationGroups groups(log, rows);
  if (label == "d2q")
    return [&log, groups](std::size_t r) { return groups.quantile(log.play_ms[r], log.duration_ms[r]); };
  return [&log, groups](std::size_t r) { return groups.watch_time_gain(log.play_ms[r], log.duration_ms[r]); };
}

}  // namespace

const std::vector<std::string>& label_names() {
  static const std::vector<std::string> names = {"wt",    "ef",    "pc",     "pcr",    "d2q",    "dvr",    "d2co",
                                                 "wt+ef", "pc+ef", "pcr+ef", "d2q+ef", "dvr+ef", "d2co+ef"};
  return names;
}

LabelTargets make_label_targets(const Dataset& data, std::span<const std::uint32_t> training_rows,
                                const std::string& label) {
  if (std::find(label_names().begin(), label_names().end(), label) == label_names().end())
    throw InputError(fmt::format("label is '{}', expected one of {}", label, fmt::join(label_names(), ", ")));
  const Log& log = data.log;
  const std::size_t plus = label.find("+ef");
  const bool two_tasks = plus != std::string::npos;
  const std::string main = label.substr(0, plus);
  LabelTargets targets;
  targets.bounded = main != "dvr";
  if (two_tasks) targets.score = targets.bounded ? LabelScore::kSigmoidSum : LabelScore::kNormalSum;
  const LabelOfRow value = main_label(log, training_rows, main);
  targets.value.resize(log.size());
  if (two_tasks) targets.feedback.resize(log.size());
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.duration_ms[row] > 0) targets.value[row] = value(row);
    if (two_tasks) targets.feedback[row] = has_explicit_feedback(log.signals[row]) ? 1.0F : 0.0F;
  }
  return targets;
}

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
  LabelTrainer(const SupervisedTask& task, const LabelModelConfig& config, const std::shared_ptr<LabelModel>& model,
               const LabelTargets& targets)
      : task_(task),
        config_(config),
        model_(*model),
        policy_(model),
        targets_(targets),
        loss_(!targets.bounded       ? LabelLoss::kSquared
              : config.loss == "bce" ? LabelLoss::kCrossEntropy
                                     : LabelLoss::kSquaredProbability),
        batches_(*task.data, *task.catalogue, *model, task.threads),
        adam_(adam_of(config)),
        adversary_(1, 1, split(make_key(task.seed), Draw::kInit)),
        parts_(label_parts(*model->network, adam_)) {
    parts_.add("adversary/weight", &adversary_.weight), parts_.add("adversary/bias", &adversary_.bias);
    const std::size_t shards = (config.batch + LabelBatches::kShardRows - 1) / LabelBatches::kShardRows;
    model_.network->set_shards(shards);
    adversary_.set_shards(shards);
  }

  TrainedParts& parts() { return parts_; }

  double train_epoch(std::span<const std::uint32_t> rows, int epoch, const Progress& progress) {
    const std::size_t batch = std::min(config_.batch, rows.size());
    double sum = 0.0;
    std::size_t batches = 0;
    for (std::size_t first = 0; first + batch <= rows.size(); first += batch) {  // what is left over waits an epoch
      const double loss = step(rows.subspan(first, batch));
      require_finite(loss, epoch, adam_.steps(), parts_);
      sum += loss, ++batches;
      report(progress, "epoch", first + batch, rows.size());
    }
    return sum / static_cast<double>(batches);
  }

  Validation validate(std::span<const std::uint32_t> rows) {
    if (rows.empty()) return {};
    const std::vector<float> scores = score_logged_videos(policy_, *task_.data, *task_.catalogue, rows, task_.threads);
    const LabelFigures figures = label_figures(*task_.data, rows, scores, config_.stop_k);
    double sum = 0.0;
    if (model_.score == LabelScore::kFirst) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        float slope = 0.0F;
        sum += one_loss(loss_, scores[i], targets_.value[rows[i]], slope) / static_cast<double>(rows.size());
      }
    }
    return {model_.score == LabelScore::kFirst ? sum : Validation::kNone, figures.watch.weighted_mean(figures.ranked)};
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
    step_label_parts(parts_, config_, config_.weight_decay);
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
  LabelPolicy policy_;
  const LabelTargets& targets_;
  LabelLoss loss_;
  LabelBatches batches_;
  Adam adam_;
  Linear adversary_;
  TrainedParts parts_;
  std::vector<LabelRows> shards_;
  LabelNetwork::Pass pass_;
};

}  // namespace

TrainedModel train_label_model(const SupervisedTask& task, const LabelModelConfig& given) {
  check(given);
  LabelModelConfig config = given;
  const std::vector<std::uint32_t> rows = label_rows(task, {task.train, task.holdout});
  const LabelTargets targets = make_label_targets(*task.data, rows, config.label);
  if (!targets.bounded) config.network.duration = false;
  auto model = make_task_model(task, config.label, config, targets.feedback.empty() ? 1 : 2);
  model->score = targets.score;
  model->feedback_weight = config.feedback_weight;

  LabelTrainer trainer(task, config, model, targets);
  const std::vector<std::uint32_t> validation = rows_of_days(*task.data, {task.validate});
  const RandomKey key = split(make_key(task.seed), Draw::kBatch);
  std::vector<EpochReport> epochs = run_epochs(
      task, {.epochs = config.epochs, .patience = config.patience, .identity = "label " + model->header.config},
      trainer.parts(),
      [&](int epoch, const Progress& progress) {
        return trainer.train_epoch(shuffled(rows, split(key, static_cast<std::uint64_t>(epoch))), epoch, progress);
      },
      [&] { return trainer.validate(validation); });
  model->network->set_shards(1);
  return {std::make_shared<LabelPolicy>(std::move(model)), std::move(epochs), {{"rows", rows.size()}}};
}

}  // namespace swipegym
