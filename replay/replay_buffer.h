#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/random.h"
#include "env/vector_env.h"
#include "replay/transition_batch.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// What a sample should hold. What is not asked for keeps its old contents.
struct SampleRequest {
  std::size_t count = 0;
  RandomKey key;  // row i draws from stream first_row + i of this key, so that threads may share a sample
  std::size_t first_row = 0;
  int n_step = 1;         // rewards summed before s'; fewer at an episode's end or at the newest steps
  float discount = 0.0F;  // of each of those steps
  bool ratios = true;     // history_ratio
  bool decision = true;   // context, candidates, mask and action
  bool next = true;       // s'; without it only `state` is filled
};

/// Remembers transitions of a VectorEnv that shows one video a step, in any autoreset mode. Filled by one thread;
/// sample() is const and callable from many threads.
class ReplayBuffer {
 public:
  virtual ~ReplayBuffer() = default;

  /// A new episode begins in every env (or in those with mask 1) with this observation: call after VectorEnv::reset.
  virtual void begin(const ObservationView& first, std::span<const std::uint8_t> mask = {}) = 0;
  /// What VectorEnv::step returned; begins the next episodes itself where the env resets by itself.
  virtual void add(const StepView& step) = 0;

  /// Fills `out` with transitions; allocates only when its shape changes. Throws InputError when there is none yet.
  virtual void sample(const SampleRequest& request, TransitionBatch& out) const = 0;

  virtual std::size_t size() const noexcept = 0;      // transitions that may be sampled
  virtual std::size_t capacity() const noexcept = 0;  // steps kept before the oldest are overwritten
  virtual std::size_t bytes() const noexcept = 0;     // memory held

  /// Everything needed to go on with the same numbers, under `name`/.
  virtual void save(Hdf5Writer& file, const std::string& name) const = 0;
  virtual void load(const Hdf5Reader& file, const std::string& name) = 0;
};

}  // namespace swipegym
