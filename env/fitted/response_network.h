#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "env/fitted/exposure_effects.h"
#include "env/fitted/feature_encoder.h"
#include "env/fitted/watch_grid.h"
#include "nn/linear.h"
#include "nn/parameter.h"

namespace swipegym {

/// The feedback head has one output a signal; long_view is decided by the play time, so its place holds the leave
/// logit.
inline constexpr std::size_t kLeaveColumn = static_cast<std::size_t>(Signal::kLongView);

/// How the watch trunk's outputs become a distribution over bins. Two families, so that a policy can be trained in one
/// simulator and judged in another that errs elsewhere.
enum class WatchHead : std::uint8_t {
  kBins,    // softmax over bins
  kHazard,  // h_k, the probability of stopping in bin k once it is reached: P(k) = h_k (1 - h_0) ... (1 - h_{k-1})
};

struct NetworkShape {
  std::size_t watch_hidden = 128, watch_top = 64;        // trunk of the watch distribution
  std::size_t feedback_hidden = 128, feedback_top = 32;  // trunk of signals and leaving
  WatchHead watch_head = WatchHead::kBins;
  std::size_t hidden() const noexcept { return watch_hidden + feedback_hidden; }
  /// Throws InputError unless every layer has a size that can be.
  void validate() const;
};

/// Two trunks over one additive first layer: hidden = ReLU(sum of table rows + dense W + b). The user's, the video's
/// and the context's share of that sum are constants of a fitted simulator, so a step adds vectors and multiplies only
/// the history features and two small layers. The watch trunk gives a logit a bin of WatchGrid; the feedback trunk a
/// logit a signal, to which the drawn bin and the click add their own terms, so that signals are drawn jointly with the
/// watch.
struct ResponseNetwork {
  NetworkShape shape;
  Parameter table;                       // [encoder.table_rows, hidden]
  Linear first;                          // kDenseFeatures -> hidden
  Linear watch_second, watch_out;        // watch_hidden -> watch_top -> kBins
  Linear feedback_second, feedback_out;  // feedback_hidden -> feedback_top -> kNumSignals
  Parameter bin_effect;                  // [kTabClasses * kBins, kNumSignals]
  Parameter click_effect;                // [1, kNumSignals], the click's own entry unused

  /// What a policy's choice changes against the platform's: added to the outputs when the exposure is interventional.
  Matrix watch_shift;     // [watch_top + 1, kBins], the last row is the constant
  Matrix feedback_shift;  // [1, kNumSignals]
  ExposureEffects effects;

  void initialise(std::uint32_t table_rows, const NetworkShape& network_shape, RandomKey key);
  std::vector<Parameter*> parameters();
  /// Throws InputError unless what lies beside the layers holds weights.
  void validate() const;
  void save(Hdf5Writer& file) const;
  static ResponseNetwork load(const Hdf5Reader& file);
};

/// Buffers of one pass over up to `rows` rows; one a worker, sized once.
struct ResponseBuffers {
  Matrix hidden;        // [rows, hidden] first layer: before its ReLU when filled, after it from then on
  Matrix watch_top;     // [rows, watch_top]
  Matrix logits;        // [rows, kBins]; probabilities after softmax
  Matrix feedback_top;  // [rows, feedback_top]
  Matrix feedback;      // [rows, kNumSignals] row terms of the logits
};

/// From buffers.hidden to logits (masked by duration) and feedback terms, before what an interventional exposure adds.
/// Writes only the first `rows` rows.
void forward_heads(const ResponseNetwork& network, std::span<const std::int32_t> duration_ms, ResponseBuffers& buffers);

/// Turns one row of hazard outputs (the logits of stopping in each bin; the last one is not used) into log
/// probabilities of the bins, in place.
void hazards_to_logits(std::span<float> outputs) noexcept;

/// Probability of each signal (long_view by its rule) given one row's bin probabilities and feedback terms; returns the
/// probability of leaving, with `leave_shift` added to its logit.
float signal_probabilities(const ResponseNetwork& network, std::span<const float> bin_probability,
                           std::span<const float> feedback, std::uint8_t tab, std::int32_t duration_ms,
                           float leave_shift, std::span<float> out) noexcept;

/// Logit of one signal (or kLeaveColumn) given the tab's class, the drawn bin and the click.
inline float feedback_logit(const ResponseNetwork& network, std::span<const float> feedback, std::size_t signal,
                            std::size_t tab_class, std::size_t bin, bool click) noexcept {
  const auto s = static_cast<Eigen::Index>(signal);
  return feedback[signal] + network.bin_effect.value(static_cast<Eigen::Index>(tab_class * WatchGrid::kBins + bin), s) +
         (click ? network.click_effect.value(0, s) : 0.0F);
}

}  // namespace swipegym
