#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/labels/labelcraft.h"

namespace swipegym {

/// LabelCraft's scaling of seconds: linear to `share` at `knee`, linear from there to 1 at `longest`, 1 beyond.
struct SecondsScale {
  double knee = 1.0, longest = 1.0, share = 0.2;
  double operator()(double seconds) const noexcept;
};

/// What rows are worth to the platform, by the settings and the training rows.
class RowWorth {
 public:
  RowWorth(const Dataset& data, std::span<const std::uint32_t> training_rows, const LabelCraftConfig& config);
  double watch(std::uint32_t row) const;
  double feedback(std::uint32_t row) const;
  double duration(std::uint32_t row) const;

 private:
  const Dataset& data_;
  bool scale_ = true;
  double planted_low_s_ = 0.0, planted_high_s_ = 0.0;
  SecondsScale watch_, duration_;
};

/// Users with more than `k` of the rows, which are ordered by user; each with its rows.
std::vector<std::vector<std::uint32_t>> users_with_rows(const Log& log, std::span<const std::uint32_t> rows,
                                                        std::size_t k);

}  // namespace swipegym
