#pragma once

#include <memory>

#include "env/fitted/fit_simulator.h"
#include "tests/env/toy_log.h"
#include "tests/sanitized.h"

namespace swipegym::testing {

/// A fitted simulator of full network size after one short pass: for tests of what steps it, not of how well it fits.
inline std::shared_ptr<const Simulator> quick_fit() {
  static const std::shared_ptr<const Simulator> simulator = [] {
    FitConfig config;
    config.training.epochs = 1;
    config.training.batch = 256;
    config.training.max_updates = kMostUpdates;
    config.training.threads = 1;
    // The correction for random exposure passes hundreds of times over the random rows: a sanitizer gets few of them.
    const double random_share = kSanitized ? 0.02 : 0.3;
    const Dataset data = toy_log(60, 400, 20, 3, random_share);
    return std::make_shared<const Simulator>(fit_simulator(data, 20220428, config).simulator);
  }();
  return simulator;
}

}  // namespace swipegym::testing
