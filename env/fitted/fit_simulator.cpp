#include "env/fitted/fit_simulator.h"

#include <fmt/format.h>

#include "core/config.h"
#include "core/error.h"
#include "core/memory_budget.h"
#include "env/catalogue.h"
#include "env/fitted/dense_clock.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/training_rows.h"

namespace swipegym {

namespace {

// Rows of a session, on average, from which a log is taken to hold whole sessions: KuaiRand-Pure, which keeps one row
// in two hundred, has 1.2.
constexpr double kWholeSessionRows = 3.0;

bool holds_whole_sessions(const Population& population, std::uint64_t rows) {
  return static_cast<double>(rows) >= kWholeSessionRows * static_cast<double>(population.start_user.size());
}

WatchHead parse_watch_head(const std::string& name) {
  if (name == "bins") return WatchHead::kBins;
  if (name == "hazard") return WatchHead::kHazard;
  throw InputError("watch_head is '" + name + "', expected bins or hazard");
}

// The settings that were used, with what the log decided.
Json used_settings(const FitConfig& config, std::int32_t until, const FitResult& result, double session_videos) {
  Json used = config_to_json(config);
  used["until"] = until;
  used["fold"] = config.fold;
  used["folds"] = config.folds;
  used["seed"] = config.training.seed;
  used["rows"] = result.rows;
  used["exposure"] = to_json(result.exposure);
  used["mean_session_videos"] = session_videos;
  return used;
}

}  // namespace

Json to_json(const ExposureEvidence& evidence) {
  return {{"random_rows", evidence.random_rows},
          {"users", evidence.users},
          {"from_rows", evidence.from_rows},
          {"of_exposures", evidence.of_exposures},
          {"prior_of_exposures", evidence.prior_of_exposures}};
}

FitResult fit_simulator(const Dataset& data, std::int32_t until, const FitConfig& config, const Progress& progress,
                        const CurveListener& curve) {
  check_ranges(config);
  TrainerConfig trainer = config.training;
  trainer.shape.watch_head = parse_watch_head(config.watch_head);
  const FitWindow window{.until = until, .fold = config.fold, .folds = config.folds};
  FitLog log = encode_log(data, window);

  FitResult result{.simulator = {}, .rows = log.rows, .exposure = {}, .curve = Json::array()};
  Simulator& simulator = result.simulator;
  simulator.catalogue = build_catalogue(data, until);
  simulator.population = build_population(data, until);
  simulator.data_fingerprint = data.fingerprint;
  simulator.truth = data.truth;

  FittedParts parts;
  parts.encoder = log.encoder;
  {
    TrainingRows rows = make_training_rows(log, trainer.threads);
    parts.clip = rows.clip;
    parts.item_dense = std::move(rows.item_dense);
    parts.network = train_response_network(log, rows, log.random_rows > 0, trainer, progress, curve, &result.curve);
    if (config.members > 1) {
      const std::uint64_t halves = log.encoder.features.num_users() + log.encoder.features.num_videos();
      MemoryBudget()
          .add(fmt::format("the tables of {} members", config.members),
               product_of({static_cast<std::uint64_t>(config.members), halves, trainer.shape.hidden(), sizeof(float)}),
               "members")
          .require();
      parts.members = train_members(log, rows, parts.network, log.random_rows > 0, config.members, trainer, progress);
    }
  }
  parts.returns = ReturnModel(log, trainer.seed, trainer.max_updates);
  result.exposure = fit_exposure(parts, log, simulator.catalogue, config.exposure);
  parts.event_offset = std::move(log.offset);
  parts.event = std::move(log.event);
  parts.whole_sessions = holds_whole_sessions(simulator.population, parts.event.size());

  double session_videos = config.mean_session_videos;
  if (session_videos == 0.0 && !parts.whole_sessions) session_videos = kThinnedSessionVideos;
  simulator.fit = fit_notes(used_settings(config, until, result, session_videos));
  if (session_videos > 0.0) {
    simulator.model = std::make_shared<FittedUserModel>(parts, Clock::kDense);  // with no shift yet
    parts.dense_leave_shift = dense_leave_shift(simulator, log, session_videos, trainer.threads, trainer.seed);
  }
  simulator.model = std::make_shared<FittedUserModel>(std::move(parts), Clock::kDense);
  return result;
}

}  // namespace swipegym
