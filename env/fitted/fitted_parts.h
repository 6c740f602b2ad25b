#pragma once

#include <cstdint>
#include <vector>

#include "env/fitted/response_network.h"
#include "env/fitted/return_model.h"
#include "env/fitted/row_encoder.h"
#include "env/user_history.h"

namespace swipegym {

/// Everything a fit learns; what simulator files hold. Those of its parts that are read from a file have a validate()
/// of their own.
struct FittedParts {
  RowEncoder encoder;
  ResponseNetwork network;
  ReturnModel returns;
  HistoryClip clip;
  std::vector<float> item_dense;            // [videos, kItemDense] item statistics at the end of the fitted log
  std::vector<std::uint64_t> event_offset;  // [users + 1]
  std::vector<HistoryEvent> event;          // every user's events, from which histories start
  float dense_leave_shift = 0.0F;           // added to the leave logit on the dense clock
  bool whole_sessions = false;              // the log holds sessions as they were, not shreds of them

  /// Throws InputError unless the parts fit each other and a world of so many users and videos.
  void validate(std::size_t users, std::size_t videos) const;
};

}  // namespace swipegym
