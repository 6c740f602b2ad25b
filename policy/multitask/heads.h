#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// What a multi-task network foresees of a (state, video) pair, a head each.
enum class Head : std::uint8_t {
  kWatch,     // the watch ratio's distribution
  kLongView,  // KuaiRand's long_view
  kClick,
  kLike,
  kFollow,
  kComment,
  kForward,
  kHate,
  kLeave,  // no further row of the user within kSessionGapMs: the session ends here
};
inline constexpr std::size_t kNumHeads = 9;
inline constexpr std::array<std::string_view, kNumHeads> kHeadNames = {
    "watch", "long_view", "click", "like", "follow", "comment", "forward", "hate", "leave"};

/// What is told of a pair, a number each: the expected watch ratio (clipped as the network was taught), then
/// probabilities. The watch head gives two of them, every other head its own.
enum class HeadOutput : std::uint8_t {
  kWatch,    // expected ratio
  kWatched,  // P(ratio > .5)
  kLongView,
  kClick,
  kLike,
  kFollow,
  kComment,
  kForward,
  kHate,
  kLeave,
};
inline constexpr std::size_t kHeadOutputs = kNumHeads + 1;
inline constexpr std::array<std::string_view, kHeadOutputs> kHeadOutputNames = {
    "watch", "watched", "long_view", "click", "like", "follow", "comment", "forward", "hate", "leave"};
inline constexpr float kWatchedAbove = 0.5F;

constexpr Head head_of(HeadOutput output) noexcept {
  return output <= HeadOutput::kWatched ? Head::kWatch : static_cast<Head>(static_cast<std::uint8_t>(output) - 1);
}

/// A weight of each head, {"watch": 1, "like": 1}; a head of weight 0 is left out of a network.
struct HeadWeights {
  std::array<float, kNumHeads> weight{};

  static const std::vector<std::string>& names();
  float* find(std::string_view name) noexcept;  // null when it is no head
  bool any() const noexcept;
};
/// Weight 1 each.
HeadWeights all_heads() noexcept;

/// A weight (or an exponent) of each output in the value of a pair.
struct OutputWeights {
  std::array<float, kHeadOutputs> weight{};

  static const std::vector<std::string>& names();
  float* find(std::string_view name) noexcept;
  /// The output that alone has a weight, and that one 1; kHeadOutputs when there is none such.
  std::size_t only() const noexcept;
};

/// Cuts of the watch ratio's distribution: bin b holds the ratios in (edge[b - 1], edge[b]], the first and the last are
/// open. One edge is kWatchedAbove, so that P(ratio > .5) is a sum of bins.
struct WatchBins {
  std::vector<float> edge;  // ascending
  std::vector<float> mean;  // [edges + 1] of the clipped ratios in each bin

  std::size_t size() const noexcept { return mean.size(); }
  std::size_t bin(float ratio) const noexcept;
  /// The first bin whose ratios exceed kWatchedAbove.
  std::size_t first_watched() const noexcept { return bin(kWatchedAbove) + 1; }
  void validate() const;
};
/// About `bins` (at least 2) bins of equal mass of these ratios, whose means count ratios up to `clip`. Ratios that are
/// met often make for fewer bins. Throws InputError without ratios.
WatchBins make_watch_bins(std::vector<float> ratios, std::size_t bins, float clip);

/// What brings outputs to the rates of held-out rows: p = sigmoid(offset + slope logit(p)), after Platt (1999); of the
/// expected ratio offset + slope ratio, not below 0.
struct HeadCalibration {
  std::array<float, kHeadOutputs> offset{}, slope{};

  HeadCalibration() noexcept { slope.fill(1.0F); }
  float apply(HeadOutput output, float value) const noexcept;  // value: as the network gives it, not its logit
  void validate() const;
};
/// Offset and slope of greatest likelihood, by Newton's method, with a penalty of (offset^2 + (slope - 1)^2) / 2 nats:
/// a head with a handful of rows stays as it is. `probability` and `label` are of the same rows.
std::array<float, 2> fit_platt(std::span<const float> probability, std::span<const std::uint8_t> label);
/// ln(p / (1 - p)), p kept off 0 and 1 by 1e-7.
float logit_of(float probability) noexcept;

}  // namespace swipegym
