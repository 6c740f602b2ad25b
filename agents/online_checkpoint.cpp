#include "agents/online_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/counters.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

constexpr std::int64_t kOnlineCheckpointVersion = 1;

bool same_settings(const std::string& stored, const RunIdentity& identity) {
  if (stored == identity.config) return true;
  if (identity.of_today == nullptr) return false;
  Json settings = parse_json(stored, "config"), start;
  if (settings.is_object() && settings.contains("start")) start = settings["start"], settings.erase("start");
  settings = identity.of_today(settings);
  if (!start.is_null()) settings["start"] = start;
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

std::vector<RoundReport> load_rounds(const Hdf5Reader& file) {
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
                 .learner = {.updates = c[2], .loss = m[3], .mean_value = m[4], .gradient_norm = m[5]}};
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
  return load_rounds(file);
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
    if (run.on_round) run.on_round(rounds.back());
    const bool due = rounds.size() % static_cast<std::size_t>(std::max(run.checkpoint_rounds, 1)) == 0;
    if (!run.checkpoint.empty() && due && rounds.back().env_steps < env_steps)
      save_checkpoint(run.checkpoint, identity, learner, rounds);
  };
  return train_online(learner, env, online, std::move(done));
}

}  // namespace swipegym
