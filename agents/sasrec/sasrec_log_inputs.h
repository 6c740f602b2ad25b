#pragma once

#include <cstdint>
#include <map>

#include "agents/logged_states.h"
#include "agents/supervised_task.h"
#include "policy/item_inputs.h"
#include "policy/sasrec/sasrec_network.h"

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

}  // namespace swipegym
