#include "replay/priority_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr float kMostPriority = 1e30F;  // sums of as many as there are leaves stay finite

struct StoredPriorities {
  const UniformReplay& replay;
  std::span<const float> priority, largest;

  void validate() const {
    require_size("largest", largest.size(), 1);
    require_between("largest", largest, std::numeric_limits<float>::min(), kMostPriority);
    require_between("priority", priority, 0.0F, kMostPriority);
    // A place that holds no transition is never drawn.
    const std::size_t window = replay.steps_per_env();
    for (std::size_t env = 0; env < replay.num_envs(); ++env)
      for (std::size_t place = 0; place < window; ++place) {
        const std::uint64_t end = replay.positions(env), leaf = env * window + place;
        const std::uint64_t back = (end % window + window - place - 1) % window + 1;  // from the end to that place
        require_that(fmt::format("priority[{}]", leaf),
                     priority[leaf] == 0.0F || (back <= end && replay.is_transition(env, end - back)),
                     "0 where the buffer holds no transition");
      }
  }
};

}  // namespace

PrioritySampler::PrioritySampler(const UniformReplay& replay, const PriorityConfig& config)
    : config_(config),
      envs_(replay.num_envs()),
      window_(replay.steps_per_env()),
      followed_(envs_, 0),
      tree_(envs_ * window_) {
  if (tree_.size() > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("prioritised replay holds at most 2^32 steps, not {}", tree_.size()));
}

void PrioritySampler::follow(const UniformReplay& replay) {
  leaves_.clear(), values_.clear();
  for (std::size_t env = 0; env < envs_; ++env) {
    // A new entry lies where the one that leaves lay, so that writing it forgets the old one.
    std::uint64_t& next = followed_[env];
    const std::uint64_t end = replay.positions(env);
    if (end > window_) next = std::max(next, end - window_);
    for (; next < end; ++next) {
      leaves_.push_back(leaf_of(env, next));
      values_.push_back(replay.is_transition(env, next) ? largest_ : 0.0F);
    }
  }
  tree_.set(leaves_, values_);
}

void PrioritySampler::draw(const UniformReplay& replay, RandomKey key, std::size_t count, float beta,
                           PriorityDraw& out) const {
  if (!(tree_.total() > 0.0)) throw InputError("the replay buffer holds no transition yet: step the environment first");
  thread_local std::vector<double> points;
  thread_local std::vector<std::uint32_t> leaves;
  points.resize(count), leaves.resize(count), out.id.resize(count), out.weight.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    points[i] = (static_cast<double>(i) + RandomStream(key, static_cast<std::uint32_t>(i)).uniform_double()) /
                static_cast<double>(count);
  tree_.find(points, leaves);

  const auto window = static_cast<std::uint32_t>(window_);
  float smallest = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t env = leaves[i] / window, place = leaves[i] % window;
    const std::uint64_t newest = replay.positions(env) - 1;
    const std::uint64_t back = (newest % window + window - place) % window;
    out.id[i] = (newest - back) * envs_ + env;
    out.weight[i] = tree_[leaves[i]];
    smallest = std::min(smallest, out.weight[i]);
  }
  // N and the sum cancel: (N P_i)^-beta / max_j (N P_j)^-beta = (min_j p_j / p_i)^beta.
  const float log_smallest = fast_log(smallest);
  for (float& weight : out.weight) weight = fast_exp(beta * (log_smallest - fast_log(weight)));
}

void PrioritySampler::update(const UniformReplay& replay, std::span<const std::uint64_t> id,
                             std::span<const float> error) {
  assert(id.size() == error.size());
  const float limit = config_.error_limit > 0.0F ? config_.error_limit : std::numeric_limits<float>::max();
  values_.resize(error.size());
  for (std::size_t i = 0; i < error.size(); ++i)
    values_[i] = fast_exp(config_.alpha * fast_log(std::min(std::abs(error[i]), limit) + config_.error_floor));
  leaves_.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::size_t env = id[i] % envs_;
    const std::uint64_t position = id[i] / envs_;
    if (!std::isfinite(error[i])) throw InputError("a temporal-difference error is not finite: learning has diverged");
    if (!replay.is_transition(env, position)) continue;
    leaves_.push_back(leaf_of(env, position));
    values_[kept] = values_[i];
    largest_ = std::max(largest_, values_[kept++]);
  }
  values_.resize(kept);
  tree_.set(leaves_, values_);
}

float PrioritySampler::priority(const UniformReplay& replay, std::uint64_t id) const {
  const std::size_t env = id % envs_;
  return replay.is_transition(env, id / envs_) ? tree_[leaf_of(env, id / envs_)] : 0.0F;
}

void PrioritySampler::save(Hdf5Writer& file, const std::string& name) const {
  file.write(name + "/priority", std::vector<float>(tree_.leaves().begin(), tree_.leaves().end()));
  file.write(name + "/largest", std::vector<float>{largest_});
}

void PrioritySampler::load(const Hdf5Reader& file, const std::string& name, const UniformReplay& replay) {
  const std::vector<float> values = file.read<float>(name + "/priority");
  if (values.size() != tree_.size())
    throw InputError(
        fmt::format("{}: {} has {} priorities, expected {}: the checkpoint was made with another replay "
                    "configuration; resume with its own",
                    file.path().string(), name, values.size(), tree_.size()));
  const std::vector<float> largest = file.read<float>(name + "/largest");
  file.check(StoredPriorities{replay, values, largest});
  tree_.assign(values);
  largest_ = largest[0];
  for (std::size_t env = 0; env < envs_; ++env) followed_[env] = replay.positions(env);
}

}  // namespace swipegym
