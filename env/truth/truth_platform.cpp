#include "env/truth/truth_platform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace swipegym {
namespace {

constexpr int kRetrieved = 8;  // videos compared for one slot
constexpr int kRounds = 40;    // of retrieval before a mismatch is shown after all
constexpr std::uint32_t kMaxSession = 400;
constexpr std::uint32_t kSessions = 500;  // simulated to measure their mean length

/// Mean videos of kSessions sessions that the platform fills in the main feed on the first evening.
double session_length(const TruthModel& model, const TruthPlatform& platform) {
  constexpr std::int64_t kEveningMs = kTruthEpochMs + 19LL * 3600 * 1000;
  const auto scratch = model.make_scratch();
  std::array<float, kTruthStateSize> state;
  std::unordered_set<std::uint32_t> seen;
  double videos = 0.0;
  for (std::uint32_t i = 0; i < kSessions; ++i) {
    const RandomKey key = split(make_key(model.options().seed), 0xD0 + i);
    const RandomKey answers = split(key, Draw::kResponse);
    RandomStream choices(split(key, Draw::kCandidates));
    Shown shown{.user = UserIndex{static_cast<std::uint32_t>(i % model.num_users())}, .time_ms = kEveningMs, .tab = 1};
    model.begin(shown.user, shown.time_ms, state);
    seen.clear();
    Response response;
    for (std::uint32_t position = 0; position < kMaxSession && !response.leaves; ++position) {
      platform.choose(shown, state.data(), seen, choices);
      seen.insert(index_of(shown.video));
      float* const states[] = {state.data()};
      model.respond({&shown, 1}, states, ExposureKind::kLogged, {&answers, 1}, {&position, 1}, {&response, 1},
                    *scratch);
      shown.time_ms += response.play_ms;
      ++videos;
    }
  }
  return videos / kSessions;
}

}  // namespace

TruthPlatform::TruthPlatform(const TruthModel& model, const PlatformTaste& taste)
    : model_(model), taste_(taste), stay_(model.num_videos()), alias_(model.num_videos()) {
  // Walker's alias method in Vose's form: constant time a draw, whatever the number of videos.
  const std::size_t n = stay_.size();
  const float sigma = taste.popularity * model.spec().popularity_sigma;
  std::vector<double> weight(n);
  double total = 0.0;
  for (std::size_t v = 0; v < n; ++v)
    total += weight[v] = std::exp(
        static_cast<double>(sigma * std::min(model.video(VideoIndex{static_cast<std::uint32_t>(v)}).popularity, 3.2F)));
  std::vector<std::uint32_t> small, large;
  for (std::size_t v = 0; v < n; ++v) {
    weight[v] *= static_cast<double>(n) / total;
    (weight[v] < 1.0 ? small : large).push_back(static_cast<std::uint32_t>(v));
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t less = small.back(), more = large.back();
    small.pop_back();
    stay_[less] = static_cast<float>(weight[less]);
    alias_[less] = more;
    weight[more] -= 1.0 - weight[less];
    if (weight[more] < 1.0) large.pop_back(), small.push_back(more);
  }
  for (const auto* rest : {&small, &large})
    for (const std::uint32_t v : *rest) stay_[v] = 1.0F, alias_[v] = v;
}

std::uint32_t TruthPlatform::retrieve(RandomStream& random) const {
  const std::uint32_t column = random.below(static_cast<std::uint32_t>(stay_.size()));
  return random.uniform() < stay_[column] ? column : alias_[column];
}

void TruthPlatform::choose(Shown& shown, const float* state, const std::unordered_set<std::uint32_t>& seen,
                           RandomStream& random) const {
  for (int round = 0; round < kRounds; ++round) {
    std::array<std::uint32_t, kRetrieved> video;
    std::array<float, kRetrieved> weight;
    float total = 0.0F;
    // All retrieved before any is looked at: in a catalogue of millions each look is a cache miss, and these overlap.
    for (std::uint32_t& v : video) v = retrieve(random);
    for (const std::uint32_t v : video) __builtin_prefetch(&model_.video(VideoIndex{v}));
    for (int i = 0; i < kRetrieved; ++i) {
      weight[i] = std::exp(taste_.sharpness * model_.lasting_interest(shown.user, VideoIndex{video[i]}));
      if (seen.contains(video[i])) weight[i] = 1e-6F;
      total += weight[i];
    }
    float left = random.uniform() * total;
    int chosen = 0;
    while (chosen + 1 < kRetrieved && left >= weight[chosen]) left -= weight[chosen++];
    if (seen.contains(video[chosen]) && round + 1 < kRounds) continue;
    shown.video = VideoIndex{video[chosen]};
    shown.duration_ms = model_.video(shown.video).duration_ms;
    if (random.uniform() < model_.pass_probability(shown, state)) return;
  }
}

void TruthPlatform::choose_uniformly(Shown& shown, RandomStream& random) const {
  shown.video = VideoIndex{random.below(static_cast<std::uint32_t>(model_.num_videos()))};
  shown.duration_ms = model_.video(shown.video).duration_ms;
}

float session_leave_shift(const TruthOptions& options) {
  if (options.mean_session_videos == 0.0) return 0.0F;
  const TruthSpec& spec = truth_spec(options.preset);
  TruthModel model(options, first_ids(std::min(spec.users, kSessions)), first_ids(std::min(spec.videos, 20000U)));
  const TruthPlatform platform(model);
  float low = -4.0F, high = 2.0F;  // the mean falls as the shift rises
  for (int step = 0; step < 12; ++step) {
    const float middle = 0.5F * (low + high);
    model.set_leave_shift(middle);
    (session_length(model, platform) > options.mean_session_videos ? low : high) = middle;
  }
  return 0.5F * (low + high);
}

}  // namespace swipegym
