#include "evaluation/compare/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/parallel_for.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/metrics/undefined.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/retrieval.h"

namespace swipegym {
namespace {

// A figure of sessions, or of shown videos: a sum over sessions, over their number or that of their videos.
struct SessionMetric {
  MetricInfo info;
  bool per_video;
  float (*of)(const SessionResult& session);
};

template <std::size_t Signal>
float given(const SessionResult& session) {
  return session.signals[Signal];
}

template <auto Field>
float field(const SessionResult& session) {
  return static_cast<float>(session.*Field);
}

static_assert(kNumSignals == 8);
constexpr std::array<SessionMetric, 9 + kNumSignals> kMetricsOfSessions = {{
    {{"watch_s_per_session", "watch time a session (s)"}, false, field<&SessionResult::watch_s>},
    {{"watch_s_per_video", "watch time a video (s)"}, true, field<&SessionResult::watch_s>},
    {{"watch_ratio_per_session", "watch ratios a session (sum)"}, false, field<&SessionResult::watch_ratio>},
    {{"watch_ratio_per_video", "watch ratio a video"}, true, field<&SessionResult::watch_ratio>},
    {{"depth", "videos a session"}, false, field<&SessionResult::videos>},
    {{"is_click", "clicks a video"}, true, given<0>},
    {{"is_like", "likes a video"}, true, given<1>},
    {{"is_follow", "follows a video"}, true, given<2>},
    {{"is_comment", "comments a video"}, true, given<3>},
    {{"is_forward", "forwards a video"}, true, given<4>},
    {{"is_hate", "hates a video"}, true, given<5>},
    {{"long_view", "long views a video"}, true, given<6>},
    {{"is_profile_enter", "profile visits a video"}, true, given<7>},
    {{"reward", "return a session"}, false, field<&SessionResult::reward>},
    {{"tag_entropy", "tag entropy of a session (nats)"}, false, field<&SessionResult::tag_entropy>},
    {{"returns_in_day", "users back within a day (share)"}, false, field<&SessionResult::returns_in_day>},
    {{"gap_h", "gap to the next visit (h, at most a week)"}, false, field<&SessionResult::gap_h>},
}};
constexpr std::size_t kSessionMetrics = kMetricsOfSessions.size();
// A figure of all sessions of an evaluation seed, so its items are evaluation seeds.
struct CatalogueMetric {
  MetricInfo info;
  double CatalogueUse::*of;
};
constexpr std::array<CatalogueMetric, 2> kMetricsOfCatalogue = {{
    {{"catalogue_share", "share of the catalogue shown"}, &CatalogueUse::share},
    {{"author_gini", "Gini of how often authors are shown"}, &CatalogueUse::author_gini},
}};

// All training seeds of one policy in one simulator.
struct Scored {
  std::vector<PlayedSessions> seeds;
};

Measure session_measure(const Scored& scored, const SessionMetric& metric) {
  Measure measure{
      .seeds = scored.seeds.size(), .items = scored.seeds[0].session.size(), .numerator = {}, .denominator = {}};
  for (const PlayedSessions& played : scored.seeds) {
    for (const SessionResult& session : played.session) {
      measure.numerator.push_back(metric.of(session));
      if (metric.per_video) measure.denominator.push_back(static_cast<float>(session.videos));
    }
  }
  return measure;
}

Measure catalogue_measure(const Scored& scored, const CatalogueMetric& metric) {
  Measure measure{
      .seeds = scored.seeds.size(), .items = scored.seeds[0].catalogue.size(), .numerator = {}, .denominator = {}};
  for (const PlayedSessions& played : scored.seeds)
    for (const CatalogueUse& use : played.catalogue) measure.numerator.push_back(static_cast<float>(use.*metric.of));
  return measure;
}

// A figure with its resamples: what differences and ratios of figures are made of.
struct Resampled {
  double value = 0.0;
  std::vector<double> draws;
  Interval interval() const { return percentile_interval(value, draws); }
};

struct PolicyResamples {
  std::vector<Resampled> metric;
  const Resampled& reward() const { return metric[metric_index("reward")]; }
};

// Of each session its mean reward over training seeds, less that of the same session in `base` where there is one.
std::vector<float> rewards_of_sessions(const Scored& scored, const Scored* base) {
  std::vector<float> out(scored.seeds[0].session.size(), 0.0F);
  const auto add = [&](const Scored& of, float sign) {
    const float share = sign / static_cast<float>(of.seeds.size());
    for (const PlayedSessions& played : of.seeds)
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += share * played.session[i].reward;
  };
  add(scored, 1.0F);
  if (base != nullptr) add(*base, -1.0F);
  return out;
}

std::vector<PolicyResamples> resample(const std::vector<Scored>& scored, const CompareConfig& config) {
  const BootstrapOptions options{.resamples = config.resamples, .threads = config.engine.threads};
  const RandomKey key = split(make_key(config.seed), Draw::kBatch);
  std::vector<PolicyResamples> out(scored.size());
  // A policy at a time bounds the memory; the same key gives every policy the same resampled sessions and seeds.
  for (std::size_t p = 0; p < scored.size(); ++p) {
    std::vector<Measure> measures;
    for (const SessionMetric& metric : kMetricsOfSessions) measures.push_back(session_measure(scored[p], metric));
    std::vector<std::vector<double>> draws = bootstrap(measures, key, options);
    for (std::size_t m = 0; m < kSessionMetrics; ++m)
      out[p].metric.push_back({measures[m].value(), std::move(draws[m])});
  }
  for (const CatalogueMetric& metric : kMetricsOfCatalogue) {
    std::vector<Measure> measures;
    for (std::size_t p = 0; p < scored.size(); ++p) measures.push_back(catalogue_measure(scored[p], metric));
    std::vector<std::vector<double>> draws = bootstrap(measures, key, options);
    for (std::size_t p = 0; p < scored.size(); ++p) out[p].metric.push_back({measures[p].value(), std::move(draws[p])});
  }
  return out;
}

Resampled minus(const Resampled& a, const Resampled& b) {
  return {a.value - b.value, difference(a.draws, b.draws)};
}

Resampled normalise(const Resampled& a, const Resampled& base, const Resampled& top) {
  return {(a.value - base.value) / (top.value - base.value), normalised(a.draws, base.draws, top.draws)};
}

// Everything resampled in one simulator; the two baselines are scored like policies, behind them.
struct SimulatorResamples {
  std::vector<PolicyResamples> policy;
  std::size_t members = 1;                          // of the simulator's user model
  std::vector<Disagreement> reward, versus_random;  // [policies], where there are several
  std::size_t random = 0, oracle = 0;               // positions in `policy`; npos for an oracle that was not played
  ExpectedChoices expected;                         // where they are asked for
};

SimulatorFigures figures(const SimulatorResamples& all, const std::vector<ComparedPolicy>& policies,
                         const std::string& versus, std::string name) {
  const Resampled& random = all.policy[all.random].reward();
  const Resampled unknown{kUndefined, {}};
  const bool has_oracle = all.oracle != std::string::npos;
  const Resampled& oracle = has_oracle ? all.policy[all.oracle].reward() : unknown;
  SimulatorFigures out{.name = std::move(name),
                       .members = all.members,
                       .policy = {},
                       .random = random.interval(),
                       .oracle = oracle.interval(),
                       .expected_random = all.expected.random,
                       .expected_oracle = all.expected.oracle};
  for (std::size_t p = 0; p < policies.size(); ++p) {
    const PolicyResamples& mine = all.policy[p];
    PolicyFigures figure{.name = policies[p].name,
                         .training_seeds = policies[p].seeds.size(),
                         .metric = {},
                         .normalised = (has_oracle ? normalise(mine.reward(), random, oracle) : unknown).interval(),
                         .versus_random = minus(mine.reward(), random).interval(),
                         .versus = {},
                         .expected = all.expected.policy.empty() ? ExpectedFigures{} : all.expected.policy[p]};
    for (std::size_t other = 0; other < policies.size(); ++other)
      if (policies[other].name == versus) figure.versus = minus(mine.reward(), all.policy[other].reward()).interval();
    for (const Resampled& metric : mine.metric) figure.metric.push_back(metric.interval());
    if (all.members > 1) figure.reward_members = all.reward[p], figure.versus_random_members = all.versus_random[p];
    out.policy.push_back(std::move(figure));
  }
  return out;
}

// The rewards of the policies proper in one resample (or, with draw = npos, as measured).
std::vector<double> rewards(const SimulatorResamples& all, std::size_t policies, std::size_t draw) {
  std::vector<double> out;
  for (std::size_t p = 0; p < policies; ++p) {
    const Resampled& reward = all.policy[p].reward();
    out.push_back(draw == std::string::npos ? reward.value : reward.draws[draw]);
  }
  return out;
}

std::size_t best_of(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

Agreement agree(const SimulatorResamples& first, const SimulatorResamples& judge,
                const std::vector<ComparedPolicy>& policies, std::string name) {
  Agreement out{.judge = std::move(name), .gap = {}, .kendall_tau = {}, .choice = {}, .best = {}, .regret = {}};
  const std::size_t n = policies.size(), resamples = first.policy[0].reward().draws.size();
  for (std::size_t p = 0; p < n; ++p)
    out.gap.push_back(minus(first.policy[p].reward(), judge.policy[p].reward()).interval());
  const auto tau_of = [&](std::size_t draw) { return kendall_tau_b(rewards(first, n, draw), rewards(judge, n, draw)); };
  const auto regret_of = [&](std::size_t draw) {
    const std::vector<double> mine = rewards(first, n, draw), theirs = rewards(judge, n, draw);
    const Resampled& random = judge.policy[judge.random].reward();
    const double base = draw == std::string::npos ? random.value : random.draws[draw];
    const double best = theirs[best_of(theirs)];
    return best > base ? (best - theirs[best_of(mine)]) / (best - base) : 0.0;
  };
  std::vector<double> taus, regrets;
  for (std::size_t draw = 0; draw < resamples; ++draw) taus.push_back(tau_of(draw)), regrets.push_back(regret_of(draw));
  out.kendall_tau = percentile_interval(tau_of(std::string::npos), taus);
  out.regret = percentile_interval(regret_of(std::string::npos), regrets);
  out.choice = policies[best_of(rewards(first, n, std::string::npos))].name;
  out.best = policies[best_of(rewards(judge, n, std::string::npos))].name;
  return out;
}

void check(const std::vector<ComparedPolicy>& policies, const std::vector<ComparedSimulator>& simulators,
           const CompareConfig& config) {
  if (policies.empty() || simulators.empty()) throw InputError("compare needs at least one policy and one simulator");
  if (config.sessions == 0 || config.seeds == 0)
    throw InputError(fmt::format("compare got {} sessions of {} seeds, expected at least one of each", config.sessions,
                                 config.seeds));
  std::set<std::string> names;
  for (const ComparedPolicy& policy : policies) {
    if (!names.insert(policy.name).second)
      throw InputError(
          fmt::format("the policy name '{}' stands twice; give one of them another name, as in "
                      "'other={}'",
                      policy.name, policy.name));
    if (policy.seeds.empty()) throw InputError(fmt::format("the policy '{}' has no file", policy.name));
  }
  if (!config.versus.empty() && !names.contains(config.versus))
    throw InputError(fmt::format("the returns are to be taken against '{}', which is none of the compared policies: {}",
                                 config.versus, fmt::join(names, ", ")));
  for (const ComparedSimulator& judge : simulators)
    if (judge.simulator->catalogue.raw_video_id != simulators[0].simulator->catalogue.raw_video_id)
      throw InputError(fmt::format("{} and {} hold different catalogues; fit both to the same data", simulators[0].name,
                                   judge.name));
}

// Plays every policy and the two baselines; a baseline that is listed is not played twice.
class ListScorer {
 public:
  ListScorer(const std::vector<ComparedPolicy>& policies, std::size_t simulators, const CompareConfig& config,
             const Progress& progress)
      : policies_(policies), config_(config), progress_(progress) {
    std::size_t played = config.oracle ? 2 : 1;
    for (const ComparedPolicy& policy : policies) played += policy.seeds.size();
    if (config.expected) ++played;
    total_ = played * simulators * config.sessions * config.seeds;
  }

  SimulatorResamples run(const std::shared_ptr<const Simulator>& simulator) {
    const auto source = config_.source
                            ? config_.source(simulator, config_.world.candidates)
                            : make_candidates(config_.world, simulator, config_.seed, config_.engine.threads);
    SimulatorResamples out;
    std::vector<Scored> scored;
    const PlayConfig played{.sessions = config_.sessions,
                            .seeds = config_.seeds,
                            .seed = config_.seed,
                            .world = config_.world,
                            .engine = config_.engine,
                            .exploration = config_.exploration};
    const auto play = [&](const std::string& name, const Policy& policy) {
      PlayedSessions result =
          play_sessions(simulator, source, policy, played, [&](std::string_view, std::uint64_t done, std::uint64_t) {
            report(progress_, "scoring " + name, done_ + done, total_);
          });
      done_ += config_.sessions * config_.seeds;
      return result;
    };
    out.random = out.oracle = std::string::npos;
    for (std::size_t p = 0; p < policies_.size(); ++p) {
      Scored& mine = scored.emplace_back();
      for (const auto& policy : policies_[p].seeds) mine.seeds.push_back(play(policies_[p].name, *policy));
      if (policies_[p].seeds[0]->scores_are_random()) out.random = p;
      if (policies_[p].seeds[0]->is_oracle()) out.oracle = p;
    }
    const auto add_baseline = [&](std::size_t& place, const std::string& name, const Policy& policy) {
      if (place != std::string::npos) return void(done_ += config_.sessions * config_.seeds);
      place = scored.size();
      scored.emplace_back().seeds.push_back(play(name, policy));
    };
    add_baseline(out.random, "random", RandomPolicy());
    if (config_.oracle) add_baseline(out.oracle, "the oracle", OneStepOracle());
    if (config_.expected) out.expected = judge_choices(simulator, source, played);
    out.policy = resample(scored, config_);
    out.members = simulator->model->num_members();
    if (out.members > 1) compare_members(scored, out);
    return out;
  }

 private:
  ExpectedChoices judge_choices(const std::shared_ptr<const Simulator>& simulator,
                                const std::shared_ptr<const CandidateSource>& source, const PlayConfig& played) {
    ExpectedChoicesConfig config{.resamples = config_.resamples};
    std::vector<std::vector<std::shared_ptr<const Policy>>> policies;
    for (const ComparedPolicy& policy : policies_) {
      if (policy.name == config_.versus) config.versus = static_cast<std::ptrdiff_t>(policies.size());
      policies.push_back(policy.seeds);
    }
    ExpectedChoices out = expected_choices(simulator, source, policies, played, config,
                                           [&](std::string_view what, std::uint64_t done, std::uint64_t) {
                                             report(progress_, what, done_ + done, total_);
                                           });
    done_ += config_.sessions * config_.seeds;
    return out;
  }

  static void compare_members(const std::vector<Scored>& scored, SimulatorResamples& out) {
    std::vector<std::uint32_t> member;  // common random numbers: the same one of a session under every policy
    for (const SessionResult& session : scored[0].seeds[0].session) member.push_back(session.member);
    for (const Scored& one : scored) {
      out.reward.push_back(disagreement(rewards_of_sessions(one, nullptr), member, out.members));
      out.versus_random.push_back(disagreement(rewards_of_sessions(one, &scored[out.random]), member, out.members));
    }
  }

  const std::vector<ComparedPolicy>& policies_;
  const CompareConfig& config_;
  const Progress& progress_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

const std::vector<MetricInfo>& compare_metrics() {
  static const std::vector<MetricInfo> all = [] {
    std::vector<MetricInfo> metrics;
    for (const SessionMetric& metric : kMetricsOfSessions) metrics.push_back(metric.info);
    for (const CatalogueMetric& metric : kMetricsOfCatalogue) metrics.push_back(metric.info);
    return metrics;
  }();
  return all;
}

Disagreement disagreement(const std::vector<float>& values, const std::vector<std::uint32_t>& member,
                          std::size_t members) {
  std::vector<double> count(members, 0.0), sum(members, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    count[member[i]] += 1.0, sum[member[i]] += static_cast<double>(values[i]);
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(sum.begin(), sum.end(), 0.0) / n;
  double within = 0.0, between = 0.0, square = 0.0, groups = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double off = static_cast<double>(values[i]) - sum[member[i]] / count[member[i]];
    within += off * off;
  }
  for (std::size_t m = 0; m < members; ++m) {
    if (count[m] == 0.0) continue;
    const double off = sum[m] / count[m] - mean;
    between += count[m] * off * off, square += count[m] * count[m], groups += 1.0;
  }
  const auto told = std::count_if(count.begin(), count.end(), [](double sessions) { return sessions >= 2.0; });
  if (told < 2) return {kUndefined, kUndefined};
  within /= n - groups, between /= groups - 1.0;
  const double usual = (n - square / n) / (groups - 1.0);  // sessions of a member
  return {.members = std::sqrt(std::max(0.0, (between - within) / usual)), .sessions = std::sqrt(within / n)};
}

std::size_t metric_index(std::string_view name) {
  const std::vector<MetricInfo>& metrics = compare_metrics();
  for (std::size_t m = 0; m < metrics.size(); ++m)
    if (metrics[m].name == name) return m;
  throw std::out_of_range(fmt::format("no metric is called '{}'", name));
}

MemoryBudget compare_memory(const std::vector<ComparedPolicy>& policies,
                            const std::vector<ComparedSimulator>& simulators, const CompareConfig& config) {
  std::size_t played = 2, most_seeds = 1;  // the baselines
  for (const ComparedPolicy& policy : policies) {
    played += policy.seeds.size();
    most_seeds = std::max(most_seeds, policy.seeds.size());
  }
  const std::uint64_t results = played_bytes({.sessions = config.sessions, .seeds = config.seeds});
  const std::uint64_t sessions = product_of({config.sessions, config.seeds});
  const auto workers = static_cast<std::uint64_t>(worker_count(config.engine.threads));
  MemoryBudget budget;
  budget.add(fmt::format("the results of {} sessions of {} evaluation seeds under {} policies", config.sessions,
                         config.seeds, played),
             product_of({played, results}), "sessions or seeds");
  // A numerator and mostly a denominator of each metric, and every worker's draws of the sessions.
  budget.add("the figures that the bootstrap draws from",
             product_of({sum_of({product_of({kSessionMetrics, 2, most_seeds}), workers}), sessions, sizeof(float)}),
             "sessions or seeds");
  budget.add(fmt::format("{} resamples", config.resamples),
             product_of({simulators.size() > 1 ? 2U : 1U, policies.size() + 2, kSessionMetrics + 1, config.resamples,
                         sizeof(double)}),
             "resamples");
  return budget;
}

CompareReport compare(const std::vector<ComparedPolicy>& policies, const std::vector<ComparedSimulator>& simulators,
                      const CompareConfig& config, const Progress& progress) {
  check(policies, simulators, config);
  compare_memory(policies, simulators, config).require();
  CompareReport report{.config = config, .simulator = {}, .agreement = {}};
  ListScorer scorer(policies, simulators.size(), config, progress);
  const SimulatorResamples first = scorer.run(simulators[0].simulator);
  report.simulator.push_back(figures(first, policies, config.versus, simulators[0].name));
  for (std::size_t s = 1; s < simulators.size(); ++s) {
    const SimulatorResamples judge = scorer.run(simulators[s].simulator);
    report.simulator.push_back(figures(judge, policies, config.versus, simulators[s].name));
    report.agreement.push_back(agree(first, judge, policies, simulators[s].name));
  }
  return report;
}

}  // namespace swipegym
