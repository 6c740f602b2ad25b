#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "env/truth/truth_options.h"

namespace swipegym {

inline constexpr std::size_t kTruthTopics = 32;  // topic groups; the most common tags own one each, rare ones share
inline constexpr std::size_t kTruthFactors = 4;  // latent factors of users and videos
inline constexpr std::size_t kTruthTags = 46;    // tag codes 1 .. 46
inline constexpr std::size_t kTruthSignals = 4;  // groups of rare signals that share a person's tendency

/// Tendencies of a user or video to give or get rare signals.
enum class TruthTendency : std::uint8_t { kLike, kSocial, kHate, kProfile };  // social: follow, comment, forward

/// A tab of the app: how often sessions open in it and how people answer there.
struct TruthTab {
  std::uint8_t code;
  float share;        // of sessions
  float match;        // shift of the match predictor
  float zero;         // log-odds that nothing plays
  float extra_click;  // probability of a click without a valid play
};

/// The constants of a preset.
struct TruthSpec {
  std::uint32_t users, videos;
  float match_base;                               // intercept of the match predictor
  float leave_base;                               // intercept of the leave hazard
  float sessions_median;                          // sessions of the median user in the 31 days
  float sessions_sigma_low, sessions_sigma_high;  // spread of their logarithm below and above it
  float missing_duration;                         // share of videos whose table cell and rows have no duration
  std::span<const float> duration_quantile_s;     // at the probabilities of kDurationProbability
  std::span<const TruthTab> tabs;
  float experiment;        // share of later sessions that the random-exposure experiment takes over; 0: no random log
  float popularity_sigma;  // spread of the log weights with which the platform retrieves videos
};
inline constexpr std::array<float, 9> kDurationProbability = {0, .01F, .1F, .25F, .5F, .75F, .9F, .99F, 1};

const TruthSpec& truth_spec(TruthPreset preset) noexcept;
/// The tab of that code, else the main feed's.
const TruthTab& truth_tab(const TruthSpec& spec, std::uint8_t code) noexcept;

/// A video: what the feature table says of it and what it does not.
struct TruthVideo {
  std::int32_t duration_ms;  // used even where the table's cell is missing
  bool duration_missing;
  std::uint32_t author;               // raw id
  std::array<std::uint8_t, 2> tag;    // codes; 0: none
  std::array<std::uint8_t, 2> topic;  // the groups it belongs to, with weights `weight` and 1 - `weight`
  std::uint8_t upload_type;           // index into kTruthUploadTypes
  bool is_ad;
  float weight;
  float quality;     // shift of the match predictor
  float popularity;  // standard normal; correlated with quality
  std::array<float, kTruthFactors> factor;
  std::array<float, kTruthSignals> tendency;  // log multipliers
};

/// A user: latent tastes and the draws behind the feature table.
struct TruthUser {
  std::array<float, kTruthTopics> taste;  // shift of the match predictor by topic
  std::array<float, kTruthFactors> factor;
  std::array<float, kTruthSignals> tendency;
  float generosity;      // shift of the match predictor
  float duration_taste;  // per unit of ln(duration)
  float swipe;           // log multiplier of a swipe's length
  float zero;            // shift of the log-odds that nothing plays
  float boredom;         // multiplier of satiation, > 0
  float leave;           // shift of the leave hazard
  float gap_ms;          // scale of the gap between sessions
  float activity;        // standard normal behind the number of sessions
  RandomKey affinity;    // for authors, see truth_affinity
  std::uint8_t gender;   // 0, 1; with age the cohort that tastes lean on
  std::uint8_t age;      // 0 .. 6
};

/// Makes the videos and users of a world, each from (preset, seed, raw id) alone, so that any part of a world can be
/// made by itself.
class TruthWorld {
 public:
  explicit TruthWorld(const TruthOptions& options);
  const TruthSpec& spec() const noexcept { return spec_; }
  TruthVideo video(std::uint32_t raw_id) const;
  TruthUser user(std::uint32_t raw_id) const;
  /// What an author uploads on a day (any count of days): a video as video() makes them, but mostly of the author's
  /// favourite tags, or of the tag `mimicked` (a code; 0: none). From (preset, seed, author, day, mimicked, season)
  /// alone: seasons of one world differ by that number.
  TruthVideo upload(std::uint32_t author, std::int32_t day, std::uint8_t mimicked = 0, std::uint64_t season = 0) const;
  std::array<std::uint8_t, 2> favourite_tags(std::uint32_t author) const;

 private:
  /// What videos of one tag have in common.
  struct TagTraits {
    float quality, log_duration;
    std::array<float, kTruthFactors> factor;
  };
  RandomKey key(std::uint64_t what, std::uint64_t index) const noexcept;
  void draw_form(RandomStream& random, std::size_t rank, TruthVideo& video) const;
  void draw_appeal(RandomStream& random, const std::size_t (&rank)[2], TruthVideo& video) const;

  const TruthSpec& spec_;
  RandomKey key_;
  std::array<TagTraits, kTruthTags> tag_;                         // by rank
  std::array<std::array<float, kTruthTopics>, 14> cohort_taste_;  // by gender and age
};

/// How much the user whose key this is prefers an author: bounded, mean 0, standard deviation 1.
float truth_affinity(RandomKey user, std::uint32_t raw_author) noexcept;

inline constexpr std::array<const char*, 14> kTruthUploadTypes = {
    "LongImport", "Web",         "ShortImport",       "Kmovie",      "LongPicture", "UNKNOWN",   "PictureSet",
    "LongCamera", "ShortCamera", "ShareFromOtherApp", "FollowShoot", "AiCutVideo",  "PhotoCopy", "SameFrame"};

/// 0, 1, ..., count - 1: the raw ids of a preset's users or videos.
std::vector<std::uint32_t> first_ids(std::uint32_t count);

/// Two independent standard normals.
std::array<float, 2> draw_normals(RandomStream& random) noexcept;

/// The hour of the day in Beijing, [0, 24), of a Unix time.
float local_hour(std::int64_t time_ms) noexcept;
/// How busy the app is at that hour, in (0, 1].
float hourly_activity(float hour) noexcept;

}  // namespace swipegym
