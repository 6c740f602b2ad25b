#include "env/catalogue.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/simulator_file.h"
#include "env/fitted/training_rows.h"
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

}  // namespace

std::vector<std::string> target_names() {
  return {"simulator"};
}

Target make_target(const std::string&) {
  return hdf5_target(unfitted(), use);
}

}  // namespace swipegym::fuzz
