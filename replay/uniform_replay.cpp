#include "replay/uniform_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/memory_budget.h"

namespace swipegym {
namespace {
constexpr std::uint32_t kMaxUser = (1U << 21) - 1;  // what an entry's bits can name
}  // namespace

UniformReplay::UniformReplay(std::shared_ptr<const Simulator> simulator, const UniformReplayConfig& config)
    : simulator_(std::move(simulator)), config_(config) {
  if (config.num_envs == 0) throw InputError("a replay buffer needs at least one env");
  if (config.history_length < 1 || config.history_length > 200)
    throw InputError(fmt::format("history_length is {}, expected 1 to 200", config.history_length));
  if (config.capacity < config.num_envs)
    throw InputError(fmt::format("a replay buffer of {} steps cannot serve {} envs: give each at least one step",
                                 config.capacity, config.num_envs));
  if (simulator_->catalogue.num_users() > kMaxUser)
    throw InputError(fmt::format("a replay buffer serves at most {} users, the catalogue has {}", kMaxUser,
                                 simulator_->catalogue.num_users()));
  MemoryBudget()
      .add(fmt::format("a replay buffer of {} steps", config.capacity), bytes(config), "replay_capacity or num_envs")
      .require();
  window_ = config.capacity / config.num_envs;
  ring_ = window_ + config.history_length;
  mask_bytes_ = (config.candidates + 7) / 8;
  const std::size_t total = (window_ + 1) * config.num_envs;
  head_.assign(config.num_envs, 0);
  started_.assign(config.num_envs, 0);
  entries_.resize(total);
  video_.resize(ring_ * config.num_envs);
  ratio_.resize(ring_ * config.num_envs);
  cost_.resize(total * config.costs);
  candidate_.resize(total * config.candidates);
  mask_.resize(total * mask_bytes_);
}

std::uint64_t UniformReplay::bytes(const UniformReplayConfig& config) noexcept {
  const std::uint64_t window = config.capacity / std::max<std::size_t>(config.num_envs, 1);
  const std::uint64_t an_entry =
      sum_of({sizeof(Entry), product_of({config.costs, sizeof(float)}),
              product_of({config.candidates, sizeof(std::int32_t)}), (config.candidates + 7) / 8});
  const std::uint64_t an_env =
      sum_of({sizeof(std::uint64_t) + 1, product_of({window + 1, an_entry}),
              product_of({window + config.history_length, sizeof(std::int32_t) + sizeof(float)})});
  return product_of({config.num_envs, an_env});
}

std::size_t UniformReplay::bytes() const noexcept {
  return head_.size() * sizeof(std::uint64_t) + started_.size() + entries_.size() * sizeof(Entry) +
         (video_.size() + candidate_.size()) * sizeof(std::int32_t) + (ratio_.size() + cost_.size()) * sizeof(float) +
         mask_.size();
}

void UniformReplay::check_history(std::size_t env, const ObservationView& first) const {
  const Population& population = simulator_->population;
  const std::size_t length = first.history_length, user = first.user[env];
  const std::uint64_t end = population.history_offset[user + 1];
  const std::size_t known = std::min<std::size_t>(length, end - population.history_offset[user]);
  const std::int32_t* seen = first.history_video + env * length;
  bool same = known == length || seen[length - known - 1] == -1;
  for (std::size_t i = 0; i < known && same; ++i)
    same = static_cast<std::uint32_t>(seen[length - known + i]) == population.history_video[end - known + i];
  if (!same)
    throw InputError(
        fmt::format("env {} began an episode with another history than user {} has in the simulator's "
                    "population: give the replay buffer the env's own simulator",
                    env, user));
}

void UniformReplay::open(std::size_t env, const ObservationView& observation, std::uint8_t age) {
  const std::size_t to = entry_at(env, head_[env]);
  Entry& entry = entries_[to];
  std::memcpy(entry.context, observation.context + env * kContextFeatures, sizeof entry.context);
  entry.user = observation.user[env] & kMaxUser;
  entry.age = age;
  entry.flags = 0;
  const std::size_t m = config_.candidates;
  if (m == 0) return;
  std::memcpy(&candidate_[to * m], observation.candidate + env * m, m * sizeof(std::int32_t));
  std::uint8_t* bits = &mask_[to * mask_bytes_];
  std::memset(bits, 0, mask_bytes_);
  for (std::size_t slot = 0; slot < m; ++slot)
    bits[slot / 8] |= static_cast<std::uint8_t>((observation.mask[env * m + slot] != 0) << (slot % 8));
}

void UniformReplay::advance(std::size_t env) {
  const std::uint64_t position = head_[env]++;
  if (entries_[entry_at(env, position)].flags & kTransition) ++size_;
  if (position >= window_ && (entries_[entry_at(env, position - window_)].flags & kTransition)) --size_;
}

void UniformReplay::start_episode(std::size_t env, const ObservationView& observation) {
  check_history(env, observation);
  if (started_[env]) advance(env);  // the old episode's last observation stays behind as an entry without an action
  started_[env] = 1;
  open(env, observation, 0);
}

void UniformReplay::begin(const ObservationView& first, std::span<const std::uint8_t> mask) {
  if (first.rows != config_.num_envs || first.history_length != config_.history_length ||
      (config_.candidates > 0 && first.candidates != config_.candidates))
    throw InputError(
        fmt::format("the replay buffer holds {} envs, {} videos of history and {} candidates; the "
                    "observation has {}, {} and {}",
                    config_.num_envs, config_.history_length, config_.candidates, first.rows, first.history_length,
                    first.candidates));
  for (std::size_t env = 0; env < config_.num_envs; ++env)
    if (mask.empty() || mask[env]) start_episode(env, first);
}

void UniformReplay::add(const StepView& step) {
  const std::size_t costs = config_.costs;
  for (std::size_t env = 0; env < config_.num_envs; ++env) {
    if (step.autoreset[env]) {
      start_episode(env, step.observation);
      continue;
    }
    const std::size_t at = entry_at(env, head_[env]);
    Entry& entry = entries_[at];
    entry.reward = step.reward[env], entry.stays = step.stays[env];
    const bool terminated = step.terminated[env] != 0, truncated = step.truncated[env] != 0;
    entry.flags = kTransition;
    if (terminated) entry.flags |= kTerminated;
    if (truncated) entry.flags |= kTruncated;
    video_[shown_at(env, head_[env])] = step.video[env];
    std::copy_n(step.cost + env * costs, costs, cost_.data() + at * costs);
    const auto age = static_cast<std::uint8_t>(std::min(entry.age + 1U, 255U));
    // In same-step mode the observation is the next episode's first, and the old one's last lies beside it.
    const bool same_step = (terminated || truncated) && config_.autoreset == AutoresetMode::kSameStep;
    const ObservationView& after = same_step ? step.final_observation : step.observation;
    ratio_[shown_at(env, head_[env])] = after.history_ratio[(env + 1) * config_.history_length - 1];
    advance(env);
    open(env, after, age);
    if (same_step) start_episode(env, step.observation);
  }
}

}  // namespace swipegym
