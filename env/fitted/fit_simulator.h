#pragma once

#include <cstdint>
#include <string>

#include "core/config.h"
#include "core/curve.h"
#include "core/range.h"
#include "env/fitted/exposure_shift.h"
#include "env/fitted/response_trainer.h"
#include "env/simulator.h"
#include "env/truth/truth_options.h"

namespace swipegym {

inline constexpr double kThinnedSessionVideos = 30.0;

/// Settings of `swipegym fit`; a JSON file may set any of them by name.
struct FitConfig {
  TrainerConfig training;
  ShiftConfig exposure;
  std::string watch_head = "bins";  // "bins" or "hazard": see WatchHead
  /// Dense clock: mean session of the logged policy. 0: as the log has it where that holds whole sessions, and
  /// kThinnedSessionVideos, an assumption, where it is thinned; see docs/guide/simulator.md.
  double mean_session_videos = 0.0;
  int members = 1;                    // of a posterior; 1: the network alone
  std::uint32_t fold = 0, folds = 1;  // fit on users of fold i of k, for independent judges
};

template <class Visitor>
void visit_fields(Visitor& visit, FitConfig& config) {
  visit("epochs", config.training.epochs, ranges::kEpochs);
  visit("max_updates", config.training.max_updates, between(1, 1'000'000'000'000));
  visit("batch", config.training.batch, ranges::kBatch);
  visit("learning_rate", config.training.learning_rate, ranges::kLearningRate);
  visit("weight_decay", config.training.weight_decay, ranges::kWeightDecay);
  visit("table_decay", config.training.table_decay, ranges::kWeightDecay);
  visit("dropout", config.training.dropout, ranges::kDropout);
  visit("recency_days", config.training.recency_days, between(0.01, 1e6));
  visit("watch_head", config.watch_head, one_of({"bins", "hazard"}));
  visit("watch_hidden", config.training.shape.watch_hidden, ranges::kUnits);
  visit("watch_top", config.training.shape.watch_top, ranges::kUnits);
  visit("feedback_hidden", config.training.shape.feedback_hidden, ranges::kUnits);
  visit("feedback_top", config.training.shape.feedback_top, ranges::kUnits);
  visit("exposure_feature_deviation", config.exposure.feature_deviation, between(1e-6, 1e3));
  visit("exposure_constant_deviation", config.exposure.constant_deviation, between(1e-6, 1e3));
  visit("members", config.members, between(1, kMostMembers));
  visit("mean_session_videos", config.mean_session_videos, kTruthSessionVideos);
}

Json to_json(const ExposureEvidence& evidence);

struct FitResult {
  Simulator simulator;     // its model is a FittedUserModel on the dense clock
  std::uint64_t rows = 0;  // rows fitted
  ExposureEvidence exposure;
  Json curve;  // of the responses' training, as its listener hears it
};

/// Fits the user simulator on the rows of `data` dated <= until (yyyymmdd). Throws InputError when there is none.
FitResult fit_simulator(const Dataset& data, std::int32_t until, const FitConfig& config, const Progress& progress = {},
                        const CurveListener& curve = {});

}  // namespace swipegym
