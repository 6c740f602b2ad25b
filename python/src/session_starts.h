#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "env/vector_env.h"

namespace swipegym::python {

/// Where sessions begin of which the caller says who, when or where, and the seed the rest.
class SessionStarts {
 public:
  explicit SessionStarts(std::shared_ptr<const Simulator> simulator) : simulator_(std::move(simulator)) {}

  /// user, time_ms, tab: -1 where the seed decides. A user begins as in one of their own logged starts, drawn by the
  /// seed; one who has none, as anybody does. Nothing said: what VectorEnv::reset(seed) begins. Throws InputError for a
  /// user whom the simulator does not know.
  SessionStart find(std::uint64_t seed, std::int64_t user, std::int64_t time_ms, std::int64_t tab);

 private:
  void sort_by_user();

  std::shared_ptr<const Simulator> simulator_;
  std::vector<std::uint32_t> offset_;  // [users + 1] into starts_; empty until somebody asks for a user
  std::vector<std::uint32_t> starts_;  // of the population, user by user
};

}  // namespace swipegym::python
