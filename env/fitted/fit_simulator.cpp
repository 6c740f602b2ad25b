#include "env/fitted/fit_simulator.h"

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/training_rows.h"

namespace swipegym {

namespace {

constexpr std::size_t kPaths = 512;  // sessions followed to set the dense clock
constexpr int kPathVideos = 100;

// Leave logits along sessions that never end, on the log's clock: what a baseline shift turns into session lengths.
std::vector<float> leave_logits(const Simulator& simulator, const Dataset& data, std::int32_t until, int threads,
                                std::uint64_t seed) {
  const auto& model = dynamic_cast<const FittedUserModel&>(*simulator.model);
  std::vector<std::uint32_t> exposures;  // what the platform shows in the main tab
  for (std::uint32_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] <= until && data.log.duration_ms[row] > 0 && !data.log.is_random[row] &&
        data.log.tab[row] == 1)
      exposures.push_back(row);
  if (exposures.empty()) return {};
  const Population& population = simulator.population;
  std::vector<float> out(kPaths * kPathVideos);
  const RandomKey root = split(make_key(seed), 0xC10C);
  parallel_for(kPaths / kChunk, threads, [&](std::size_t chunk, int) {
    const auto scratch = model.make_scratch();
    std::vector<float> states(kChunk * model.state_size());
    std::array<float*, kChunk> at{};
    std::array<const UserHistory*, kChunk> histories{};
    std::array<Shown, kChunk> shown{};
    std::array<RandomKey, kChunk> keys{};
    std::array<std::uint32_t, kChunk> streams{};
    std::array<Response, kChunk> responses{};
    std::array<Prediction, kChunk> predicted{};
    for (std::size_t i = 0; i < kChunk; ++i) {
      keys[i] = split(root, chunk * kChunk + i);
      RandomStream random(split(keys[i], Draw::kUser));
      const std::size_t start = random.below(static_cast<std::uint32_t>(population.start_user.size()));
      at[i] = states.data() + i * model.state_size();
      shown[i] = {
          .user = UserIndex{population.start_user[start]}, .time_ms = population.start_time_ms[start], .tab = 1};
      model.begin(shown[i].user, shown[i].time_ms, {at[i], model.state_size()});
      histories[i] = &FittedUserModel::history(at[i]);
    }
    for (int step = 0; step < kPathVideos; ++step) {
      for (std::size_t i = 0; i < kChunk; ++i) {
        RandomStream random(split(keys[i], Draw::kCandidates), static_cast<std::uint32_t>(step));
        const std::uint32_t row = exposures[random.below(static_cast<std::uint32_t>(exposures.size()))];
        shown[i].video = data.log.video[row];
        shown[i].duration_ms = data.log.duration_ms[row];
        streams[i] = static_cast<std::uint32_t>(step);
      }
      model.predict(shown, histories, ExposureKind::kLogged, predicted, *scratch);
      model.respond(shown, at, ExposureKind::kLogged, keys, streams, responses, *scratch);
      for (std::size_t i = 0; i < kChunk; ++i) {
        const float p = std::clamp(predicted[i].leave, 1.0e-5F, 1.0F - 1.0e-5F);
        out[(chunk * kChunk + i) * kPathVideos + static_cast<std::size_t>(step)] = std::log(p / (1.0F - p));
        shown[i].time_ms += responses[i].play_ms + 1000;
      }
    }
  });
  return out;
}

// Mean session length when the leave logits are shifted; beyond the path the last hazards' mean goes on.
double mean_length(const std::vector<float>& logits, double shift) {
  double total = 0.0;
  for (std::size_t path = 0; path < kPaths; ++path) {
    double alive = 1.0, hazard_sum = 0.0;
    for (int step = 0; step < kPathVideos; ++step) {
      const double hazard =
          1.0 / (1.0 + std::exp(-(logits[path * kPathVideos + static_cast<std::size_t>(step)] + shift)));
      total += alive;
      alive *= 1.0 - hazard;
      if (step >= kPathVideos / 2) hazard_sum += hazard;
    }
    total += alive / std::max(hazard_sum / (kPathVideos / 2), 1.0e-4);
  }
  return total / kPaths;
}

float dense_leave_shift(const std::vector<float>& logits, double mean_session_videos) {
  if (logits.empty()) return 0.0F;
  double low = -15.0, high = 15.0;  // a larger shift makes sessions shorter
  for (int i = 0; i < 50; ++i) {
    const double middle = 0.5 * (low + high);
    (mean_length(logits, middle) > mean_session_videos ? low : high) = middle;
  }
  return static_cast<float>(0.5 * (low + high));
}

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

std::string exposure_words(const ExposureEvidence& evidence) {
  if (evidence.learned)
    return "interventional response: learned from " + std::to_string(evidence.random_rows) + " random-exposure rows";
  return "interventional response: " + std::to_string(evidence.random_rows) +
         " random-exposure rows, shrunk to KuaiRand's published rates of random exposure";
}

}  // namespace

FitResult fit_simulator(const Dataset& data, std::int32_t until, const FitConfig& config, const Progress& progress) {
  check_ranges(config);
  const FitWindow window{.until = until, .fold = config.fold, .folds = config.folds};
  std::vector<std::uint32_t> rows;
  FitResult result;
  for (std::uint32_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] <= until && data.log.duration_ms[row] > 0 && in_fold(window, index_of(data.log.user[row]))) {
      rows.push_back(row);
      result.exposure.random_rows += data.log.is_random[row];
    }
  if (rows.empty())
    throw InputError("no row with a known duration is dated <= " + std::to_string(until) +
                     "; give an --until within the log");
  result.rows = rows.size();
  result.exposure.learned = result.exposure.random_rows >= kEnoughRandomRows;
  result.exposure.words = exposure_words(result.exposure);

  FittedParts parts;
  parts.encoder = encode_features(data);
  parts.grid = WatchGrid(data.log, rows);
  parts.cells = ResponseCells(data.log, rows, parts.grid);
  ItemStatistics items(parts.encoder, data.videos.size());
  {
    const TrainingRows training =
        make_training_rows(data, window, parts.encoder, parts.cells, parts.grid, config.training.threads, items);
    parts.clip = training.clip;
    TrainerConfig trainer = config.training;
    trainer.shape.watch_head = parse_watch_head(config.watch_head);
    parts.network = train_response_network(data, training, parts.encoder, result.exposure.learned, trainer, progress);
  }
  parts.item_dense.resize(data.videos.size() * kItemDense);
  for (std::size_t v = 0; v < data.videos.size(); ++v)
    items.features(static_cast<std::uint32_t>(v), {parts.item_dense.data() + v * kItemDense, kItemDense});
  parts.returns = ReturnModel(data, window, parts.encoder, parts.cells, parts.grid, config.training.seed,
                              config.training.max_updates);
  parts.event_offset.push_back(0);
  for (std::size_t u = 0; u < data.users.size(); ++u) {
    for (std::uint64_t row = data.user_offset[u]; row < data.user_offset[u + 1]; ++row)
      if (data.log.date[row] <= until)
        parts.event.push_back(
            event_of_row(data, static_cast<std::uint32_t>(row), parts.encoder, parts.cells, parts.grid));
    parts.event_offset.push_back(parts.event.size());
  }
  if (result.exposure.learned)
    calibrate_exposure(parts, data, window, config.exposure);
  else
    fit_exposure_shift(parts, data, until, config.exposure);

  Simulator& simulator = result.simulator;
  simulator.catalogue = build_catalogue(data, until);
  simulator.population = build_population(data, until);
  parts.whole_sessions = holds_whole_sessions(simulator.population, parts.event.size());
  simulator.data_fingerprint = data.fingerprint;
  simulator.truth = data.truth;
  Json used = config_to_json(config);
  used["until"] = until;
  used["fold"] = config.fold;
  used["folds"] = config.folds;
  used["seed"] = config.training.seed;
  used["rows"] = result.rows;
  used["exposure"] = result.exposure.words;
  double session_videos = config.mean_session_videos;
  if (session_videos == 0.0 && !parts.whole_sessions) session_videos = kThinnedSessionVideos;
  used["mean_session_videos"] = session_videos;
  simulator.fit = fit_notes(std::move(used));
  if (session_videos > 0.0) {
    simulator.model = std::make_shared<FittedUserModel>(parts, Clock::kDense);  // with no shift yet
    parts.dense_leave_shift = dense_leave_shift(
        leave_logits(simulator, data, until, config.training.threads, config.training.seed), session_videos);
  }
  simulator.model = std::make_shared<FittedUserModel>(std::move(parts), Clock::kDense);
  return result;
}

}  // namespace swipegym
