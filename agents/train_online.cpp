#include "agents/train_online.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agents/counters.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/json_number.h"

namespace swipegym {
namespace {

// Returns of the episodes under way in each env, and what the finished ones of a round add up to.
class EpisodeTally {
 public:
  explicit EpisodeTally(std::size_t envs) : return_(envs, 0.0), length_(envs, 0) {}

  void add(const StepView& step) {
    for (std::size_t env = 0; env < return_.size(); ++env) {
      if (step.autoreset[env]) continue;
      return_[env] += step.reward[env];
      ++length_[env];
      if (!step.terminated[env] && !step.truncated[env]) continue;
      returns_ += return_[env];
      lengths_ += length_[env];
      ++episodes_;
      return_[env] = 0.0;
      length_[env] = 0;
    }
  }
  void report(RoundReport& out) const {
    const auto count = static_cast<double>(std::max<std::int64_t>(episodes_, 1));
    out.episodes = episodes_;
    out.mean_return = returns_ / count;
    out.mean_length = static_cast<double>(lengths_) / count;
  }

 private:
  std::vector<double> return_;
  std::vector<std::int64_t> length_;
  double returns_ = 0.0;
  std::int64_t lengths_ = 0, episodes_ = 0;
};

std::vector<std::uint64_t> round_seeds(std::uint64_t seed, std::size_t round, std::size_t envs) {
  const RandomKey key = split(split(make_key(seed), Draw::kUser), round);
  std::vector<std::uint64_t> seeds(envs);
  for (std::size_t env = 0; env < envs; ++env) {
    const RandomKey own = split(key, env);
    seeds[env] = std::uint64_t{own.hi} << 32 | own.lo;
  }
  return seeds;
}

// Users whose session is over come back after a gap that the model draws.
void come_back(Learner& learner, VectorEnv& env, const StepView& step, std::span<std::uint8_t> back) {
  bool any = false;
  for (std::size_t i = 0; i < back.size(); ++i) {
    back[i] = step.terminated[i] || step.truncated[i] ? 1 : 0;
    any = any || back[i] != 0;
  }
  if (any) learner.come_back(env.next_session(back), back);
}

// The columns of a training log: name, figure, meaning, and what a reader in a hurry is told of it.
template <class Visitor>
void visit_columns(Visitor visit, const RoundReport& r) {
  visit("env_steps", r.env_steps, "videos shown in all sessions together, so far", "");
  visit("episodes", r.episodes, "sessions that ended in the round", "");
  visit("mean_return", r.mean_return, "reward a session of those, while exploring", "return");
  visit("mean_length", r.mean_length, "videos a session of those", "videos");
  visit("epsilon", r.epsilon, "share of uniform choices at the round's end", "");
  visit("updates", r.learner.updates, "of the network, so far", "");
  visit("loss", r.learner.loss, "mean over the round's updates", "loss");
  visit("mean_value", r.learner.mean_value, "mean predicted value in the round's updates, in the reward's unit", "");
  visit("gradient_norm", r.learner.gradient_norm, "mean over the round's updates", "");
}

}  // namespace

Json to_json(const RoundReport& round) {
  Json line = Json::object();
  visit_columns(LineWriter{line}, round);
  for (const AgentFigure& figure : round.figures) line[figure.name] = json_number(figure.value);
  return line;
}

std::vector<CurveColumn> round_columns(const Learner& learner) {
  std::vector<CurveColumn> columns;
  visit_columns(ColumnLister{columns}, RoundReport{});
  for (const AgentFigure& figure : learner.figures(0, 0)) columns.push_back({figure.name, figure.meaning});
  return columns;
}

std::vector<RoundReport> train_online(Learner& learner, VectorEnv& env, const OnlineTraining& training,
                                      std::vector<RoundReport> done) {
  const std::size_t envs = env.config().num_envs;
  const auto step_size = static_cast<std::int64_t>(envs);
  std::vector<RandomKey> keys(envs);
  for (std::size_t i = 0; i < envs; ++i) keys[i] = split(split(make_key(training.seed), Draw::kExploration), i);
  std::vector<std::uint32_t> streams(envs);
  std::vector<std::int32_t> actions(envs * env.config().slate);
  std::vector<float> scores;
  const auto total = static_cast<std::uint64_t>(training.env_steps);

  std::vector<std::uint8_t> back(envs);
  std::int64_t steps = done.empty() ? 0 : done.back().env_steps;
  while (steps < training.env_steps) {
    const std::int64_t round_begin = steps, round_end = std::min(training.env_steps, steps + training.round_steps);
    EpisodeTally tally(envs);
    learner.begin(env.reset(round_seeds(training.seed, done.size(), envs)));
    while (steps < round_end) {
      std::fill(streams.begin(), streams.end(), static_cast<std::uint32_t>(steps / step_size));
      const DecisionBatch batch{.observation = env.observation(),
                                .env = &env,
                                .keys = keys,
                                .streams = streams,
                                .threads = env.config().threads};
      choose_actions(learner.policy(), batch, learner.exploration(steps), env.simulator().catalogue.num_videos(),
                     scores, actions, env.config().slate);
      learner.before_step(env, actions);
      const StepView& step = env.step(actions);
      learner.observe(step);
      tally.add(step);
      if (training.after_step) training.after_step(step);
      if (env.config().autoreset == AutoresetMode::kDisabled) come_back(learner, env, step, back);
      steps += step_size;
      learner.update(steps);
      report(training.progress, "training", std::min(static_cast<std::uint64_t>(steps), total), total);
    }
    RoundReport round;
    round.env_steps = steps;
    round.epsilon = learner.exploration(steps).epsilon;
    round.learner = learner.take_stats();
    round.figures = learner.figures(round_begin, steps);
    tally.report(round);
    done.push_back(round);
    if (training.after_round) training.after_round(done);
  }
  return done;
}

namespace {

constexpr std::int64_t kOnlineCheckpointVersion = 1;

// Of a training that goes on: stored settings with fewer steps have those that are asked for.
void take_steps(Json& stored, const RunIdentity& identity) {
  std::string place = "/" + identity.steps_setting;
  std::replace(place.begin(), place.end(), '.', '/');
  const Json::json_pointer steps(place);
  const Json asked = parse_json(identity.config, "config");
  if (stored.contains(steps) && asked.contains(steps) && stored[steps] < asked[steps]) stored[steps] = asked[steps];
}

bool same_settings(const std::string& stored, const RunIdentity& identity) {
  if (stored == identity.config) return true;
  if (identity.of_today == nullptr) return false;
  Json settings = parse_json(stored, "config"), start;
  if (settings.is_object() && settings.contains("start")) start = settings["start"], settings.erase("start");
  settings = identity.of_today(settings);
  if (!start.is_null()) settings["start"] = start;
  if (!identity.steps_setting.empty()) take_steps(settings, identity);
  return settings.dump() == identity.config;
}

// A training log as columns, so that a resumed run reports what an unbroken one would.
void save_rounds(Hdf5Writer& file, const std::vector<RoundReport>& rounds) {
  std::vector<std::int64_t> counts;
  std::vector<double> means;
  for (const RoundReport& r : rounds) {
    counts.insert(counts.end(), {r.env_steps, r.episodes, r.learner.updates});
    means.insert(means.end(), {r.mean_return, r.mean_length, r.epsilon, r.learner.loss, r.learner.mean_value,
                               r.learner.gradient_norm});
  }
  file.write("rounds/counts", counts);
  file.write_figures("rounds/means", means);  // a training that diverged says so by its loss
}

std::vector<RoundReport> load_rounds(const Hdf5Reader& file, const Learner& learner) {
  const std::vector<double> means = file.read<double>("rounds/means");
  std::vector<RoundReport> rounds(means.size() / 6);
  const std::vector<std::int64_t> counts = read_counters(file, "rounds/counts", 3 * rounds.size());
  bool ascends = means.size() == 6 * rounds.size();
  for (std::size_t i = 0; i < rounds.size(); ++i) ascends = ascends && counts[3 * i] > (i == 0 ? 0 : counts[3 * i - 3]);
  if (!ascends)
    throw InputError(fmt::format("{}: its training log is damaged; remove it and train afresh", file.path().string()));
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const std::int64_t* c = &counts[3 * i];
    const double* m = &means[6 * i];
    rounds[i] = {.env_steps = c[0],
                 .episodes = c[1],
                 .mean_return = m[0],
                 .mean_length = m[1],
                 .epsilon = m[2],
                 .learner = {.updates = c[2], .loss = m[3], .mean_value = m[4], .gradient_norm = m[5]},
                 .figures = learner.figures(i == 0 ? 0 : rounds[i - 1].env_steps, c[0])};
  }
  return rounds;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, const Learner& learner,
                     const std::vector<RoundReport>& rounds) {
  Hdf5Writer file(path);
  file.attribute("kind", "checkpoint");
  file.attribute("schema_version", kOnlineCheckpointVersion);
  file.attribute("seed", static_cast<std::int64_t>(identity.seed));
  file.attribute("data_fingerprint", static_cast<std::int64_t>(identity.data_fingerprint));
  file.write_text("config", identity.config);
  save_rounds(file, rounds);
  learner.save(file, "learner");
  file.commit();
}

std::vector<RoundReport> load_checkpoint(const std::filesystem::path& path, const RunIdentity& identity,
                                         Learner& learner) {
  const Hdf5Reader file(path, "checkpoint", kOnlineCheckpointVersion);
  const auto require = [&](bool same, const char* what) {
    if (!same)
      throw InputError(fmt::format("{}: was made with another {}; resume with its own, or remove it to train afresh",
                                   path.string(), what));
  };
  require(static_cast<std::uint64_t>(file.attribute_int("seed")) == identity.seed, "seed");
  require(static_cast<std::uint64_t>(file.attribute_int("data_fingerprint")) == identity.data_fingerprint, "simulator");
  require(same_settings(file.read_text("config"), identity), "config");
  learner.load(file, "learner");
  return load_rounds(file, learner);
}

std::vector<RoundReport> train_with_checkpoints(Learner& learner, VectorEnv& env, const RunIdentity& identity,
                                                std::int64_t env_steps, std::int64_t round_steps,
                                                const OnlineRun& run) {
  std::vector<RoundReport> done;
  if (run.resume && std::filesystem::exists(run.checkpoint)) done = load_checkpoint(run.checkpoint, identity, learner);
  if (!done.empty() && done.back().env_steps > env_steps)
    throw InputError(fmt::format("{}: has trained for {} steps, more than the {} asked for; remove it to train afresh",
                                 run.checkpoint.string(), done.back().env_steps, env_steps));
  OnlineTraining online{.seed = identity.seed,
                        .env_steps = env_steps,
                        .round_steps = round_steps,
                        .progress = run.progress,
                        .after_round = {}};
  online.after_round = [&](const std::vector<RoundReport>& rounds) {
    const auto save = [&] {
      if (!run.checkpoint.empty()) save_checkpoint(run.checkpoint, identity, learner, rounds);
    };
    const bool due = rounds.size() % static_cast<std::size_t>(std::max(run.checkpoint_rounds, 1)) == 0;
    const bool is_last = rounds.back().env_steps >= env_steps;
    const bool saves = is_last ? run.keeps_checkpoint : due;
    if (saves) save();
    if (!run.curve.add) return;
    try {
      run.curve.add(to_json(rounds.back()));
    } catch (const Interrupted&) {
      if (!saves) save();
      throw;
    }
  };
  if (run.curve.begin) {
    std::vector<Json> lines;
    for (const RoundReport& round : done) lines.push_back(to_json(round));
    run.curve.begin(round_columns(learner), lines);
  }
  return train_online(learner, env, online, std::move(done));
}

}  // namespace swipegym
