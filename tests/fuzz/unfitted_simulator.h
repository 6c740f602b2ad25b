#pragma once

#include <memory>
#include <utility>

#include "env/catalogue.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/training_rows.h"
#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym::fuzz {

/// What a fit to these rows makes, but for the fitting, which takes seconds.
inline Simulator unfitted_simulator(const Dataset& data) {
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
  return {.catalogue = build_catalogue(data, 20220504),
          .population = build_population(data, 20220504),
          .model = std::make_shared<FittedUserModel>(std::move(parts), Clock::kDense),
          .data_fingerprint = data.fingerprint,
          .fit = fit_notes(Json::object()),
          .truth = ""};
}

}  // namespace swipegym::fuzz
