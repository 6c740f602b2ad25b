#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/matrix.h"
#include "policy/policy.h"

namespace swipegym {

/// A policy that foresees several answers of a user to a video, a head each, so that whoever uses it weighs them.
class HeadSource {
 public:
  virtual ~HeadSource() = default;
  virtual const std::vector<std::string>& head_names() const noexcept = 0;
  /// Whether head_names()[head] was learned; a column of zeros otherwise.
  virtual bool has_head(std::size_t head) const noexcept = 0;
  /// Of row rows[i] of the batch with each of videos[offset[i]] ... videos[offset[i + 1] - 1]: `out` becomes [videos,
  /// heads]. The batch's candidates are not looked at. A pair's figures depend on that pair alone. Heads that `wanted`,
  /// [heads] or empty for all, leaves out are 0.
  virtual void foresee(const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                       std::span<const std::uint32_t> offset, std::span<const std::int32_t> videos,
                       std::span<const std::uint8_t> wanted, Matrix& out) const = 0;
};

}  // namespace swipegym
