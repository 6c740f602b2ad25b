#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/stages/request.h"

namespace swipegym {

/// The last stage: a slate of the videos that were scored. Several may follow one another, each refining the order that
/// the one before it left.
class Orderer {
 public:
  virtual ~Orderer() = default;
  virtual std::string_view name() const noexcept = 0;
  /// places: of request i's videos, in the order they would be watched; comes best first and leaves with the first
  /// requests.slate of them (all, where there are fewer) as they shall be. value [videos], higher is better, is what
  /// the composition made of the heads; an orderer that changes values says so by its own place in the composition.
  /// Returns how many of its own rules the slate breaks: 0 wherever an order without violations was found.
  virtual std::uint32_t order(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                              std::span<float> value, std::vector<std::uint32_t>& places) const = 0;
  virtual std::size_t history_length() const noexcept { return 0; }
};

}  // namespace swipegym
