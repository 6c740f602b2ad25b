#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/replay_log.h"
#include "evaluation/fidelity/choice_check.h"
#include "evaluation/fidelity/fidelity.h"
#include "evaluation/fidelity/free_running.h"
#include "evaluation/fidelity/random_exposure.h"
#include "evaluation/fidelity/truth_reference.h"
#include "sim_data/calendar.h"
#include "sim_data/day_text.h"

namespace swipegym::cli {
namespace {

constexpr int kMainTab = 1;  // where 99 % of KuaiRand's random exposures are

struct FidelitySettings {
  std::filesystem::path simulator, data;
  std::int32_t from = 0, until = 99999999;
  std::string log = "standard";
  std::filesystem::path naive;
  bool rows_only = false;
  std::int32_t known_until = 0;  // 0: the last day of the fit
  std::uint64_t candidates = 10, resamples = 2000;

  JudgedWindow window(bool random) const { return {.from = from, .until = until, .random = random}; }
};

// What is asked about the rows of one log: the simulator, and on synthetic data the law they were drawn from.
struct RowSinks {
  std::function<void(const RowPrediction&)> simulator;
  std::function<void(const TruthPrediction&)> truth;
};

void answer_rows(const JudgedWindow& window, const Simulator& simulator, const Dataset& data, Run& run,
                 const RowSinks& sinks) {
  replay_log(fitted_model(simulator), data, {.from = window.from, .until = window.until, .random = window.random},
             run.seed, run.threads, sinks.simulator, run.progress);
  if (!simulator.truth.empty()) predict_with_truth(simulator.truth, data, window, run.threads, sinks.truth);
}

// What both expect of random exposures.
struct ExpectedChoices {
  std::vector<ExpectedAnswer> simulator, truth;

  void add(const RowPrediction& row) { simulator.push_back(expected_answer(row)); }
  void add(const TruthPrediction& row) { truth.push_back(expected_answer(row)); }
};

// Scores the rows of the log that is judged; of random ones it keeps what was expected.
FidelityReport score_rows(const FidelitySettings& settings, const Simulator& simulator, const Dataset& data, Run& run,
                          ExpectedChoices& choices) {
  const JudgedWindow window = settings.window(settings.log == "random");
  judged_rows(data, window);  // throws without rows, before any work
  FidelityScorer scorer(data, window);
  answer_rows(window, simulator, data, run,
              {.simulator =
                   [&](const RowPrediction& row) {
                     scorer.add(row);
                     if (window.random) choices.add(row);
                   },
               .truth =
                   [&](const TruthPrediction& row) {
                     scorer.add_truth(row.log_row, row.quantile, row.probability);
                     if (window.random) choices.add(row);
                   }});
  return scorer.finish();
}

bool has_random_rows(const Dataset& data, const FidelitySettings& settings, int tab = -1) {
  const JudgedWindow window = settings.window(true);
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (is_judged(data.log, row, window) && (tab < 0 || data.log.tab[row] == tab)) return true;
  return false;
}

// Options that ask for choices where there can be none are a mistake, not to be passed over.
void require_choices(const FidelitySettings& settings, const Dataset& data, const Run& run) {
  for (const char* name : {"known-until", "candidates", "resamples"}) {
    if (!run.given(name)) continue;
    if (settings.rows_only) throw InputError(fmt::format("--{} is about choices, which --rows-only leaves out", name));
    if (!has_random_rows(data, settings))
      throw InputError(
          fmt::format("--{} is about choices, which random exposures judge, but no row of the random log "
                      "is dated {}; see 'swipegym data stats' for the days it has",
                      name, days_text(settings.from, settings.until)));
  }
}

void judge_choices(const FidelitySettings& settings, const Simulator& simulator, const Dataset& data,
                   ExpectedChoices& choices, Run& run, Json& json) {
  if (choices.simulator.empty())  // the standard log was judged
    answer_rows(settings.window(true), simulator, data, run,
                {.simulator = [&](const RowPrediction& row) { choices.add(row); },
                 .truth = [&](const TruthPrediction& row) { choices.add(row); }});
  ChoiceOptions options{.candidates = settings.candidates, .resamples = settings.resamples, .seed = run.seed};
  options.threads = run.threads;
  options.known_until = settings.known_until != 0       ? settings.known_until
                        : simulator.catalogue.until > 0 ? simulator.catalogue.until
                                                        : date_of_days(days_of_date(settings.from) - 1);
  const ChoiceReport report = check_choices(data, choices.simulator, options);
  run.print("\n{}", to_text(report, "choices, judged by random exposures"));
  json["choices"] = to_json(report);
  if (choices.truth.empty()) return;
  const ChoiceReport truth = check_choices(data, choices.truth, options);
  run.print("\n{}", to_text(truth, "the truth itself, by the same exposures", true));
  json["choices_truth"] = to_json(truth);
}

// With what free running and the uniform policy are asked for alike.
template <class Asked>
Asked asked(const FidelitySettings& settings, const Run& run) {
  Asked options;
  options.from = settings.from, options.until = settings.until;
  options.seed = run.seed, options.threads = run.threads, options.progress = run.progress;
  return options;
}

void fidelity(const FidelitySettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator, "log");
  const LoadedDataset loaded = load_data(run, settings.data);
  require_choices(settings, loaded.data, run);
  if (simulator->fit.until && *simulator->fit.until >= settings.from)
    run.note("The simulator was fitted to rows until {}: rows judged until then may be its own.",
             *simulator->fit.until);
  ExpectedChoices choices;
  const FidelityReport report = score_rows(settings, *simulator, loaded.data, run, choices);
  run.print("{}", to_text(report));
  Json json = to_json(report);
  if (!settings.rows_only) {
    const FreeRunningReport free = run_free(*simulator, loaded.data, asked<FreeRunningOptions>(settings, run));
    run.print("\n{}", to_text(free));
    json["free_running"] = to_json(free);
    if (!simulator->truth.empty()) {  // synthetic data: how the law behind it fares in the same test
      const std::shared_ptr<const Simulator> behind = truth_behind(*simulator, loaded.data, "log", run.threads);
      const FreeRunningReport truth = run_free(*behind, loaded.data, asked<FreeRunningOptions>(settings, run));
      run.print("\nthe truth itself, {}", to_text(truth));
      json["free_running_truth"] = to_json(truth);
      const std::shared_ptr<const Simulator> naive =
          settings.naive.empty() ? simulator : load_simulator_file(run, settings.naive, "log");
      const UniformPairsReport pairs = ask_uniform_pairs(*behind, *simulator, *naive, run.seed);
      run.print("\n{}", to_text(pairs));
      json["uniform_pairs"] = to_json(pairs);
    }
    if (has_random_rows(loaded.data, settings, kMainTab)) {
      const RandomExposureReport random =
          check_random_exposure(simulator, loaded.data, asked<RandomExposureOptions>(settings, run));
      run.print("\n{}", to_text(random));
      json["random_policy"] = to_json(random);
    }
    if (has_random_rows(loaded.data, settings)) judge_choices(settings, *simulator, loaded.data, choices, run, json);
  }
  run.write_json(std::move(json), simulator->fit.all, loaded.data.fingerprint);
}

}  // namespace

void add_fidelity_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<FidelitySettings>();
  Command command{.name = "fidelity",
                  .group = CommandGroup::kSimulator,
                  .summary = "judge a simulator on held-out days, beside reference models"};
  command.about =
      "Scores the answers to held-out rows (CRPS, PIT, log score, AUC, log loss, calibration, gaps by tab and "
      "duration) "
      "beside the marginal and tab x duration cells, then lets the simulator run free beside held-out sessions, and a "
      "uniform policy beside the random exposures of those days. By these it is judged, too, whether the simulator "
      "sees what makes a video good and what a policy gains by it. On synthetic data the truth is judged beside it.";
  command.examples = {
      "swipegym fidelity --simulator sim.h5 --data KuaiRand-Pure --from 20220505 --until 20220506",
      "swipegym fidelity --simulator sim.h5 --data KuaiRand-Pure --from 20220505 --log random --candidates 100"};
  command.next = "swipegym train dqn --simulator sim.h5 --out dqn.h5";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'; fitted on days before --from")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("from", settings->from, "the first day judged", true)
      .date("until", settings->until, "the last day judged; the log's when absent")
      .choice("log", settings->log, {"standard", "random"}, "whose rows are judged")
      .input("naive", settings->naive, "FILE",
             "synthetic data: a simulator from 'fit --log standard', whose logged response stands beside the "
             "interventional one; the same simulator's when absent",
             false)
      .flag("rows-only", settings->rows_only, "leave out free running, the uniform policy and choices")
      .group("Choices")
      .date("known-until", settings->known_until,
            "videos and users are sorted by the standard rows up to this day; the simulator's last day when absent")
      .add("candidates", settings->candidates, between(1, 1000), "M", "a policy takes the best of so many videos")
      .add("resamples", settings->resamples, between(100, 100'000), "N", "resamples of users behind an interval");
  command.run = [settings](Run& run) { fidelity(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
