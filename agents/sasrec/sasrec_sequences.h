#pragma once

#include <cstdint>
#include <vector>

#include "agents/sasrec/sasrec_config.h"
#include "agents/sasrec/sasrec_learner.h"
#include "agents/sasrec/sasrec_log_inputs.h"
#include "agents/supervised_task.h"
#include "policy/item_inputs.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// A log as training sequences: windows of a user's rows, of which all but the last are inputs, and those from
/// `first_target` on are learned from, the last window_targets or all of a user's first window. Every input has the
/// position that it would have when the window's last row is served.
class SasrecSequences {
 public:
  /// Rows with from <= date <= until are learned from; rows before them are history. Views must outlive this.
  SasrecSequences(const SupervisedTask& task, const SasrecConfig& config, const ItemInputs& items,
                  const SasrecUsers& users, std::vector<DayRange> learned);

  std::size_t windows() const noexcept { return windows_.size(); }
  std::uint64_t rows() const noexcept { return rows_; }
  /// Mean 0 and deviation 1 for what heads see of a candidate, by a part of the rows.
  void standardise(SasrecNetwork& network) const;
  /// Adds window number `window` to `out`. Negatives are drawn from `key`. Callable from many threads.
  void write(std::size_t window, RandomKey key, SasrecExamples& out) const;

 private:
  struct Window {
    std::uint64_t begin, first_target, end;  // log rows
  };
  bool is_answer(std::size_t row) const noexcept;
  bool is_learned(std::size_t row) const noexcept;
  void write_answers(const Window& window, std::size_t first_row, SasrecExamples& out) const;
  void write_targets(const Window& window, RandomKey key, SasrecExamples& out) const;

  const SupervisedTask& task_;
  const SasrecConfig& config_;
  const ItemInputs& items_;
  const SasrecUsers& users_;
  std::vector<DayRange> learned_;
  SasrecLogInputs inputs_;
  std::vector<Window> windows_;
  std::uint64_t rows_ = 0;
};

}  // namespace swipegym
