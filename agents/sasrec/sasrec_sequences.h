#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "agents/logged_states.h"
#include "agents/sasrec/sasrec_learner.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/supervised_task.h"
#include "policy/item_inputs.h"
#include "policy/sasrec/sasrec_network.h"
#include "policy/sasrec/sasrec_policy.h"

namespace swipegym {

/// A log's rows as SASRec's input rows. What is known of the videos on a row's day comes from earlier days.
class SasrecLogInputs {
 public:
  /// For rows dated up to `last`. All of these must outlive this.
  SasrecLogInputs(const SupervisedTask& task, const SasrecNetworkConfig& network, const ItemInputs& items,
                  std::int32_t last);

  /// Adds log rows [begin, end) of one user to `out` as one sequence. Callable from many threads.
  void append(std::uint64_t begin, std::uint64_t end, PackedHistories& out) const;
  /// [videos, kVideoFeatures] as they stood before the day.
  const Matrix& features_on(std::int32_t date) const;
  const LoggedStates& states() const noexcept { return states_; }

 private:
  const Log& log_;
  const SasrecNetworkConfig& network_;
  const ItemInputs& items_;
  LoggedStates states_;
  std::map<std::int32_t, Matrix> features_;  // of the videos, from rows before each date
};

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
