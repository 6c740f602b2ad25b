// The experiments of docs/results/off_policy.md. Not a benchmark of speed: estimators of a policy's value are held
// against the truth behind synthetic data, which is known, over many logs.
//
//   off_policy_study offered DATA [LOGS]
//
//     Logs of a policy that explores, made in the truth; the judged policy's reward a video in the same states.
//
//   off_policy_study sessions DATA [LOGS]
//
//     The same logs' first sessions; the judged policy's reward a session, from sessions of its own.
//
//   off_policy_study random DATA [LOGS]
//
//     Random exposures of DATA itself, its users dealt into LOGS parts, among redrawn candidates, 10 and 100;
//     rewards are seconds watched, and watch ratios.
//
// DATA is a folder that 'swipegym data synth' wrote. Prints for each estimator its mean error, its mean absolute error,
// both as shares of the truth, and how often its 95 % interval holds the truth.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bench/study_main.h"
#include "core/error.h"
#include "core/range.h"
#include "env/candidate_sources.h"
#include "env/catalogue.h"
#include "env/expected_reward.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/generate/generate.h"
#include "evaluation/metrics/mean_variance.h"
#include "evaluation/off_policy/session_values.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

constexpr std::int32_t kFirstDays = 20220410;   // generated logs begin behind these: three days a user
constexpr std::int32_t kKnownUntil = 20220421;  // features for judging random rows come from rows up to here
constexpr std::size_t kOffered = 10;
constexpr std::size_t kDraws = 4;         // candidate sets a random row
constexpr std::size_t kLogsAtOnce = 25;   // logs that share a generated month, each with its own users
constexpr std::size_t kSessions = 30000;  // of a generated month: about every user's

struct Tally {
  explicit Tally(std::string estimator) : name(std::move(estimator)) {}
  std::string name;
  MeanVariance error, absolute;  // shares of the truth
  std::size_t logs = 0, held = 0;

  void add(const Interval& found, double truth) {
    ++logs;
    error.add((found.mean - truth) / truth), absolute.add(std::abs(found.mean - truth) / truth);
    held += found.low <= truth && truth <= found.high;
  }
};

class Tallies {
 public:
  void add(std::string_view name, const Interval& found, double truth) {
    auto at = std::find_if(all_.begin(), all_.end(), [&](const Tally& tally) { return tally.name == name; });
    if (at == all_.end()) at = all_.insert(all_.end(), Tally(std::string(name)));
    at->add(found, truth);
  }
  void print(double truth) const {
    fmt::print(
        "truth {:.4f}\n\n| estimator | mean error | mean absolute error | coverage |\n| --- | --- | --- | --- |\n",
        truth);
    for (const Tally& tally : all_)
      fmt::print("| {} | {:+.1f} % ± {:.1f} | {:.1f} % | {} of {} |\n", tally.name, 100.0 * tally.error.mean(),
                 100.0 * tally.error.standard_error(), 100.0 * tally.absolute.mean(), tally.held, tally.logs);
    std::fflush(stdout);
  }

 private:
  std::vector<Tally> all_;
};

/// Scores videos by mean seconds watched: what the judged policy goes by. The logging policy goes by exposures.
std::shared_ptr<const Policy> by_seconds(const Catalogue& catalogue) {
  std::vector<float> score(catalogue.num_videos());
  for (std::size_t v = 0; v < score.size(); ++v)
    score[v] = catalogue.item_mean[v] * static_cast<float>(catalogue.duration_ms[v]);
  return std::make_shared<ItemScorePolicy>("by-seconds", std::move(score));
}

/// Lets one policy show videos while it asks the truth what another one would have earned in the same states.
class Watched final : public Policy {
 public:
  Watched(std::shared_ptr<const Policy> shows, std::shared_ptr<const Policy> judged, Exploration how)
      : shows_(std::move(shows)), judged_(std::move(judged)), how_(how) {}
  std::string_view name() const noexcept override { return "watched"; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override {
    shows_->score(batch, scores);
    const std::size_t rows = batch.observation.rows, m = scores.size() / rows;
    judged_score_.resize(scores.size()), expected_.resize(scores.size()), probability_.resize(m);
    judged_->score(batch, judged_score_);
    batch.env->expect_all(expected_);
    for (std::size_t row = 0; row < rows; ++row) {
      selection_probabilities(std::span(judged_score_).subspan(row * m, m), {batch.observation.mask + row * m, m}, how_,
                              false, probability_);
      double value = 0.0;
      for (std::size_t slot = 0; slot < m; ++slot)
        value += probability_[slot] * expected_reward(batch.env->config().reward, expected_[row * m + slot]);
      truth_.add(value);
    }
  }
  double truth() const { return truth_.mean(); }

 private:
  std::shared_ptr<const Policy> shows_, judged_;
  Exploration how_;
  mutable MeanVariance truth_;
  mutable std::vector<float> judged_score_;
  mutable std::vector<Expectation> expected_;
  mutable std::vector<double> probability_;
};

/// A generated log as a data set, with what it offered.
struct OfferedLog {
  Dataset data;
  LoggedCandidates offered{.slots = kOffered, .video = {}};
};

OfferedLog make_log(std::shared_ptr<const Simulator> truth, const Dataset& tables, const Policy& policy,
                    Exploration how, std::uint64_t seed) {
  OfferedLog made;
  GenerateConfig config{.sessions = kSessions, .seed = seed, .world = {.candidates = kOffered}};
  config.engine.threads = 1;
  config.exploration = how;
  config.candidate_sink = [&](std::span<const std::int32_t> sets) {
    made.offered.video.insert(made.offered.video.end(), sets.begin(), sets.end());
  };
  std::vector<LogRow> rows;
  generate_log(std::move(truth), policy, config,
               [&](std::span<const LogRow> more) { rows.insert(rows.end(), more.begin(), more.end()); });
  std::sort(rows.begin(), rows.end(), [](const LogRow& a, const LogRow& b) {
    return std::tuple(a.user, a.time_ms, a.source_row) < std::tuple(b.user, b.time_ms, b.source_row);
  });
  made.data.users = tables.users, made.data.videos = tables.videos;
  append_rows(rows, made.data.log);
  made.data.user_offset = count_offsets(made.data.log, made.data.users.size());
  return made;
}

/// Rows of the log by parts: a user's rows are all in one. `first_only`: of each user's first session only.
std::vector<std::vector<std::uint32_t>> deal(const Log& log, std::size_t parts, RandomKey key, bool random,
                                             bool first_only) {
  std::vector<std::vector<std::uint32_t>> out(parts);
  bool first = true;
  for (std::uint32_t row = 0; row < log.size(); ++row) {
    if (row == 0 || log.user[row] != log.user[row - 1])
      first = true;
    else if (!continues_session(log, row))
      first = false;
    if ((random && log.is_random[row] == 0) || (random && log.date[row] <= kKnownUntil) || (first_only && !first))
      continue;
    out[RandomStream(key, index_of(log.user[row])).below(static_cast<std::uint32_t>(parts))].push_back(row);
  }
  return out;
}

JudgeSettings judging(std::size_t slots, std::size_t draws, Exploration how, bool uniform) {
  return {.slots = slots, .draws = draws, .exploration = how, .uniform = uniform, .threads = 1};
}

struct World {
  Dataset data;
  std::shared_ptr<const Simulator> truth;
  std::shared_ptr<const Policy> logging, judged;
};

World make_world(const std::string& folder) {
  World world;
  LoadOptions options;
  options.threads = 1;
  world.data = load_dataset(folder, options).data;
  if (world.data.truth.empty()) throw InputError(folder + " is not synthetic: its truth is not known");
  world.truth =
      std::make_shared<const Simulator>(make_truth_simulator(world.data.truth, world.data, kFirstDays, /*threads=*/1));
  world.logging = make_popularity_policy(world.truth->catalogue);
  world.judged = by_seconds(world.truth->catalogue);
  return world;
}

/// Calls visit(number, log, rows) for each of `logs` logs that `policy` makes.
template <class Visit>
void for_each_log(const World& world, const Policy& policy, Exploration how, std::size_t logs, bool first_only,
                  const Visit& visit) {
  for (std::size_t done = 0; done < logs; done += kLogsAtOnce) {
    const std::uint64_t seed = 1 + done / kLogsAtOnce;
    const OfferedLog made = make_log(world.truth, world.data, policy, how, seed);
    const auto parts = deal(made.data.log, kLogsAtOnce, split(make_key(76), seed), false, first_only);
    for (std::size_t i = 0; i < std::min(kLogsAtOnce, logs - done); ++i) visit(done + i, made, parts[i]);
  }
}

JudgedRows judge_offered(const World& world, const OfferedLog& made, std::span<const std::uint32_t> rows,
                         Exploration how) {
  return judge_rows(*world.judged, made.data, world.truth->catalogue, rows,
                    offered_candidates(made.offered, made.data.log), judging(kOffered, 1, how, false));
}

void offered_study(const World& world, std::size_t logs) {
  const Exploration logs_by = Exploration::epsilon_greedy(0.7F), judged_by = Exploration::epsilon_greedy(0.2F);
  const Watched watched(world.logging, world.judged, judged_by);
  std::vector<std::vector<OffPolicyEstimate>> tables;
  MeanVariance rows, users, effective;
  for_each_log(world, watched, logs_by, logs, false, [&](std::size_t i, const OfferedLog& made, const auto& part) {
    const JudgedRows judged = judge_offered(world, made, part, judged_by);
    const WeightDiagnostics weights = diagnose(judged.row);
    rows.add(static_cast<double>(weights.rows)), users.add(static_cast<double>(weights.users));
    effective.add(weights.effective_rows);
    tables.push_back(one_step_table(judged, {.bootstrap = {.resamples = 1000, .threads = 1}}, make_key(i)));
  });
  Tallies tallies;
  for (const auto& table : tables)
    for (const auto& line : table) tallies.add(line.name, line.value, watched.truth());
  fmt::print("{} logs of {:.0f} rows and {:.0f} users, worth {:.0f} rows\n", logs, rows.mean(), users.mean(),
             effective.mean());
  tallies.print(watched.truth());
}

void sessions_study(const World& world, std::size_t logs) {
  const Exploration logs_by = Exploration::epsilon_greedy(0.6F), judged_by = Exploration::epsilon_greedy(0.2F);
  // What the judged policy earns in first sessions of its own, as often as there are logs.
  MeanVariance own;
  for_each_log(world, *world.judged, judged_by, 2 * logs, true,
               [&](std::size_t, const OfferedLog& made, const auto& part) {
                 double reward = 0.0, sessions = 0.0;
                 const Log& log = made.data.log;
                 for (const std::uint32_t row : part) {
                   reward += log.play_ms[row] / 1000.0;
                   sessions += row == 0 || log.user[row] != log.user[row - 1] ? 1.0 : 0.0;
                 }
                 own.add(reward / sessions);
               });
  const double truth = own.mean();
  Tallies tallies;
  MeanVariance rows, sessions;
  for_each_log(world, *world.judged, logs_by, logs, true, [&](std::size_t i, const OfferedLog& made, const auto& part) {
    const JudgedRows judged = judge_offered(world, made, part, judged_by);
    const SessionValues values = session_values(judged, {.discount = 1.0}, make_key(i));
    const BootstrapOptions options{.resamples = 1000, .threads = 1};
    tallies.add("logged", logged_session_value(values.log, 1.0, make_key(i), options), truth);
    const SequenceEstimates whole = estimate_sequences(values.log, {}, make_key(i), options);
    tallies.add("per_decision", whole.per_decision, truth);
    tallies.add("weighted_per_decision", whole.weighted, truth);
    for (const std::size_t window : {2, 0})
      tallies.add(fmt::format("weighted, window {}", window),
                  estimate_sequences(values.log, {.window = window}, make_key(i), options).weighted, truth);
    if (values.model_converged) tallies.add("fqe", whole.model, truth);
    if (values.model_converged) tallies.add("doubly_robust", whole.doubly_robust, truth);
    rows.add(static_cast<double>(judged.row.size())), sessions.add(static_cast<double>(values.log.size()));
  });
  fmt::print("{} logs of {:.0f} rows in {:.0f} sessions; standard error of the truth {:.2f} %\n", logs, rows.mean(),
             sessions.mean(), 100.0 * own.standard_error() / truth);
  tallies.print(truth);
}

// What the judged policy earns in the states of random rows, among m videos drawn uniformly: one draw a row.
double random_truth(const World& world, const Policy& policy, const RewardWeights& reward, std::size_t m) {
  const auto truth = make_truth_model(world.data.truth, world.data, kNoDateLimit, 1);
  const auto scratch = truth->make_scratch();
  const std::vector<std::uint32_t> pool = random_pool(world.data.log);
  std::vector<float> state(truth->state_size()), scores(m);
  MeanVariance value;
  for (std::uint32_t user = 0; user < world.data.users.size(); ++user)
    replay_user(*truth, world.data, user, kNoDateLimit, state,
                [&](std::size_t row, const Shown& shown, const float* now) {
                  if (world.data.log.is_random[row] == 0 || world.data.log.date[row] <= kKnownUntil) return;
                  std::vector<std::int32_t> videos = random_videos(pool.size(), m, split(make_key(55), row));
                  for (std::int32_t& video : videos)
                    video = static_cast<std::int32_t>(pool[static_cast<std::size_t>(video)]);
                  const ObservationView observation{.rows = 1, .candidates = m, .candidate = videos.data()};
                  policy.score({.observation = observation, .env = nullptr, .keys = {}, .streams = {}}, scores);
                  const auto chosen = std::max_element(scores.begin(), scores.end()) - scores.begin();
                  Shown asked = shown;
                  asked.video = VideoIndex{static_cast<std::uint32_t>(videos[static_cast<std::size_t>(chosen)])};
                  asked.duration_ms = truth->video(asked.video).duration_ms;
                  Expectation expected;
                  truth->expect({&asked, 1}, {&now, 1}, ExposureKind::kInterventional, {&expected, 1}, *scratch);
                  value.add(expected_reward(reward, expected));
                });
  fmt::print("truth of {} rows, standard error {:.3f} %\n", value.count(),
             100.0 * value.standard_error() / value.mean());
  return value.mean();
}

void random_study(const World& world, std::size_t logs) {
  const Catalogue catalogue = build_catalogue(world.data, kKnownUntil);
  const std::shared_ptr<const Policy> policy = by_seconds(catalogue);
  const auto parts = deal(world.data.log, logs, make_key(77), true, false);
  const std::vector<std::uint32_t> pool = random_pool(world.data.log);
  const RewardWeights seconds{}, ratios{.watch_s = 0.0F, .watch_ratio = 1.0F};
  const std::pair<std::size_t, RewardWeights> asked[] = {{10, seconds}, {100, seconds}, {10, ratios}, {100, ratios}};
  for (const auto& [m, reward] : asked) {
    const double truth = random_truth(world, *policy, reward, m);
    JudgeSettings settings = judging(m, kDraws, Exploration::greedy(), true);
    settings.reward = reward;
    Tallies tallies;
    MeanVariance rows, effective;
    for (std::size_t i = 0; i < logs; ++i) {
      const CandidatesOf candidates = redrawn_candidates(world.data.log, pool, split(make_key(9), i));
      const JudgedRows judged = judge_rows(*policy, world.data, catalogue, parts[i], candidates, settings);
      const WeightDiagnostics weights = diagnose(judged.row);
      rows.add(static_cast<double>(weights.rows)), effective.add(weights.effective_rows);
      for (const auto& line : one_step_table(judged, {.bootstrap = {.resamples = 1000, .threads = 1}}, make_key(i)))
        tallies.add(line.name, line.value, truth);
    }
    fmt::print("\n{}, m = {}, {} sets a row: {} logs of {:.0f} random rows, worth {:.0f}\n",
               reward.watch_s > 0.0F ? "seconds" : "ratio", m, kDraws, logs, rows.mean(), effective.mean());
    tallies.print(truth);
  }
}

int run(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  if (argc < 3 || (part != "offered" && part != "sessions" && part != "random"))
    throw InputError(
        "usage: off_policy_study offered|sessions|random DATA [LOGS], see the head of off_policy_study.cpp");
  const std::size_t logs = argc > 3 ? parse_number<std::size_t>("LOGS", argv[3], between(1, 1'000'000)) : 100;
  const World world = make_world(argv[2]);
  (part == "offered" ? offered_study : part == "sessions" ? sessions_study : random_study)(world, logs);
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
