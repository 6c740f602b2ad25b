#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "nn/matrix.h"

namespace swipegym {

/// The directions in which an interventional effect may move the watch distribution: the logits of a segment of
/// WatchGrid each, but the short skips, and slopes inside the two longest of them. Few, so that some hundred rows
/// cannot carve single bins.
inline constexpr std::size_t kDirections = 7;
Matrix exposure_directions();  // [kDirections, kBins]

/// What decides how an interventional answer differs from the platform's beside the network's own forecast.
enum class ExposureTerm : std::uint8_t {
  kActivity,           // of the user: logarithm of the answers so far
  kExposures,          // of the video, see ItemStatistics
  kLevel,              // how it was watched, see ItemStatistics
  kLength,             // logarithm of its duration
  kExposuresOfLength,  // products of two of them
  kLevelOfLength,
  kExposuresOfActivity,
  kLevelOfActivity,
  kManyExposures,  // what they are above one deviation: among the most exposed the line bends
};
inline constexpr std::size_t kExposureTerms = 9;

/// The interventional effects of items, users and their products: logits of directions, linear in the terms. A session
/// step needs only two vectors of a video, made once: what it adds, and what it adds times the user's activity.
struct ExposureEffects {
  static constexpr std::size_t kWidth = 8;  // kDirections, filled up to a whole vector
  /// activity, exposures, level, length: centres and deviations over uniform pairs, in whose units terms are.
  std::array<float, 4> centre{}, deviation{1.0F, 1.0F, 1.0F, 1.0F};
  Matrix weight = Matrix::Zero(kExposureTerms, kDirections);

  struct OfVideo {
    std::array<float, kWidth> alone{}, of_activity{};
  };
  OfVideo of_video(float exposures, float level, float length) const noexcept {
    return of_video(weight, exposures, level, length);
  }
  /// The same by other weights in the same units: a view, so that nothing is allocated.
  OfVideo of_video(ConstMatrixRef<float> weights, float exposures, float level, float length) const noexcept;
  /// In units of its deviation, from history feature 0.
  float activity(float feature) const noexcept { return standard(0, feature); }
  /// Writes the kExposureTerms terms of a row.
  void terms(float activity, float exposures, float level, float length, std::span<float> out) const noexcept;

  /// Throws InputError unless the numbers are what a fit writes.
  void validate() const;
  void save(Hdf5Writer& file) const;
  /// All zero from a file that has none.
  static ExposureEffects load(const Hdf5Reader& file);

 private:
  float standard(std::size_t which, float value) const noexcept;
};

}  // namespace swipegym
