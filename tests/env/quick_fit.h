#pragma once

#include <memory>

#include "env/fit_simulator.h"
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
    return std::make_shared<const Simulator>(fit_simulator(toy_log(60, 400, 20, 3, 0.3), 20220428, config).simulator);
  }();
  return simulator;
}

}  // namespace swipegym::testing
