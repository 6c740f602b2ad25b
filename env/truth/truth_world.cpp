#include "env/truth/truth_world.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "sim_data/calendar.h"

namespace swipegym {
namespace {

enum WorldDraw : std::uint64_t {
  kVideoDraw = 101,
  kUserDraw,
  kAuthorDraw,
  kTagDraw,
  kCohortDraw,
  kAffinityDraw,
  kUploadDraw,
  kFavouriteDraw
};

constexpr float kLoyalty = 0.8F;         // share of an author's uploads that have a favourite tag first
constexpr float kFirstFavourite = 0.7F;  // of those the share of the first favourite

// Durations of the pool that KuaiRand-Pure exposes, and of everything KuaiRand-1K's users were shown, in seconds.
constexpr std::array<float, 9> kPoolDuration = {5, 7.4F, 14.6F, 32, 78, 142, 228, 495, 1180};
constexpr std::array<float, 9> kFullDuration = {4, 6.2F, 9.8F, 14.5F, 31, 88, 190, 500, 1180};

constexpr std::array<TruthTab, 5> kPureTabs = {{{1, .725F, 0.0F, -5.1F, .027F},
                                                {0, .115F, 0.30F, 2.55F, .035F},
                                                {4, .050F, 0.33F, -3.5F, .027F},
                                                {2, .030F, 0.05F, -5.0F, .026F},
                                                {6, .080F, -2.35F, -7.0F, .005F}}};
constexpr std::array<TruthTab, 5> k1kTabs = {{{1, .680F, 0.0F, -5.1F, .027F},
                                              {0, .198F, 0.55F, 2.35F, .035F},
                                              {4, .075F, 0.45F, -3.5F, .027F},
                                              {2, .031F, 0.05F, -5.0F, .026F},
                                              {6, .016F, -1.05F, -7.0F, .005F}}};

constexpr TruthSpec kTinySpec = {
    .users = 500,
    .videos = 300,
    .match_base = -2.25F,
    .leave_base = -1.85F,
    .sessions_median = 9.5F,
    .sessions_sigma_low = 0.85F,
    .sessions_sigma_high = 0.55F,
    .missing_duration = 0.02F,
    .duration_quantile_s = kPoolDuration,
    .tabs = kPureTabs,
    .experiment = 0.9F,
    .popularity_sigma = 1.1F,
};
constexpr TruthSpec kPureSpec = {
    .users = 27285,
    .videos = 7583,
    .match_base = -2.3F,
    .leave_base = -1.85F,
    .sessions_median = 11.7F,
    .sessions_sigma_low = 0.85F,
    .sessions_sigma_high = 0.52F,
    .missing_duration = 0.02F,
    .duration_quantile_s = kPoolDuration,
    .tabs = kPureTabs,
    .experiment = 0.9F,
    .popularity_sigma = 1.28F,
};
constexpr TruthSpec k1kSpec = {
    .users = 1000,
    .videos = 4369953,
    .match_base = -2.68F,
    .leave_base = -3.45F,
    .sessions_median = 960.0F,
    .sessions_sigma_low = 1.0F,
    .sessions_sigma_high = 0.8F,
    .missing_duration = 0.085F,
    .duration_quantile_s = kFullDuration,
    .tabs = k1kTabs,
    .experiment = 0.0F,
    .popularity_sigma = 1.4F,
};

/// Weights fall like a power of the rank, as tag counts do.
constexpr std::array<float, kTruthTags> make_tag_cumulative() {
  std::array<float, kTruthTags> cumulative{};
  float total = 0.0F;
  for (std::size_t k = 0; k < kTruthTags; ++k) cumulative[k] = total += 1.0F / (static_cast<float>(k) + 1.5F);
  for (float& c : cumulative) c /= total;
  return cumulative;
}
constexpr auto kTagCumulative = make_tag_cumulative();

/// Tag codes in order of their weight: a fixed shuffle of 1 .. 46, so that the code says nothing about popularity.
constexpr std::uint8_t code_of_rank(std::size_t rank) {
  return static_cast<std::uint8_t>(1 + (rank * 17 + 11) % kTruthTags);
}

std::size_t rank_of_code(std::uint8_t code) {
  std::size_t rank = 0;
  while (rank + 1 < kTruthTags && code_of_rank(rank) != code) ++rank;
  return rank;
}

std::size_t draw_tag_rank(RandomStream& random) {
  const float u = random.uniform();
  return static_cast<std::size_t>(std::min<std::ptrdiff_t>(
      std::upper_bound(kTagCumulative.begin(), kTagCumulative.end(), u) - kTagCumulative.begin(), kTruthTags - 1));
}

/// The most common tags own a topic; the rest share the last eight.
std::uint8_t topic_of_rank(std::size_t rank) {
  constexpr std::size_t kShared = 8;
  return static_cast<std::uint8_t>(rank < kTruthTopics - kShared ? rank : kTruthTopics - kShared + rank % kShared);
}

float quantile_of(std::span<const float> quantiles, float u) {
  std::size_t i = 1;
  while (i + 1 < kDurationProbability.size() && u > kDurationProbability[i]) ++i;
  const float share = (u - kDurationProbability[i - 1]) / (kDurationProbability[i] - kDurationProbability[i - 1]);
  return std::exp(std::log(quantiles[i - 1]) + share * std::log(quantiles[i] / quantiles[i - 1]));
}

std::uint8_t draw_upload_type(RandomStream& random, float duration_s) {
  static constexpr std::array<float, 14> kCumulative = {.386F, .705F, .826F, .942F, .961F,  .971F,  .981F,
                                                        .989F, .995F, .998F, .999F, .9994F, .9997F, 1.0F};
  const float u = random.uniform();
  std::size_t type = 0;
  while (type + 1 < kCumulative.size() && u >= kCumulative[type]) ++type;
  // Long* and Short* speak of the duration.
  if (duration_s < 30 && (type == 0 || type == 7)) type = type == 0 ? 2 : 8;
  if (duration_s >= 57 && (type == 2 || type == 8)) type = type == 2 ? 0 : 7;
  return static_cast<std::uint8_t>(type);
}

void draw_tags(RandomStream& random, TruthVideo& video, std::size_t (&rank)[2]) {
  const float count = random.uniform();
  rank[0] = draw_tag_rank(random);
  // Half of the second tags come from a fixed partner, as related tags go together.
  const bool partner = random.uniform() < 0.5F;
  rank[1] = partner ? (rank[0] + 3) % kTruthTags : draw_tag_rank(random);
  const bool two = count > 0.765F && rank[1] != rank[0];
  video.tag = {code_of_rank(rank[0]), two ? code_of_rank(rank[1]) : std::uint8_t{0}};
  video.topic = {topic_of_rank(rank[0]), topic_of_rank(rank[1])};
  video.weight = two ? 0.65F : 1.0F;
  if (count < 0.013F) video.tag = {0, 0};  // the table's cell is empty, the content is not
}

}  // namespace

const TruthSpec& truth_spec(TruthPreset preset) noexcept {
  static constexpr std::array<const TruthSpec*, 3> kSpecs = {&kTinySpec, &kPureSpec, &k1kSpec};
  return *kSpecs[static_cast<std::size_t>(preset)];
}

const TruthTab& truth_tab(const TruthSpec& spec, std::uint8_t code) noexcept {
  for (const TruthTab& tab : spec.tabs)
    if (tab.code == code) return tab;
  return spec.tabs.front();
}

std::array<float, 2> draw_normals(RandomStream& random) noexcept {
  const float radius = std::sqrt(-2.0F * std::log(1.0F - random.uniform()));
  const float angle = 2.0F * std::numbers::pi_v<float> * random.uniform();
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

TruthWorld::TruthWorld(const TruthOptions& options)
    : spec_(truth_spec(options.preset)),
      key_(split(make_key(options.seed), 1000 + static_cast<std::uint64_t>(options.preset))) {
  for (std::size_t rank = 0; rank < kTruthTags; ++rank) {
    RandomStream random(key(kTagDraw, rank));
    const auto a = draw_normals(random), b = draw_normals(random), c = draw_normals(random);
    tag_[rank] = {0.15F * a[0], 0.05F * a[1], {b[0], b[1], c[0], c[1]}};
  }
  for (std::size_t cohort = 0; cohort < cohort_taste_.size(); ++cohort) {
    RandomStream random(key(kCohortDraw, cohort));
    for (std::size_t k = 0; k < kTruthTopics; k += 2) {
      const auto pair = draw_normals(random);
      cohort_taste_[cohort][k] = 0.16F * pair[0], cohort_taste_[cohort][k + 1] = 0.16F * pair[1];
    }
  }
}

RandomKey TruthWorld::key(std::uint64_t what, std::uint64_t index) const noexcept {
  return split(split(key_, what), index);
}

TruthVideo TruthWorld::video(std::uint32_t raw_id) const {
  RandomStream random(key(kVideoDraw, raw_id));
  TruthVideo video{};
  std::size_t rank[2];
  draw_tags(random, video, rank);
  draw_form(random, rank[0], video);
  video.author = random.below(static_cast<std::uint32_t>(3.4 * spec_.videos) + 1);
  draw_appeal(random, rank, video);
  return video;
}

std::array<std::uint8_t, 2> TruthWorld::favourite_tags(std::uint32_t author) const {
  RandomStream random(key(kFavouriteDraw, author));
  const std::size_t first = draw_tag_rank(random), second = draw_tag_rank(random);
  return {code_of_rank(first), code_of_rank(second)};
}

TruthVideo TruthWorld::upload(std::uint32_t author, std::int32_t day, std::uint8_t mimicked,
                              std::uint64_t season) const {
  RandomStream random(split(split(key(kUploadDraw, author), season), static_cast<std::uint64_t>(day)));
  const std::array<std::uint8_t, 2> favourite = favourite_tags(author);
  TruthVideo video{};
  std::size_t rank[2];
  draw_tags(random, video, rank);
  const float loyal = random.uniform(), which = random.uniform();
  if (mimicked != 0 || loyal < kLoyalty) {
    rank[0] = rank_of_code(mimicked != 0 ? mimicked : favourite[which < kFirstFavourite ? 0 : 1]);
    if (rank[1] == rank[0]) rank[1] = (rank[0] + 3) % kTruthTags;
    if (video.tag[0] != 0) video.tag[0] = code_of_rank(rank[0]);
    if (video.tag[1] != 0) video.tag[1] = code_of_rank(rank[1]);
    video.topic = {topic_of_rank(rank[0]), topic_of_rank(rank[1])};
  }
  draw_form(random, rank[0], video);
  video.author = author;
  draw_appeal(random, rank, video);
  return video;
}

void TruthWorld::draw_form(RandomStream& random, std::size_t rank, TruthVideo& video) const {
  const float duration_s = std::clamp(
      quantile_of(spec_.duration_quantile_s, random.uniform()) * std::exp(tag_[rank].log_duration), 4.0F, 1180.0F);
  video.duration_ms = static_cast<std::int32_t>(duration_s * 1000.0F);
  video.duration_missing = random.uniform() < spec_.missing_duration;
  video.upload_type = video.duration_missing ? 6 : draw_upload_type(random, duration_s);
  video.is_ad = random.uniform() < 0.01F;
}

void TruthWorld::draw_appeal(RandomStream& random, const std::size_t (&rank)[2], TruthVideo& video) const {
  const TagTraits &first = tag_[rank[0]], &second = tag_[rank[1]];
  const float share = 1.0F - video.weight;
  RandomStream author(key(kAuthorDraw, video.author));
  const auto own = draw_normals(random), shown = draw_normals(random);
  const float z = own[0];
  video.quality = 0.36F * z + 0.18F * draw_normals(author)[0] + video.weight * first.quality + share * second.quality -
                  (video.is_ad ? 0.5F : 0.0F);
  video.popularity = 0.45F * z + 0.893F * shown[0];
  const auto f0 = draw_normals(random), f1 = draw_normals(random);
  const std::array<float, kTruthFactors> individual = {f0[0], f0[1], f1[0], f1[1]};
  for (std::size_t k = 0; k < kTruthFactors; ++k)
    video.factor[k] = 0.6F * (video.weight * first.factor[k] + share * second.factor[k]) + 0.8F * individual[k];
  const auto t0 = draw_normals(random), t1 = draw_normals(random);
  video.tendency = {0.4F * t0[0], 0.3F * t0[0] + 0.5F * t0[1], 0.5F * t1[0] - 0.2F * z, 0.4F * t1[1]};
}

TruthUser TruthWorld::user(std::uint32_t raw_id) const {
  RandomStream random(key(kUserDraw, raw_id));
  TruthUser user{};
  const auto a = draw_normals(random), b = draw_normals(random), c = draw_normals(random), d = draw_normals(random);
  const auto e = draw_normals(random), f = draw_normals(random), g = draw_normals(random);
  user.activity = a[0];
  user.affinity = key(kAffinityDraw, raw_id);
  user.generosity = 0.30F * a[1] + 0.06F * a[0];
  user.duration_taste = 0.14F * b[0];
  user.swipe = 0.3F * b[1];
  user.zero = 0.4F * c[0];
  user.boredom = std::exp(0.25F * c[1]);
  user.leave = 0.25F * d[0] - 0.1F * a[0];
  user.factor = {0.08F * d[1], 0.08F * e[0], 0.08F * e[1], 0.08F * f[0]};
  user.tendency = {0.7F * f[1], 0.5F * f[1] + 0.5F * g[0], 0.8F * g[1], 0.3F * f[1] + 0.5F * c[0]};

  // The number of sessions falls off faster above its median than below it.
  const float sessions =
      spec_.sessions_median *
      std::exp((user.activity < 0 ? spec_.sessions_sigma_low : spec_.sessions_sigma_high) * user.activity);
  user.gap_ms = 31.0F * 86400.0e3F / sessions;

  user.gender = static_cast<std::uint8_t>(random.uniform() < 0.56F);
  user.age = static_cast<std::uint8_t>(std::min(random.below(7), random.below(7) + 2));
  const auto& shared = cohort_taste_[user.gender * 7U + user.age];
  for (std::size_t k = 0; k < kTruthTopics; k += 2) {
    const auto own_taste = draw_normals(random);
    user.taste[k] = shared[k] + 0.12F * own_taste[0];
    user.taste[k + 1] = shared[k + 1] + 0.12F * own_taste[1];
  }
  // A few favourites, more often among common topics; the rest a little below the average.
  for (float bonus : {0.75F, 0.6F, 0.45F}) user.taste[topic_of_rank(draw_tag_rank(random))] += bonus;
  for (float& taste : user.taste) taste -= 0.12F;
  return user;
}

float truth_affinity(RandomKey user, std::uint32_t raw_author) noexcept {
  const RandomKey bits = split(user, raw_author);
  // The sum of four uniforms: bounded and close to normal.
  const float sum =
      to_unit(bits.hi << 16) + to_unit(bits.hi & 0xFFFF0000U) + to_unit(bits.lo << 16) + to_unit(bits.lo & 0xFFFF0000U);
  return (sum - 2.0F) * std::numbers::sqrt3_v<float>;
}

float local_hour(std::int64_t time_ms) noexcept {
  const std::int64_t since_midnight = ((time_ms + kUtcOffsetMs) % kDayMs + kDayMs) % kDayMs;
  return static_cast<float>(since_midnight) / 3600000.0F;
}

std::vector<std::uint32_t> first_ids(std::uint32_t count) {
  std::vector<std::uint32_t> ids(count);
  std::iota(ids.begin(), ids.end(), 0U);
  return ids;
}

float hourly_activity(float hour) noexcept {
  static constexpr std::array<float, 24> kActivity = {.62F, .37F, .25F, .15F, .12F, .14F, .25F, .38F,
                                                      .49F, .60F, .68F, .77F, .88F, .86F, .78F, .78F,
                                                      .85F, .91F, .89F, .83F, .88F, .92F, 1.0F, .95F};
  return kActivity[std::min<std::size_t>(static_cast<std::size_t>(std::max(hour, 0.0F)), 23)];
}

}  // namespace swipegym
