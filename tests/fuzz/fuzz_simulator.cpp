#include "env/fitted/simulator_file.h"
#include "env/platform/creator_fit.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/small_world.h"
#include "tests/fuzz/unfitted_simulator.h"

namespace swipegym::fuzz {
namespace {

std::string unfitted() {
  const Simulator simulator = unfitted_simulator(small_dataset());
  return written_by([&](const std::filesystem::path& path) { save_simulator(simulator, path); });
}

// Loads, and lets every kind of question be asked of it: draws, expectations, features, a next visit.
void use(const std::filesystem::path& path) {
  const auto simulator = std::make_shared<const Simulator>(load_simulator(path));
  act(simulator, "random", RandomPolicy(), 4);
  act(simulator, "popularity", *make_popularity_policy(simulator->catalogue));
  act(simulator, "random", OneStepOracle(), 1);
}

// A fit of creators that nothing was fitted for.
std::string unfitted_creators() {
  CreatorFit fit{.creators = 20, .creator_days = 90, .uploads = 8, .log_likelihood = -30.0};
  for (CreatorEstimate& estimate : fit.coefficients) estimate = {.value = 0.5, .error = 0.1, .low = 0.3, .high = 0.7};
  fit.mean_response = fit.coefficients[0];
  return written_by([&](const std::filesystem::path& path) { save_creator_fit(fit, path); });
}

// Loads, and makes a law of it.
void use_creators(const std::filesystem::path& path) {
  const CreatorLaw law(read_creator_fit(path).law(), make_key(1));
  law.uplift(law.traits(1), {.score = 2.0}, 1.0, 3);
}

}  // namespace

std::vector<std::string> target_names() {
  return {"simulator", "creator_fit"};
}

Target make_target(const std::string& name) {
  if (name == "creator_fit") return hdf5_target(unfitted_creators(), use_creators);
  return hdf5_target(unfitted(), use);
}

}  // namespace swipegym::fuzz
