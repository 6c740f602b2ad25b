#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/random.h"
#include "env/simulator.h"

namespace swipegym {

/// The videos a session has watched already; a source redraws those.
class SeenVideos;

/// What a source may look at when it fills one session's candidate set.
struct CandidateRequest {
  std::uint32_t user = 0;
  const SeenVideos* seen = nullptr;
  RandomKey key;             // the session's candidate key
  std::uint32_t stream = 0;  // the step
};

/// Proposes the candidate set of a step. Immutable; called from many threads; allocates nothing in `fill`.
class CandidateSource {
 public:
  virtual ~CandidateSource() = default;
  virtual std::string_view name() const noexcept = 0;
  /// The number m of slots; 0 means the full catalogue (an action is a video index and fill is never called).
  virtual std::size_t slots() const noexcept = 0;
  /// Writes slots() distinct video indices and their mask (1 = may be chosen).
  virtual void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
                    std::span<std::uint8_t> mask) const = 0;
};

}  // namespace swipegym
