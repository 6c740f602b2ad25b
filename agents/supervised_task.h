#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/curve.h"
#include "core/progress.h"
#include "env/simulator.h"
#include "policy/policy.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Days as the log's files date them, yyyymmdd, both inclusive. `until` before `from` holds no day.
struct DayRange {
  std::int32_t from = 0, until = 99999999;

  bool contains(std::int32_t date) const noexcept { return from <= date && date <= until; }
  bool empty() const noexcept { return until < from; }
};

/// The last day of any of the ranges.
inline std::int32_t last_day(const std::vector<DayRange>& ranges) noexcept {
  std::int32_t last = 0;
  for (const DayRange& days : ranges) last = std::max(last, days.until);
  return last;
}

/// What every supervised trainer is given: a log cut by time, so that nothing later than a row is known to whoever
/// predicts it. History of a row is always the user's strictly earlier rows, in whichever part they lie.
///
/// A trainer is a function `TrainedModel train_x(const SupervisedTask&, const XConfig&)`.
struct SupervisedTask {
  const Dataset* data = nullptr;         // outlives the training
  const Catalogue* catalogue = nullptr;  // of the same data set, from rows up to train.until; outlives it too
  DayRange train;
  DayRange holdout{1, 0};   // what LabelCraft chooses its label by; its rivals learn from these days too
  DayRange validate{1, 0};  // tuning and early stopping; without days nothing is stopped early
  DayRange test{1, 0};      // looked at by the tables alone
  std::uint64_t seed = 1;
  int threads = 0;  // 0: all; never changes a result
  Progress progress{};
  CurveListener curve{};
  std::filesystem::path checkpoint{};  // where to keep what `resume` needs; empty: nowhere
  bool resume = false;                 // go on from `checkpoint` if it is there
  /// What a network begins with instead of values drawn by the seed: the policy of an earlier training with the same
  /// settings. Videos and authors that it does not know get values of their own, drawn by the seed. Of two-tower and
  /// multitask; null: nothing.
  const Policy* start = nullptr;
  std::size_t most_rows = std::numeric_limits<std::size_t>::max();  // that are learned from, evenly spread
  /// Whether the catalogue's statistics are of the data's rows. False where it counts videos' rows before the data's
  /// too, and keeps users' statistics as they were, as the world of a season does.
  bool whole_log = true;
};

/// One line of a training log. Losses are means over the rows of their part; a part without rows is NaN.
struct EpochReport {
  int epoch = 0;  // from 1
  double train_loss = 0.0, validation_loss = 0.0;
  double validation_metric = 0.0;  // what stops the training and chooses the epoch that is kept: higher is better
  double seconds = 0.0;            // of this epoch, validation included
};
/// As a line of a curve; --json has the same.
Json to_json(const EpochReport& epoch);
std::vector<CurveColumn> epoch_columns();

/// What any supervised training leaves.
struct TrainedModel {
  std::shared_ptr<const Policy> policy;
  std::vector<EpochReport> epochs{};
  Json details = Json::object();  // what else its trainer tells: how many "rows" it learned from, ...
};

/// What a policy learned from a task's rows says of itself; `until` is the last day of the rows behind its catalogue.
template <class Config>
PolicyHeader header_of(const SupervisedTask& task, std::string model, std::string policy, const Config& config,
                       std::int32_t until) {
  return {.model = std::move(model),
          .policy = std::move(policy),
          .seed = task.seed,
          .data_fingerprint = task.data->fingerprint,
          .catalogue_until = until,
          .config = config_to_json(config).dump()};
}

}  // namespace swipegym
