#include "env/user_history.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/lanes.h"
#include "env/catalogue.h"
#include "nn/fast_math.h"

namespace swipegym {

namespace {

constexpr float kMsOfDay = 86400000.0F;

float decayed(float count, std::int64_t gap_ms, float days) noexcept {
  return count * std::exp(-static_cast<float>(gap_ms) / (days * kMsOfDay)) + 1.0F;
}

}  // namespace

void UserHistory::add(const HistoryEvent& event, bool clock_runs) noexcept {
  if (clock_runs) {
    const bool first = recent_size == 0;
    const std::int64_t gap_ms = first ? kSessionGapMs + 1 : std::max<std::int64_t>(event.time_ms - last_time_ms, 0);
    if (gap_ms > kSessionGapMs) session_count = session_level = session_watched = satisfied_weight = satisfied = 0.0F;
    day_count = decayed(day_count, gap_ms, 1.0F);
    week_count = decayed(week_count, gap_ms, 7.0F);
    last_time_ms = event.time_ms;
    session_count += 1.0F;
    if (event.known) {
      session_level += event.level, session_watched += event.watched;
      satisfied_weight = kSatisfiedDecay * satisfied_weight + 1.0F;
      satisfied = kSatisfiedDecay * satisfied + event.watched;
    }
  }
  event_time_ms = event.time_ms;

  const std::size_t slot = recent_size++ % kRecent;
  recent_tag[slot] = event.tag + 1;  // 0 marks a slot never used
  recent_author[slot] = event.author + 1;
  recent_video[slot] = event.video + 1;
  recent_level[slot] = event.known ? event.level : 0.0F;
  if (!event.known) return;

  count += 1.0F;
  level += event.level, click += event.click, long_view += event.long_view, like += event.like;
  profile += event.profile, other += event.other, hate += event.hate, zero += event.zero;
  fast_weight = kFastDecay * fast_weight + 1.0F;
  fast_level = kFastDecay * fast_level + event.level;
  fast_click = kFastDecay * fast_click + event.click;
  slow_weight = kSlowDecay * slow_weight + 1.0F;
  slow_level = kSlowDecay * slow_level + event.level;
  slow_click = kSlowDecay * slow_click + event.click;
  tab_count[event.tab_class] += 1.0F;
  tab_level[event.tab_class] += event.level;
  tab_click[event.tab_class] += event.click;
  duration_count[event.duration_class] += 1.0F;
  duration_level[event.duration_class] += event.level;
  last_level = {event.level, last_level[0], last_level[1]};
  last_click = {event.click, last_click[0], last_click[1]};
}

void UserHistory::close_session() noexcept {
  if (event_time_ms <= last_time_ms) return;
  const std::int64_t gap_ms = event_time_ms - last_time_ms;
  day_count = decayed(day_count, gap_ms, 1.0F);
  week_count = decayed(week_count, gap_ms, 7.0F);
  last_time_ms = event_time_ms;
  session_count = session_level = session_watched = satisfied_weight = satisfied = 0.0F;
}

void history_features(const UserHistory& history, const HistoryQuery& query, const HistoryClip& clip,
                      std::span<float> out) noexcept {
  const UserHistory& h = history;
  const std::size_t t = query.tab_class, d = query.duration_class;
  const float count = std::min(h.count, clip.count);
  const bool any = h.recent_size > 0;
  const float gap_min =
      any ? static_cast<float>(std::max<std::int64_t>(query.time_ms - h.last_time_ms, 0)) / 60000.0F : 1.0e5F;
  const bool same_session = gap_min <= 30.0F;
  const float session_count = same_session ? std::min(h.session_count, clip.session_count) : 0.0F;

  // Matches among the recent videos, sixteen at a time.
  FloatLanes tag_count{}, tag_level{}, author_count{}, author_level{}, video_count{}, video_level{};
  const FloatLanes one = FloatLanes{} + 1.0F;
  const auto wanted = [](std::uint32_t id) { return IntLanes{} + static_cast<std::int32_t>(id + 1); };
  const IntLanes tag = wanted(query.tag), author = wanted(query.author), video = wanted(query.video);
  for (std::size_t at = 0; at < kRecent; at += kLanes) {
    const FloatLanes level = load_lanes(h.recent_level.data() + at);
    const IntLanes is_tag = load_lanes(h.recent_tag.data() + at) == tag;
    const IntLanes is_author = load_lanes(h.recent_author.data() + at) == author;
    const IntLanes is_video = load_lanes(h.recent_video.data() + at) == video;
    tag_count += keep_lanes(is_tag, one), tag_level += keep_lanes(is_tag, level);
    author_count += keep_lanes(is_author, one), author_level += keep_lanes(is_author, level);
    video_count += keep_lanes(is_video, one), video_level += keep_lanes(is_video, level);
  }
  const float same_tag = sum_lanes(tag_count), same_tag_level = sum_lanes(tag_level);
  const float same_author = sum_lanes(author_count), same_author_level = sum_lanes(author_level);
  const float same_video = sum_lanes(video_count), same_video_level = sum_lanes(video_level);

  // Ratios and logarithms are gathered and then computed whole vectors at a time.
  alignas(64) std::array<float, kHistoryFeatures> weight;
  std::array<float, kLanes> log_of, log_scale{}, log_offset{};
  std::array<std::uint8_t, kLanes> log_place{};
  log_of.fill(1.0F);
  std::size_t i = 0, logs = 0;
  const auto put = [&](float value, float over = 1.0F) {
    out[i] = value;
    weight[i++] = over;
  };
  const auto shrunk = [&](float scale, float sum, float over, float prior) { put(scale * sum, over + prior); };
  const auto log1p = [&](float x, float scale, float offset = 0.0F) {
    log_of[logs] = 1.0F + x, log_scale[logs] = scale, log_offset[logs] = offset;
    log_place[logs++] = static_cast<std::uint8_t>(i);
    put(0.0F);
  };
  log1p(count, 0.4F, -0.8F);
  shrunk(4.0F, h.level, h.count, 5.0F);
  shrunk(2.0F, h.click, h.count, 5.0F);
  shrunk(2.0F, h.long_view, h.count, 5.0F);
  shrunk(6.0F, h.like, h.count, 10.0F);
  shrunk(6.0F, h.profile, h.count, 10.0F);
  shrunk(6.0F, h.other, h.count, 10.0F);
  shrunk(10.0F, h.hate, h.count, 10.0F);
  shrunk(3.0F, h.zero, h.count, 5.0F);
  shrunk(2.0F, h.level, h.count, 0.5F);
  shrunk(2.0F, h.fast_level, h.fast_weight, 1.0F);
  shrunk(1.0F, h.fast_click, h.fast_weight, 1.0F);
  shrunk(3.0F, h.slow_level, h.slow_weight, 3.0F);
  shrunk(2.0F, h.slow_click, h.slow_weight, 3.0F);
  shrunk(4.0F, h.tab_level[t], h.tab_count[t], 4.0F);
  shrunk(2.0F, h.tab_click[t], h.tab_count[t], 4.0F);
  log1p(std::min(h.tab_count[t], clip.count), 0.4F, -0.6F);
  shrunk(1.0F, h.tab_count[0], h.count, 1.0F);
  shrunk(1.0F, h.tab_count[1], h.count, 1.0F);
  shrunk(1.0F, h.tab_count[t], h.count, 1.0F);
  shrunk(4.0F, h.tab_level[1], h.tab_count[1], 4.0F);
  shrunk(4.0F, h.tab_level[0], h.tab_count[0], 4.0F);
  shrunk(4.0F, h.duration_level[d], h.duration_count[d], 3.0F);
  log1p(std::min(h.duration_count[d], clip.count), 0.4F, -0.5F);
  // Short videos' level less long ones', on a common denominator.
  const float short_weight = h.duration_count[0] + h.duration_count[1] + 4.0F;
  const float long_weight = h.duration_count[2] + h.duration_count[3] + 4.0F;
  put(4.0F * ((h.duration_level[0] + h.duration_level[1]) * long_weight -
              (h.duration_level[2] + h.duration_level[3]) * short_weight),
      short_weight * long_weight);
  for (std::size_t lag = 0; lag < 3; ++lag) put(1.5F * h.last_level[lag]);
  for (std::size_t lag = 0; lag < 3; ++lag) put(h.last_click[lag]);
  put(h.count > 0.0F ? 0.0F : 1.0F);
  shrunk(same_session ? 2.0F : 0.0F, h.session_watched, h.session_count, 1.0F);
  log1p(std::min(gap_min, 3.0e4F), 0.25F, -1.2F);
  shrunk(same_session ? 3.0F : 0.0F, h.satisfied, h.satisfied_weight, 1.0F);
  put(same_session && gap_min < 3.0F ? 1.0F : 0.0F);
  log1p(session_count, 0.7F);
  shrunk(same_session ? 2.0F : 0.0F, h.session_level, h.session_count, 1.0F);
  log1p(std::min(h.day_count, clip.day_count), 0.6F, -0.8F);
  log1p(same_tag, 0.8F);
  shrunk(3.0F, same_tag_level, same_tag, 1.5F);
  log1p(same_author, 1.5F);
  shrunk(3.0F, same_author_level, same_author, 0.7F);
  put(std::min(same_video, 2.0F));
  shrunk(3.0F, same_video_level, same_video, 0.3F);
  shrunk(4.0F, same_tag, static_cast<float>(std::min<std::uint32_t>(h.recent_size, kRecent)), 4.0F);
  shrunk(18.0F, h.like, h.count, 40.0F);
  log1p(std::min(h.week_count, clip.week_count), 0.5F, -0.8F);
  assert(i == kHistoryFeatures && logs <= kLanes);
  for (std::size_t k = 0; k < kHistoryFeatures; ++k) out[k] /= weight[k];
  for (std::size_t k = 0; k < kLanes; ++k) log_of[k] = fast_log(log_of[k]) * log_scale[k] + log_offset[k];
  for (std::size_t k = 0; k < logs; ++k) out[log_place[k]] = log_of[k];
}

}  // namespace swipegym
