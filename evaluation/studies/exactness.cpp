#include "evaluation/studies/exactness.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "agents/dqn/dqn_learner.h"
#include "agents/train_online.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/vector_env.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kProbeEnvs = 256;
constexpr std::int64_t kProbeSteps = 200'000;  // decisions from which a policy's choice in each state is read
constexpr int kSlopeResamples = 1000;

std::uint64_t numbered_seed(std::uint64_t seed, std::uint64_t number) {
  return RandomStream(split(make_key(seed), number)).next_u64();
}

VectorEnv open_reduced(const TabularSimulator& tabular, const DqnConfig& config, int threads) {
  return VectorEnv(tabular.simulator, tabular.candidates,
                   {.num_envs = config.num_envs,
                    .threads = threads,
                    .history_length = config.world.history_length,
                    .max_steps = config.world.max_steps});
}

// Least squares of log error on log sweeps, over the points of the last decade.
double last_decade_slope(const std::vector<TabularQPoint>& points, const std::vector<double>& error) {
  double n = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (10 * points[i].sweeps < points.back().sweeps || error[i] <= 0.0) continue;
    const double u = std::log(static_cast<double>(points[i].sweeps)), v = std::log(error[i]);
    n += 1.0, x += u, y += v, xx += u * u, xy += u * v;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

QLearningRuns learn_tables(const Exactness& exact, const ExactnessConfig& config, const ExactnessRun& run,
                           bool double_q, std::vector<double>* last_table) {
  const auto seeds = static_cast<std::size_t>(run.q_seeds);
  const TabularQLearning settings{
      .sweeps = config.sweeps, .points_per_decade = config.points_per_decade, .double_q = double_q};
  std::vector<std::vector<TabularQPoint>> curves(seeds);
  const auto workers = static_cast<std::size_t>(worker_count(run.threads));
  const char* what = double_q ? "double Q-learning" : "Q-learning";
  report(run.progress, what, 0, seeds);
  for (std::size_t first = 0; first < seeds; first += workers) {  // so that progress is told between runs
    const std::size_t count = std::min(workers, seeds - first);
    std::vector<LearnedTable> learned(count);
    parallel_for(count, run.threads, [&](std::size_t i, int) {
      learned[i] = learn_tabular_q(exact.mdp, exact.solved.q, settings, numbered_seed(run.seed, first + i));
    });
    for (std::size_t i = 0; i < count; ++i) curves[first + i] = std::move(learned[i].curve);
    *last_table = std::move(learned.back().q);
    report(run.progress, what, first + count, seeds);
  }
  return summarise(std::move(curves), split(make_key(run.seed), Draw::kBatch));
}

double value_of(const TabularMdp& mdp, std::span<const std::int32_t> actions) {
  return start_value(mdp, evaluate_actions(mdp, actions));
}

std::vector<ExactValue> value_policies(const TabularMdp& mdp, const SolvedMdp& solved,
                                       std::span<const double> learned) {
  TabularMdp myopic = mdp;
  myopic.discount = 0.0;
  const std::vector<double> uniform(mdp.pairs(), 1.0 / static_cast<double>(mdp.actions));
  return {{"optimal", value_of(mdp, greedy_actions(mdp, solved.q))},
          {"tabular Q-learning", value_of(mdp, greedy_actions(mdp, learned))},
          {"best next reward (discount 0)", value_of(mdp, greedy_actions(mdp, iterate_values(myopic).q))},
          {"uniform", start_value(mdp, evaluate_policy(mdp, uniform))}};
}

// What the exact world asks of a DQN's settings.
DqnConfig fit_to(const TabularWorld& world, DqnConfig config, double discount) {
  config.world.source = "random";  // a word for what the world offers by itself: all of its kinds
  config.world.candidates = world.kinds;
  config.discount = static_cast<float>(discount);
  config.world.reward = {};
  return config;
}

}  // namespace

DqnConfig reduced_world_dqn() {
  DqnConfig config;
  config.world.history_length = 1;
  config.n_step = 1;
  config.encoder.session_clock = false;
  return config;
}

DqnConfig measured_dqn() {
  DqnConfig config = reduced_world_dqn();
  config.env_steps = 8'000'000, config.round_steps = 800'000, config.replay_capacity = 4'000'000;
  config.steps_per_update = 640, config.target_every = 100;
  config.epsilon_end = 0.3F, config.epsilon_share = 0.2F;
  config.weight_decay = 0.0F, config.final_learning_rate = 1e-5F;
  return config;
}

void check(const ExactnessConfig& config) {
  check_ranges(config);
  check(config.reduction);
  check(config.dqn);
}

QLearningRuns summarise(std::vector<std::vector<TabularQPoint>> curves, RandomKey key) {
  QLearningRuns out;
  const std::size_t seeds = curves.size(), points = curves.front().size();
  const auto mean_error = [&](const std::vector<std::size_t>& chosen) {
    std::vector<double> error(points, 0.0);
    for (const std::size_t seed : chosen)
      for (std::size_t i = 0; i < points; ++i) error[i] += curves[seed][i].error / static_cast<double>(seeds);
    return error;
  };
  std::vector<std::size_t> chosen(seeds);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  const std::vector<double> all = mean_error(chosen);
  RandomStream random(key);
  std::vector<double> slopes, finals;
  for (int resample = 0; resample < kSlopeResamples; ++resample) {
    for (std::size_t& seed : chosen) seed = random.below(static_cast<std::uint32_t>(seeds));
    const std::vector<double> error = mean_error(chosen);
    slopes.push_back(last_decade_slope(curves.front(), error));
    finals.push_back(error.back());
  }
  out.slope = percentile_interval(last_decade_slope(curves.front(), all), std::move(slopes));
  out.final_error = percentile_interval(all.back(), std::move(finals));
  for (const auto& curve : curves) out.worst_final = std::max(out.worst_final, curve.back().error);
  out.curves = std::move(curves);
  return out;
}

std::vector<double> choices_in_states(const Policy& policy, const TabularSimulator& tabular, std::size_t history_length,
                                      std::span<const double> q, std::int64_t steps, std::uint64_t seed) {
  const TabularWorld& world = tabular.world;
  const auto max_steps = static_cast<int>(tabular.simulator->catalogue.num_videos() / world.kinds);
  VectorEnv env(tabular.simulator, tabular.candidates,
                {.num_envs = kProbeEnvs, .threads = 1, .history_length = history_length, .max_steps = max_steps});
  std::vector<std::uint64_t> seeds(kProbeEnvs);
  for (std::size_t i = 0; i < kProbeEnvs; ++i) seeds[i] = numbered_seed(seed, i);
  env.reset(seeds);
  const std::vector<RandomKey> keys(kProbeEnvs);
  const std::vector<std::uint32_t> streams(kProbeEnvs);
  std::vector<float> scores(kProbeEnvs * world.kinds);
  std::vector<std::int32_t> greedy(kProbeEnvs), actions(kProbeEnvs);
  std::vector<double> chosen(world.states() * world.kinds, 0.0);
  RandomStream random(split(make_key(seed), Draw::kAction));
  for (std::int64_t step = 0; step < steps; step += kProbeEnvs) {
    const DecisionBatch batch{env.observation(), &env, keys, streams, 1};
    score_slots(policy, batch, scores);
    select_actions(batch, scores, Exploration::greedy(), greedy);
    for (std::size_t i = 0; i < kProbeEnvs; ++i) {
      chosen[tabular.state(batch.observation, i) * world.kinds + static_cast<std::size_t>(greedy[i])] += 1.0;
      actions[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(world.kinds)));
    }
    env.step(actions);
  }
  for (std::size_t s = 0; s < world.states(); ++s) {
    double* row = &chosen[s * world.kinds];
    const double total = std::accumulate(row, row + world.kinds, 0.0);
    const auto values = q.subspan(s * world.kinds, world.kinds);
    if (total == 0.0)
      row[std::min_element(values.begin(), values.end()) - values.begin()] = 1.0;
    else
      for (std::size_t a = 0; a < world.kinds; ++a) row[a] /= total;
  }
  return chosen;
}

std::shared_ptr<const Policy> train_reduced_dqn(const TabularSimulator& tabular, const DqnConfig& config,
                                                std::uint64_t seed, int threads, const Progress& progress) {
  check(config);
  DqnLearner learner(tabular.simulator, config, seed, threads);
  VectorEnv env = open_reduced(tabular, config, threads);
  train_online(learner, env,
               {.seed = seed, .env_steps = config.env_steps, .round_steps = config.round_steps, .progress = progress});
  return learner.snapshot();
}

Exactness measure_exactness(std::shared_ptr<const Simulator> simulator, const ExactnessConfig& config,
                            const ExactnessRun& run) {
  check(config);
  if (run.q_seeds < 1 || run.dqn_seeds < 0) throw InputError("at least 1 run of Q-learning, and 0 DQNs, are needed");
  Exactness out;
  out.reduction = reduce_simulator(std::move(simulator), config.reduction, run.seed, run.threads, run.progress);
  const TabularWorld& world = out.reduction.world;
  out.mdp = make_mdp(world, config.discount);
  out.solved = iterate_values(out.mdp);
  const auto [least, most] = std::minmax_element(out.solved.q.begin(), out.solved.q.end());
  out.value_range = *most - *least;

  std::vector<double> table, double_table;
  out.single = learn_tables(out, config, run, false, &table);
  out.twice = learn_tables(out, config, run, true, &double_table);
  out.policies = value_policies(out.mdp, out.solved, table);

  const DqnConfig dqn = fit_to(world, config.dqn, config.discount);
  const TabularSimulator tabular = make_tabular_simulator(world, static_cast<std::size_t>(dqn.world.max_steps));
  for (int i = 0; i < run.dqn_seeds; ++i) {
    const std::uint64_t seed = numbered_seed(run.seed, static_cast<std::uint64_t>(i));
    const auto policy = train_reduced_dqn(tabular, dqn, seed, run.threads, run.progress);
    const std::vector<double> chosen =
        choices_in_states(*policy, tabular, dqn.world.history_length, out.solved.q, kProbeSteps, run.seed);
    ExactValue value{.name = "dqn", .value = start_value(out.mdp, evaluate_policy(out.mdp, chosen)), .agreement = 0.0};
    for (std::size_t s = 0; s < out.mdp.states; ++s) {
      const auto row = std::span(chosen).subspan(s * out.mdp.actions, out.mdp.actions);
      value.agreement += *std::max_element(row.begin(), row.end()) / static_cast<double>(out.mdp.states);
    }
    out.dqn.push_back(value);
  }
  return out;
}

}  // namespace swipegym
