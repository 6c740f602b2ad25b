// The experiments of docs/results/labels.md. Not a benchmark of speed: it fits recommenders to every label, learns
// labels by LabelCraft, and writes policy files for `swipegym tables`.
//
//   label_study fit DATA OUT SEEDS TRIALS [METHODS [USERS]]
//
//     OUT/METHOD-sSEED.h5 after a search of TRIALS settings.
//
//   label_study ablation DATA OUT SEEDS
//
//     OUT/without-PART-sSEED.h5 with the settings of OUT/chosen.json.
//
//   label_study planted DATA OUT SEEDS [METHODS [USERS [A B]]]
//
//     OUT/planted.csv: what is reached where the platform wants views of A to B seconds, 8 to 25, and nothing else.
//
// METHODS is a list with commas, or all; USERS: only the log's first so many. A search or a fit whose line or file is
// there already is not done again.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "agents/catalogue_ranking.h"
#include "agents/labels/label_batches.h"
#include "agents/labels/labelcraft.h"
#include "agents/labels/train_label_model.h"
#include "agents/supervised_rows.h"
#include "bench/study_main.h"
#include "core/config.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/metrics/bootstrap.h"
#include "policy/label/label_policy.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Study {
  Dataset data;
  Catalogue catalogue;
  SupervisedTask task;
  fs::path out;
  std::size_t seeds = 5;
};

// The days of the log as train, hold-out, validation and test, in shares of 5, 2, 1 and 4: on the real slice 04-25 to
// 04-29, 04-30 to 05-01, 05-02 and 05-03 to 05-06. Days of a handful of rows are not counted.
void set_days(Study& study) {
  std::map<std::int32_t, std::size_t> rows;
  for (const std::int32_t date : study.data.log.date) ++rows[date];
  std::vector<std::int32_t> days;
  for (const auto& [date, count] : rows)
    if (count * 50 > study.data.log.size() / rows.size()) days.push_back(date);
  if (days.size() < 4) throw InputError("the study needs a log of at least four days");
  const auto at = [&](std::size_t twelfths) { return std::max<std::size_t>(1, days.size() * twelfths / 12); };
  const std::size_t a = at(5), b = std::max(a + 1, at(7)), c = std::max(b + 1, at(8));
  study.task.train = {days.front(), days[a - 1]};
  study.task.holdout = {days[a], days[b - 1]};
  study.task.validate = {days[b], days[c - 1]};
  study.task.test = {days[c], days.back()};
  fmt::print("train {}..{} hold-out {}..{} validate {}..{} test {}..{}\n", study.task.train.from,
             study.task.train.until, study.task.holdout.from, study.task.holdout.until, study.task.validate.from,
             study.task.validate.until, study.task.test.from, study.task.test.until);
}

LabelNetworkConfig study_network() {
  LabelNetworkConfig network;
  network.history_length = 50;
  network.hidden = {64, 32};
  return network;
}

struct Fitted {
  std::shared_ptr<const Policy> policy;
  double metric = 0.0;  // best validation metric
  double seconds = 0.0;
};

double best_metric(const std::vector<EpochReport>& epochs) {
  double best = -std::numeric_limits<double>::infinity();
  for (const EpochReport& epoch : epochs)
    if (epoch.validation_metric > best) best = epoch.validation_metric;
  return best;
}

// A method by name, with one of the trials of its search: learning rates, and of LabelCraft the balance too.
struct Trial {
  double learning_rate = 1e-3;
  bool other = false;  // LabelCraft: equal weights instead of balanced ones; fixed labels: mse instead of bce
  double labeling_rate = 1e-3;
};

LabelCraftConfig labelcraft_settings(const Trial& trial) {
  LabelCraftConfig config;
  config.network = study_network();
  config.epochs = 8, config.patience = 2;
  config.learning_rate = trial.learning_rate;
  config.labeling_rate = trial.labeling_rate;
  config.balance = trial.other ? 0.0 : 0.5;
  return config;
}

LabelModelConfig label_settings(const std::string& label, const Trial& trial) {
  LabelModelConfig config;
  config.label = label;
  config.network = study_network();
  config.epochs = 8, config.patience = 2;
  config.learning_rate = trial.learning_rate;
  config.loss = trial.other ? "mse" : "bce";
  return config;
}

Fitted fit_labelcraft(const Study& study, std::uint64_t seed, const LabelCraftConfig& config) {
  SupervisedTask task = study.task;
  task.seed = seed;
  const auto start = Clock::now();
  TrainedModel trained = train_labelcraft(task, config);
  return {trained.policy, best_metric(trained.epochs), std::chrono::duration<double>(Clock::now() - start).count()};
}

Fitted fit_label(const Study& study, std::uint64_t seed, const LabelModelConfig& config) {
  SupervisedTask task = study.task;
  task.seed = seed;
  const auto start = Clock::now();
  TrainedModel trained = train_label_model(task, config);
  return {trained.policy, best_metric(trained.epochs), std::chrono::duration<double>(Clock::now() - start).count()};
}

std::vector<float> scores_of(const Study& study, const Policy& policy, std::span<const std::uint32_t> rows) {
  return score_logged_videos(policy, study.data, study.catalogue, rows, study.task.threads);
}

// Durations of what is recommended, beside the pool's: users with more than 5 test rows, their 5 best.
void write_durations(const Study& study, std::ofstream& csv, const std::string& method,
                     std::span<const std::uint32_t> rows, std::span<const float> scores) {
  const LabelFigures found = label_figures(study.data, rows, scores, 5);
  for (std::size_t u = 0; u < found.ranked.size(); ++u) {
    const auto own = found.ranked.rows_of(u);
    for (const std::uint32_t i : method == "pool" ? own : own.first(5))
      csv << fmt::format("{},{:.1f}\n", method, 1e-3 * study.data.log.duration_ms[rows[i]]);
  }
}

// ---- parts ----------------------------------------------------------------------------------------------------------

Fitted fit(const Study& study, const std::string& method, std::uint64_t seed, const Trial& trial) {
  return method == "labelcraft" ? fit_labelcraft(study, seed, labelcraft_settings(trial))
                                : fit_label(study, seed, label_settings(method, trial));
}

// Names from a list with commas, or all of them.
std::vector<std::string> methods_of(const std::string& names) {
  std::vector<std::string> methods;
  if (names == "all") {
    methods = label_names();
    methods.insert(methods.begin(), "labelcraft");
    return methods;
  }
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) methods.push_back(name);
  return methods;
}

// Validation metrics of OUT/search.csv by method, learning rate and option.
std::map<std::string, double> read_search(const fs::path& path) {
  std::map<std::string, double> found;
  std::ifstream csv(path);
  for (std::string line; std::getline(csv, line);) {
    const std::size_t seconds = line.rfind(','), value = line.rfind(',', seconds - 1);
    if (value == std::string::npos || line.starts_with("method")) continue;
    found[line.substr(0, value)] =
        parse_number<double>(path.string(), line.substr(value + 1, seconds - value - 1), between(-1e9, 1e9));
  }
  return found;
}

// Every method gets the same number of trials, judged by NWTG@5 of the validation days: learning rates, crossed with
// the balancing of LabelCraft and with the loss of the fixed labels.
Trial search(const Study& study, const std::string& method, std::size_t trials) {
  const fs::path path = study.out / "search.csv";
  const std::map<std::string, double> known = read_search(path);
  std::ofstream csv(path, std::ios::app);
  if (known.empty()) csv << "method,learning_rate,option,validation,seconds\n";
  Trial best;
  double best_value = -1.0;
  for (std::size_t t = 0; t < trials; ++t) {
    const Trial trial{.learning_rate = t % 2 == 0 ? 1e-3 : 3e-3, .other = t / 2 % 2 == 1};
    const std::string key = fmt::format("{},{},{}", method, trial.learning_rate, trial.other);
    double value = 0.0;
    if (const auto at = known.find(key); at != known.end()) {
      value = at->second;
    } else {
      const Fitted fitted = fit(study, method, 100, trial);
      value = fitted.metric;
      csv << fmt::format("{},{:.5f},{:.1f}\n", key, value, fitted.seconds) << std::flush;
    }
    if (value > best_value) best_value = value, best = trial;
  }
  return best;
}

void run_fit(Study& study, std::size_t trials, const std::vector<std::string>& methods) {
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  for (const std::string& method : methods) {
    const Trial best = trials > 1 ? search(study, method, trials) : Trial{};
    if (method == "labelcraft")
      std::ofstream(study.out / "chosen.json") << config_to_json(labelcraft_settings(best)).dump(2) << "\n";
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const fs::path path = study.out / fmt::format("{}-s{}.h5", method, seed);
      if (fs::exists(path)) continue;
      const Fitted fitted = fit(study, method, seed, best);
      fitted.policy->save(path);
      fmt::print("{:12} seed {} lr {} option {}: NWTG@5 of validation {:.4f}, {:.0f} s\n", method, seed,
                 best.learning_rate, best.other, fitted.metric, fitted.seconds);
      std::fflush(stdout);
      if (seed != 1) continue;
      std::ofstream durations(study.out / fmt::format("durations-{}.csv", method));
      write_durations(study, durations, method, rows, scores_of(study, *fitted.policy, rows));
    }
  }
  std::ofstream pool(study.out / "durations-pool.csv");
  write_durations(study, pool, "pool", rows, std::vector<float>(rows.size(), 0.0F));
}

void run_ablation(Study& study) {
  const fs::path chosen = study.out / "chosen.json";
  const LabelCraftConfig full = read_config<LabelCraftConfig>(chosen);
  for (const std::string& part : ablation_names())
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const fs::path path = study.out / fmt::format("without-{}-s{}.h5", part, seed);
      if (fs::exists(path)) continue;
      const Fitted fitted = fit_labelcraft(study, seed, ablate(full, part));
      fitted.policy->save(path);
      fmt::print("w/o {:3} seed {}: NWTG@5 of validation {:.4f}, {:.0f} s\n", part, seed, fitted.metric,
                 fitted.seconds);
      std::fflush(stdout);
    }
}

void run_planted(Study& study, const std::vector<std::string>& methods, double low_s, double high_s) {
  LabelCraftConfig config = labelcraft_settings({.learning_rate = 3e-3, .labeling_rate = 1e-2});
  config.planted_low_s = low_s, config.planted_high_s = high_s;
  config.feedback_objective = config.duration_objective = false;
  config.stop_metric = "objective";
  config.epochs = 14, config.patience = 5;
  config.standardise = true;
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  const std::vector<std::uint32_t> training = rows_of_days(study.data, {study.task.train});
  std::ofstream csv(study.out / "planted.csv");
  csv << "method,seed,M\n";
  for (const std::string& method : methods) {
    double sum = 0.0, squares = 0.0;
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const Fitted fitted = method == "labelcraft" ? fit_labelcraft(study, seed, config)
                                                   : fit_label(study, seed, label_settings(method, {}));
      const double value =
          platform_value(study.data, training, rows, scores_of(study, *fitted.policy, rows), config)[kWatchObjective];
      csv << fmt::format("{},{},{:.5f}\n", method, seed, value) << std::flush;
      sum += value, squares += value * value;
    }
    const auto n = static_cast<double>(study.seeds);
    const double mean = sum / n,
                 deviation = std::sqrt(std::max(0.0, (squares - n * mean * mean) / std::max(1.0, n - 1)));
    const double half = study.seeds > 1 ? student_t975(study.seeds - 1) * deviation / std::sqrt(n) : 0.0;
    fmt::print("{:12} M {:.4f} [{:.4f}, {:.4f}]\n", method, mean, mean - half, mean + half);
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  if (argc < 5 || (part != "fit" && part != "ablation" && part != "planted"))
    throw InputError("usage: label_study fit|ablation|planted DATA OUT SEEDS ..., see the head of label_study.cpp");
  const int methods_at = part == "fit" ? 6 : 5;
  const auto methods = methods_of(argc > methods_at ? argv[methods_at] : "all");
  Study study;
  LoadOptions options;
  if (argc > methods_at + 1)
    options.last_user = parse_number<std::uint32_t>("USERS", argv[methods_at + 1], between(1, 4'000'000'000)) - 1;
  study.data = load_dataset(argv[2], options).data;
  study.out = argv[3];
  study.seeds = parse_number<decltype(study.seeds)>("SEEDS", argv[4], between(1, 10'000));
  fs::create_directories(study.out);
  study.task.threads = 1;
  set_days(study);
  study.catalogue = build_catalogue(study.data, study.task.train.until);
  study.task.data = &study.data, study.task.catalogue = &study.catalogue;
  if (part == "fit")
    run_fit(study, argc > 5 ? parse_number<std::size_t>("TRIALS", argv[5], between(1, 100'000)) : 4, methods);
  else if (part == "ablation")
    run_ablation(study);
  else
    run_planted(study, methods, argc > 8 ? parse_number<double>("LOW", argv[7], between(0, 1e6)) : 8.0,
                argc > 8 ? parse_number<double>("HIGH", argv[8], between(0, 1e6)) : 25.0);
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
