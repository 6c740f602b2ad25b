#include "evaluation/studies/convergence_cell.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "agents/dqn/full_output_learner.h"
#include "agents/registry.h"
#include "agents/train_online.h"
#include "core/config.h"
#include "core/error.h"
#include "core/stopwatch.h"
#include "env/candidate_sources.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/studies/greedy_sessions.h"
#include "policy/policy_file.h"
#include "policy/select.h"

namespace swipegym {
namespace {

double session_mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The Q-learning of a cell, whatever its network.
DqnConfig cell_dqn(const ConvergenceConfig& config, const Cell& cell, std::size_t num_videos) {
  DqnConfig dqn = config.dqn;
  const bool all = cell.size >= num_videos;
  dqn.world.source = all ? "full" : "random";
  dqn.world.candidates = all ? num_videos : cell.size;
  // On millions of videos a fixed draw stands in for all of them in the maximum of s'.
  constexpr std::size_t kMostFresh = 10'000;
  dqn.fresh_candidates = std::min(dqn.world.candidates, dqn.fresh_candidates == 0 ? kMostFresh : dqn.fresh_candidates);
  dqn.round_steps = std::max<std::int64_t>(1, dqn.env_steps / static_cast<std::int64_t>(config.evaluations));
  const ConvergenceVariant& variant = find_convergence_variant(cell.agent);
  if (variant.retrieves()) {
    if (config.retrieval.file.empty())
      throw InputError(
          fmt::format("agent '{}' chooses among what is retrieved: name a policy file that retrieves", variant.name));
    dqn.world.source = config.retrieval.file;
    dqn.world.candidates = std::min(config.retrieval.candidates, num_videos);
    dqn.fresh_candidates = 0;  // lists are users' own: no fresh draw stands in for them
  }
  if (variant.change) variant.change(dqn);
  return dqn;
}

// What a cell's agent chooses among.
std::shared_ptr<const CandidateSource> cell_source(const std::shared_ptr<const Simulator>& simulator,
                                                   const ConvergenceConfig& config, const std::string& agent,
                                                   const DqnConfig& dqn, int threads) {
  if (find_convergence_variant(agent).search != ConvergenceVariant::Search::kIndex)
    return make_candidates(dqn.world, simulator, 0, threads);
  const auto retriever = load_policy(config.retrieval.file, simulator->catalogue);
  return retrieve_candidates(simulator, *retriever, dqn.world.candidates, threads, config.retrieval.index);
}

GreedySessions evaluate_cell(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> source,
                             const DqnConfig& dqn, const Policy& policy, const ConvergenceConfig& config,
                             std::size_t sessions, bool promises, int threads) {
  GreedySessionsConfig evaluation{.sessions = sessions,
                                  .seed = config.session_seed,
                                  .discount = dqn.discount,
                                  .promises = promises,
                                  .env = env_config(dqn.world, {.threads = threads})};
  return greedy_sessions(std::move(simulator), std::move(source), policy, evaluation);
}

constexpr std::pair<const char*, double CurvePoint::*> kPointFigures[] = {
    {"seconds", &CurvePoint::seconds},
    {"reward", &CurvePoint::reward},
    {"discounted", &CurvePoint::discounted},
    {"promised", &CurvePoint::promised},
    {"largest", &CurvePoint::largest},
    {"loss", &CurvePoint::loss},
    {"gradient_norm", &CurvePoint::gradient_norm}};

CellResult train_cell(Learner& learner, VectorEnv& env, const std::shared_ptr<const Simulator>& simulator,
                      const std::shared_ptr<const CandidateSource>& source, const ConvergenceConfig& config,
                      const DqnConfig& dqn, std::uint64_t seed, int threads, const Progress& progress) {
  std::vector<std::uint32_t> visits(simulator->catalogue.num_videos(), 0);
  CellResult result;
  OnlineTraining online{.seed = seed, .env_steps = dqn.env_steps, .round_steps = dqn.round_steps, .progress = progress};
  online.after_step = [&](const StepView& step) {
    for (std::size_t row = 0; row < dqn.num_envs; ++row)
      if (!step.autoreset[row]) ++visits[static_cast<std::size_t>(step.video[row])];
  };
  double seconds = 0.0;
  Stopwatch resumed;
  online.after_round = [&](const std::vector<RoundReport>& rounds) {
    seconds += resumed.seconds();
    const std::shared_ptr<const Policy> newest = learner.snapshot();
    const GreedySessions greedy =
        evaluate_cell(simulator, source, dqn, *newest, config, config.sessions, /*promises=*/true, threads);
    const RoundReport& round = rounds.back();
    CurvePoint point{.env_steps = round.env_steps,
                     .updates = round.learner.updates,
                     .seconds = seconds,
                     .reward = session_mean(greedy.reward),
                     .discounted = session_mean(greedy.discounted),
                     .promised = session_mean(greedy.promised) / dqn.reward_scale,
                     .loss = round.learner.loss,
                     .gradient_norm = round.learner.gradient_norm};
    for (const float value : greedy.promised)
      point.largest = std::max(point.largest, std::abs(static_cast<double>(value)) / dqn.reward_scale);
    result.curve.push_back(point);
    result.final_reward = greedy.reward;
    result.network_bytes = learner.bytes().network;
    resumed = {};
  };
  try {
    train_online(learner, env, online);
  } catch (const NotScored&) {
    // It has diverged, and the point behind the last says so: a policy that cannot choose earns nothing.
    const double none = std::numeric_limits<double>::quiet_NaN();
    const CurvePoint last = result.curve.empty() ? CurvePoint{} : result.curve.back();
    result.curve.push_back({.env_steps = last.env_steps + dqn.round_steps,
                            .updates = last.updates,
                            .seconds = seconds,
                            .promised = none,
                            .loss = none,
                            .gradient_norm = none});
    result.final_reward.assign(config.sessions, 0.0F);
  }
  result.tried =
      1.0 - static_cast<double>(std::count(visits.begin(), visits.end(), 0U)) / static_cast<double>(visits.size());
  result.visits_gini = gini(std::move(visits));
  result.replay_bytes = learner.bytes().replay;
  return result;
}

}  // namespace

DqnConfig ConvergenceConfig::convergence_dqn() {
  DqnConfig dqn;
  dqn.env_steps = 100'000;
  dqn.learning_starts = 5'000;
  dqn.replay_capacity = 100'000;
  // One network for all action spaces: a product, which searches ten videos and four million alike.
  dqn.network.state_hidden = {64};
  dqn.network.width = 16;
  dqn.network.interaction_hidden = 0;
  dqn.encoder.cross = false;
  return dqn;
}

void check(const ConvergenceConfig& config) {
  check_ranges(config);
  require_setting(config.oracle_sessions <= config.sessions, "oracle_sessions", config.oracle_sessions,
                  "at most 'sessions': they are the first of them");
}

std::span<const ConvergenceVariant> convergence_variants() {
  static const ConvergenceVariant variants[] = {
      {"dqn", "dqn", "as configured", nullptr},
      {"single", "dqn", "without double Q-learning", [](DqnConfig& dqn) { dqn.double_q = false; }},
      {"bandit", "dqn", "with discount 0", [](DqnConfig& dqn) { dqn.discount = 0.0F; }},
      {"full-output", "full-output", "one output a video, up to 10,000", nullptr},
      {"retrieved", "dqn", "among what --retriever finds exactly of all videos", nullptr,
       ConvergenceVariant::Search::kExact},
      {"wolpertinger", "dqn", "the same over an index", nullptr, ConvergenceVariant::Search::kIndex}};
  return variants;
}

const ConvergenceVariant& find_convergence_variant(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ConvergenceVariant& variant : convergence_variants()) {
    if (variant.name == name) return variant;
    names.push_back(variant.name);
  }
  throw InputError(fmt::format("unknown agent '{}': use one of {}", name, fmt::join(names, ", ")));
}

std::vector<std::string> convergence_agents() {
  std::vector<std::string> names;
  for (const ConvergenceVariant& variant : convergence_variants())
    if (variant.agent == "dqn" && !variant.retrieves()) names.emplace_back(variant.name);
  return names;
}

Agent cell_agent(const ConvergenceConfig& config, const Cell& cell, std::size_t num_videos) {
  const ConvergenceVariant& variant = find_convergence_variant(cell.agent);
  Json settings = config_to_json(cell_dqn(config, cell, num_videos));
  if (variant.agent == "full-output") {
    if (num_videos > kMostOutputs)
      throw InputError(
          fmt::format("agent 'full-output' has one output a video: the simulator has {} videos, expected at most {}",
                      num_videos, kMostOutputs));
    settings = config_to_json(FullOutputConfig{cell_dqn(config, cell, num_videos), config.full_output_hidden});
  }
  return find_agent(variant.agent).with({settings, "the settings of converge"});
}

CellResult run_cell(std::shared_ptr<const Simulator> simulator, const ConvergenceConfig& config, const Cell& cell,
                    int threads, const Progress& progress) {
  const std::size_t videos = simulator->catalogue.num_videos();
  const Agent agent = cell_agent(config, cell, videos);
  const DqnConfig dqn = cell_dqn(config, cell, videos);
  const auto source = cell_source(simulator, config, cell.agent, dqn, threads);
  VectorEnv env(simulator, source, env_config(dqn.world, {.num_envs = dqn.num_envs, .threads = threads}));
  const std::unique_ptr<Learner> learner = agent.make_learner(simulator, {.seed = cell.seed, .threads = threads});
  return train_cell(*learner, env, simulator, source, config, dqn, cell.seed, threads, progress);
}

VectorEnvConfig baseline_env(const ConvergenceConfig& config, std::size_t size, std::size_t num_videos, int threads) {
  return env_config(cell_dqn(config, {.size = size}, num_videos).world, {.threads = threads});
}

std::vector<float> baseline(std::shared_ptr<const Simulator> simulator, const ConvergenceConfig& config,
                            std::size_t size, const Policy& policy, std::size_t sessions, int threads) {
  const DqnConfig dqn = cell_dqn(config, {.size = size}, simulator->catalogue.num_videos());
  auto source = make_candidates(dqn.world, simulator);
  return evaluate_cell(std::move(simulator), std::move(source), dqn, policy, config, sessions, /*promises=*/false,
                       threads)
      .reward;
}

Json to_json(const CellResult& result) {
  Json curve = Json::array();
  for (const CurvePoint& p : result.curve) {
    curve.push_back({{"env_steps", p.env_steps}, {"updates", p.updates}});
    for (const auto& [name, figure] : kPointFigures) curve.back()[name] = p.*figure;
  }
  return {{"curve", std::move(curve)}, {"final_reward", result.final_reward}, {"visits_gini", result.visits_gini},
          {"tried", result.tried},     {"replay_bytes", result.replay_bytes}, {"network_bytes", result.network_bytes}};
}

CellResult cell_from_json(const Json& json) try {
  // A diverged training has figures that are not numbers, which JSON writes as null.
  const auto number = [](const Json& value) { return value.is_null() ? std::nan("") : value.get<double>(); };
  CellResult result;
  for (const Json& p : json.at("curve")) {
    CurvePoint& point = result.curve.emplace_back();
    p.at("env_steps").get_to(point.env_steps);
    p.at("updates").get_to(point.updates);
    for (const auto& [name, figure] : kPointFigures) point.*figure = number(p.at(name));
  }
  json.at("final_reward").get_to(result.final_reward);
  result.visits_gini = number(json.at("visits_gini"));
  result.tried = number(json.at("tried"));
  json.at("replay_bytes").get_to(result.replay_bytes);
  json.at("network_bytes").get_to(result.network_bytes);
  return result;
} catch (const Json::exception&) {
  throw InputError("a training's result in the folder of the study is damaged; remove its file");
}

}  // namespace swipegym
