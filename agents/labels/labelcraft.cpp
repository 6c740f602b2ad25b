#include "agents/labels/labelcraft.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/labels/label_batches.h"
#include "agents/labels/labelcraft_rows.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "nn/sgd.h"
#include "nn/xavier.h"
#include "sim_data/day_text.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

Mlp make_labeling_model(const LabelCraftConfig& config, RandomKey key) {
  const std::array<std::size_t, 4> sizes = {3, config.labeling_hidden, config.labeling_hidden, 1};
  Mlp labeling(sizes, Activation::kRelu, key);
  for (std::size_t i = 0; i < labeling.layers.size(); ++i)
    initialise_xavier_normal(labeling.layers[i].weight, split(key, 10 + i));
  return labeling;
}

class LabelCraft {
 public:
  LabelCraft(const SupervisedTask& task, const LabelCraftConfig& config, const std::shared_ptr<LabelModel>& model,
             std::span<const std::uint32_t> rows)
      : task_(task),
        config_(config),
        model_(*model),
        policy_(model),
        worth_(*task.data, rows, config),
        batches_(*task.data, *task.catalogue, *model, task.threads),
        adam_({.learning_rate = config.learning_rate, .clip_norm = 10.0}),
        labeling_adam_({.learning_rate = config.labeling_rate, .clip_norm = 10.0}),
        labeling_(make_labeling_model(config, split(split(make_key(task.seed), Draw::kInit), 7))),
        bilevel_(*model->network, labeling_),
        parts_(label_parts(*model->network, adam_)) {
    for (std::size_t i = 0; i < labeling_.layers.size(); ++i) {
      parts_.parameters.push_back({fmt::format("labeling/{}", i), &labeling_.layers[i].weight});
      labeling_parameters_.push_back(&labeling_.layers[i].weight);
    }
    if (task.holdout.empty())
      throw InputError("LabelCraft chooses its label by hold-out days: give --holdout-until, the last of them");
    holdout_ = users_with_rows(task.data->log, rows_of_days(*task.data, {task.holdout}), config.k);
    if (holdout_.empty())
      throw InputError(
          fmt::format("no user has more than k = {} standard rows of a known duration in the hold-out days "
                      "{}; LabelCraft chooses its label by such users",
                      config.k, days_text(task.holdout.from, task.holdout.until)));
    bilevel_config_.objective.top = {
        .k = config.k, .sorted = config.sorted, .epsilon = config.epsilon, .rescale = config.rescale};
    bilevel_config_.objective.used = {config.watch_objective, config.feedback_objective, config.duration_objective};
    bilevel_config_.objective.balance = config.balance;
    bilevel_config_.standardise = config.standardise;
    bilevel_config_.cross_entropy = config.loss == "bce";
    bilevel_config_.virtual_rate = config.learning_rate;
    bilevel_config_.preconditioned = config.optimiser == "adam";
    bilevel_config_.threads = task.threads;
    std::size_t most = config.batch;  // rows of one pass: a batch, or the hold-out users with most rows
    std::vector<std::size_t> sizes;
    for (const auto& user : holdout_) sizes.push_back(user.size());
    std::sort(sizes.rbegin(), sizes.rend());
    std::size_t held = 0;
    for (std::size_t u = 0; u < std::min(sizes.size(), config.holdout_users); ++u) held += sizes[u];
    most = std::max(most, held);
    model_.network->set_shards((most + LabelBatches::kShardRows - 1) / LabelBatches::kShardRows);
  }

  TrainedParts& parts() { return parts_; }
  const Mlp& labeling() const { return labeling_; }
  std::size_t holdout_users() const { return holdout_.size(); }
  const std::vector<ListObjective::Value>& objectives() const { return objectives_; }

  double train_epoch(std::span<const std::uint32_t> rows, RandomKey key, int epoch, const Progress& progress) {
    labeling_adam_.set_steps(adam_.steps());  // both levels step together, so one count serves a checkpoint
    const std::size_t batch = std::min(config_.batch, rows.size());
    double sum = 0.0;
    std::size_t steps = 0;
    ListObjective::Value mean;
    for (std::size_t first = 0; first + batch <= rows.size(); first += batch, ++steps) {
      draw_holdout(split(key, steps));
      const ListObjective::Value value = outer_step(rows.subspan(first, batch), epoch);
      for (std::size_t j = 0; j < kPlatformObjectives; ++j)
        mean.parts[j] += value.parts[j], mean.weights[j] += value.weights[j];
      mean.total += value.total;
      sum += inner_step(epoch);
      report(progress, "epoch", first + batch, rows.size());
    }
    const auto count = static_cast<double>(steps);
    for (std::size_t j = 0; j < kPlatformObjectives; ++j) mean.parts[j] /= count, mean.weights[j] /= count;
    mean.total /= count;
    objectives_.push_back(mean);
    return sum / count;
  }

  Validation validate(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> training_rows) {
    if (rows.empty()) return {};
    const std::vector<float> scores = score_logged_videos(policy_, *task_.data, *task_.catalogue, rows, task_.threads);
    if (config_.stop_metric == "nwtg") {
      const LabelFigures figures = label_figures(*task_.data, rows, scores, config_.stop_k);
      return {.metric = figures.watch.weighted_mean(figures.ranked)};
    }
    LabelCraftConfig judged = config_;
    judged.k = config_.stop_k;
    const auto value = platform_value(*task_.data, training_rows, rows, scores, judged);
    double sum = 0.0;
    for (std::size_t j = 0; j < kPlatformObjectives; ++j) sum += bilevel_config_.objective.used[j] ? value[j] : 0.0;
    return {.metric = sum};
  }

 private:
  // As many hold-out users as a step takes, without replacement, and what their rows are worth.
  void draw_holdout(RandomKey key) {
    RandomStream random(key);
    const std::size_t count = std::min(config_.holdout_users, holdout_.size());
    lists_ = {};
    held_rows_.clear();
    order_.resize(holdout_.size());
    for (std::size_t u = 0; u < order_.size(); ++u) order_[u] = static_cast<std::uint32_t>(u);
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(order_[i], order_[i + random.below(static_cast<std::uint32_t>(order_.size() - i))]);
      const auto begin = static_cast<std::uint32_t>(held_rows_.size());
      for (const std::uint32_t row : holdout_[order_[i]]) {
        held_rows_.push_back(row);
        lists_.watch.push_back(worth_.watch(row));
        lists_.feedback.push_back(worth_.feedback(row));
        lists_.duration.push_back(worth_.duration(row));
      }
      lists_.users.push_back({begin, static_cast<std::uint32_t>(held_rows_.size())});
    }
    batches_.fill(held_rows_, holdout_shards_);
  }

  ListObjective::Value outer_step(std::span<const std::uint32_t> rows, int epoch) {
    const Log& log = task_.data->log;
    batches_.fill(rows, batch_.shards);
    batch_.label_inputs.resize(static_cast<Eigen::Index>(rows.size()), 3);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto inputs = labeling_inputs(config_, 1e-3 * log.play_ms[rows[i]], 1e-3 * log.duration_ms[rows[i]],
                                          has_explicit_feedback(log.signals[rows[i]]));
      for (Eigen::Index j = 0; j < 3; ++j)
        batch_.label_inputs(static_cast<Eigen::Index>(i), j) = inputs[static_cast<std::size_t>(j)];
    }
    // Before Adam's first step there are no second moments: that step is a plain one.
    const auto steps = static_cast<double>(adam_.steps());
    bilevel_config_.preconditioned = config_.optimiser == "adam" && adam_.steps() > 0;
    bilevel_config_.second_moment_scale = steps > 0 ? 1.0 / (1.0 - std::pow(adam_.config().beta2, steps)) : 1.0;
    const ListObjective::Value value = bilevel_.add_label_gradient(batch_, holdout_shards_, lists_, bilevel_config_);
    require_finite(value.total, epoch, adam_.steps(), parts_);
    for (Parameter* p : labeling_parameters_) p->gradient() = -p->gradient();  // M is climbed
    for (LinearOf<float>& layer : labeling_.layers) layer.bias.zero_gradient();
    if (config_.optimiser == "adam")
      labeling_adam_.step(labeling_parameters_);
    else
      sgd_step<float>(labeling_parameters_, {}, config_.labeling_rate);
    return value;
  }

  double inner_step(int epoch) {
    bilevel_.labels(batch_, bilevel_config_, labels_);
    const double loss = bilevel_.add_loss_gradient(batch_, labels_, LabelNetwork::Mode::kTrain, bilevel_config_);
    require_finite(loss, epoch, adam_.steps(), parts_);
    step_label_parts(parts_, config_);
    return loss;
  }

  const SupervisedTask& task_;
  const LabelCraftConfig& config_;
  LabelModel& model_;
  LabelPolicy policy_;
  RowWorth worth_;
  LabelBatches batches_;
  Adam adam_, labeling_adam_;
  Mlp labeling_;
  Bilevel bilevel_;
  BilevelConfig bilevel_config_;
  TrainedParts parts_;
  std::vector<Parameter*> labeling_parameters_;
  std::vector<std::vector<std::uint32_t>> holdout_;  // rows of each user
  std::vector<ListObjective::Value> objectives_;
  LabeledRows<float> batch_;
  std::vector<LabelRows> holdout_shards_;
  ListRows lists_;
  std::vector<std::uint32_t> held_rows_, order_;
  std::vector<float> labels_;
};

}  // namespace

std::array<float, 3> labeling_inputs(const LabelCraftConfig& config, double watch_s, double duration_s, bool feedback) {
  const auto seconds = [&](double s) { return static_cast<float>(config.raw_inputs ? s : std::log1p(s) / 4.0); };
  return {config.watch_input ? seconds(watch_s) : 0.0F, config.duration_input ? seconds(duration_s) : 0.0F,
          config.feedback_input && feedback ? 1.0F : 0.0F};
}

void check(const LabelCraftConfig& c) {
  check_ranges(c);
  require_setting(c.watch_objective || c.duration_objective || c.feedback_objective, "watch_objective",
                  c.watch_objective, "at least one objective");
}

const std::vector<std::string>& ablation_names() {
  static const std::vector<std::string> names = {"B", "S", "WI", "DI", "EI", "WO", "DO", "EO"};
  return names;
}

LabelCraftConfig ablate(LabelCraftConfig config, const std::string& part) {
  const std::map<std::string, bool*> switches = {{"S", &config.scale},
                                                 {"WI", &config.watch_input},
                                                 {"DI", &config.duration_input},
                                                 {"EI", &config.feedback_input},
                                                 {"WO", &config.watch_objective},
                                                 {"DO", &config.duration_objective},
                                                 {"EO", &config.feedback_objective}};
  if (const auto found = switches.find(part); found != switches.end())
    *found->second = false;
  else if (part == "B")
    config.balance = 0.0;
  else
    throw InputError(fmt::format("ablation '{}', expected one of {}", part, fmt::join(ablation_names(), ", ")));
  return config;
}

TrainedModel train_labelcraft(const SupervisedTask& task, const LabelCraftConfig& config, LearnedLabel* label) {
  check(config);
  const std::vector<std::uint32_t> rows = label_rows(task, {task.train});
  auto model = make_task_model(task, "labelcraft", config, 1);

  LabelCraft craft(task, config, model, rows);
  const std::vector<std::uint32_t> validation = rows_of_days(*task.data, {task.validate});
  const RandomKey key = split(make_key(task.seed), Draw::kBatch);
  std::vector<EpochReport> epochs = run_epochs(
      task, {.epochs = config.epochs, .patience = config.patience, .identity = "labelcraft " + model->header.config},
      craft.parts(),
      [&](int epoch, const Progress& progress) {
        const RandomKey own = split(key, static_cast<std::uint64_t>(epoch));
        return craft.train_epoch(shuffled(rows, own), split(own, 1), epoch, progress);
      },
      [&] { return craft.validate(validation, rows); });
  model->network->set_shards(1);
  if (label != nullptr) *label = {craft.labeling(), craft.objectives()};
  return {std::make_shared<LabelPolicy>(std::move(model)),
          std::move(epochs),
          {{"rows", rows.size()}, {"holdout_users", craft.holdout_users()}}};
}

}  // namespace swipegym
