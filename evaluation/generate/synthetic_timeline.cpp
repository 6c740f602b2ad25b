#include <array>
#include <cmath>
#include <unordered_set>

#include "env/truth/truth_world.h"
#include "evaluation/generate/session_chains.h"
#include "evaluation/generate/synthesise.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr std::int64_t midnight(std::int32_t date) {
  return days_of_date(date) * kDayMs - kUtcOffsetMs;
}
constexpr std::int64_t kStartMs = midnight(20220408);
constexpr std::int64_t kExperimentMs = midnight(20220422);
constexpr std::int64_t kEndMs = midnight(20220509);

constexpr float kUniformShare = 0.95F;  // of the slots of a session that the experiment took over
constexpr float kLateShare = 0.8F;      // of the users who are first seen in the course of the first two weeks
constexpr float kTabSwitch = 0.02F;     // per video
constexpr std::uint32_t kMaxSession = 1000;

/// Draws of a user's month, beside those of the answers.
enum TimelineDraw : std::uint64_t { kOpening = 1, kSession = 2 };

std::uint8_t draw_tab(const TruthSpec& spec, RandomStream& random) {
  float left = random.uniform();
  for (const TruthTab& tab : spec.tabs) {
    if (left < tab.share) return tab.code;
    left -= tab.share;
  }
  return spec.tabs.front().code;
}

/// Everything about a user's month that lasts from session to session.
struct Timeline {
  const TruthModel& world;
  const TruthPlatform& platform;
  UserModel::Scratch& scratch;
  std::unordered_set<std::uint32_t> seen;
  std::array<float, kTruthStateSize> state;
  std::vector<LogRow> rows;

  /// Appends a session that begins at shown.time_ms and returns when it ended.
  std::int64_t session(Shown shown, RandomKey key);
};

std::int64_t Timeline::session(Shown shown, RandomKey key) {
  const TruthSpec& spec = world.spec();
  RandomStream random(split(key, Draw::kCandidates));
  const RandomKey answers = split(key, Draw::kResponse);
  const bool experiment = shown.time_ms >= kExperimentMs && random.uniform() < spec.experiment;
  shown.tab = experiment ? spec.tabs.front().code : draw_tab(spec, random);
  Response response;
  for (std::uint32_t position = 0; position < kMaxSession && !response.leaves; ++position) {
    const bool uniform = experiment && random.uniform() < kUniformShare;
    if (!experiment && random.uniform() < kTabSwitch) shown.tab = draw_tab(spec, random);
    const ExposureKind exposure = uniform ? ExposureKind::kInterventional : ExposureKind::kLogged;
    if (uniform)
      platform.choose_uniformly(shown, random);
    else
      platform.choose(shown, state.data(), seen, random);
    seen.insert(index_of(shown.video));
    // A small world runs out of videos for its busiest users; then repeats are as good as anything.
    if (seen.size() > world.num_videos() * 9 / 10) seen.clear();
    float* const states[] = {state.data()};
    world.respond({&shown, 1}, states, exposure, {&answers, 1}, {&position, 1}, {&response, 1}, scratch);
    LogRow& row = rows.emplace_back(shown_row(shown, response.play_ms, response.signals));
    if (world.video(shown.video).duration_missing) row.duration_ms = 0;
    row.is_random = uniform;
    shown.time_ms += response.play_ms + 300 + static_cast<std::int64_t>(-900.0F * std::log(1.0F - random.uniform()));
    if (shown.time_ms >= kEndMs) break;
  }
  return shown.time_ms;
}

}  // namespace

std::vector<LogRow> synthesise_user(const TruthModel& world, const TruthPlatform& platform, UserIndex user) {
  const auto scratch = world.make_scratch();
  const RandomKey key = split(split(make_key(world.options().seed), 0x10601), index_of(user));
  Timeline timeline{world, platform, *scratch, {}, {}, {}};
  std::array<float, kTruthStateSize>& state = timeline.state;
  RandomStream opening(split(key, kOpening));
  const bool late = world.spec().experiment > 0.0F && opening.uniform() < kLateShare;
  std::int64_t now = kStartMs;
  if (late) now += static_cast<std::int64_t>(opening.uniform() * static_cast<float>(kExperimentMs - kStartMs));
  // The month opens somewhere inside a gap.
  world.begin_rested(now, state);
  now += static_cast<std::int64_t>(opening.uniform() *
                                   world.draw_return_gap(user, now, state, split(key, Draw::kReturn), *scratch));
  world.begin_rested(now, state);
  for (std::uint64_t session = 0; now < kEndMs; ++session) {
    const RandomKey session_key = split(split(key, kSession), session);
    const std::int64_t end = timeline.session({.user = user, .time_ms = now}, session_key);
    now = end + world.draw_return_gap(user, end, state, split(session_key, Draw::kReturn), *scratch);
    world.begin_next_session(now, state);
  }
  return std::move(timeline.rows);
}

}  // namespace swipegym
