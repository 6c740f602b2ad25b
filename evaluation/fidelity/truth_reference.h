#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/config.h"
#include "env/simulator.h"
#include "evaluation/fidelity/reference_models.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// What the law behind a synthetic row says of it.
struct TruthPrediction {
  std::uint32_t log_row = 0;
  std::array<float, kQuantiles> quantile{};  // of the watch ratio
  std::array<float, kNumSignals> probability{};
  float watch_s = 0.0F;  // mean play time
};

/// Calls sink once a judged row, user by user, with the law that the row was drawn from: given the user's parameters
/// and whole past, standard rows under logged exposure, random rows under interventional. `truth_json` is that of
/// `data`; throws InputError when it is not.
void predict_with_truth(std::string_view truth_json, const Dataset& data, const JudgedWindow& window, int threads,
                        const std::function<void(const TruthPrediction&)>& sink);

/// Expected answers to uniformly drawn (user, video) pairs in tab 1, each user at the end of the fitted log.
struct UniformPairsReport {
  std::uint64_t pairs = 0;
  Expectation truth, simulator;  // interventional
  Expectation naive;             // what one would take for it without a thought of who chose: the logged response
};

/// What synthetic data alone can tell of the interventional response. `naive` is the simulator whose logged response
/// stands beside: one fitted to standard rows only, or the same one again. `truth` must begin where the simulators do.
UniformPairsReport ask_uniform_pairs(const Simulator& truth, const Simulator& simulator, const Simulator& naive,
                                     std::uint64_t seed, std::uint64_t pairs = 20000);

/// {pairs, truth, simulator, naive: {watch_ratio, is_click, long_view}, error, naive_error}: errors of the mean watch
/// ratio as shares of the truth's.
Json to_json(const UniformPairsReport& report);
std::string to_text(const UniformPairsReport& report);

}  // namespace swipegym
