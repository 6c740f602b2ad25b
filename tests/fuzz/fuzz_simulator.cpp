#include "env/catalogue.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/simulator_file.h"
#include "env/fitted/training_rows.h"
#include "env/platform/creator_fit.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "tests/fuzz/hdf5_recipe.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/small_world.h"

namespace swipegym::fuzz {
namespace {

// What a fit makes, but for the fitting, which takes seconds.
std::string unfitted() {
  const Dataset data = small_dataset();
  FitLog log = encode_log(data, {});
  FittedParts parts;
  parts.encoder = log.encoder;
  TrainingRows rows = make_training_rows(log, 1);
  parts.clip = rows.clip;
  parts.item_dense = std::move(rows.item_dense);
  parts.network.initialise(parts.encoder.features.table_rows,
                           {.watch_hidden = 2, .watch_top = 2, .feedback_hidden = 2, .feedback_top = 2}, make_key(1));
  parts.returns = ReturnModel(log, 1, /*max_updates=*/1);
  parts.event = std::move(log.event);
  parts.event_offset = std::move(log.offset);
  Simulator simulator{.catalogue = build_catalogue(data, 20220504),
                      .population = build_population(data, 20220504),
                      .model = std::make_shared<FittedUserModel>(std::move(parts), Clock::kDense),
                      .data_fingerprint = data.fingerprint,
                      .fit = fit_notes(Json::object()),
                      .truth = ""};
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
