#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "policy/stages/request.h"

namespace swipegym {

/// The second stage: what may not be shown at all.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual std::string_view name() const noexcept = 0;
  /// Sets why[j] to a reason, from 1, for each video j of request i's list that must go. Those that earlier filters
  /// dropped are not in the list.
  virtual void drop(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                    std::span<std::uint8_t> why) const = 0;
  /// A reason in a word or two.
  virtual std::string_view reason(std::uint8_t why) const noexcept = 0;
};

}  // namespace swipegym
