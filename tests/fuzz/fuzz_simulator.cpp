#include "env/fit_simulator.h"
#include "env/simulator_file.h"
#include "policy/one_step_oracle.h"
#include "policy/simple_policies.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/small_world.h"

namespace swipegym::fuzz {
namespace {

std::string fitted() {
  FitConfig config;
  config.training.epochs = 1, config.training.max_updates = 2, config.training.batch = 16;
  config.training.threads = 1;
  config.training.shape = {.watch_hidden = 2, .watch_top = 2, .feedback_hidden = 2, .feedback_top = 2};
  const FitResult fit = fit_simulator(small_dataset(), 20220504, config);
  return written_by([&](const std::filesystem::path& path) { save_simulator(fit.simulator, path); });
}

// Loads, and lets every kind of question be asked of it: draws, expectations, features, a next visit.
void use(const std::filesystem::path& path) {
  const auto simulator = std::make_shared<const Simulator>(load_simulator(path));
  act(simulator, "random", RandomPolicy(), 4);
  act(simulator, "popularity", *make_popularity_policy(simulator->catalogue));
  act(simulator, "random", OneStepOracle(), 1);
}

}  // namespace

std::vector<std::string> target_names() {
  return {"simulator"};
}

Target make_target(const std::string&) {
  return hdf5_target(fitted(), use);
}

}  // namespace swipegym::fuzz
