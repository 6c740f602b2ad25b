#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/error.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/replay_log.h"
#include "evaluation/fidelity/fidelity.h"
#include "evaluation/fidelity/free_running.h"
#include "evaluation/fidelity/random_exposure.h"
#include "evaluation/fidelity/truth_reference.h"

namespace swipegym::cli {
namespace {

struct FidelitySettings {
  std::filesystem::path simulator, data;
  std::int32_t from = 0, until = 99999999;
  std::string log = "standard";
  std::filesystem::path naive;
  bool rows_only = false;
};

FidelityReport score_rows(const FidelitySettings& settings, const Simulator& simulator, const Dataset& data, Run& run) {
  const JudgedWindow window{.from = settings.from, .until = settings.until, .random = settings.log == "random"};
  judged_rows(data, window);  // throws without rows, before any work
  FidelityScorer scorer(data, window);
  replay_log(
      fitted_model(simulator), data, {.from = window.from, .until = window.until, .random = window.random}, run.seed,
      run.threads, [&](const RowPrediction& row) { scorer.add(row); }, run.progress);
  if (!simulator.truth.empty())  // synthetic data: how well the rows could be predicted at best
    predict_with_truth(simulator.truth, data, window, run.threads, [&](const TruthPrediction& row) {
      scorer.add_truth(row.log_row, row.quantile, row.probability);
    });
  return scorer.finish();
}

bool has_random_rows(const Dataset& data, const FidelitySettings& settings) {
  const JudgedWindow window{.from = settings.from, .until = settings.until, .random = true};
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (is_judged(data.log, row, window) && data.log.tab[row] == 1) return true;
  return false;
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
  const FidelityReport report = score_rows(settings, *simulator, loaded.data, run);
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
    if (has_random_rows(loaded.data, settings)) {
      const RandomExposureReport random =
          check_random_exposure(simulator, loaded.data, asked<RandomExposureOptions>(settings, run));
      run.print("\n{}", to_text(random));
      json["random_policy"] = to_json(random);
    }
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
      "uniform policy beside the random exposures of those days. On synthetic data the truth is judged beside it.";
  command.examples = {"swipegym fidelity --simulator sim.h5 --data KuaiRand-Pure --from 20220505 --until 20220506"};
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
      .flag("rows-only", settings->rows_only, "leave out free running and the uniform policy");
  command.run = [settings](Run& run) { fidelity(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
