// The experiment of docs/results/constrained.md: what policies under constraints keep and earn in a fitted simulator.
//   constrained_study SIMULATOR [--seeds N] [--steps N] [--sessions N] [--validation N] [--responses LIST]
//                     [--only LIST] [--keep DIR] [--curves FILE.csv] [--threads N]
// Prints the bounds, what validation chooses, and a table. Rates are multiples of what a uniform choice among the same
// candidates would be given (ConstraintConfig::relative). --keep: what a training came to is kept in DIR and not done
// again, so that an interrupted study goes on. --only: some of its methods, by their first words. --curves: rates and
// multipliers of every update of every training.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "agents/policy_gradient/actor_agents.h"
#include "agents/policy_gradient/actor_reports.h"
#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/range.h"
#include "env/fitted/simulator_file.h"
#include "evaluation/metrics/bootstrap.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

struct StudySettings {
  std::string simulator, curves, keep;
  std::vector<std::string> responses = {"like", "hate"};  // that are bounded: from above "hate", the others from below
  std::vector<std::string> only;
  std::uint64_t seeds = 5;
  std::int64_t steps = 491'520;
  std::size_t sessions = 16'384, validation = 8'192;
  int threads = 1;
};

constexpr std::uint64_t kJudge = 977;  // sessions that nobody was trained or chosen on
constexpr std::uint64_t kValidation =
    1001;                        // training seed and sessions that say where to aim, and choose settings but `hold`
constexpr double kWaste = 0.03;  // beyond a bound by more than this share is waste
constexpr double kSlack = kWaste / 2;  // trainings aim between the two
constexpr std::string_view kKeptKind = "constrained study run";

struct StudyRun {
  ActorEvaluation worth;
  std::vector<double> multipliers;  // means over the last quarter of the updates
};

struct Method {
  std::string name;
  std::vector<StudyRun> runs;  // of each training seed
};

class Study {
 public:
  explicit Study(const StudySettings& settings)
      : settings_(settings),
        simulator_(std::make_shared<Simulator>(load_simulator(settings.simulator))),
        bounds_(count(), 1.0),
        aims_(count(), 1.0) {}

  void run();

 private:
  std::size_t count() const noexcept { return settings_.responses.size(); }
  bool more(std::size_t i) const noexcept { return settings_.responses[i] != "hate"; }
  bool wanted(const std::string& name) const {
    return settings_.only.empty() || std::any_of(settings_.only.begin(), settings_.only.end(),
                                                 [&](const std::string& word) { return name.rfind(word, 0) == 0; });
  }
  ActorConfig config(const std::string& algorithm) const;
  ActorConfig multiplied(const std::string& algorithm, const std::string& rule, const std::string& critics) const;
  std::size_t sessions_of(std::uint64_t judge) const noexcept {
    return judge == kJudge ? settings_.sessions : settings_.validation;
  }
  std::vector<StudyRun> train(const std::string& name, const ActorConfig& config, std::uint64_t seed,
                              const std::vector<std::uint64_t>& judges);
  void write_curves(const std::string& name, std::uint64_t seed, const Json& updates);
  ActorEvaluation uniform() const;
  std::vector<double> excesses(const ActorEvaluation& worth, const std::vector<double>& bounds) const;
  double worst(const ActorEvaluation& worth, const std::vector<double>& bounds) const {
    const std::vector<double> all = excesses(worth, bounds);
    return *std::min_element(all.begin(), all.end());
  }
  bool better(const StudyRun& a, const StudyRun& b) const;
  void find_bounds();
  void method(const std::string& name, const ActorConfig& config);
  void choose_weights();
  void choose_lambda();
  void print_validation(const std::string& name, const StudyRun& run) const;
  void print_table() const;

  StudySettings settings_;
  std::shared_ptr<const Simulator> simulator_;
  std::vector<double> bounds_;  // multiples of uniform choice's rates, halfway on the judge's sessions
  std::vector<double> aims_;    // halfway on the sessions of validation: what trainings know of it
  std::vector<Method> methods_;
  std::FILE* curves_ = nullptr;
};

ActorConfig Study::config(const std::string& algorithm) const {
  ActorConfig config = actor_defaults(algorithm);
  config.env_steps = settings_.steps;
  config.constraints.clear();
  for (std::size_t i = 0; i < count(); ++i) {
    ConstraintConfig& constraint = config.constraints.emplace_back();
    constraint.signal = settings_.responses[i];
    constraint.relative = true;
    (more(i) ? constraint.at_least : constraint.at_most) = aims_[i] * (more(i) ? 1.0 + kSlack : 1.0 - kSlack);
  }
  // Chosen by the seed of validation. One round: where all sessions begin at once, rates are those of first videos for
  // a while. Entropy keeps the policy able to turn while multipliers move.
  if (algorithm == "rcpo" || algorithm == "lagrangian" || algorithm == "cpo") {
    config.round_steps = config.env_steps;
    config.average = algorithm == "cpo" ? 0.1 : 0.25;  // steps of a trust region do not shrink
  }
  if (algorithm == "tscac") config.env_steps += static_cast<std::int64_t>(count()) * config.auxiliary_steps;
  return config;
}

// With multipliers that begin where trainings by another seed left them, wait until the policy has learned, and move
// slowly: a dozen sessions of ten thousand decide the rate of hates, so what a rollout shows is mostly who was in it.
ActorConfig Study::multiplied(const std::string& algorithm, const std::string& rule, const std::string& critics) const {
  ActorConfig config = this->config(algorithm);
  const bool summed = critics == "one";  // rewards less costs, in their own units; else advantages of deviation 1
  config.critics = critics;
  config.entropy = summed ? 0.01F : 0.02F;
  for (ConstraintConfig& constraint : config.constraints)
    constraint.multiplier = constraint.signal == "hate" ? (summed ? 0.64 : 0.5) : (summed ? 0.68 : 2.05);
  config.multiplier.rule = rule;
  config.multiplier.hold = 0.3;
  config.multiplier.rate = rule == "adam" ? 0.02 : summed ? 0.05 : 0.15;
  config.multiplier.final_rate = 0.2 * config.multiplier.rate;
  config.multiplier.proportional = 0.5, config.multiplier.integral = 0.1, config.multiplier.smoothing = 0.9;
  return config;
}

// What a training came to, as a file that a later run reads: its name says by what it was made.
std::filesystem::path kept_file(const StudySettings& settings, const std::string& identity) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const char letter : identity) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
  return std::filesystem::path(settings.keep) / fmt::format("{:016x}.h5", hash);
}

void keep_run(const std::filesystem::path& path, const std::string& name, const StudyRun& run) {
  Hdf5Writer file(path);
  file.attribute("kind", kKeptKind);
  file.attribute("schema_version", std::int64_t{1});
  file.attribute("name", name);
  file.write("multipliers", run.multipliers);
  file.write("rewards", run.worth.rewards);
  for (std::size_t i = 0; i < run.worth.given.size(); ++i) {
    file.write(fmt::format("given_{}", i), run.worth.given[i]);
    file.write(fmt::format("against_{}", i), run.worth.against[i]);
  }
  file.write("scalars", std::vector<double>{run.worth.session_reward, run.worth.session_error, run.worth.session_videos,
                                            run.worth.video_reward});
  file.write("rates", run.worth.rates);
  file.commit();
}

StudyRun kept_run(const std::filesystem::path& path, std::size_t constraints) {
  const Hdf5Reader file(path, kKeptKind, 1);
  StudyRun run;
  run.multipliers = file.read<double>("multipliers");
  run.worth.rewards = file.read<float>("rewards");
  for (std::size_t i = 0; i < constraints; ++i) {
    run.worth.given.push_back(file.read<float>(fmt::format("given_{}", i)));
    run.worth.against.push_back(file.read<float>(fmt::format("against_{}", i)));
  }
  const std::vector<double> scalars = file.read<double>("scalars");
  run.worth.sessions = run.worth.rewards.size();
  run.worth.session_reward = scalars.at(0), run.worth.session_error = scalars.at(1);
  run.worth.session_videos = scalars.at(2), run.worth.video_reward = scalars.at(3);
  run.worth.rates = file.read<double>("rates");
  return run;
}

// Trains unless what every judge says of it is kept; one run a judge.
std::vector<StudyRun> Study::train(const std::string& name, const ActorConfig& config, std::uint64_t seed,
                                   const std::vector<std::uint64_t>& judges) {
  std::vector<std::filesystem::path> paths;
  for (const std::uint64_t judge : judges)
    paths.push_back(
        settings_.keep.empty()
            ? ""
            : kept_file(settings_, fmt::format("{} {} {} {} {}", simulator_->data_fingerprint,
                                               config_to_json(config).dump(), seed, judge, sessions_of(judge))));
  std::vector<StudyRun> runs;
  if (std::all_of(paths.begin(), paths.end(), [](const auto& path) { return std::filesystem::exists(path); })) {
    for (const std::filesystem::path& path : paths) runs.push_back(kept_run(path, count()));
    return runs;
  }
  const OnlineResult trained =
      train_agent(simulator_, actor_agent(config), {.seed = seed, .threads = settings_.threads});
  const Json updates = trained.learner->details()["updates"];
  const std::size_t from = updates.size() - (updates.size() + 3) / 4;
  std::vector<double> multipliers(count(), 0.0);
  for (std::size_t update = from; update < updates.size(); ++update)
    for (std::size_t i = 0; i < count(); ++i)
      multipliers[i] += updates[update]["multipliers"][i].get<double>() / static_cast<double>(updates.size() - from);
  write_curves(name, seed, updates);
  for (std::size_t k = 0; k < judges.size(); ++k) {
    runs.push_back({.worth = evaluate_actor(simulator_, config, *trained.policy, Exploration::boltzmann(1.0F),
                                            sessions_of(judges[k]), judges[k], settings_.threads),
                    .multipliers = multipliers});
    const StudyRun& run = runs.back();
    if (!paths[k].empty()) keep_run(paths[k], fmt::format("{} seed {} judge {}", name, seed, judges[k]), run);
    fmt::print(stderr, "{} seed {} judge {}: {:.1f} s, {:.4f}, multipliers {:.3f}\n", name, seed, judges[k],
               run.worth.session_reward, fmt::join(run.worth.rates, " "), fmt::join(run.multipliers, " "));
  }
  return runs;
}

void Study::write_curves(const std::string& name, std::uint64_t seed, const Json& updates) {
  if (curves_ == nullptr) return;
  for (const Json& r : updates) {
    fmt::print(curves_, "\"{}\",{},{},{:.5f},{:.4f},{:.5f}", name, seed, r["env_steps"].get<std::int64_t>(),
               r["reward"].get<double>(), r["entropy"].get<double>(), r["kl"].get<double>());
    for (const double rate : r["rates"]) fmt::print(curves_, ",{:.6f}", rate);
    for (const double one : r["multipliers"]) fmt::print(curves_, ",{:.4f}", one);
    fmt::print(curves_, "\n");
  }
  std::fflush(curves_);
}

ActorEvaluation Study::uniform() const {
  const ActorConfig any = config("ppo");
  const auto model = make_value_model("random", simulator_->catalogue, any.network, any.encoder, 1);
  return evaluate_actor(simulator_, any, ValuePolicy(model), Exploration::epsilon_greedy(1.0F), settings_.sessions,
                        kJudge, settings_.threads);
}

// How far beyond each bound a policy is, as shares of the bounds: below 0 where one is broken.
std::vector<double> Study::excesses(const ActorEvaluation& worth, const std::vector<double>& bounds) const {
  std::vector<double> all(count());
  for (std::size_t i = 0; i < count(); ++i) {
    const double above = worth.rates[i] / bounds[i] - 1.0;
    all[i] = more(i) ? above : -above;
  }
  return all;
}

// On sessions of validation: of two that keep every bound the one that earns more, else the one that misses its worst
// by less.
bool Study::better(const StudyRun& a, const StudyRun& b) const {
  const double own = worst(a.worth, aims_), other = worst(b.worth, aims_);
  if (own >= 0.0 && other >= 0.0) return a.worth.session_reward > b.worth.session_reward;
  return own > other;
}

// Halfway between what the unconstrained policy gives and the best that each response can be alone. Rates hang on the
// few who give most signals, so halfway is measured on the very sessions that are judged by it: the judge's, and those
// of validation with an unconstrained policy of their own.
void Study::find_bounds() {
  methods_.push_back({"uniform choice", {{.worth = uniform(), .multipliers = {}}}});
  method("ppo, unconstrained", config("ppo"));
  std::vector<ActorEvaluation> best;
  for (std::size_t i = 0; i < count(); ++i) {
    ActorConfig alone = config("ppo");
    alone.objective = settings_.responses[i];
    const std::string name = settings_.responses[i] + " alone";
    const std::vector<StudyRun> runs = train(name, alone, kValidation, {kJudge, kValidation});
    for (const StudyRun& run : runs) best.push_back(run.worth);
    fmt::print("{}: {:.1f} s, rates {:.3f}\n", name, runs[0].worth.session_reward, fmt::join(runs[0].worth.rates, " "));
  }
  const StudyRun free = train("ppo, validation", config("ppo"), kValidation, {kValidation})[0];
  const std::vector<StudyRun>& judged = methods_.back().runs;
  for (std::size_t i = 0; i < count(); ++i) {
    double mean = 0.0;
    for (const StudyRun& run : judged) mean += run.worth.rates[i] / static_cast<double>(judged.size());
    bounds_[i] = 0.5 * (mean + best[2 * i].rates[i]);
    aims_[i] = 0.5 * (free.worth.rates[i] + best[2 * i + 1].rates[i]);
    fmt::print("bound: {} {} {:.4f}; on sessions of validation {:.4f}\n", settings_.responses[i],
               more(i) ? "at least" : "at most", bounds_[i], aims_[i]);
  }
  std::fflush(stdout);
}

void Study::method(const std::string& name, const ActorConfig& config) {
  Method done{name, {}};
  for (std::uint64_t seed = 1; seed <= settings_.seeds; ++seed)
    done.runs.push_back(train(name, config, seed, {kJudge})[0]);
  methods_.push_back(std::move(done));
}

void Study::print_validation(const std::string& name, const StudyRun& run) const {
  std::vector<std::string> excess;
  for (const double one : excesses(run.worth, aims_)) excess.push_back(fmt::format("{:+.1f}", 100.0 * one));
  fmt::print("validation: {:<28} {:>7.1f} s, rates {:.3f}, excesses {} %\n", name, run.worth.session_reward,
             fmt::join(run.worth.rates, " "), fmt::join(excess, " "));
  std::fflush(stdout);
}

// The front: multiples of the multipliers that Lagrangian PPO begins with, and equal weights.
void Study::choose_weights() {
  const ActorConfig free = multiplied("lagrangian", "fixed", "many");
  std::vector<std::pair<std::string, std::vector<double>>> weights;
  for (const double factor : {0.7, 1.0, 1.4}) {
    std::vector<double> scaled;
    for (const ConstraintConfig& constraint : free.constraints) scaled.push_back(factor * constraint.multiplier);
    weights.push_back({fmt::format("{:g} x the multipliers", factor), scaled});
  }
  for (const double equal : {0.3, 1.0})
    weights.push_back({fmt::format("{:g} each", equal), std::vector<double>(count(), equal)});
  ActorConfig best = free;
  std::string name;
  StudyRun best_run;
  for (const auto& [label, of] : weights) {
    ActorConfig own = free;
    own.multiplier.limit = 1e6;
    for (std::size_t i = 0; i < count(); ++i) own.constraints[i].multiplier = of[i];
    const std::string called = fmt::format("weighted sum, {:.2f}", fmt::join(of, " and "));
    const StudyRun run = train(called, own, kValidation, {kValidation})[0];
    print_validation(fmt::format("{} ({})", called, label), run);
    if (name.empty() || better(run, best_run)) name = called, best = own, best_run = run;
  }
  method(name, best);
}

void Study::choose_lambda() {
  ActorConfig best = config("tscac");
  StudyRun best_run;
  for (const double lambda : {0.3, 1.0, 3.0}) {
    ActorConfig own = config("tscac");
    own.tscac_lambda = lambda;
    const std::string called = fmt::format("tscac, lambda {:g}", lambda);
    const StudyRun run = train(called, own, kValidation, {kValidation})[0];
    print_validation(called, run);
    if (best_run.worth.rates.empty() || better(run, best_run)) best = own, best_run = run;
  }
  method(fmt::format("tscac, lambda {:g}", best.tscac_lambda), best);
}

// A figure of a method's runs: sums of `top` over sums of `bottom`, session by session.
template <class Top, class Bottom>
Measure measure_of(const Method& method, std::size_t seeds, const Top& top, const Bottom& bottom) {
  Measure out{.seeds = seeds, .items = method.runs[0].worth.rewards.size(), .numerator = {}, .denominator = {}};
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    const ActorEvaluation& worth = method.runs[seed % method.runs.size()].worth;
    const std::vector<float>& above = top(worth);
    out.numerator.insert(out.numerator.end(), above.begin(), above.end());
    const std::vector<float>* below = bottom(worth);
    if (below != nullptr) out.denominator.insert(out.denominator.end(), below->begin(), below->end());
  }
  return out;
}

void Study::print_table() const {
  const auto rewards = [](const ActorEvaluation& worth) -> const std::vector<float>& { return worth.rewards; };
  const auto none = [](const ActorEvaluation&) -> const std::vector<float>* { return nullptr; };
  std::size_t front = methods_.size();
  std::vector<Measure> measures;
  for (std::size_t k = 0; k < methods_.size(); ++k) {
    const Method& method = methods_[k];
    if (method.name.rfind("weighted", 0) == 0) front = k;
    measures.push_back(measure_of(method, method.runs.size(), rewards, none));
    for (std::size_t i = 0; i < count(); ++i)
      measures.push_back(measure_of(
          method, method.runs.size(),
          [i](const ActorEvaluation& worth) -> const std::vector<float>& { return worth.given[i]; },
          [i](const ActorEvaluation& worth) { return &worth.against[i]; }));
  }
  const std::size_t width = 1 + count();
  const std::vector<std::vector<double>> drawn =
      bootstrap(measures, split(make_key(kJudge), Draw::kBatch), {.threads = settings_.threads});
  const auto cell = [&](std::size_t at, int digits) {
    const Interval in = percentile_interval(measures[at].value(), drawn[at]);
    return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", in.mean, digits, in.low, digits, in.high, digits);
  };
  fmt::print("\n| method | s a session |");
  for (std::size_t i = 0; i < count(); ++i)
    fmt::print(" {}, at {} {:.3f} |", settings_.responses[i], more(i) ? "least" : "most", bounds_[i]);
  fmt::print(" excess of each seed, % | keep both | within {:g} % | share of the weighted sum's seconds |\n|",
             100.0 * kWaste);
  for (std::size_t i = 0; i < 6 + count(); ++i) fmt::print(" --- |");
  fmt::print("\n");
  for (std::size_t k = 0; k < methods_.size(); ++k) {
    const Method& method = methods_[k];
    fmt::print("| {} | {} |", method.name, cell(k * width, 1));
    std::vector<std::string> excess(count());
    std::size_t kept = 0, thrifty = 0;
    for (const StudyRun& run : method.runs) {
      const std::vector<double> all = excesses(run.worth, bounds_);
      kept += worst(run.worth, bounds_) >= 0.0;
      thrifty += worst(run.worth, bounds_) >= 0.0 && *std::max_element(all.begin(), all.end()) <= kWaste;
      for (std::size_t i = 0; i < count(); ++i)
        excess[i] += fmt::format("{}{:+.1f}", excess[i].empty() ? "" : " ", 100.0 * all[i]);
    }
    for (std::size_t i = 0; i < count(); ++i) fmt::print(" {} |", cell(k * width + 1 + i, 3));
    fmt::print(" {} | {} of {} | {} |", fmt::join(excess, "; "), kept, method.runs.size(), thrifty);
    if (front < methods_.size() && method.runs.size() > 1) {
      std::vector<double> share(drawn[k * width].size());
      for (std::size_t i = 0; i < share.size(); ++i) share[i] = drawn[k * width][i] / drawn[front * width][i];
      const Interval in =
          percentile_interval(measures[k * width].value() / measures[front * width].value(), std::move(share));
      fmt::print(" {:.3f} [{:.3f}, {:.3f}] |\n", in.mean, in.low, in.high);
    } else {
      fmt::print(" |\n");
    }
  }
  for (const Method& method : methods_) {
    if (method.runs[0].multipliers.empty()) continue;
    fmt::print("{}: multipliers of the last quarter", method.name);
    for (const StudyRun& run : method.runs) fmt::print("; {:.2f}", fmt::join(run.multipliers, " "));
    fmt::print("\n");
  }
}

void Study::run() {
  if (!settings_.keep.empty()) std::filesystem::create_directories(settings_.keep);
  if (!settings_.curves.empty()) {
    curves_ = std::fopen(settings_.curves.c_str(), "w");
    fmt::print(curves_, "method,seed,env_steps,reward,entropy,kl,{},l_{}\n", fmt::join(settings_.responses, ","),
               fmt::join(settings_.responses, ",l_"));
  }
  find_bounds();
  const auto learn = [&](const std::string& name, const ActorConfig& config) {
    if (wanted(name)) method(name, config);
  };
  learn("lagrangian, adam", multiplied("lagrangian", "adam", "many"));
  learn("lagrangian, pid", multiplied("lagrangian", "pid", "many"));
  learn("rcpo, one critic", multiplied("rcpo", "projected", "one"));
  learn("rcpo, many critics", multiplied("rcpo", "projected", "many"));
  learn("cpo", config("cpo"));
  if (wanted("weighted sum")) choose_weights();
  if (wanted("tscac")) choose_lambda();
  print_table();
  if (curves_ != nullptr) std::fclose(curves_);
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, ',');) words.push_back(name);
  return words;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  using namespace swipegym;
  try {
    StudySettings settings;
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
      if (word == "--seeds")
        settings.seeds = parse_number<decltype(settings.seeds)>(word, value(), between(1, 10'000));
      else if (word == "--steps")
        settings.steps = parse_number<decltype(settings.steps)>(word, value(), ranges::kEnvSteps);
      else if (word == "--sessions")
        settings.sessions = parse_number<decltype(settings.sessions)>(word, value(), ranges::kSessions);
      else if (word == "--validation")
        settings.validation = parse_number<decltype(settings.validation)>(word, value(), ranges::kSessions);
      else if (word == "--threads")
        settings.threads = parse_number<decltype(settings.threads)>(word, value(), between(0, 1'024));
      else if (word == "--curves")
        settings.curves = value();
      else if (word == "--keep")
        settings.keep = value();
      else if (word == "--only")
        settings.only = words_of(value());
      else if (word == "--responses")
        settings.responses = words_of(value());
      else
        settings.simulator = word;
    }
    Study(settings).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "constrained_study: {}\n", error.what());
    return 1;
  }
  return 0;
}
