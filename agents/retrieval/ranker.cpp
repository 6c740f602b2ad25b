#include "agents/retrieval/ranker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "agents/logged_states.h"
#include "agents/supervised_rows.h"
#include "agents/value_regression.h"
#include "core/config.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "nn/loss_curve.h"

namespace swipegym {
namespace {

std::vector<std::uint32_t> rows_to_learn(const Dataset& data, std::int32_t until, const RankerConfig& config) {
  std::vector<std::uint32_t> rows =
      rows_of_days(data, {{.from = 0, .until = until}}, config.standard_rows, config.random_rows);
  if (rows.empty())
    throw InputError(fmt::format("no row of a known duration is dated <= {}{}: choose a later date", until,
                                 config.standard_rows && config.random_rows ? "" : " in the rows asked for"));
  return rows;
}

// Labels brought to mean 0 and standard deviation 1, so that learning rate and Huber width fit both kinds.
struct Labels {
  std::vector<float> value;  // [log rows]
  double mean = 0.0, deviation = 1.0;
};

Labels make_labels(const Dataset& data, const LoggedStates& states, const std::vector<std::uint32_t>& rows,
                   const RankerConfig& config) {
  Labels labels;
  labels.value.resize(data.log.size());
  const bool seconds = config.label == "watch_s";
  double sum = 0.0, squares = 0.0;
  for (const std::uint32_t row : rows) {
    const float raw = seconds ? 1e-3F * static_cast<float>(data.log.play_ms[row]) : states.ratio(row);
    labels.value[row] = std::min(raw, config.clip);
    sum += labels.value[row];
    squares += static_cast<double>(labels.value[row]) * labels.value[row];
  }
  const auto count = static_cast<double>(rows.size());
  labels.mean = sum / count;
  labels.deviation = std::sqrt(std::max(squares / count - labels.mean * labels.mean, 1e-12));
  for (const std::uint32_t row : rows)
    labels.value[row] = static_cast<float>((labels.value[row] - labels.mean) / labels.deviation);
  return labels;
}

}  // namespace

void check(const RankerConfig& c) {
  check_ranges(c);
  require_setting(c.standard_rows || c.random_rows, "standard_rows", c.standard_rows,
                  "true where random_rows is false");
  check(c.network);
  require_setting(c.network.outputs == 1, "network.outputs", c.network.outputs, "1 for a ranker");
}

TrainedModel train_ranker(const SupervisedTask& task, const RankerConfig& config) {
  check(config);
  const Dataset& data = *task.data;
  const std::int32_t until = std::max(task.train.until, task.holdout.until);
  const std::vector<std::uint32_t> rows = rows_to_learn(data, until, config);
  const Catalogue catalogue = build_catalogue(data, until);
  const LoggedStates states(data, catalogue, config.history_length);
  const Labels labels = make_labels(data, states, rows, config);
  auto model = make_value_model("ranker", catalogue, config.network, config.encoder, task.seed);
  model->header = header_of(task, "value", "ranker", config, catalogue.until);
  ValueRegression regression(*model, regression_settings(config, task.threads));

  struct Shard {
    LoggedStates::Batch batch;
    std::vector<std::uint32_t> rows;
    std::vector<float> target;
  };
  std::vector<Shard> shards(regression.shards());
  const RandomKey key = split(make_key(task.seed), Draw::kBatch);
  const auto updates = std::max<std::int64_t>(
      1, std::llround(config.epochs * static_cast<double>(rows.size()) / static_cast<double>(config.batch)));
  double first_loss = 0.0, last_loss = 0.0;
  const std::int64_t tenth = std::max<std::int64_t>(1, updates / 10);
  const double loss_unit = labels.deviation * labels.deviation / static_cast<double>(tenth);
  LossCurve curve(task.curve, updates);
  for (std::int64_t update = 0; update < updates; ++update) {
    const double share = static_cast<double>(update) / static_cast<double>(updates);
    regression.adam().set_learning_rate(learning_rate_at(config, share));
    const RandomKey batch_key = split(key, static_cast<std::uint64_t>(update));
    const RegressionStats stats = regression.step([&](std::size_t index, std::size_t first, std::size_t count) {
      Shard& shard = shards[index];
      shard.rows.resize(count), shard.target.resize(count);
      for (std::size_t i = 0; i < count; ++i) {
        RandomStream random(batch_key, static_cast<std::uint32_t>(first + i));
        shard.rows[i] = rows[random.below(static_cast<std::uint32_t>(rows.size()))];
        shard.target[i] = labels.value[shard.rows[i]];
      }
      states.fill(shard.rows, shard.batch);
      return RegressionRows{.observation = shard.batch.observation, .video = shard.batch.video, .target = shard.target};
    });
    if (update < tenth) first_loss += stats.loss * loss_unit;
    if (update >= updates - tenth) last_loss += stats.loss * loss_unit;
    curve.add(stats.loss * labels.deviation * labels.deviation);
    report(task.progress, "training", static_cast<std::uint64_t>(update + 1), static_cast<std::uint64_t>(updates));
  }
  model->network.set_shards(1);
  return {std::make_shared<ValuePolicy>(std::move(model)),
          {},
          {{"rows", rows.size()},
           {"updates", updates},
           {"label_mean", labels.mean},
           {"label_deviation", labels.deviation},
           {"first_loss", first_loss},
           {"last_loss", last_loss},
           {"curve", curve.lines()}}};
}

}  // namespace swipegym
