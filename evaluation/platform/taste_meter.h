#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "env/platform/platform_world.h"
#include "env/truth/truth_model.h"
#include "evaluation/platform/day_measures.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// What a season does to users' true tastes, where the truth is known: the echo chamber, beside CategoryWeek's filter
/// bubble. Each user's state of the truth is followed row by row, as replay_user() does. In other worlds nothing is
/// measured.
///
/// Drift is the L2 norm of what the season has shifted a user's latent factors (Jiang et al. 2019, Degenerate Feedback
/// Loops in Recommender Systems, section 3), against the same user had the season not been: with unit factors of videos
/// it is the deviation over videos of the change in interest. Echo is the mean of that change over the videos shown on
/// the day: above 0, users have come to like what they are shown.
///
/// A user's interests are the topics of the largest lasting tastes at the start; one is served once a video whose main
/// topic it is was shown.
class TasteMeter {
 public:
  /// Before the first session.
  explicit TasteMeter(const PlatformWorld& world);

  void begin_session(std::uint32_t user, std::int64_t time_ms);
  void answered(std::uint32_t user, std::uint32_t video, float watch_ratio, std::int64_t time_ms);
  /// What the day came to; tastes are those of users who would come at midnight, now.
  void finish_day(std::int64_t midnight_ms, DayMeasures& out);

  /// Between two days.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

  static constexpr std::size_t kInterests = 3;

 private:
  using Factors = std::array<float, kTruthFactors>;
  Factors shift_at(std::uint32_t user, std::int64_t time_ms, std::vector<float>& room) const;

  const TruthModel* truth_;  // null: not known
  std::size_t users_;
  std::vector<float> state_;                                  // [users, kTruthStateSize] as of the last video
  std::vector<std::uint8_t> came_;                            // [users], so that the state is one
  std::vector<std::array<std::uint8_t, kInterests>> topics_;  // [users], the strongest first
  std::vector<std::uint8_t> served_;                          // [users, kInterests]
  std::vector<Factors> shown_;                                // [users], today's sums over videos
  double videos_ = 0.0;                                       // shown today
};

}  // namespace swipegym
