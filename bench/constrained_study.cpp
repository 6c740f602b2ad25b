// The experiment of docs/results/constrained.md: what policies under constraints keep and earn in a fitted simulator.
//   constrained_study SIMULATOR [--seeds N] [--steps N] [--sessions N] [--responses LIST] [--threads N] [--curves
//   FILE.csv] [--quick]
// Prints the bounds and one line a method; --curves writes the rates and multipliers of every update of the first seed.
// Rates are multiples of what a uniform choice among the same candidates would be given (ConstraintConfig::relative).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "agents/policy_gradient/actor_agents.h"
#include "agents/policy_gradient/actor_reports.h"
#include "core/range.h"
#include "env/fitted/simulator_file.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

struct StudySettings {
  std::string simulator, curves;
  std::vector<std::string> responses = {"like", "hate"};  // that are bounded: from above "hate", the others from below
  std::uint64_t seeds = 5;
  std::int64_t steps = 196'608;
  std::size_t sessions = 4096;
  int threads = 1;
  bool quick = false;
};

constexpr std::uint64_t kEvaluationSeed = 977;   // sessions that nobody was trained or chosen on
constexpr std::uint64_t kValidationSeed = 1001;  // training seed and sessions that choose lambda
constexpr double kSlack = 0.02;  // training aims beyond the bounds by this share: a policy under a multiplier swings

struct StudyRun {
  ActorEvaluation worth;
  Json updates = Json::array();  // its reports
};

class Study {
 public:
  explicit Study(const StudySettings& settings)
      : settings_(settings),
        simulator_(std::make_shared<Simulator>(load_simulator(settings.simulator))),
        bounds_(count(), 1.0) {}

  void run();

 private:
  std::size_t count() const noexcept { return settings_.responses.size(); }
  bool more(std::size_t i) const noexcept { return settings_.responses[i] != "hate"; }
  ActorConfig config(const std::string& algorithm) const {
    ActorConfig config = actor_defaults(algorithm);
    config.round_steps = 49'152;
    config.env_steps = settings_.steps;
    config.constraints.clear();
    for (std::size_t i = 0; i < count(); ++i) {
      ConstraintConfig& constraint = config.constraints.emplace_back();
      constraint.signal = settings_.responses[i];
      constraint.relative = true;
      (more(i) ? constraint.at_least : constraint.at_most) = bounds_[i] * (more(i) ? 1.0 + kSlack : 1.0 - kSlack);
    }
    // A training of some fifty updates: multipliers begin near where they end, and move faster than for long ones.
    if (algorithm == "rcpo" || algorithm == "lagrangian") {
      config.multiplier.initial = 1.0;
      config.multiplier.rate = algorithm == "rcpo" ? 0.5 : 0.2;
    }
    if (algorithm == "tscac") config.env_steps += static_cast<std::int64_t>(count()) * config.auxiliary_steps;
    return config;
  }
  StudyRun train(const ActorConfig& config, std::uint64_t seed, std::uint64_t judged_by) const {
    const OnlineResult trained =
        train_agent(simulator_, actor_agent(config), {.seed = seed, .threads = settings_.threads});
    return {evaluate_actor(simulator_, config, *trained.policy, Exploration::boltzmann(1.0F), settings_.sessions,
                           judged_by, settings_.threads),
            trained.learner->details()["updates"]};
  }
  ActorEvaluation uniform() const;
  // How far the worst-kept bound is missed, as a share of the bound; at most 0 where all are kept.
  double worst_excess(const ActorEvaluation& worth) const {
    double worst = -1e9;
    for (std::size_t i = 0; i < count(); ++i) {
      const double excess = worth.rates[i] / bounds_[i] - 1.0;
      worst = std::max(worst, more(i) ? -excess : excess);
    }
    return worst;
  }
  void find_bounds();
  void row(const std::string& name, const std::vector<StudyRun>& runs);
  void method(const std::string& name, const ActorConfig& config);
  double choose_lambda();

  StudySettings settings_;
  std::shared_ptr<const Simulator> simulator_;
  std::vector<double> bounds_;  // multiples of uniform choice's rates
  std::FILE* curves_ = nullptr;
};

ActorEvaluation Study::uniform() const {
  const ActorConfig any = config("ppo");
  const auto model = make_value_model("random", simulator_->catalogue, any.network, any.encoder, 1);
  return evaluate_actor(simulator_, any, ValuePolicy(model), Exploration::epsilon_greedy(1.0F), settings_.sessions,
                        kEvaluationSeed, settings_.threads);
}

// Halfway between what the unconstrained policy gives and the best that each response can be alone.
void Study::find_bounds() {
  row("uniform", {{uniform(), {}}});
  std::vector<double> own(count(), 0.0);
  std::vector<StudyRun> runs;
  for (std::uint64_t seed = 1; seed <= settings_.seeds; ++seed) {
    runs.push_back(train(config("ppo"), seed, kEvaluationSeed));
    for (std::size_t i = 0; i < count(); ++i)
      own[i] += runs.back().worth.rates[i] / static_cast<double>(settings_.seeds);
  }
  std::vector<double> next = bounds_;
  for (std::size_t i = 0; i < count(); ++i) {
    ActorConfig alone = config("ppo");
    alone.objective = settings_.responses[i];
    const StudyRun best = train(alone, 1, kEvaluationSeed);
    row(fmt::format("{} alone", settings_.responses[i]), {best});
    next[i] = 0.5 * (own[i] + best.worth.rates[i]);
  }
  bounds_ = next;
  fmt::print("{:<24}{:>26}", "bounds", "");
  for (std::size_t i = 0; i < count(); ++i)
    fmt::print(" {:>10}", fmt::format("{}{:.3f}", more(i) ? ">=" : "<=", bounds_[i]));
  fmt::print("\n");
  row("ppo, unconstrained", runs);
}

void Study::row(const std::string& name, const std::vector<StudyRun>& runs) {
  const auto seeds = static_cast<double>(runs.size());
  double reward = 0.0, square = 0.0, session = 0.0;
  std::vector<double> rates(count(), 0.0), broken(count(), 0.0);
  std::size_t all_kept = 0;
  for (const StudyRun& run : runs) {
    reward += run.worth.video_reward / seeds, square += run.worth.video_reward * run.worth.video_reward / seeds;
    session += run.worth.session_reward / seeds;
    bool kept = true;
    for (std::size_t i = 0; i < count(); ++i) {
      rates[i] += run.worth.rates[i] / seeds;
      const bool own = more(i) ? run.worth.rates[i] >= bounds_[i] : run.worth.rates[i] <= bounds_[i];
      broken[i] += own ? 0.0 : 1.0;
      kept = kept && own;
    }
    all_kept += kept;
  }
  fmt::print("{:<24} {:>7.2f} {:>8.3f} {:>7.3f}  ", name, session, reward,
             std::sqrt(std::max(0.0, square - reward * reward)));
  for (std::size_t i = 0; i < count(); ++i) fmt::print(" {:>7.4f}({:.0f})", rates[i], broken[i]);
  fmt::print("   {}/{}\n", all_kept, runs.size());
  std::fflush(stdout);
  if (curves_ == nullptr || runs[0].updates.empty()) return;
  for (const Json& r : runs[0].updates) {
    fmt::print(curves_, "{},{},{:.5f},{:.4f},{:.5f}", name, r["env_steps"].get<std::int64_t>(),
               r["reward"].get<double>(), r["entropy"].get<double>(), r["kl"].get<double>());
    for (const double rate : r["rates"]) fmt::print(curves_, ",{:.6f}", rate);
    for (const double one : r["multipliers"]) fmt::print(curves_, ",{:.4f}", one);
    fmt::print(curves_, "\n");
  }
  std::fflush(curves_);
}

void Study::method(const std::string& name, const ActorConfig& config) {
  std::vector<StudyRun> runs;
  for (std::uint64_t seed = 1; seed <= settings_.seeds; ++seed) runs.push_back(train(config, seed, kEvaluationSeed));
  row(name, runs);
}

// Of the lambdas that keep every bound the one that earns most, else the one that misses its worst by least; by a
// training seed and sessions of their own.
double Study::choose_lambda() {
  double best = 0.0, best_score = -1e18;
  for (const double lambda : {0.1, 0.3, 1.0, 3.0}) {
    ActorConfig own = config("tscac");
    own.tscac_lambda = lambda;
    const StudyRun run = train(own, kValidationSeed, kValidationSeed);
    row(fmt::format("tscac {:g}, validation", lambda), {run});
    const double excess = worst_excess(run.worth);
    const double score = excess <= 0.0 ? 1e6 + run.worth.video_reward : -excess;
    if (score > best_score) best_score = score, best = lambda;
  }
  return best;
}

void Study::run() {
  if (!settings_.curves.empty()) {
    curves_ = std::fopen(settings_.curves.c_str(), "w");
    fmt::print(curves_, "method,env_steps,reward,entropy,kl,{},l_{}\n", fmt::join(settings_.responses, ","),
               fmt::join(settings_.responses, ",l_"));
  }
  fmt::print("{:<24} {:>7} {:>8} {:>7}  ", "method", "session", "a video", "sd");
  for (const std::string& response : settings_.responses) fmt::print(" {:>10}", response);
  fmt::print("   all kept\n");
  find_bounds();
  if (settings_.quick) return;
  method("lagrangian, adam", config("lagrangian"));
  method("rcpo, one critic", config("rcpo"));
  ActorConfig pid = config("lagrangian");
  pid.multiplier.rule = "pid";
  method("lagrangian, pid", pid);
  ActorConfig many = config("rcpo");
  many.critics = "many";
  method("rcpo, many critics", many);
  ActorConfig tscac = config("tscac");
  tscac.tscac_lambda = choose_lambda();
  method(fmt::format("tscac, lambda {:g}", tscac.tscac_lambda), tscac);
  for (const double weight : {0.3, 1.0, 3.0}) {
    ActorConfig scalarised = config("lagrangian");
    scalarised.multiplier.rule = "fixed";
    scalarised.multiplier.initial = weight;
    method(fmt::format("weighted sum, {:g}", weight), scalarised);
  }
  if (curves_ != nullptr) std::fclose(curves_);
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  using namespace swipegym;
  swipegym::StudySettings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (word == "--seeds")
      settings.seeds = parse_number<decltype(settings.seeds)>(word, value(), between(1, 10'000));
    else if (word == "--steps")
      settings.steps = parse_number<decltype(settings.steps)>(word, value(), ranges::kEnvSteps);
    else if (word == "--sessions")
      settings.sessions = parse_number<decltype(settings.sessions)>(word, value(), ranges::kSessions);
    else if (word == "--threads")
      settings.threads = parse_number<decltype(settings.threads)>(word, value(), between(0, 1'024));
    else if (word == "--curves")
      settings.curves = value();
    else if (word == "--responses") {
      settings.responses.clear();
      std::istringstream names(value());
      for (std::string name; std::getline(names, name, ',');) settings.responses.push_back(name);
    } else if (word == "--quick")
      settings.quick = true;
    else
      settings.simulator = word;
  }
  try {
    swipegym::Study(settings).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "constrained_study: {}\n", error.what());
    return 1;
  }
  return 0;
}
