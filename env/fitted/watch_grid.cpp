#include "env/fitted/watch_grid.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"
#include "sim_data/labels.h"
#include "sim_data/log_limits.h"

namespace swipegym {

namespace {

constexpr float kCompletion = 0.97F;  // a play this close to the end counts as completed
constexpr float kReplay = 1.10F;      // beyond this it has begun again
constexpr std::size_t kFewSamples = 60;

// Linear interpolation in a table of equally spaced quantiles; level in [0, 1].
float quantile_at(const float* knots, float level) {
  const float position = level * static_cast<float>(WatchGrid::kKnots - 1);
  const auto below = std::min(static_cast<std::size_t>(position), WatchGrid::kKnots - 2);
  const float part = position - static_cast<float>(below);
  return knots[below] + part * (knots[below + 1] - knots[below]);
}

// The level of a coordinate: inverse of quantile_at, the middle of a run of equal knots.
float level_of(const float* knots, float x) {
  const float* end = knots + WatchGrid::kKnots;
  const float* low = std::lower_bound(knots, end, x);
  if (low == end) return 1.0F;
  if (low == knots) return 0.0F;
  const float step = *low - low[-1];
  const float part = step > 0.0F ? (x - low[-1]) / step : 0.5F;
  return (static_cast<float>(low - knots) - 1.0F + part) / static_cast<float>(WatchGrid::kKnots - 1);
}

void fill_knots(std::vector<float>& samples, float* out) {
  std::sort(samples.begin(), samples.end());
  for (std::size_t i = 0; i < WatchGrid::kKnots; ++i) {
    const double position =
        static_cast<double>(i) / static_cast<double>(WatchGrid::kKnots - 1) * static_cast<double>(samples.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(position), samples.size() - 1);
    const auto above = std::min(below + 1, samples.size() - 1);
    const auto part = static_cast<float>(position - static_cast<double>(below));
    out[i] = samples[below] + part * (samples[above] - samples[below]);
  }
}

}  // namespace

WatchGrid::Segments WatchGrid::segments(std::int32_t duration_ms) noexcept {
  const auto duration = static_cast<float>(duration_ms);
  const auto click = static_cast<float>(valid_play_threshold_ms(duration_ms));
  const auto long_view = static_cast<float>(long_view_threshold_ms(duration_ms));
  const float low = std::max(1.0F, std::min(click, long_view));
  const float high = std::max(low, std::max(click, long_view));
  const float completion = std::max(high, std::floor(kCompletion * duration));
  const float replay = std::max(completion + 1.0F, std::floor(kReplay * duration));
  return {{0.0F, 1.0F, low, high, completion, replay}};
}

std::size_t WatchGrid::segment_of(std::size_t bin) noexcept {
  std::size_t segment = 0;
  while (segment + 1 < kSegments && bin >= kFirst[segment + 1]) ++segment;
  return segment;
}

float WatchGrid::coordinate(std::size_t segment, float play_ms, const Segments& at) const noexcept {
  switch (segment) {
    case 0:
      return 0.0F;
    case 3:
      return std::log(play_ms / at.begin[3]) / std::log(std::max(at.begin[4] / at.begin[3], 1.0001F));
    case 5:
      return std::log(play_ms / at.begin[5]);
    default:
      return (play_ms - at.begin[segment]) / std::max(at.begin[segment + 1] - at.begin[segment], 1.0F);
  }
}

float WatchGrid::from_coordinate(std::size_t segment, float x, const Segments& at) const noexcept {
  switch (segment) {
    case 0:
      return 0.0F;
    case 3:
      return at.begin[3] * std::exp(x * std::log(std::max(at.begin[4] / at.begin[3], 1.0001F)));
    case 5:
      return at.begin[5] * std::exp(x);
    default:
      return at.begin[segment] + x * (at.begin[segment + 1] - at.begin[segment]);
  }
}

WatchGrid::WatchGrid(const Log& log, std::span<const std::uint32_t> rows) {
  std::vector<std::int32_t> durations;
  durations.reserve(rows.size());
  for (const std::uint32_t row : rows) durations.push_back(log.duration_ms[row]);
  std::sort(durations.begin(), durations.end());
  put_group_edges(durations);

  std::vector<std::vector<float>> samples(kGroups * kSegments), pooled(kSegments);
  for (const std::uint32_t row : rows) {
    const Segments at = segments(log.duration_ms[row]);
    const auto play = static_cast<float>(log.play_ms[row]);
    std::size_t segment = 0;
    if (log.play_ms[row] > 0)
      for (segment = kSegments - 1; segment > 1 && play < at.begin[segment];) --segment;
    const float x = coordinate(segment, play, at);
    samples[group(log.duration_ms[row]) * kSegments + segment].push_back(x);
    pooled[segment].push_back(x);
  }
  knots_.resize(kGroups * kSegments * kKnots);
  for (std::size_t segment = 0; segment < kSegments; ++segment)
    if (pooled[segment].size() < 2) pooled[segment] = {0.0F, segment == 5 ? 0.5F : 0.999F};
  for (std::size_t g = 0; g < kGroups; ++g)
    for (std::size_t segment = 0; segment < kSegments; ++segment) {
      std::vector<float>& own = samples[g * kSegments + segment];
      fill_knots(own.size() >= kFewSamples ? own : pooled[segment], knots_.data() + (g * kSegments + segment) * kKnots);
    }
}

// A row weighs by the root of its duration: most rows are of short videos, most seconds of long ones.
void WatchGrid::put_group_edges(std::span<const std::int32_t> durations) {
  const auto weight = [](std::int32_t duration_ms) { return std::sqrt(static_cast<double>(duration_ms)); };
  double all = 0.0, below = 0.0;
  for (const std::int32_t duration : durations) all += weight(duration);
  std::size_t g = 1;
  for (const std::int32_t duration : durations) {
    below += weight(duration);
    for (; g < kGroups && below * kGroups >= all * static_cast<double>(g); ++g)
      group_edges_[g - 1] = static_cast<float>(duration);
  }
}

std::size_t WatchGrid::group(std::int32_t duration_ms) const noexcept {
  const auto duration = static_cast<float>(duration_ms);
  std::size_t below = 0;
  for (const float edge : group_edges_) below += edge < duration ? 1 : 0;
  return below;
}

std::size_t WatchGrid::bin(std::int32_t play_ms, std::int32_t duration_ms) const noexcept {
  if (play_ms <= 0) return 0;
  const Segments at = segments(duration_ms);
  const auto play = static_cast<float>(play_ms);
  std::size_t segment = kSegments - 1;
  while (segment > 1 && play < at.begin[segment]) --segment;
  const float level = level_of(knots(group(duration_ms), segment), coordinate(segment, play, at));
  const auto count = static_cast<float>(kBinsOf[segment]);
  return kFirst[segment] + std::min(static_cast<std::size_t>(level * count), kBinsOf[segment] - 1);
}

float WatchGrid::play_ms(std::size_t bin, float level, std::int32_t duration_ms) const noexcept {
  const std::size_t segment = segment_of(bin);
  const float inside = (static_cast<float>(bin - kFirst[segment]) + level) / static_cast<float>(kBinsOf[segment]);
  const float x = quantile_at(knots(group(duration_ms), segment), inside);
  return from_coordinate(segment, x, segments(duration_ms));
}

std::int32_t WatchGrid::draw_play_ms(std::size_t bin, float level, std::int32_t duration_ms) const noexcept {
  if (bin == 0) return 0;
  const std::size_t segment = segment_of(bin);
  const Segments at = segments(duration_ms);
  const float play = std::min(play_ms(bin, level, duration_ms), 1.0e9F);
  auto whole = static_cast<std::int32_t>(play);
  whole = std::max(whole, static_cast<std::int32_t>(std::ceil(at.begin[segment])));
  if (segment + 1 < kSegments)
    whole = std::min(whole, std::max(static_cast<std::int32_t>(std::ceil(at.begin[segment + 1])) - 1, 1));
  return whole;
}

void WatchGrid::mean_play_ms(std::int32_t duration_ms, std::span<float> out) const noexcept {
  const Segments at = segments(duration_ms);
  const std::size_t g = group(duration_ms);
  out[0] = 0.0F;
  for (std::size_t segment = 1; segment < kSegments; ++segment) {
    const float* table = knots(g, segment);
    for (std::size_t i = 0; i < kBinsOf[segment]; ++i) {
      float sum = 0.0F;
      for (const float level : {0.1F, 0.3F, 0.5F, 0.7F, 0.9F}) {
        const float inside = (static_cast<float>(i) + level) / static_cast<float>(kBinsOf[segment]);
        sum += from_coordinate(segment, quantile_at(table, inside), at);
      }
      out[kFirst[segment] + i] = 0.2F * sum;
    }
  }
}

void WatchGrid::mask_logits(std::int32_t duration_ms, std::span<float> logits) noexcept {
  const Segments at = segments(duration_ms);
  for (std::size_t segment = 1; segment + 1 < kSegments; ++segment)
    if (at.empty(segment))
      for (std::size_t i = 0; i < kBinsOf[segment]; ++i) logits[kFirst[segment] + i] -= 1.0e4F;
}

bool WatchGrid::passes_long_view(std::size_t bin, const Segments& segments, std::int32_t duration_ms) noexcept {
  return segments.begin[segment_of(bin)] >= static_cast<float>(long_view_threshold_ms(duration_ms));
}

void WatchGrid::save(Hdf5Writer& file) const {
  file.write<float>("watch_grid/group_edges_ms", std::span<const float>(group_edges_));
  file.write("watch_grid/knots", knots_);
}

WatchGrid WatchGrid::load(const Hdf5Reader& file) {
  WatchGrid grid;
  grid.group_edges_ = file.read_array<float, kGroups - 1>("watch_grid/group_edges_ms");
  grid.knots_ = file.read<float>("watch_grid/knots");
  return file.checked(std::move(grid));
}

void WatchGrid::validate() const {
  require_between("watch_grid/group_edges_ms", std::span<const float>(group_edges_), 0.0F,
                  static_cast<float>(kMaxSpanMs));
  require_size("watch_grid/knots", knots_.size(), kGroups * kSegments * kKnots);
  // Coordinates inside a segment run from 0 to 1; that of the replay, a logarithm, has no end but the longest play.
  for (std::size_t g = 0; g < kGroups; ++g)
    for (std::size_t segment = 0; segment < kSegments; ++segment)
      require_between("watch_grid/knots", std::span<const float>(knots(g, segment), kKnots), 0.0F,
                      segment + 1 == kSegments ? 30.0F : 1.01F);
}

}  // namespace swipegym
