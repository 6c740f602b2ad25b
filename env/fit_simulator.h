#pragma once

#include <cstdint>
#include <string>

#include "env/exposure_shift.h"
#include "env/response_trainer.h"
#include "env/simulator.h"

namespace swipegym {

inline constexpr double kThinnedSessionVideos = 30.0;

/// Settings of `swipegym fit`; a JSON file may set any of them by name.
struct FitConfig {
  TrainerConfig training;
  ShiftConfig exposure;
  std::string watch_head = "bins";  // "bins" or "hazard": see WatchHead
  /// Dense clock: mean session of the logged policy. 0: as the log has it where that holds whole sessions, and
  /// kThinnedSessionVideos, an assumption, where it is thinned; see docs/simulator.md.
  double mean_session_videos = 0.0;
  std::uint32_t fold = 0, folds = 1;  // fit on users of fold i of k, for independent judges
};

template <class Visitor>
void visit_fields(Visitor& visit, FitConfig& config) {
  visit("epochs", config.training.epochs);
  visit("max_updates", config.training.max_updates);
  visit("batch", config.training.batch);
  visit("learning_rate", config.training.learning_rate);
  visit("weight_decay", config.training.weight_decay);
  visit("table_decay", config.training.table_decay);
  visit("dropout", config.training.dropout);
  visit("recency_days", config.training.recency_days);
  visit("watch_head", config.watch_head);
  visit("watch_hidden", config.training.shape.watch_hidden);
  visit("watch_top", config.training.shape.watch_top);
  visit("feedback_hidden", config.training.shape.feedback_hidden);
  visit("feedback_top", config.training.shape.feedback_top);
  visit("exposure_feature_deviation", config.exposure.feature_deviation);
  visit("exposure_constant_deviation", config.exposure.constant_deviation);
  visit("mean_session_videos", config.mean_session_videos);
}

struct FitResult {
  Simulator simulator;     // its model is a FittedUserModel on the dense clock
  std::uint64_t rows = 0;  // rows fitted
  ExposureEvidence exposure;
};

/// Fits the user simulator on the rows of `data` dated <= until (yyyymmdd). Throws InputError when there is none.
FitResult fit_simulator(const Dataset& data, std::int32_t until, const FitConfig& config,
                        const Progress& progress = {});

/// The same simulator on another clock.
Simulator with_clock(const Simulator& simulator, Clock clock);

}  // namespace swipegym
