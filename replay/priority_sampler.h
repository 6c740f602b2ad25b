#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "replay/sum_tree.h"
#include "replay/uniform_replay.h"

namespace swipegym {

struct PriorityConfig {
  float alpha = 0.6F;         // 0: uniform; 1: proportional to the error
  float error_floor = 0.01F;  // added to every error, so that no transition is lost for good
  float error_limit = 0.0F;   // errors count for this much at most; 0: no limit
};

/// Transitions drawn by priority, and what each counts for in a loss.
struct PriorityDraw {
  std::vector<std::uint64_t> id;  // [rows] as TransitionBatch::id
  std::vector<float> weight;      // [rows] in (0, 1]
};

/// Chooses which transitions of a UniformReplay to learn from: proportional prioritisation (Schaul et al., "Prioritized
/// experience replay", ICLR 2016).
///
///   p = (min(|error|, error_limit) + error_floor)^alpha,  P(i) = p_i / sum p,  w_i = (N P(i))^-beta / max over the
///   batch
///
/// New transitions get the largest priority given so far (at first 1), so that each is likely to be seen once. Weights
/// are divided by the largest of their batch, as PFRL does by default; by the smallest priority of the memory would be
/// the other choice. The total is cut into as many equal stretches as the batch has rows and one point drawn in each
/// (Schaul et al.), which spreads a batch; a transition is still expected rows * P(i) times, and may come twice.
///
/// The sampler knows transitions by their place only. What a transition is, how n steps are added and where histories
/// lie stays with the buffer: draw() here, then UniformReplay::gather().
class PrioritySampler {
 public:
  /// `replay` must be the buffer that is given to every later call.
  PrioritySampler(const UniformReplay& replay, const PriorityConfig& config);

  /// Takes in what the buffer has got, and forgets what it has lost, since the last call: call after begin and add.
  void follow(const UniformReplay& replay);
  /// `count` transitions; row i draws from stream i of `key`. The buffer must hold one.
  void draw(const UniformReplay& replay, RandomKey key, std::size_t count, float beta, PriorityDraw& out) const;
  /// The errors that these transitions turned out to have. One that has left the buffer since is passed over.
  void update(const UniformReplay& replay, std::span<const std::uint64_t> id, std::span<const float> error);

  /// p of a transition, 0 when the buffer does not hold it.
  float priority(const UniformReplay& replay, std::uint64_t id) const;
  double total() const noexcept { return tree_.total(); }
  std::size_t bytes() const noexcept { return tree_.size() * sizeof(float) * 17 / 16; }

  /// Priorities to the bit; load() after the buffer's own.
  void save(Hdf5Writer& file, const std::string& name) const;
  void load(const Hdf5Reader& file, const std::string& name, const UniformReplay& replay);

 private:
  std::uint32_t leaf_of(std::size_t env, std::uint64_t position) const noexcept {
    return static_cast<std::uint32_t>(env * window_ + position % window_);
  }

  PriorityConfig config_;
  std::size_t envs_, window_;
  std::vector<std::uint64_t> followed_;  // [envs] entries taken in
  SumTree tree_;                         // a leaf a place of the ring; 0 where there is no transition
  float largest_ = 1.0F;
  std::vector<std::uint32_t> leaves_;  // of follow() and update()
  std::vector<float> values_;
};

}  // namespace swipegym
