#pragma once

#include <cstdint>
#include <vector>

#include "agents/sasrec/sasrec_sequences.h"
#include "agents/sasrec/sqn_network.h"
#include "agents/sasrec/train_sqn.h"
#include "agents/supervised_task.h"
#include "core/random.h"
#include "policy/item_inputs.h"

namespace swipegym {

/// A log as transitions. An action is a standard row of the learned days that is worth a reward and has a history. Its
/// state are the user's strictly earlier rows, whatever came of them; the next state has the row itself as the newest.
/// A user's last action is terminal.
class SqnTransitions {
 public:
  /// All of these must outlive this.
  SqnTransitions(const SupervisedTask& task, const SqnConfig& config, const ItemInputs& items,
                 const std::vector<DayRange>& learned);

  std::size_t size() const noexcept { return actions_.size(); }
  /// Adds transition number `index` to `out`, with `negatives` items that are not its action, drawn evenly by `key`.
  /// Callable from many threads.
  void write(std::size_t index, std::size_t negatives, RandomKey key, Transitions& out) const;

 private:
  struct Action {
    std::uint64_t begin, end;  // log rows of the state
    std::uint64_t row;
    float reward;
    bool terminal;
  };
  std::size_t row_of(const Action& action) const;  // of the item table

  std::size_t length_;
  const Log& log_;
  const ItemInputs& items_;
  SasrecLogInputs inputs_;
  std::vector<Action> actions_;
  std::vector<float> share_;  // [items] of the actions
};

}  // namespace swipegym
