// The experiments of docs/labels.md. Not a benchmark of speed: it fits recommenders to every label, learns labels by
// LabelCraft, and writes what the page shows.
//
//   label_study table    DATA OUT SEEDS TRIALS   NWTG, DS, NEG of every label and LabelCraft, on the slice's days
//   label_study ablation DATA OUT SEEDS          LabelCraft without one part each, with its settings in OUT/chosen.json
//   label_study planted  DATA OUT SEEDS          LabelCraft against fixed labels where the platform wants 8 to 25 s
//   label_study debias   DATA OUT SEEDS 0 USERS  gaps over duration groups of WT, D2Q and DVR
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "agents/label_batches.h"
#include "agents/labelcraft.h"
#include "agents/supervised_rows.h"
#include "agents/train_label_model.h"
#include "core/config.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/metrics/bootstrap.h"
#include "sim_data/duration_groups.h"

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
  std::shared_ptr<LabelModel> model;
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
  LabelModelConfig config{.label = label};
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
  TrainedLabelCraft trained = train_labelcraft(task, config);
  return {trained.model, best_metric(trained.epochs), std::chrono::duration<double>(Clock::now() - start).count()};
}

Fitted fit_label(const Study& study, std::uint64_t seed, const LabelModelConfig& config) {
  SupervisedTask task = study.task;
  task.seed = seed;
  const auto start = Clock::now();
  TrainedLabelModel trained = train_label_model(task, config);
  return {trained.model, best_metric(trained.epochs), std::chrono::duration<double>(Clock::now() - start).count()};
}

std::vector<float> scores_of(const Study& study, const LabelModel& model, std::span<const std::uint32_t> rows) {
  LabelBatches batches(study.data, study.catalogue, model, study.task.threads);
  return score_label_rows(model, batches, rows);
}

// ---- figures of one method over seeds and users -------------------------------------------------------------------

using Figures = std::map<std::string, Measure>;  // "NWTG@5", ...

void add_user_values(Measure& measure, const UserFigures& figures) {
  measure.items = figures.value.size();
  for (const float value : figures.value) {
    measure.numerator.push_back(std::isnan(value) ? 0.0F : value);
    measure.denominator.push_back(std::isnan(value) ? 0.0F : 1.0F);
  }
}

void add_seed(const Study& study, std::span<const std::uint32_t> rows, std::span<const float> scores,
              std::uint32_t group, Figures& figures) {
  for (const std::size_t k : {std::size_t{5}, std::size_t{10}})
    for (const GainMode mode : {GainMode::kStandard, GainMode::kLabelCraftCode}) {
      const LabelFigures found = label_figures(study.data, rows, scores, k, mode);
      const char* suffix = mode == GainMode::kStandard ? "" : " code";
      add_user_values(figures[fmt::format("NWTG@{}{}", k, suffix)], found.watch);
      add_user_values(figures[fmt::format("NEG@{}{}", k, suffix)], found.feedback);
      if (mode == GainMode::kStandard) add_user_values(figures[fmt::format("DS@{}", k)], found.spread);
    }
  const std::size_t seeds = figures.begin()->second.numerator.size() / figures.begin()->second.items;
  for (auto& [name, measure] : figures) measure.seeds = seeds, measure.group = group;
}

// Two-sided: how often the resampled difference lies beyond 0.
double bootstrap_p(const std::vector<double>& resampled) {
  double above = 1.0, below = 1.0;
  for (const double value : resampled) above += value >= 0.0, below += value <= 0.0;
  return std::min(1.0, 2.0 * std::min(above, below) / (static_cast<double>(resampled.size()) + 1.0));
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    corrected[order[i]] = largest;
  }
  return corrected;
}

void write_table(const fs::path& path, const std::vector<std::string>& methods, std::vector<Figures>& figures,
                 std::size_t reference) {
  std::ofstream csv(path);
  csv << "figure,method,mean,low,high,users,difference,difference_low,difference_high,p_holm\n";
  for (const auto& [name, unused] : figures.front()) {
    std::vector<Measure> measures;
    for (Figures& of_method : figures) measures.push_back(of_method.at(name));
    const auto resampled = bootstrap(measures, make_key(11), {.resamples = 2000, .threads = 1});
    std::vector<double> p;
    for (std::size_t m = 0; m < methods.size(); ++m)
      if (m != reference) p.push_back(bootstrap_p(difference(resampled[reference], resampled[m])));
    const std::vector<double> corrected = holm(p);
    for (std::size_t m = 0, other = 0; m < methods.size(); ++m) {
      const Interval own = percentile_interval(measures[m].value(), resampled[m]);
      double users = 0.0;
      for (std::size_t i = 0; i < measures[m].items; ++i) users += measures[m].denominator[i];
      csv << fmt::format("{},{},{:.4f},{:.4f},{:.4f},{:.0f}", name, methods[m], own.mean, own.low, own.high, users);
      if (m == reference) {
        csv << ",,,,\n";
        continue;
      }
      const Interval apart = percentile_interval(measures[reference].value() - measures[m].value(),
                                                 difference(resampled[reference], resampled[m]));
      csv << fmt::format(",{:.4f},{:.4f},{:.4f},{:.4f}\n", apart.mean, apart.low, apart.high, corrected[other++]);
    }
  }
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

void run_table(Study& study, std::size_t trials) {
  std::vector<std::string> methods = {"labelcraft"};
  for (const std::string& label : label_names()) methods.push_back(label);
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  std::vector<Figures> figures(methods.size());
  std::ofstream search(study.out / "search.csv"), durations(study.out / "durations.csv");
  search << "method,learning_rate,option,validation,seconds\n";
  durations << "method,duration_s\n";
  write_durations(study, durations, "pool", rows, std::vector<float>(rows.size(), 0.0F));
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const bool craft = methods[m] == "labelcraft";
    // Every method gets the same number of trials: learning rates, crossed with the balancing of LabelCraft and
    // with the loss of the fixed labels.
    Trial best;
    double best_value = -1.0;
    for (std::size_t t = 0; t < trials; ++t) {
      const Trial trial{.learning_rate = t % 2 == 0 ? 1e-3 : 3e-3, .other = t / 2 % 2 == 1};
      const Fitted fitted = craft ? fit_labelcraft(study, 100, labelcraft_settings(trial))
                                  : fit_label(study, 100, label_settings(methods[m], trial));
      search << fmt::format("{},{},{},{:.5f},{:.1f}\n", methods[m], trial.learning_rate, trial.other, fitted.metric,
                            fitted.seconds);
      search.flush();
      if (fitted.metric > best_value) best_value = fitted.metric, best = trial;
    }
    if (craft) std::ofstream(study.out / "chosen.json") << config_to_json(labelcraft_settings(best)).dump(2) << "\n";
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const Fitted fitted = craft ? fit_labelcraft(study, seed, labelcraft_settings(best))
                                  : fit_label(study, seed, label_settings(methods[m], best));
      const std::vector<float> scores = scores_of(study, *fitted.model, rows);
      add_seed(study, rows, scores, static_cast<std::uint32_t>(m), figures[m]);
      if (seed == 1) write_durations(study, durations, methods[m], rows, scores);
    }
    fmt::print("{:12} lr {} option {}: NWTG@5 {:.4f} DS@5 {:.1f} NEG@5 {:.4f}\n", methods[m], best.learning_rate,
               best.other, figures[m]["NWTG@5"].value(), figures[m]["DS@5"].value(), figures[m]["NEG@5"].value());
    std::fflush(stdout);
  }
  write_table(study.out / "table.csv", methods, figures, 0);
}

void run_ablation(Study& study) {
  const LabelCraftConfig full =
      config_from_json<LabelCraftConfig>(read_json(study.out / "chosen.json"), (study.out / "chosen.json").string());
  std::vector<std::string> methods = {"labelcraft"};
  for (const std::string& part : ablation_names()) methods.push_back("w/o " + part);
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  std::vector<Figures> figures(methods.size());
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const LabelCraftConfig config = m == 0 ? full : ablate(full, ablation_names()[m - 1]);
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed)
      add_seed(study, rows, scores_of(study, *fit_labelcraft(study, seed, config).model, rows),
               static_cast<std::uint32_t>(m), figures[m]);
    fmt::print("{:12} NWTG@5 {:.4f} DS@5 {:.1f} NEG@5 {:.4f}\n", methods[m], figures[m]["NWTG@5"].value(),
               figures[m]["DS@5"].value(), figures[m]["NEG@5"].value());
    std::fflush(stdout);
  }
  write_table(study.out / "ablation.csv", methods, figures, 0);
}

void run_planted(Study& study) {
  LabelCraftConfig config = labelcraft_settings({.learning_rate = 1e-3, .labeling_rate = 3e-3});
  config.planted_low_s = 8.0, config.planted_high_s = 25.0;
  config.feedback_objective = config.duration_objective = false;
  config.stop_metric = "objective";
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  const std::vector<std::uint32_t> training = rows_of_days(study.data, {study.task.train});
  std::ofstream csv(study.out / "planted.csv");
  csv << "method,seed,M\n";
  std::vector<std::string> methods = {"labelcraft"};
  for (const std::string& label : label_names()) methods.push_back(label);
  for (const std::string& method : methods) {
    double sum = 0.0, squares = 0.0;
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const Fitted fitted = method == "labelcraft" ? fit_labelcraft(study, seed, config)
                                                   : fit_label(study, seed, label_settings(method, {}));
      const double value =
          platform_value(study.data, training, rows, scores_of(study, *fitted.model, rows), config)[kWatchObjective];
      csv << fmt::format("{},{},{:.5f}\n", method, seed, value);
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

// Mean nDCG of each duration group with users weighted as drawn.
struct GroupTable {
  std::size_t groups = 0;
  std::vector<std::uint32_t> user;              // distinct users, ascending
  std::vector<std::vector<float>> seed_values;  // [seed][user * groups + group], NaN where undefined

  std::vector<double> means(std::span<const double> weight) const {
    std::vector<double> out;
    for (std::size_t g = 0; g < groups; ++g) {
      double sum = 0.0, total = 0.0;
      for (const auto& values : seed_values)
        for (std::size_t u = 0; u < user.size(); ++u)
          if (const float v = values[u * groups + g]; !std::isnan(v)) sum += weight[u] * v, total += weight[u];
      out.push_back(sum / total);
    }
    return out;
  }
};

double gap_of(const std::vector<double>& means) {
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  return *high - *low;
}

void run_debias(Study& study) {
  constexpr std::size_t kGroups = 5, kAt = 10, kResamples = 1000;
  const std::vector<std::uint32_t> rows = rows_of_days(study.data, {study.task.test});
  const auto training = rows_of_days(study.data, {study.task.train, study.task.holdout});
  const std::vector<std::uint64_t> wide(training.begin(), training.end());
  const DurationGroups coarse(study.data.log, wide, {.groups = kGroups}), fine(study.data.log, wide);
  std::vector<std::uint32_t> user(rows.size()), group(rows.size());
  std::vector<float> gain(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    user[i] = index_of(study.data.log.user[rows[i]]);
    group[i] = static_cast<std::uint32_t>(coarse.group_of(study.data.log.duration_ms[rows[i]]));
    gain[i] =
        std::max(0.0F, fine.watch_time_gain(study.data.log.play_ms[rows[i]], study.data.log.duration_ms[rows[i]]));
  }
  const std::set<std::uint32_t> distinct(user.begin(), user.end());
  const std::vector<std::string> methods = {"wt", "pc", "pcr", "d2q", "dvr"};
  std::vector<GroupTable> tables;
  std::ofstream csv(study.out / "debias.csv");
  csv << "method,figure,mean,low,high\n";
  for (const std::string& method : methods) {
    GroupTable table{.groups = coarse.size(), .user = {distinct.begin(), distinct.end()}};
    double spearman_sum = 0.0, duration_rank = 0.0;
    for (std::uint64_t seed = 1; seed <= study.seeds; ++seed) {
      const Fitted fitted = fit_label(study, seed, label_settings(method, {}));
      const std::vector<float> scores = scores_of(study, *fitted.model, rows);
      std::vector<float>& values =
          table.seed_values.emplace_back(table.user.size() * table.groups, std::numeric_limits<float>::quiet_NaN());
      for (std::size_t g = 0; g < table.groups; ++g) {
        std::vector<std::uint32_t> own_user;
        std::vector<float> own_score, own_gain;
        for (std::size_t i = 0; i < rows.size(); ++i)
          if (group[i] == g) own_user.push_back(user[i]), own_score.push_back(scores[i]), own_gain.push_back(gain[i]);
        const RankedUsers ranked = rank_users(own_user, own_score, 2);
        const UserFigures figures = discounted_gain_ratio(ranked, own_gain, kAt);
        for (std::size_t r = 0; r < ranked.size(); ++r) {
          const auto at = std::lower_bound(table.user.begin(), table.user.end(), ranked.user[r]) - table.user.begin();
          values[static_cast<std::size_t>(at) * table.groups + g] = figures.value[r];
        }
      }
      spearman_sum += group_gain(user, scores, gain, group, coarse.size(), kAt).duration_spearman;
      std::vector<float> duration(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i)
        duration[i] = static_cast<float>(study.data.log.duration_ms[rows[i]]);
      duration_rank += spearman(scores, duration);
    }
    const auto n = static_cast<double>(study.seeds);
    fmt::print("{:5} gap {:.4f} spearman(nDCG, group) {:.2f} spearman(score, duration) {:.3f}\n", method,
               gap_of(table.means(std::vector<double>(table.user.size(), 1.0))), spearman_sum / n, duration_rank / n);
    std::fflush(stdout);
    csv << fmt::format("{},spearman_group,{:.4f},,\n{},spearman_score_duration,{:.4f},,\n", method, spearman_sum / n,
                       method, duration_rank / n);
    tables.push_back(std::move(table));
  }
  std::vector<std::vector<double>> gaps(methods.size(), std::vector<double>(kResamples));
  for (std::size_t b = 0; b < kResamples; ++b) {
    RandomStream random(split(make_key(13), b));
    std::vector<double> weight(tables[0].user.size(), 0.0);
    for (std::size_t i = 0; i < weight.size(); ++i)
      weight[random.below(static_cast<std::uint32_t>(weight.size()))] += 1.0;
    for (std::size_t m = 0; m < methods.size(); ++m) gaps[m][b] = gap_of(tables[m].means(weight));
  }
  const std::vector<double> equal(tables[0].user.size(), 1.0);
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const std::vector<double> means = tables[m].means(equal);
    for (std::size_t g = 0; g < means.size(); ++g)
      csv << fmt::format("{},group_{},{:.4f},,\n", methods[m], g, means[g]);
    const Interval gap = percentile_interval(gap_of(means), gaps[m]);
    csv << fmt::format("{},gap,{:.4f},{:.4f},{:.4f}\n", methods[m], gap.mean, gap.low, gap.high);
    const Interval apart = percentile_interval(gap_of(tables[0].means(equal)) - gap.mean, difference(gaps[0], gaps[m]));
    csv << fmt::format("{},gap_of_wt_less_own,{:.4f},{:.4f},{:.4f}\n", methods[m], apart.mean, apart.low, apart.high);
    fmt::print("{:5} gap {:.4f} [{:.4f}, {:.4f}]  wt's gap less this {:.4f} [{:.4f}, {:.4f}]\n", methods[m], gap.mean,
               gap.low, gap.high, apart.mean, apart.low, apart.high);
  }
}

int run(int argc, char** argv) {
  if (argc < 5) throw InputError("usage: label_study table|ablation|planted|debias DATA OUT SEEDS [TRIALS [USERS]]");
  Study study;
  LoadOptions options;
  if (argc > 6) options.last_user = static_cast<std::uint32_t>(std::atoi(argv[6])) - 1;
  study.data = load_dataset(argv[2], options).data;
  study.out = argv[3];
  study.seeds = static_cast<std::size_t>(std::atoi(argv[4]));
  fs::create_directories(study.out);
  study.task.threads = 1;
  set_days(study);
  study.catalogue = build_catalogue(study.data, study.task.train.until);
  study.task.data = &study.data, study.task.catalogue = &study.catalogue;
  const std::string part = argv[1];
  const auto start = Clock::now();
  if (part == "table")
    run_table(study, argc > 5 ? static_cast<std::size_t>(std::atoi(argv[5])) : 4);
  else if (part == "ablation")
    run_ablation(study);
  else if (part == "planted")
    run_planted(study);
  else if (part == "debias")
    run_debias(study);
  else
    throw InputError("unknown part '" + part + "', expected table, ablation, planted or debias");
  fmt::print("{:.0f} s\n", std::chrono::duration<double>(Clock::now() - start).count());
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  try {
    return swipegym::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}
