#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "env/fitted/response_network.h"
#include "env/fitted/return_model.h"
#include "env/fitted/row_encoder.h"
#include "env/user_history.h"

namespace swipegym {

inline constexpr std::size_t kMostMembers = 64;

/// What differs between the members of a posterior: what users, videos and contexts add to the first layer. What lies
/// above, and how a session's history enters, they share, so that a step costs a member what it costs the network
/// alone.
struct MemberTables {
  Matrix table;  // [encoder.table_rows, hidden], as ResponseNetwork::table
  Matrix dense;  // [kDenseFeatures - kHistoryFeatures, hidden]: the first layer's rows behind those of the history
  Matrix bias;   // [1, hidden]
  /// [kExposureTerms + 1, kDirections]: the weights of ResponseNetwork::effects, and last what a choice adds to each
  /// direction beside what it adds in the network.
  Matrix effects = Matrix::Zero(kExposureTerms + 1, kDirections);
};

/// The same of a member or, where there are none, of the network: row-major views.
struct FirstLayer {
  const Matrix& table;
  const float* dense;
  const float* bias;
};

/// Everything a fit learns; what simulator files hold. Those of its parts that are read from a file have a validate()
/// of their own.
struct FittedParts {
  RowEncoder encoder;
  ResponseNetwork network;
  std::vector<MemberTables> members;  // of a posterior; empty: the network's own tables
  ReturnModel returns;
  HistoryClip clip;
  std::vector<float> item_dense;            // [videos, kItemDense] item statistics at the end of the fitted log
  std::vector<std::uint64_t> event_offset;  // [users + 1]
  std::vector<HistoryEvent> event;          // every user's events, from which histories start
  float dense_leave_shift = 0.0F;           // added to the leave logit on the dense clock
  bool whole_sessions = false;              // the log holds sessions as they were, not shreds of them

  std::size_t num_members() const noexcept { return std::max<std::size_t>(members.size(), 1); }
  FirstLayer first_layer(std::size_t member) const noexcept;
  /// What an interventional exposure of a video adds to a member's answer.
  ExposureEffects::OfVideo effect_of_video(std::size_t member, std::size_t video) const noexcept;

  /// Throws InputError unless the parts fit each other and a world of so many users and videos.
  void validate(std::size_t users, std::size_t videos) const;
};

}  // namespace swipegym
