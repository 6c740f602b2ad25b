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

/// Pairs of users and videos whose answers are asked for: row rows[i] of the batch with each of videos[offset[i]] ...
/// videos[offset[i + 1] - 1]. The batch's candidates are not looked at.
struct HeadQuestion {
  const DecisionBatch& batch;
  std::span<const std::uint32_t> rows;
  std::span<const std::uint32_t> offset;  // [rows + 1]
  std::span<const std::int32_t> videos;   // of the catalogue the policy was loaded for
  std::span<const std::uint8_t> wanted;   // [heads], those that are looked at; empty: all
};

/// What a head's output is linear in (a watch ratio's: the logits of its bins), for posteriors over its weights.
struct LastLayer {
  std::size_t head = 0;  // one that was learned and is wanted
  Matrix values;         // [videos, features of the head's sums], whose last column is 1
};

/// A policy that foresees several answers of a user to a video, a head each, so that whoever uses it weighs them.
class HeadSource {
 public:
  virtual ~HeadSource() = default;
  virtual const std::vector<std::string>& head_names() const noexcept = 0;
  /// Whether head_names()[head] was learned; a column of zeros otherwise.
  virtual bool has_head(std::size_t head) const noexcept = 0;
  /// `out` becomes [videos, heads], 0 where a head is not wanted; fills `layer` unless it is null. A pair's figures
  /// depend on that pair alone.
  virtual void foresee(const HeadQuestion& question, Matrix& out, LastLayer* layer) const = 0;
  /// Of the rows that taught head number `head`; null where it keeps none.
  virtual const LastLayerSums* last_layer_sums([[maybe_unused]] std::size_t head) const noexcept { return nullptr; }
};

}  // namespace swipegym
