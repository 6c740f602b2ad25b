#include <algorithm>

#include "cli/command.h"
#include "cli/load.h"
#include "core/output_file.h"
#include "evaluation/json_number.h"
#include "evaluation/studies/exactness.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct TabularSettings {
  std::filesystem::path simulator, curves;
  std::string clock = "dense";
  int seeds = 20;
  int dqn_seeds = 5;
};

std::string curves_csv(const Exactness& exact) {
  std::string text = "learner,seed,sweeps,error,bias\n";
  const auto add = [&](const char* learner, const QLearningRuns& runs) {
    for (std::size_t seed = 0; seed < runs.curves.size(); ++seed)
      for (const TabularQPoint& point : runs.curves[seed])
        text += fmt::format("{},{},{},{},{}\n", learner, seed, point.sweeps, point.error, point.bias);
  };
  add("q", exact.single);
  add("double_q", exact.twice);
  return text;
}

// Means over seeds at the decades of sweeps and at the end.
std::string curves_table(const Exactness& exact) {
  Table table({"sweeps", "error, s", "% of range", "bias, s", "double Q: error, s", "bias, s"});
  const auto mean = [](const QLearningRuns& runs, std::size_t point, double TabularQPoint::*field) {
    double sum = 0.0;
    for (const auto& curve : runs.curves) sum += curve[point].*field;
    return sum / static_cast<double>(runs.curves.size());
  };
  const std::vector<TabularQPoint>& points = exact.single.curves.front();
  std::int64_t decade = 100;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].sweeps < decade && i + 1 < points.size()) continue;
    const double error = mean(exact.single, i, &TabularQPoint::error);
    table.add({show_count(static_cast<std::uint64_t>(points[i].sweeps)), fmt::format("{:.3f}", error),
               fmt::format("{:.2f}", 100.0 * error / exact.value_range),
               fmt::format("{:+.3f}", mean(exact.single, i, &TabularQPoint::bias)),
               fmt::format("{:.3f}", mean(exact.twice, i, &TabularQPoint::error)),
               fmt::format("{:+.3f}", mean(exact.twice, i, &TabularQPoint::bias))});
    while (decade <= points[i].sweeps) decade *= 10;
  }
  return table.text();
}

std::string values_table(const Exactness& exact) {
  Table table({"policy", "value, s", "% of optimum"});
  const double optimum = exact.policies.front().value;
  const auto add = [&](const std::string& name, double value) {
    table.add({name, fmt::format("{:.3f}", value), fmt::format("{:.2f}", 100.0 * value / optimum)});
  };
  for (const ExactValue& policy : exact.policies) add(policy.name, policy.value);
  for (std::size_t i = 0; i < exact.dqn.size(); ++i) add(fmt::format("dqn, seed {}", i), exact.dqn[i].value);
  return table.text();
}

Json runs_json(const QLearningRuns& runs, double range) {
  return {{"slope", json_interval(runs.slope)},
          {"final_error", json_interval(runs.final_error)},
          {"final_error_share_of_range", runs.final_error.mean / range},
          {"worst_final_error", runs.worst_final},
          {"sweeps", runs.curves.front().back().sweeps},
          {"seeds", runs.curves.size()}};
}

Json values_json(const std::vector<ExactValue>& values, double optimum) {
  Json list = Json::array();
  for (const ExactValue& one : values)
    list.push_back({{"policy", one.name},
                    {"value", one.value},
                    {"share_of_optimum", one.value / optimum},
                    {"agreement", one.agreement}});
  return list;
}

Json result_json(const Exactness& exact) {
  const double optimum = exact.policies.front().value;
  return {{"states", exact.mdp.states},
          {"actions", exact.mdp.actions},
          {"discount", exact.mdp.discount},
          {"plays", exact.reduction.plays},
          {"fewest_plays", exact.reduction.fewest_plays},
          {"simulated_s", exact.reduction.simulated_s},
          {"tabulated_s", exact.reduction.tabulated_s},
          {"simulated_leaves", exact.reduction.simulated_leaves},
          {"value_range", exact.value_range},
          {"solution_bound", exact.solved.bound},
          {"q_learning", runs_json(exact.single, exact.value_range)},
          {"double_q_learning", runs_json(exact.twice, exact.value_range)},
          {"policies", values_json(exact.policies, optimum)},
          {"dqn", values_json(exact.dqn, optimum)}};
}

void print_exactness(const Exactness& exact, const Run& run) {
  const Reduction& reduction = exact.reduction;
  run.print("{} states ({} groups of users; kind and level of the last video), {} actions, discount {}\n",
            exact.mdp.states, reduction.world.groups, exact.mdp.actions, exact.mdp.discount);
  run.print("made of {} plays, {} or more of each pair; {:.2f} s watched a play, {:.2f} s by the tables\n\n",
            show_count(static_cast<std::uint64_t>(reduction.plays)),
            show_count(static_cast<std::uint64_t>(reduction.fewest_plays)), reduction.simulated_s,
            reduction.tabulated_s);
  run.print("{}\n", curves_table(exact));
  const auto line = [&](const char* name, const QLearningRuns& runs) {
    run.print("{}: slope over the last decade {}, final error {} s, {:.2f} % of the range of values ({:.1f} s)\n", name,
              show_interval(runs.slope, 3), show_interval(runs.final_error, 3),
              100.0 * runs.final_error.mean / exact.value_range, exact.value_range);
  };
  line("Q-learning", exact.single);
  line("double Q-learning", exact.twice);
  run.print("\n{}", values_table(exact));
}

}  // namespace

void add_tabular_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<TabularSettings>();
  Command command{.name = "tabular",
                  .group = CommandGroup::kLearn,
                  .summary = "measure learners against exact answers in a reduced simulator"};
  command.about =
      "Reduces a simulator to tables (groups of users, kinds of video, how far the last one was watched), solves them "
      "by "
      "value iteration, and measures tabular Q-learning and DQNs against the solution. Prints how the error of "
      "Q-learning falls with sampling, how far single and double Q-learning overestimate, and what share of the "
      "optimum "
      "each policy attains, by linear systems instead of sessions.";
  command.examples = {"swipegym tabular --simulator sim.h5 --seeds 20",
                      "swipegym tabular --simulator sim.h5 --curves curves.csv --json exact.json"};
  command.next = "swipegym train dqn --simulator sim.h5 --out dqn.h5";
  command.settings = {settings_page<ExactnessConfig>(command.name)};
  command.used_settings = [](const Run& run) { return used_settings<ExactnessConfig>(run.given_settings()); };
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE|DIR",
             "a simulator from 'fit'; or the folder of a synthetic release, for its truth")
      .choice("clock", settings->clock, {"log", "dense"}, "which hazard ends sessions")
      .group("Measurement")
      .add("seeds", settings->seeds, between(1, 10'000), "N",
           "runs of tabular Q-learning, and as many of double Q-learning")
      .add("dqn-seeds", settings->dqn_seeds, between(0, 10'000), "N", "DQNs trained; 0 for none")
      .group("Output")
      .output("curves", settings->curves, "FILE", "a CSV file with the curve of every run", Writing::kText,
              /*is_required=*/false);
  command.run = [settings](Run& run) {
    const auto config = run.read_config<ExactnessConfig>();
    const auto simulator = load_simulator_file(run, settings->simulator, settings->clock);
    const Exactness exact = measure_exactness(simulator, config,
                                              {.seed = run.seed,
                                               .q_seeds = settings->seeds,
                                               .dqn_seeds = settings->dqn_seeds,
                                               .threads = run.threads,
                                               .progress = run.progress});
    if (!settings->curves.empty()) write_file(settings->curves, curves_csv(exact));
    print_exactness(exact, run);
    run.write_json(result_json(exact), config_to_json(config), simulator->data_fingerprint);
  };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
