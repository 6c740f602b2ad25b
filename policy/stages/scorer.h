#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/matrix.h"
#include "policy/stages/request.h"

namespace swipegym {

/// The third stage: what is expected of showing a video to a user, a column a head.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual std::string_view name() const noexcept = 0;
  virtual const std::vector<std::string>& heads() const noexcept = 0;
  /// Numbers of a video that score() gives: its heads, and behind them what draw() reads.
  virtual std::size_t columns() const noexcept { return heads().size(); }
  /// out is [videos of all lists, columns]; heads that `wanted`, [heads] or empty for all, leaves out may be 0. A row
  /// depends on its request and video alone, and on no dice, so that it can be kept while what is drawn comes out in
  /// another way.
  virtual void score(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t> wanted,
                     Matrix& out) const = 0;
  /// Adds to the heads of a request's videos, rows of score(), what its dice say.
  virtual void draw([[maybe_unused]] RequestDice& dice, [[maybe_unused]] std::span<float> rows) const {}
  virtual std::size_t history_length() const noexcept { return 0; }
  /// As Policy::refreshed().
  virtual std::shared_ptr<const Scorer> refreshed([[maybe_unused]] const CatalogueNow& now) const { return nullptr; }
};

}  // namespace swipegym
