#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <vector>

#include "core/progress.h"
#include "env/user_model.h"

namespace swipegym {

/// One user's chain of sessions, shown by something else than a policy (the platform, a recorded log).
class Lane {
 public:
  virtual ~Lane() = default;
  /// Fills the state at the first call, moves it to a next session where one begins, and names the video to show, or
  /// nothing when the chain is over. The response to it is drawn from key() and stream().
  virtual std::optional<Shown> next(const UserModel& model, std::span<float> state, UserModel::Scratch& scratch) = 0;
  /// The answer to the last video named.
  virtual void answered(const Shown& shown, const Response& response) = 0;
  /// Who chose the last video named.
  virtual ExposureKind exposure() const noexcept { return ExposureKind::kLogged; }
  virtual RandomKey key() const noexcept = 0;
  virtual std::uint32_t stream() const noexcept = 0;
};

/// Runs every lane to its end, a chunk of kChunk lanes at a time, so that results do not depend on `threads`.
void run_lanes(const UserModel& model, std::span<Lane* const> lanes, int threads, const Progress& progress = {});
template <std::derived_from<Lane> SomeLane>
void run_lanes(const UserModel& model, std::vector<SomeLane>& lanes, int threads, const Progress& progress = {}) {
  std::vector<Lane*> pointers;
  for (SomeLane& lane : lanes) pointers.push_back(&lane);
  run_lanes(model, std::span<Lane* const>(pointers), threads, progress);
}

}  // namespace swipegym
