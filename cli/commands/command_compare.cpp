#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "cli/policy_list.h"
#include "core/output_file.h"
#include "core/text.h"
#include "evaluation/compare/compare.h"

namespace swipegym::cli {
namespace {

struct CompareSettings {
  std::filesystem::path simulator, data, report;
  std::string judge, versus;
  std::vector<std::string> policies = {"random", "popularity", "shortest", "longest", "item-mean", "oracle"};
  std::size_t sessions = 1000, seeds = 5, resamples = 1000;
  bool wide = false, no_oracle = false, expected = false;
  ActSettings act;
};

ComparedSimulator load_judge(const CompareSettings& settings, const Simulator& train, Run& run) {
  if (settings.judge != "truth")
    return {std::filesystem::path(settings.judge).stem().string(),
            load_simulator_file(run, settings.judge, settings.act.world.clock)};
  const LoadedDataset loaded = load_fitted_data(run, train, settings.data);
  return {"truth", truth_behind(train, loaded.data, settings.act.world.clock, run.threads)};
}

CompareConfig compare_config(const CompareSettings& settings, const Run& run) {
  CompareConfig config;
  config.sessions = settings.sessions;
  config.seeds = settings.seeds;
  config.seed = run.seed;
  config.world = settings.act.world;
  if (run.host != nullptr && run.host->brought != nullptr)
    if (const auto& sources = run.host->brought->sources; sources.contains(config.world.source))
      config.source = sources.at(config.world.source);
  config.engine.threads = run.threads;
  config.resamples = settings.resamples;
  config.versus = settings.versus;
  config.exploration = exploration(settings.act);
  config.oracle = !settings.no_oracle;
  config.expected = settings.expected;
  return config;
}

void compare_policies(const CompareSettings& settings, Run& run) {
  const CompareConfig config = compare_config(settings, run);
  const std::shared_ptr<const Simulator> train = load_simulator_file(run, settings.simulator, settings.act.world.clock);
  std::vector<ComparedSimulator> simulators = {{settings.simulator.stem().string(), train}};
  if (!settings.judge.empty()) simulators.push_back(load_judge(settings, *train, run));
  const std::vector<ComparedPolicy> policies =
      read_policies(settings.policies, train, simulators.size() > 1, run.host == nullptr ? nullptr : run.host->brought);
  run.require_memory(compare_memory(policies, simulators, config));
  const CompareReport report = compare(policies, simulators, config, run.progress);
  const std::string clock = clock_note(*train, settings.act.world.clock);
  run.print("{}{}", to_text(report, settings.wide), clock.empty() ? "" : clock + "\n");
  Json used = run.options->values(
      {"simulator", "judge", "policies", "sessions", "seeds", "resamples", "versus", "no-oracle", "expected"});
  used.update(act_json(settings.act));
  run.write_json(to_json(report), used, train->data_fingerprint);
  if (settings.report.empty()) return;
  std::vector<std::string> notes = {fmt::format("data {:016x}, seed {}", train->data_fingerprint, run.seed),
                                    build_text(), "settings " + json_text(used)};
  if (!clock.empty()) notes.insert(notes.begin(), clock);
  write_file(settings.report, as_utf8(to_html(report, "Policies in " + simulators[0].name, notes)));
  run.note("report: {}", settings.report.string());
}

}  // namespace

void add_compare_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<CompareSettings>();
  Command command{
      .name = "compare", .group = CommandGroup::kLearn, .summary = "score policies side by side, with intervals"};
  command.about =
      "Runs every policy on the same sessions of a simulator, and of a judge if one is named, and prints the return in "
      "both with hierarchical 95 % intervals, its place between random choice and the oracle, and how long sessions "
      "are. "
      "--wide adds watch time, signals, diversity, coverage and returns.";
  command.examples = {
      "swipegym compare --simulator sim.h5 --policies random,popularity,'dqn=dqn-s*.h5' --report report.html",
      "swipegym compare --simulator sim.h5 --judge judge.h5 --policies random,item-mean,oracle --sessions 2000"};
  command.next = "swipegym session --simulator sim.h5 --policy dqn-s1.h5";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "the simulator the policies were made for; a synthetic release's folder is its truth")
      .input("judge", settings->judge, "FILE|truth",
             "another simulator to score them in; 'truth': the law behind synthetic data", false)
      .input(
          "policies", settings->policies, "LIST",
          "names, files, or NAME=PATTERN for the files of all training seeds of one policy; \\, is a comma in a name",
          false)
      .input("data", settings->data, "DIR|FILE",
             "for --judge truth: the data, when it is no longer where the fit read it", false)
      .group("Evaluation")
      .add("sessions", settings->sessions, ranges::kSessions, "N", "of each evaluation seed")
      .add("seeds", settings->seeds, between(1, 10'000), "K", "evaluation seeds")
      .add("resamples", settings->resamples, between(1, 1'000'000), "N", "of the bootstrap behind the intervals")
      .add("versus", settings->versus, "NAME", "also print every return less this policy's, session by session")
      .flag("no-oracle", settings->no_oracle,
            "do not play the one-step oracle, which with --source full asks about every video at every step; no policy "
            "has a place between random choice and it then")
      .flag(
          "expected", settings->expected,
          "also judge choices by what the simulator expects of them, on states of uniform sessions: no answer's noise "
          "is in it, and a hundredth of the sessions will do");
  add_act_options(command.options, settings->act);
  command.options.group("Output")
      .flag("wide", settings->wide, "print every figure, in wide tables; otherwise what fits 100 columns")
      .output("report", settings->report, "FILE.html", "a page with charts", Writing::kText, false);
  command.run = [settings](Run& run) { compare_policies(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
