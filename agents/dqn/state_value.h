#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agents/dqn/dqn_config.h"
#include "agents/state_network.h"

namespace swipegym {

/// V(s'), what the best of the candidates is worth on the mean over what s' might have been offered:
///
///   V(s') -> max_a Q'(s', a)  by Huber regression, and  y = r + discount V(s')
///
/// after QV-learning (Wiering, "QV(lambda)-learning", 2005; its QVMAX in Wiering & van Hasselt, "The QV family compared
/// to other reinforcement learning algorithms", 2009). Candidate sets are drawn, so the best of one says little about
/// the best of the next: a target that holds the maximum of one set hands that noise to Q, and V does not. V has no
/// frozen copy of its own: the Q' that it learns is one.
class StateValue {
 public:
  /// States are what the state tower of the target network reads, `inputs` numbers.
  StateValue(std::size_t inputs, const DqnConfig& config, int threads, RandomKey key);

  /// Rows [first, first + next_value.size()) of the batch under way, by their states s': next_value comes with the
  /// maxima, which V is taught by step(), and leaves with V. Called from several threads, for different rows.
  void smooth(std::size_t first, ConstMatrixRef<float> states, std::span<float> next_value);
  /// One step towards what smooth() was given of a whole batch.
  void step(double learning_rate);

  void save(Hdf5Writer& file, const std::string& name) const { network_.save(file, name); }
  void load(const Hdf5Reader& file, const std::string& name) { network_.load(file, name); }

 private:
  StateNetwork network_;
  float huber_delta_;
  Matrix states_;                    // [batch, inputs] s'
  std::vector<float> best_;          // [batch] max_a Q'(s', a)
  std::vector<std::uint32_t> rows_;  // 0, 1, ...
};

}  // namespace swipegym
