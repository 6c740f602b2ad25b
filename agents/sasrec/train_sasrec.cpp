#include "agents/sasrec/train_sasrec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/sasrec/sasrec_sequences.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "evaluation/metrics/binary_score.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kMostRankedRows = 5000;  // NDCG over all videos is a mean over at most so many rows

struct SasrecTraining {
  const SupervisedTask& task;
  const SasrecConfig& config;
  std::shared_ptr<SasrecModel> model;
  std::shared_ptr<SasrecModel> average{};  // with average_decay: what is validated and kept
  const std::shared_ptr<SasrecModel>& judged() const { return average ? average : model; }
};

std::shared_ptr<SasrecModel> make_sasrec_model(const SupervisedTask& task, const SasrecConfig& config,
                                               const Catalogue& catalogue, std::int32_t until) {
  auto model = std::make_shared<SasrecModel>();
  model->header = header_of(task, model->header.model, model->header.policy, config, until);
  model->objective = parse_sasrec_objective(config.objective);
  model->threshold = config.threshold;
  model->items = make_item_inputs(catalogue);
  model->users = make_sasrec_users(*task.data);
  model->network = make_sasrec_network(config.network, model->items, split(make_key(task.seed), Draw::kInit),
                                       model->users.table_rows);
  return model;
}

// average = decay * average + (1 - decay) * weights, of every parameter; early on the share of the past is smaller, so
// that the first weights are forgotten.
void move_average(SasrecNetwork& average, SasrecNetwork& weights, double decay, std::int64_t steps) {
  const auto share =
      static_cast<float>(std::min(decay, static_cast<double>(steps) / (static_cast<double>(steps) + 10.0)));
  each_value(average, weights, [share](Matrix& to, const Matrix& from) { to = share * to + (1.0F - share) * from; });
}

double train_epoch(SasrecLearner& learner, const SasrecSequences& sequences, const SasrecConfig& config, int epoch,
                   RandomKey key, const Progress& progress, SasrecTraining& t) {
  const RandomKey epoch_key = split(key, static_cast<std::uint64_t>(epoch));
  const std::vector<std::uint32_t> order = shuffled_numbers(sequences.windows(), split(epoch_key, 0));
  const std::size_t steps = std::max<std::size_t>(1, (order.size() + config.batch - 1) / config.batch);
  double loss = 0.0;
  for (std::size_t step = 0; step < steps; ++step) {
    const auto done = static_cast<double>(learner.adam().steps()) + 1.0;
    const double warm = config.warmup_steps > 0 ? std::min(1.0, done / static_cast<double>(config.warmup_steps)) : 1.0;
    learner.adam().set_learning_rate(config.learning_rate * warm * std::pow(config.learning_rate_decay, epoch - 1));
    const SasrecLosses losses = learner.step([&](std::size_t s, SasrecExamples& out) {
      const std::size_t at = step * config.batch + s;
      if (at < order.size()) sequences.write(order[at], split(epoch_key, 1 + at), out);
    });
    loss += losses.total / static_cast<double>(steps);
    if (config.average_decay > 0.0)
      move_average(t.average->network, t.model->network, config.average_decay, learner.adam().steps());
    report(progress, "epoch", step + 1, steps);
  }
  return loss;
}

Validation validate(const SasrecTraining& t, const std::vector<std::uint32_t>& rows) {
  if (rows.empty()) return {};
  const SasrecPolicy policy(t.judged());
  const Log& log = t.task.data->log;
  if (t.model->objective == SasrecObjective::kNext) {
    const std::vector<std::uint32_t> some = some_of(rows, kMostRankedRows);
    std::vector<double> gain(some.size(), 0.0);
    score_catalogue(policy, *t.task.data, *t.task.catalogue, some, t.task.threads,
                    [&](std::size_t i, std::span<const float> scores) {
                      const float own = scores[index_of(log.video[some[i]])];
                      const auto above =
                          std::count_if(scores.begin(), scores.end(), [own](float s) { return s > own; });
                      if (above < 10) gain[i] = 1.0 / std::log2(static_cast<double>(above) + 2.0);
                    });
    return {.metric = std::accumulate(gain.begin(), gain.end(), 0.0) / static_cast<double>(some.size())};
  }
  const LoggedStates ratios(*t.task.data, *t.task.catalogue, 1);
  const std::vector<float> score = score_logged_videos(policy, *t.task.data, *t.task.catalogue, rows, t.task.threads);
  std::vector<std::uint8_t> label(rows.size());
  double log_loss = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float ratio = ratios.ratio(rows[i]);
    label[i] = ratio > t.config.threshold ? 1 : 0;
    const double p = std::clamp(static_cast<double>(score[i]), 1e-7, 1.0 - 1e-7);
    log_loss -= label[i] ? std::log(p) : std::log(1.0 - p);
    const double error = score[i] - std::min(ratio, t.config.ratio_clip);
    squares += error * error;
  }
  const auto n = static_cast<double>(rows.size());
  if (t.model->objective == SasrecObjective::kBinary) return {log_loss / n, auc(score, label)};
  return {squares / n, -std::sqrt(squares / n)};
}

// Trains up to `epochs` epochs, with early stopping and a checkpoint when there is something to validate on; the kept
// epoch's values are then in the model.
std::vector<EpochReport> train_epochs(SasrecTraining& t, const SasrecSequences& sequences, int epochs, bool validates) {
  sequences.standardise(t.model->network);
  SasrecLearner learner(t.model->network, learner_settings(t.task, t.config));
  TrainedParts parts;
  parts.adam = &learner.adam();
  add_parts(parts, t.model->network, "network/");
  if (t.config.average_decay > 0.0) {
    t.average = std::make_shared<SasrecModel>(*t.model);
    add_parts(parts, t.average->network, "average/");
  }
  const std::vector<std::uint32_t> rows =
      validates ? rows_of_days(*t.task.data, {t.task.validate}, t.config.standard_rows, t.config.random_rows)
                : std::vector<std::uint32_t>{};
  SupervisedTask task = t.task;
  if (!validates) task.checkpoint.clear();
  const RandomKey key = split(make_key(task.seed), Draw::kBatch);
  std::vector<EpochReport> reports = run_epochs(
      task,
      {.epochs = epochs,
       .patience = rows.empty() ? 0 : t.config.patience,
       .identity = "sasrec " + t.model->header.config},
      parts,
      [&](int epoch, const Progress& progress) {
        return train_epoch(learner, sequences, t.config, epoch, key, progress, t);
      },
      [&] { return validate(t, rows); });
  t.model->network = t.judged()->network;
  return reports;
}

// A curve that goes on after `done` epochs, whose lines a second training adds.
CurveListener following(const CurveListener& curve, int done) {
  CurveListener after;
  if (curve.add)
    after.add = [curve, done](Json line) {
      line["epoch"] = line["epoch"].get<int>() + done;
      curve.add(line);
    };
  return after;
}

// The epoch that was kept: the first of the best ones, the last where nothing was validated.
int kept_epoch(const std::vector<EpochReport>& epochs) {
  int kept = static_cast<int>(epochs.size());
  double best = -std::numeric_limits<double>::infinity();
  for (const EpochReport& epoch : epochs)
    if (epoch.validation_metric > best) best = epoch.validation_metric, kept = epoch.epoch;
  return kept;
}

}  // namespace

void check(const SasrecConfig& c) {
  check_ranges(c);
  check(c.network);
  const double ranked_by = c.objective == "next"    ? c.next_weight
                           : c.objective == "ratio" ? c.ratio_weight
                                                    : c.binary_weight;
  require_setting(ranked_by > 0.0, c.objective + "_weight", ranked_by, "a positive number where 'objective' is it");
  require_setting(c.softmax || c.negatives >= 1, "negatives", c.negatives, "at least 1 without softmax");
  require_setting(c.window_targets <= c.network.max_length, "window_targets", c.window_targets,
                  "at most network.max_length");
  require_setting(c.standard_rows || c.random_rows, "standard_rows", c.standard_rows,
                  "true where random_rows is false");
}

TrainedModel train_sasrec(const SupervisedTask& task, const SasrecConfig& config) {
  check(config);
  SasrecTraining t{.task = task, .config = config, .model = nullptr};
  t.model = make_sasrec_model(task, config, *task.catalogue, task.train.until);
  std::uint64_t rows = 0;
  std::vector<EpochReport> epochs;
  {
    const SasrecSequences sequences(task, config, t.model->items, t.model->users, {task.train, task.holdout});
    if (sequences.windows() == 0)
      throw InputError(fmt::format("no row is dated {} among the rows asked for: choose other days",
                                   days_text(task.train.from, task.train.until)));
    rows = sequences.rows();
    epochs = train_epochs(t, sequences, config.epochs, /*validates=*/true);
  }
  const int best_epoch = kept_epoch(epochs);
  if (config.refit && !task.validate.empty() && best_epoch > 0) {
    const Catalogue catalogue = build_catalogue(*task.data, task.validate.until);
    SupervisedTask whole = task;
    whole.catalogue = &catalogue;
    whole.curve = following(task.curve, static_cast<int>(epochs.size()));
    SasrecTraining again{.task = whole, .config = config, .model = nullptr};
    again.model = make_sasrec_model(whole, config, catalogue, task.validate.until);
    const SasrecSequences sequences(whole, config, again.model->items, again.model->users,
                                    {task.train, task.holdout, task.validate});
    rows = sequences.rows();
    std::vector<EpochReport> more = train_epochs(again, sequences, best_epoch, /*validates=*/false);
    for (EpochReport& epoch : more) epoch.epoch += static_cast<int>(epochs.size());
    epochs.insert(epochs.end(), more.begin(), more.end());
    t.model = again.model;
  }
  t.model->network.set_shards(1);
  return {std::make_shared<SasrecPolicy>(t.model), std::move(epochs), {{"rows", rows}, {"best_epoch", best_epoch}}};
}

}  // namespace swipegym
