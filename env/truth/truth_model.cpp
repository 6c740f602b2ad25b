#include "env/truth/truth_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "core/error.h"
#include "core/parallel_for.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

// Interest.
constexpr float kLogMinute = 4.0F;       // ln of 55 s: durations count from about a minute
constexpr float kAffinity = 0.1F;        // standard deviation of a user's preference for an author
constexpr float kHourSwing = 0.1F;       // evenings are a little better than mornings
constexpr float kFatigue = 0.008F;       // interest lost with every video of a session, up to 50
constexpr float kMood = 1.2F;            // interest gained per unit of running satisfaction
constexpr float kBoredom = 1.1F;         // interest lost when the topic is worn out
constexpr float kSatiationScale = 3.0F;  // exposures after which a topic is two thirds worn out
constexpr float kSatiationKept = 0.92F;  // a video later; rest forgets faster
constexpr float kSatiationRestS = 3 * 3600.0F;
constexpr float kDriftStep = 0.05F, kDriftKept = 0.985F, kDriftLimit = 0.3F, kDriftRestS = 10 * 86400.0F;
constexpr float kSatisfactionStep = 0.2F, kSatisfactionRest = 0.3F, kSatisfactionRestS = 6 * 3600.0F;

// Leave: a complementary log-log hazard, less after a video that was watched.
constexpr float kLeaveEarly = 0.35F;   // many sessions are only a glance
constexpr float kLeaveTired = 0.012F;  // per video, up to 80
constexpr float kLeaveBored = 1.8F, kLeaveSatisfied = 6.0F, kLeaveWatched = 0.9F;
constexpr float kLeavePlain = -0.5F;  // replaces the three above where satiation is off

constexpr float kGapShape = 0.7F;                     // Weibull: most returns are soon, some take days
constexpr float kGapUnitMean = 1.2658F;               // Gamma(1 + 1 / kGapShape)
constexpr std::int64_t kMinGapMs = 31LL * 60 * 1000;  // longer than a session's longest pause
constexpr float kGapSatisfied = 0.8F;
constexpr std::int64_t kOvernightMs = 8LL * 3600 * 1000;

/// P(signal) = multiplier * (mismatched, or base + slope * ratio when the video matched).
struct SignalRate {
  Signal signal;
  TruthTendency tendency;
  float mismatched, base, slope;
};
constexpr SignalRate kSignalRates[] = {{Signal::kLike, TruthTendency::kLike, .0010F, .0120F, .0310F},
                                       {Signal::kFollow, TruthTendency::kSocial, .00008F, .0008F, .0022F},
                                       {Signal::kComment, TruthTendency::kSocial, .00004F, .0008F, .0062F},
                                       {Signal::kForward, TruthTendency::kSocial, .0001F, .0004F, .0018F},
                                       {Signal::kHate, TruthTendency::kHate, .0018F, .0002F, .0F},
                                       {Signal::kProfile, TruthTendency::kProfile, .0010F, .0140F, .0350F}};
constexpr float kMaxMultiplier = 4.0F;  // keeps every probability below 1 at the largest ratio
// Half the variance of each tendency (user and video), so that multipliers average 1.
constexpr std::array<float, kTruthSignals> kHalfVariance = {.33F, .42F, .47F, .25F};

float sigmoid(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}

float worn(float satiation) {
  return 1.0F - std::exp(-satiation / kSatiationScale);
}

float topic_satiation(const TruthVideo& video, const float* state) {
  return video.weight * state[kTruthSatiation + video.topic[0]] +
         (1.0F - video.weight) * state[kTruthSatiation + video.topic[1]];
}

float seconds_of(std::int64_t time_ms) {
  return static_cast<float>((time_ms - kTruthEpochMs) / 1000);
}

void check_ids(const std::vector<std::uint32_t>& ids, std::uint32_t count, const char* what, TruthPreset preset) {
  for (const std::uint32_t id : ids)
    if (id >= count)
      throw InputError(std::string(what) + " " + std::to_string(id) + " is not in the synthetic world '" +
                       std::string(preset_name(preset)) + "', whose ids end at " + std::to_string(count - 1) +
                       ": truth.json belongs to other data");
}

TruthVideo make_upload(const TruthWorld& world, const TruthUpload& upload) {
  return world.upload(upload.author, upload.day, upload.tag, upload.season);
}

class NoScratch final : public UserModel::Scratch {};

}  // namespace

/// Everything a response needs, before a draw.
struct TruthModel::Outlook {
  TruthWatchLaw law;
  float extra_click = 0.0F;
  float leave = 0.0F;    // P(leave) if nothing of the video is watched
  float watched = 0.0F;  // share of it that a completed play takes away
  float rate[std::size(kSignalRates)] = {};
};

TruthModel::TruthModel(const TruthOptions& options, std::vector<std::uint32_t> raw_users,
                       std::vector<std::uint32_t> raw_videos, int threads, const Progress& progress)
    : options_(options), spec_(truth_spec(options.preset)), users_(raw_users.size()), videos_(raw_videos.size()) {
  check_ids(raw_users, spec_.users, "user", options.preset);
  check_ids(raw_videos, spec_.videos + static_cast<std::uint32_t>(options.uploads.size()), "video", options.preset);
  const TruthWorld world(options);
  constexpr std::size_t kBlock = 4096;
  const auto blocks = [](std::size_t items) { return (items + kBlock - 1) / kBlock; };
  parallel_for(blocks(users_.size()), threads, [&](std::size_t block, int) {
    for (std::size_t i = block * kBlock; i < std::min(users_.size(), (block + 1) * kBlock); ++i)
      users_[i] = world.user(raw_users[i]);
  });
  parallel_for(blocks(videos_.size()), threads, [&](std::size_t block, int) {
    report(progress, "make the world", block, blocks(videos_.size()));
    for (std::size_t i = block * kBlock; i < std::min(videos_.size(), (block + 1) * kBlock); ++i)
      videos_[i] = raw_videos[i] < spec_.videos ? world.video(raw_videos[i])
                                                : make_upload(world, options_.uploads[raw_videos[i] - spec_.videos]);
  });
}

TruthModel::TruthModel(const TruthOptions& options, int threads, const Progress& progress)
    : TruthModel(options, first_ids(truth_spec(options.preset).users), first_ids(truth_spec(options.preset).videos),
                 threads, progress) {}

std::unique_ptr<UserModel::Scratch> TruthModel::make_scratch() const {
  return std::make_unique<NoScratch>();
}

void TruthModel::make_room(std::size_t videos) {
  videos_.resize(std::max(videos, videos_.size()), videos_.front());
}

void TruthModel::set_histories(std::vector<float> states) {
  assert(states.empty() || states.size() == users_.size() * kTruthStateSize);
  histories_ = std::move(states);
}

void TruthModel::begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const {
  assert(state.size() == kTruthStateSize);
  if (histories_.empty()) return begin_rested(time_ms, state);
  const float* history = &histories_[index_of(user) * kTruthStateSize];
  std::copy(history, history + kTruthStateSize, state.begin());
  // A start drawn from before the log's end still follows a night's rest.
  state[kTruthLastSeen] = std::min(state[kTruthLastSeen], seconds_of(time_ms - kOvernightMs));
  begin_next_session(time_ms, state);
}

void TruthModel::begin_rested(std::int64_t time_ms, std::span<float> state) const {
  std::fill(state.begin(), state.end(), 0.0F);
  state[kTruthSatisfaction] = kSatisfactionRest;
  state[kTruthLastSeen] = seconds_of(time_ms);
  begin_next_session(time_ms, state);
}

void TruthModel::begin_next_session(std::int64_t time_ms, std::span<float> state) const {
  const float now = seconds_of(time_ms);
  const float gap = std::max(now - state[kTruthLastSeen], 0.0F);
  const float satiation = std::exp(-gap / kSatiationRestS), drift = std::exp(-gap / kDriftRestS);
  for (std::size_t k = 0; k < kTruthTopics; ++k) state[kTruthSatiation + k] *= satiation;
  for (std::size_t k = 0; k < kTruthFactors; ++k) state[kTruthDrift + k] *= drift;
  state[kTruthSatisfaction] =
      kSatisfactionRest + (state[kTruthSatisfaction] - kSatisfactionRest) * std::exp(-gap / kSatisfactionRestS);
  state[kTruthPosition] = 0.0F;
  state[kTruthHour] = local_hour(time_ms);
  state[kTruthLastSeen] = now;
}

void TruthModel::observe(const Shown& shown, float ratio, float* state) const {
  state[kTruthPosition] += 1.0F;
  state[kTruthLastSeen] = seconds_of(shown.time_ms);
  if (!options_.satiation) return;
  const TruthVideo& v = video(shown.video);
  const float seen = std::min(ratio, 1.0F);
  for (std::size_t k = 0; k < kTruthTopics; ++k) state[kTruthSatiation + k] *= kSatiationKept;
  const float exposure = 0.5F + 0.5F * seen;
  state[kTruthSatiation + v.topic[0]] += v.weight * exposure;
  state[kTruthSatiation + v.topic[1]] += (1.0F - v.weight) * exposure;
  const auto strength = static_cast<float>(options_.taste_drift);
  const float step = strength * kDriftStep, limit = strength * kDriftLimit;
  for (std::size_t k = 0; k < kTruthFactors; ++k) {
    float& drift = state[kTruthDrift + k];
    drift = std::clamp(kDriftKept * drift + step * (seen - kSatisfactionRest) * v.factor[k], -limit, limit);
  }
  // A cover that was never opened neither pleases nor annoys.
  if (ratio > 0.0F) state[kTruthSatisfaction] += kSatisfactionStep * (seen - state[kTruthSatisfaction]);
}

float TruthModel::lasting_interest(UserIndex user_index, VideoIndex video_index) const {
  const TruthUser& u = user(user_index);
  const TruthVideo& v = video(video_index);
  float interest = v.quality + u.generosity + v.weight * u.taste[v.topic[0]] + (1.0F - v.weight) * u.taste[v.topic[1]];
  for (std::size_t k = 0; k < kTruthFactors; ++k) interest += u.factor[k] * v.factor[k];
  return interest + kAffinity * truth_affinity(u.affinity, v.author);
}

float TruthModel::interest(const Shown& shown, const float* state, float log_duration) const {
  const TruthUser& u = user(shown.user);
  const TruthVideo& v = video(shown.video);
  float interest = lasting_interest(shown.user, shown.video) + u.duration_taste * log_duration;
  interest += kHourSwing * std::cos((state[kTruthHour] - 22.0F) * (2.0F * std::numbers::pi_v<float> / 24.0F));
  interest -= kFatigue * std::min(state[kTruthPosition], 50.0F);
  if (options_.satiation) {
    for (std::size_t k = 0; k < kTruthFactors; ++k) interest += state[kTruthDrift + k] * v.factor[k];
    interest += kMood * (state[kTruthSatisfaction] - kSatisfactionRest);
    interest -= kBoredom * u.boredom * worn(topic_satiation(v, state));
  }
  return interest;
}

/// The probability rho with which the platform shows a video although it does not match. Active users and popular
/// videos are known better.
float TruthModel::pass_mismatch(const Shown& shown) const {
  const float knowledge = 1.36F + 0.15F * user(shown.user).activity + 0.1F * video(shown.video).popularity;
  return std::exp(-static_cast<float>(options_.hidden_signal) * std::max(knowledge, 0.0F));
}

float TruthModel::pass_probability(const Shown& shown, const float* state) const {
  const float log_duration = std::log(static_cast<float>(shown.duration_ms) * 1e-3F) - kLogMinute;
  const float match = match_probability(shown, interest(shown, state, log_duration));
  return match + (1.0F - match) * pass_mismatch(shown);
}

float TruthModel::match_probability(const Shown& shown, float x) const {
  return 1.0F - std::exp(-std::exp(spec_.match_base + truth_tab(spec_, shown.tab).match + x));
}

TruthWatchLaw TruthModel::law(const Shown& shown, const float* state, ExposureKind exposure) const {
  const TruthUser& u = user(shown.user);
  const TruthTab& tab = truth_tab(spec_, shown.tab);
  const float duration_s = static_cast<float>(shown.duration_ms) * 1e-3F;
  const float log_duration = std::log(duration_s) - kLogMinute;
  const float x = interest(shown, state, log_duration);

  TruthWatchLaw law;
  law.match = match_probability(shown, x);
  if (exposure == ExposureKind::kLogged) law.match /= law.match + (1.0F - law.match) * pass_mismatch(shown);
  law.zero = sigmoid(tab.zero + u.zero - 0.4F * x);
  law.swipe = 2.1F * std::exp(u.swipe + 0.1F * log_duration + 0.15F * x) / duration_s;
  law.replay = std::min(std::exp(-3.95F - 1.55F * log_duration + 0.2F * x), 0.3F);
  law.complete = (1.0F - law.replay) * 0.6F * sigmoid(1.9F * (0.75F - log_duration) + 0.5F * x);
  law.power = std::exp(-0.85F - 0.4F * std::max(log_duration - 0.4F, 0.0F) + 0.25F * x);
  law.cut = std::clamp(1200.0F / duration_s, 1.25F, 5.0F);  // nobody watches one video for more than 25 minutes
  return law;
}

/// P(leave) if nothing of the video is watched.
float TruthModel::leave_scale(const Shown& shown, const float* state) const {
  const float position = state[kTruthPosition];
  float hazard = spec_.leave_base + leave_shift_ + user(shown.user).leave + kLeaveEarly * std::exp(-0.5F * position) +
                 kLeaveTired * std::min(position, 80.0F);
  if (options_.satiation) {
    const float after = kSatiationKept * topic_satiation(video(shown.video), state) + 0.75F;
    hazard += kLeaveBored * (worn(after) - 0.35F) - kLeaveSatisfied * (state[kTruthSatisfaction] - kSatisfactionRest);
  } else {
    hazard += kLeavePlain;
  }
  return 1.0F - std::exp(-std::exp(hazard));
}

float TruthModel::leave_probability(const Shown& shown, const float* state, float ratio) const {
  const float watched = options_.satiation ? kLeaveWatched : 0.0F;
  return leave_scale(shown, state) * (1.0F - watched * std::min(ratio, 1.0F));
}

TruthModel::Outlook TruthModel::outlook(const Shown& shown, const float* state, ExposureKind exposure) const {
  const TruthUser& u = user(shown.user);
  const TruthVideo& v = video(shown.video);
  Outlook outlook;
  outlook.law = law(shown, state, exposure);
  outlook.extra_click = truth_tab(spec_, shown.tab).extra_click;
  outlook.leave = leave_scale(shown, state);
  outlook.watched = options_.satiation ? kLeaveWatched : 0.0F;
  std::array<float, kTruthSignals> multiplier;
  for (std::size_t k = 0; k < kTruthSignals; ++k)
    multiplier[k] = std::min(std::exp(u.tendency[k] + v.tendency[k] - kHalfVariance[k]), kMaxMultiplier);
  for (std::size_t i = 0; i < std::size(kSignalRates); ++i)
    outlook.rate[i] = multiplier[static_cast<std::size_t>(kSignalRates[i].tendency)];
  return outlook;
}

void TruthModel::respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
                         std::span<const RandomKey> keys, std::span<const std::uint32_t> streams,
                         std::span<Response> out, Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Shown& s = shown[i];
    const Outlook o = outlook(s, states[i], exposure);
    RandomStream random(keys[i], streams[i]);
    const TruthWatchLaw::Sample play = o.law.draw(random);
    Response& response = out[i];
    // Rounded up, so that a video that played at all has a play time.
    response.play_ms = static_cast<std::int32_t>(std::ceil(static_cast<double>(play.ratio) * s.duration_ms));
    response.watch_ratio = static_cast<float>(response.play_ms) / static_cast<float>(s.duration_ms);
    response.signals = 0;
    if (is_long_view(response.play_ms, s.duration_ms)) response.signals |= bit(Signal::kLongView);
    const bool clicks_anyway = random.uniform() < o.extra_click;
    if (clicks_anyway || is_valid_play(response.play_ms, s.duration_ms)) response.signals |= bit(Signal::kClick);
    for (std::size_t k = 0; k < std::size(kSignalRates); ++k) {
      const SignalRate& rate = kSignalRates[k];
      const float probability = o.rate[k] * (play.matched ? rate.base + rate.slope * play.ratio : rate.mismatched);
      if (random.uniform() < probability) response.signals |= bit(rate.signal);
    }
    response.leaves = random.uniform() < o.leave * (1.0F - o.watched * std::min(response.watch_ratio, 1.0F));
    observe(s, response.watch_ratio, states[i]);
  }
}

void TruthModel::expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                        std::span<Expectation> out, Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Shown& s = shown[i];
    const Outlook o = outlook(s, states[i], exposure);
    Expectation& e = out[i];
    const double duration = s.duration_ms;
    // Rounding a play time up adds half a millisecond on average.
    e.watch_ratio = o.law.mean() + static_cast<float>((1.0 - o.law.zero) * 0.5 / duration);
    e.watch_s = e.watch_ratio * static_cast<float>(duration * 1e-3);
    // A play time rounded up reaches t ms when the exact one exceeds t - 1 ms.
    const auto reaches = [&](std::int32_t t) {
      return t <= 0 ? 1.0F : static_cast<float>(1.0 - o.law.cdf((t - 1) / duration));
    };
    const float valid = reaches(valid_play_threshold_ms(s.duration_ms));
    e.signal[static_cast<std::size_t>(Signal::kLongView)] = reaches(long_view_threshold_ms(s.duration_ms));
    e.signal[static_cast<std::size_t>(Signal::kClick)] = valid + (1.0F - valid) * o.extra_click;
    const float matched = (1.0F - o.law.zero) * o.law.match, matched_mean = o.law.matched_mean();
    for (std::size_t k = 0; k < std::size(kSignalRates); ++k) {
      const SignalRate& rate = kSignalRates[k];
      e.signal[static_cast<std::size_t>(rate.signal)] =
          o.rate[k] * ((1.0F - matched) * rate.mismatched + matched * (rate.base + rate.slope * matched_mean));
    }
    e.leave = o.leave * (1.0F - o.watched * o.law.mean_up_to_one());
  }
}

void TruthModel::advance(std::span<const Shown> shown, std::span<const Response> seen, std::span<float* const> states,
                         ExposureKind, Scratch&) const {
  for (std::size_t i = 0; i < shown.size(); ++i) observe(shown[i], seen[i].watch_ratio, states[i]);
}

std::int64_t TruthModel::draw_return_gap(UserIndex user_index, std::int64_t time_ms, std::span<const float> state,
                                         RandomKey key, Scratch&) const {
  RandomStream random(key);
  float scale = user(user_index).gap_ms / kGapUnitMean;
  const float listens = options_.satiation ? kGapSatisfied * static_cast<float>(options_.return_listens) : 0.0F;
  scale *= std::exp(-listens * (state[kTruthSatisfaction] - kSatisfactionRest));
  const double weibull = std::pow(-std::log(1.0 - random.uniform_double()), 1.0 / kGapShape);
  std::int64_t gap = kMinGapMs + static_cast<std::int64_t>(scale * weibull);
  // People come back when people are awake: at a quiet hour the return is put off.
  constexpr double kPutOffMs = 50.0 * 60 * 1000;
  for (int tries = 0; tries < 64; ++tries) {
    if (random.uniform() < hourly_activity(local_hour(time_ms + gap))) break;
    gap += static_cast<std::int64_t>(kPutOffMs * -std::log(1.0 - random.uniform_double()));
  }
  return gap;
}

}  // namespace swipegym
