#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/matrix.h"
#include "policy/last_layer_sums.h"
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
  /// Of the rows that taught head number `head`; null where it keeps none.
  virtual const LastLayerSums* last_layer_sums([[maybe_unused]] std::size_t head) const noexcept { return nullptr; }
  /// foresee(), and what a head with sums is made of: `layer` becomes [videos, features of the sums], whose last column
  /// is 1. Throws InputError for a head that is none of the network's or
  /// not wanted.
  virtual void foresee_from(const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                            std::span<const std::uint32_t> offset, std::span<const std::int32_t> videos,
                            std::span<const std::uint8_t> wanted, std::size_t head, Matrix& out,
                            Matrix& layer) const = 0;
};

}  // namespace swipegym
