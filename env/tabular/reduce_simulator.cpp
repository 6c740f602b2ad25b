#include "env/tabular/reduce_simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "core/config.h"
#include "core/error.h"
#include "env/tabular/session_groups.h"
#include "env/vector_env.h"

namespace swipegym {
namespace {

constexpr std::uint32_t kListedStarts = 1000;  // session starts of a tabular world, shared out between its groups

std::size_t level_of(float ratio, const std::vector<float>& edges) {
  return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), ratio) - edges.begin());
}

/// What the simulated plays add up to.
struct PlayTally {
  PlayTally(const TabularWorld& world)
      : plays(world.states() * world.kinds * world.levels),
        leaves(plays.size()),
        play_s(world.kinds * world.levels),
        shown_s(play_s.size()),
        plays_of_kind(play_s.size()) {}
  std::vector<double> plays, leaves;                   // [states, kinds, levels]
  std::vector<double> play_s, shown_s, plays_of_kind;  // [kinds, levels] seconds watched, durations, number of plays
  double all = 0.0, watched_s = 0.0;
};

PlayTally show_kinds(const std::shared_ptr<const Simulator>& simulator, std::shared_ptr<const CandidateSource> source,
                     const TabularWorld& world, std::span<const std::uint32_t> kind_of,
                     std::span<const std::uint32_t> group_of, const ReductionConfig& config, std::uint64_t seed,
                     int threads, const Progress& progress) {
  const std::size_t envs = config.num_envs;
  VectorEnv env(simulator, std::move(source),
                {.num_envs = envs, .threads = threads, .history_length = 1, .max_steps = config.max_steps});
  const RandomKey key = make_key(seed);
  std::vector<std::uint64_t> seeds(envs);
  for (std::size_t i = 0; i < envs; ++i) seeds[i] = RandomStream(split(split(key, Draw::kUser), i)).next_u64();
  const RandomKey choice = split(key, Draw::kAction);
  env.reset(seeds);

  PlayTally tally(world);
  std::vector<std::size_t> state(envs);
  const auto begin = [&](std::size_t i) { state[i] = world.first_state(group_of[env.observation().user[i]]); };
  for (std::size_t i = 0; i < envs; ++i) begin(i);
  std::vector<std::int32_t> actions(envs);
  for (std::uint32_t step = 0; tally.all < static_cast<double>(config.plays); ++step) {
    RandomStream random(choice, step);
    const std::uint8_t* mask = env.observation().mask;
    for (std::size_t i = 0; i < envs; ++i) {
      actions[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(world.kinds)));
      while (mask[i * world.kinds + static_cast<std::size_t>(actions[i])] == 0)
        actions[i] = (actions[i] + 1) % static_cast<std::int32_t>(world.kinds);
    }
    const StepView& view = env.step(actions);
    for (std::size_t i = 0; i < envs; ++i) {
      if (view.autoreset[i]) {
        begin(i);
        continue;
      }
      const auto video = static_cast<std::size_t>(view.video[i]);
      const std::size_t kind = kind_of[video], level = level_of(view.watch_ratio[i], config.level_edges);
      const std::size_t at = world.answers(state[i], kind) + level, of_kind = kind * world.levels + level;
      tally.plays[at] += 1.0;
      tally.leaves[at] += view.terminated[i];
      tally.plays_of_kind[of_kind] += 1.0;
      tally.play_s[of_kind] += view.watch_s[i];
      tally.shown_s[of_kind] += simulator->catalogue.duration_ms[video] / 1000.0;
      tally.all += 1.0;
      tally.watched_s += view.watch_s[i];
      state[i] = world.state_after(world.group_of(state[i]), kind, level);
    }
    report(progress, "reducing the simulator", static_cast<std::uint64_t>(tally.all),
           static_cast<std::uint64_t>(config.plays));
  }
  return tally;
}

// Mean features of the members of each group, [groups, width].
std::vector<float> mean_features(std::span<const float> features, std::size_t width,
                                 std::span<const std::uint32_t> group, std::span<const double> weight,
                                 std::size_t groups) {
  std::vector<double> sum(groups * width, 0.0), total(groups, 0.0);
  for (std::size_t i = 0; i < group.size(); ++i) {
    total[group[i]] += weight[i];
    for (std::size_t f = 0; f < width; ++f)
      sum[group[i] * width + f] += weight[i] * static_cast<double>(features[i * width + f]);
  }
  std::vector<float> mean(groups * width);
  for (std::size_t at = 0; at < mean.size(); ++at) mean[at] = static_cast<float>(sum[at] / total[at / width]);
  return mean;
}

void describe_kinds(const Catalogue& catalogue, std::span<const std::uint32_t> kind_of, const PlayTally& tally,
                    const std::vector<float>& edges, TabularWorld& world) {
  world.video_features = mean_features(catalogue.video_features, kVideoFeatures, kind_of,
                                       std::vector<double>(kind_of.size(), 1.0), world.kinds);
  for (std::size_t kind = 0; kind < world.kinds; ++kind) {
    const std::size_t first = kind * world.levels;
    std::vector<double> ratio(world.levels);
    double ratios = 0.0, watched_s = 0.0;
    for (std::size_t level = 0; level < world.levels; ++level) {
      const std::size_t at = first + level;
      // The mean ratio of those plays, by seconds; where there were none, the lower edge stands for the level.
      ratio[level] = tally.shown_s[at] > 0.0 ? tally.play_s[at] / tally.shown_s[at]
                     : level > 0             ? static_cast<double>(edges[level - 1])
                                             : 0.0;
      ratios += tally.plays_of_kind[at] * ratio[level];
      watched_s += tally.play_s[at];
    }
    // Long videos are seldom watched to the end, so the mean duration would promise too many seconds: the kind's is the
    // one at which these ratios give the seconds that were watched.
    const double duration_s = ratios > 0.0 ? watched_s / ratios : 1.0;
    world.duration_ms.push_back(static_cast<std::int32_t>(std::max(std::lround(1000.0 * duration_s), 1L)));
    for (std::size_t level = 0; level < world.levels; ++level)
      world.play_ms.push_back(static_cast<std::int32_t>(std::lround(1000.0 * duration_s * ratio[level])));
  }
}

void describe_groups(const Simulator& simulator, std::span<const std::uint32_t> group_of, TabularWorld& world) {
  std::vector<double> sessions(group_of.size(), 0.0), of_group(world.groups, 0.0);
  for (const std::uint32_t user : simulator.population.start_user) ++sessions[user], ++of_group[group_of[user]];
  world.user_features =
      mean_features(simulator.catalogue.user_features, kUserFeatures, group_of, sessions, world.groups);
  double before = 0.0;
  std::uint32_t listed = 0;
  for (const double count : of_group) {
    before += count;
    const auto until = static_cast<std::uint32_t>(
        std::lround(kListedStarts * before / static_cast<double>(simulator.population.start_user.size())));
    world.group_starts.push_back(until - std::exchange(listed, until));
  }
}

// Shares of levels and of leaving in every state, each beginning with `prior` plays of the kind's overall answer.
void describe_answers(const PlayTally& tally, double prior, TabularWorld& world) {
  const std::size_t levels = world.levels, kinds = world.kinds;
  const std::vector<double>& plays = tally.plays_of_kind;
  std::vector<double> leaves(plays.size(), 0.0), all(kinds, 0.0);
  for (std::size_t at = 0; at < tally.leaves.size(); ++at) leaves[at % leaves.size()] += tally.leaves[at];
  for (std::size_t at = 0; at < plays.size(); ++at) all[at / levels] += plays[at];
  world.level_probability.resize(tally.plays.size());
  world.leave_probability.resize(tally.plays.size());
  for (std::size_t pair = 0; pair < world.states() * kinds; ++pair) {
    const std::size_t kind = pair % kinds;
    double shown = 0.0;
    for (std::size_t level = 0; level < levels; ++level) shown += tally.plays[pair * levels + level];
    for (std::size_t level = 0; level < levels; ++level) {
      const std::size_t at = pair * levels + level, of_kind = kind * levels + level;
      world.level_probability[at] = (tally.plays[at] + prior * plays[of_kind] / all[kind]) / (shown + prior);
      const double leaving = plays[of_kind] > 0.0 ? leaves[of_kind] / plays[of_kind] : 0.0;
      world.leave_probability[at] = (tally.leaves[at] + prior * leaving) / (tally.plays[at] + prior);
    }
  }
}

// How far the tables answer like the simulator in the states its sessions were in.
void compare_answers(const PlayTally& tally, Reduction& out) {
  const TabularWorld& world = out.world;
  const std::size_t of_kinds = world.kinds * world.levels;
  out.plays = static_cast<std::int64_t>(tally.all);
  out.fewest_plays = out.plays;
  double tabulated = 0.0;
  for (std::size_t pair = 0; pair < world.states() * world.kinds; ++pair) {
    double shown = 0.0, expected_s = 0.0;
    for (std::size_t level = 0; level < world.levels; ++level) {
      const std::size_t at = pair * world.levels + level;
      shown += tally.plays[at];
      expected_s += world.level_probability[at] * world.play_ms[at % of_kinds] / 1000.0;
    }
    tabulated += shown * expected_s;
    out.fewest_plays = std::min(out.fewest_plays, static_cast<std::int64_t>(shown));
  }
  out.simulated_s = tally.watched_s / tally.all;
  out.tabulated_s = tabulated / tally.all;
  out.simulated_leaves = std::accumulate(tally.leaves.begin(), tally.leaves.end(), 0.0) / tally.all;
}

}  // namespace

void check(const ReductionConfig& c) {
  check_ranges(c);
  require_setting(
      std::adjacent_find(c.level_edges.begin(), c.level_edges.end(), std::greater_equal<>()) == c.level_edges.end(),
      "level_edges", c.level_edges, "watch ratios, each higher than the one before");
}

Reduction reduce_simulator(std::shared_ptr<const Simulator> simulator, const ReductionConfig& config,
                           std::uint64_t seed, int threads, const Progress& progress) {
  check(config);
  Reduction out;
  TabularWorld& world = out.world;
  world.groups = config.user_groups;
  world.kinds = config.duration_groups * config.appeal_groups;
  world.levels = config.level_edges.size() + 1;
  const std::vector<std::uint32_t> kind_of =
      group_videos(simulator->catalogue, config.duration_groups, config.appeal_groups);
  const std::vector<std::uint32_t> group_of = group_users(*simulator, config.user_groups);
  const auto source = std::make_shared<RandomOfKinds>(kind_of, world.kinds);
  if (source->fewest() == 0)
    throw InputError(fmt::format("{} videos cannot be cut into {} kinds: lower duration_groups or appeal_groups",
                                 simulator->catalogue.num_videos(), world.kinds));
  describe_groups(*simulator, group_of, world);
  if (*std::min_element(world.group_starts.begin(), world.group_starts.end()) == 0)
    throw InputError(
        fmt::format("its sessions cannot be cut into {} groups of users: lower user_groups", world.groups));
  const PlayTally tally = show_kinds(simulator, source, world, kind_of, group_of, config, seed, threads, progress);
  describe_kinds(simulator->catalogue, kind_of, tally, config.level_edges, world);
  describe_answers(tally, config.prior_plays, world);
  compare_answers(tally, out);
  return out;
}

}  // namespace swipegym
