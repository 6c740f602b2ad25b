#pragma once

#include <cstdint>
#include <functional>

#include "core/progress.h"
#include "env/fitted/fitted_user_model.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// Which logged rows are answered: standard or random exposures with from <= date <= until and a known duration.
struct ReplayWindow {
  std::int32_t from = 0, until = 99999999;
  bool random = false;
};

/// The simulator's answer to one logged row, made from the row's context and the user's strictly earlier rows.
struct RowPrediction {
  std::uint32_t log_row = 0;         // row of the data set
  std::array<float, 99> quantile{};  // of the watch ratio, at .01 ... .99
  std::array<float, kNumSignals> probability{};
  float watch_s = 0.0F;  // mean play time, of the whole distribution
  Response draw;         // one joint draw; play-time levels are stratified over the rows answered together
};

/// Calls sink once a row, in file order, on the calling thread. Standard rows get the logged response, random rows the
/// interventional one. Item statistics stay as fitted; `data` must have the feature tables the model was fitted on.
/// Results do not depend on `threads`. Returns the number of rows.
std::uint64_t replay_log(const FittedUserModel& model, const Dataset& data, const ReplayWindow& window,
                         std::uint64_t seed, int threads, const std::function<void(const RowPrediction&)>& sink,
                         const Progress& progress = {});

}  // namespace swipegym
