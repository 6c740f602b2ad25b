#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/progress.h"
#include "env/truth/truth_options.h"
#include "env/truth/truth_watch_law.h"
#include "env/truth/truth_world.h"
#include "env/user_model.h"

namespace swipegym {

/// The session state of the truth, as indices into its floats.
enum TruthState : std::size_t {
  kTruthSatiation = 0,                               // [kTruthTopics] fresh exposure to each topic, >= 0
  kTruthDrift = kTruthSatiation + kTruthTopics,      // [kTruthFactors] shift of the user's latent factors
  kTruthSatisfaction = kTruthDrift + kTruthFactors,  // running mean of min(ratio, 1)
  kTruthPosition,                                    // videos shown in this session
  kTruthHour,                                        // local hour at which the session began
  kTruthLastSeen,                                    // seconds since kTruthEpochMs of the last row or session start
  kTruthStateSize
};
/// 2022-04-01 in Beijing; seconds since then are exact in a float for 194 days.
inline constexpr std::int64_t kTruthEpochMs = 1648742400000;

/// The user model behind the synthetic logs: its parameters are known, and it is not of the family that is fitted.
///
/// An interest score adds video quality, the user's generosity, topic tastes mixed by the video's tags, author
/// affinity, a taste for durations, a product of latent factors, the hour and, where satiation is on, boredom with the
/// topic and drift. Through a complementary log-log link it gives the probability that the video matches; TruthWatchLaw
/// is the law of the ratio. Feedback is drawn given the play: long_view and valid play by rule, the rest with rates
/// that depend on match and ratio.
///
/// On a logged exposure the platform, which sees whether the video would match, has let mismatches through only with
/// probability rho: matching is then as likely as pi / (pi + (1 - pi) rho). Nothing in the feature tables tells it.
class TruthModel final : public UserModel {
 public:
  /// Index i of a user or video is raw_users[i] or raw_videos[i]. Throws InputError for an id outside the preset.
  TruthModel(const TruthOptions& options, std::vector<std::uint32_t> raw_users, std::vector<std::uint32_t> raw_videos,
             int threads = 0, const Progress& progress = {});
  /// The whole world of a preset, index = raw id.
  explicit TruthModel(const TruthOptions& options, int threads = 0, const Progress& progress = {});

  const TruthOptions& options() const noexcept { return options_; }
  const TruthSpec& spec() const noexcept { return spec_; }
  const TruthUser& user(UserIndex index) const noexcept { return users_[index_of(index)]; }
  const TruthVideo& video(VideoIndex index) const noexcept { return videos_[index_of(index)]; }
  std::size_t num_users() const noexcept { return users_.size(); }
  std::size_t num_videos() const noexcept { return videos_.size(); }

  std::string_view name() const noexcept override { return "truth"; }
  std::size_t state_size() const noexcept override { return kTruthStateSize; }
  std::unique_ptr<Scratch> make_scratch() const override;
  void begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const override;
  /// The state of a user without a past.
  void begin_rested(std::int64_t time_ms, std::span<float> state) const;
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch& scratch) const override;
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override;
  void advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
               ExposureKind exposure, Scratch& scratch) const override;
  std::int64_t draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state, RandomKey key,
                               Scratch& scratch) const override;
  void begin_next_session(std::int64_t time_ms, std::span<float> state) const override;

  /// The law of the watch ratio of showing this next.
  TruthWatchLaw law(const Shown& shown, const float* state, ExposureKind exposure) const;
  /// The part of the interest that does not move: what a very good recommender could know.
  float lasting_interest(UserIndex user, VideoIndex video) const;
  /// P(the platform lets this video through once it has retrieved it), which its hidden knowledge of the match decides.
  float pass_probability(const Shown& shown, const float* state) const;
  /// P(leave after this video | it was watched to this ratio).
  float leave_probability(const Shown& shown, const float* state, float ratio) const;
  /// Moves the state on after a video was watched to this ratio: what respond does with its own draws.
  void observe(const Shown& shown, float ratio, float* state) const;

  /// Room for videos that are uploaded later: indices below `videos` are valid then, and hold copies of the first one
  /// until set_video() says what they are. Neither may be called while somebody asks the model.
  void make_room(std::size_t videos);
  void set_video(VideoIndex index, const TruthVideo& video) { videos_[index_of(index)] = video; }

  /// States that begin() starts from, [users, state_size()], such as the end of a log; empty: everyone is rested.
  void set_histories(std::vector<float> states);
  /// Added to the leave hazard's predictor (see TruthOptions::mean_session_videos).
  void set_leave_shift(float shift) noexcept { leave_shift_ = shift; }

 private:
  struct Outlook;
  Outlook outlook(const Shown& shown, const float* state, ExposureKind exposure) const;
  float interest(const Shown& shown, const float* state, float log_duration) const;
  float match_probability(const Shown& shown, float interest) const;
  float leave_scale(const Shown& shown, const float* state) const;
  float pass_mismatch(const Shown& shown) const;

  TruthOptions options_;
  const TruthSpec& spec_;
  std::vector<TruthUser> users_;
  std::vector<TruthVideo> videos_;
  std::vector<float> histories_;
  float leave_shift_ = 0.0F;
};

}  // namespace swipegym
