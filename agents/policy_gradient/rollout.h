#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "env/vector_env.h"
#include "nn/matrix.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// What all envs did for a few steps, encoded once and read many times by an on-policy update. Row t * envs + e is step
/// t of env e; the states of row block `steps` come after the last step.
class Rollout {
 public:
  struct Shape {
    std::size_t envs = 0, steps = 0, slots = 0, slate = 1, costs = 0;
    std::size_t signals = 0;  // known of every candidate
    bool returns = false;     // users come back: come_back() is called
    int threads = 0;
  };
  /// `encoder` must outlive this.
  Rollout(const StateEncoder& encoder, const Shape& shape);
  /// What one takes of memory. The constructor throws InputError when that is more than memory_limit().
  static std::uint64_t bytes(std::size_t state_size, const Shape& shape) noexcept;

  /// New episodes begin in every env; what was gathered is forgotten. An observation without candidates is encoded
  /// without: offer() is to follow.
  void begin(const ObservationView& first);
  /// Where the policy itself says what it chooses among, before each add(): the newest observation with these
  /// candidates.
  void offer(const ObservationView& newest) { encode(newest, gathered_, all_); }
  /// What VectorEnv::step returned (autoreset kNextStep), with what it cost [envs, costs] and the signals of all
  /// candidates of the step [envs, signals, m].
  void add(const StepView& step, std::span<const float> costs, std::span<const float> signals = {});
  /// After add(), with Shape::returns: users of envs with mask 1 begin their next session, which `now` shows. The
  /// states in which they left go to `left`; the next states of these envs are those of the new session.
  void come_back(const ObservationView& now, std::span<const std::uint8_t> back);
  bool full() const noexcept { return gathered_ == shape_.steps; }
  /// After an update: the last states become the first.
  void restart();

  const Shape& shape() const noexcept { return shape_; }
  std::size_t rows() const noexcept { return shape_.envs * shape_.steps; }
  std::size_t state_rows() const noexcept { return shape_.envs * (shape_.steps + 1); }

  const StateEncoder& encoder() const noexcept { return encoder_; }
  Matrix states;                         // [state_rows, state size]
  Matrix cross;                          // [state_rows * m, StateEncoder::kCross]
  std::vector<std::int32_t> candidate;   // [state_rows, m]
  std::vector<std::uint8_t> mask;        // [state_rows, m]
  std::vector<std::int32_t> action;      // [rows, K] slots that were watched, -1 behind them
  std::vector<float> reward;             // [rows]
  std::vector<float> cost;               // [costs, rows]
  std::vector<float> signal;             // [rows, signals, m] of every candidate
  std::vector<std::uint32_t> videos;     // [rows] watched
  std::vector<std::uint8_t> valid;       // [rows] 0: the env only began anew
  std::vector<float> stays;              // [rows] what a step's future counts for
  std::vector<std::uint8_t> terminated;  // [rows]
  std::vector<std::uint8_t> truncated;   // [rows]
  std::vector<float> gap_h;              // [rows] hours until the user's next visit, -1 where no session ended
  Matrix left;                           // [rows, state size] with Shape::returns: the states sessions ended in
  std::vector<std::uint32_t> left_by;    // rows that led to the first of these; as many as there are

 private:
  void encode(const ObservationView& observation, std::size_t block, std::span<const std::uint32_t> envs);

  const StateEncoder& encoder_;
  Shape shape_;
  std::vector<std::uint32_t> all_, back_;  // envs
  std::size_t gathered_ = 0;
};

}  // namespace swipegym
