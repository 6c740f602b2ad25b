#pragma once

#include <memory>
#include <vector>

#include "replay/replay_buffer.h"

namespace swipegym {

struct UniformReplayConfig {
  std::size_t capacity = 1'000'000;  // steps, shared evenly between envs
  std::size_t num_envs = 64;
  std::size_t history_length = 50;  // L of the sampled states, up to 200
  std::size_t candidates = 10;      // m; 0: candidate sets are not kept, and sampled transitions have no slots
  std::size_t costs = 0;
  AutoresetMode autoreset = AutoresetMode::kNextStep;  // the env's
};

/// Draws every stored transition with the same probability.
///
/// A state of 200 videos is never stored. Each env owns a ring of steps in the order they happened; a state's history
/// is the stretch of its ring since the episode began, continued backwards by the user's logged history, which the
/// population holds anyway. A step costs 52 bytes plus its candidate ids and mask bits, whatever L is: s' is the next
/// entry, the last observation of an episode takes an entry of its own, and the action follows from the video
/// shown. Videos and ratios of L steps more than may be sampled are kept,
/// so that the oldest transition still finds its history.
class UniformReplay final : public ReplayBuffer {
 public:
  /// The simulator must be that of the env; its population is read and must outlive the call of each method.
  UniformReplay(std::shared_ptr<const Simulator> simulator, const UniformReplayConfig& config);

  void begin(const ObservationView& first, std::span<const std::uint8_t> mask = {}) override;
  void add(const StepView& step) override;
  void sample(const SampleRequest& request, TransitionBatch& out) const override;
  /// The transitions of these ids (TransitionBatch::id) instead of drawn ones, `request.count` of them; the buffer must
  /// hold each (is_transition).
  void gather(std::span<const std::uint64_t> ids, const SampleRequest& request, TransitionBatch& out) const;

  /// Who chooses transitions otherwise than evenly knows them by env and position: id = position * num_envs + env. An
  /// env's positions count from 0; the newest steps_per_env of those below positions(env) are kept.
  std::size_t num_envs() const noexcept { return config_.num_envs; }
  std::size_t steps_per_env() const noexcept { return window_; }
  std::uint64_t positions(std::size_t env) const noexcept { return head_[env]; }
  bool is_transition(std::size_t env, std::uint64_t position) const noexcept {
    return position < head_[env] && position + window_ >= head_[env] &&
           (entries_[entry_at(env, position)].flags & kTransition) != 0;
  }

  std::size_t size() const noexcept override { return size_; }
  std::size_t capacity() const noexcept override { return window_ * config_.num_envs; }
  std::size_t bytes() const noexcept override;
  /// bytes() of a buffer before there is one. The constructor throws InputError when that is more than memory_limit().
  static std::uint64_t bytes(const UniformReplayConfig& config) noexcept;

  void save(Hdf5Writer& file, const std::string& name) const override;
  void load(const Hdf5Reader& file, const std::string& name) override;
  /// What holds of positions and transitions; load() calls it once each number by itself is in range.
  void validate() const;

 private:
  enum Flag : std::uint8_t { kTransition = 1, kTerminated = 2, kTruncated = 4 };
  struct Entry {  // what a sample reads besides histories and candidates
    float context[kContextFeatures];
    float reward;
    float stays;  // StepView::stays
    std::uint32_t user : 21;
    std::uint32_t age : 8;  // videos shown in this episode before this step, at most 255; L is at most 200
    std::uint32_t flags : 3;
  };
  static constexpr std::size_t kNoEntry = static_cast<std::size_t>(-1);
  struct Place {
    std::size_t env = 0;
    std::uint64_t position = 0;
    std::size_t entry = kNoEntry;  // entry_at(env, position)
    std::size_t steps = 1;         // to s'
  };

  std::size_t entry_at(std::size_t env, std::uint64_t position) const noexcept {
    return env * (window_ + 1) + position % (window_ + 1);
  }
  std::size_t shown_at(std::size_t env, std::uint64_t position) const noexcept {
    return env * ring_ + position % ring_;
  }
  void open(std::size_t env, const ObservationView& observation, std::uint8_t age);
  void start_episode(std::size_t env, const ObservationView& observation);
  void advance(std::size_t env);
  void check_history(std::size_t env, const ObservationView& first) const;
  Place propose(RandomStream& random, std::uint64_t longest) const noexcept;
  Place draw(RandomStream random, std::uint64_t longest) const noexcept;
  bool is_transition(const Place& place) const noexcept {
    return place.entry != kNoEntry && (entries_[place.entry].flags & kTransition) != 0;
  }
  std::size_t steps_ahead(const Place& place, int n_step) const noexcept;
  void prepare(const SampleRequest& request, TransitionBatch& out) const;
  void copy_places(std::span<Place> places, const SampleRequest& request, std::size_t first,
                   TransitionBatch& out) const;
  void prefetch(const Place& place, const SampleRequest& request) const noexcept;
  void copy_histories(const Place& place, const SampleRequest& request, std::size_t row, TransitionBatch& out) const;
  void copy_decision(std::size_t from, std::size_t row, SampledStates& out) const;
  void copy_outcome(const Place& place, const SampleRequest& request, std::size_t row, TransitionBatch& out) const;

  std::shared_ptr<const Simulator> simulator_;
  UniformReplayConfig config_;
  std::size_t window_ = 0;      // steps of an env that may be sampled
  std::size_t ring_ = 0;        // steps of an env whose video and ratio are kept: L more
  std::size_t mask_bytes_ = 0;  // of one candidate set
  std::size_t size_ = 0;
  std::vector<std::uint64_t> head_;      // [envs] position of the entry that waits for its action
  std::vector<std::uint8_t> started_;    // [envs] whether there is such an entry
  std::vector<Entry> entries_;           // [envs, ring]
  std::vector<std::int32_t> video_;      // [envs, ring] shown by the step
  std::vector<float> ratio_;             // [envs, ring]
  std::vector<float> cost_;              // [envs, window + 1, costs]
  std::vector<std::int32_t> candidate_;  // [envs, window + 1, m]
  std::vector<std::uint8_t> mask_;       // [envs, window + 1, mask bytes], a bit a slot
};

}  // namespace swipegym
