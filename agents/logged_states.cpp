#include "agents/logged_states.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "env/catalogue.h"
#include "sim_data/calendar.h"

namespace swipegym {

LoggedStates::LoggedStates(const Dataset& data, const Catalogue& catalogue, std::size_t history_length)
    : data_(data), catalogue_(catalogue), length_(history_length), ratio_(data.log.size()) {
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row)
    ratio_[row] = log.duration_ms[row] > 0
                      ? std::clamp(static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]),
                                   0.0F, kRatioClip)
                      : 0.0F;
}

void LoggedStates::fill(std::span<const std::uint32_t> rows, Batch& out) const {
  const std::size_t count = rows.size();
  out.user.resize(count), out.video.resize(count);
  out.user_features.resize(count * kUserFeatures);
  out.context.resize(count * kContextFeatures);
  out.history_video.resize(count * length_), out.history_ratio.resize(count * length_);
  out.history_signals.resize(count * length_), out.history_age_days.resize(count * length_);
  out.tab.resize(count), out.hours_since.resize(count);
  for (std::size_t i = 0; i < count; ++i) fill_row(rows[i], i, out);
  out.observation = {};
  out.observation.rows = count;
  out.observation.history_length = length_;
  out.observation.user = out.user.data();
  out.observation.user_features = out.user_features.data();
  out.observation.history_video = out.history_video.data();
  out.observation.history_ratio = out.history_ratio.data();
  out.observation.history_signals = out.history_signals.data();
  out.observation.context = out.context.data();
  out.observation.tab = out.tab.data();
  out.observation.hours_since = out.hours_since.data();
  out.observation.history_age_days = out.history_age_days.data();
}

void LoggedStates::fill_row(std::size_t row, std::size_t to, Batch& out) const {
  const Log& log = data_.log;
  const std::uint32_t user = index_of(log.user[row]);
  out.user[to] = user;
  out.video[to] = static_cast<std::int32_t>(index_of(log.video[row]));
  std::copy_n(catalogue_.user_features.data() + user * kUserFeatures, kUserFeatures,
              &out.user_features[to * kUserFeatures]);

  const std::size_t first = data_.user_offset[user];
  std::size_t end = row;  // rows of the same millisecond are not history
  while (end > first && log.time_ms[end - 1] == log.time_ms[row]) --end;
  const std::size_t known = std::min(length_, end - first);
  std::int32_t* video = &out.history_video[to * length_];
  float* ratio = &out.history_ratio[to * length_];
  SignalBits* signals = &out.history_signals[to * length_];
  std::fill_n(video, length_ - known, -1);
  std::fill_n(ratio, length_ - known, 0.0F);
  std::fill_n(signals, length_ - known, SignalBits{0});
  float* age_days = &out.history_age_days[to * length_];
  std::fill_n(age_days, length_ - known, 0.0F);
  for (std::size_t i = 0; i < known; ++i) {
    video[length_ - known + i] = static_cast<std::int32_t>(index_of(log.video[end - known + i]));
    ratio[length_ - known + i] = ratio_[end - known + i];
    signals[length_ - known + i] = log.signals[end - known + i];
    age_days[length_ - known + i] =
        static_cast<float>(log.time_ms[row] - log.time_ms[end - known + i]) / static_cast<float>(kDayMs);
  }

  // As VectorEnv writes it; see env/vector_env.h.
  constexpr std::int64_t kQuarterMs = 900'000;
  const std::int64_t quarter = ((log.time_ms[row] + kUtcOffsetMs) % kDayMs + kDayMs) % kDayMs / kQuarterMs;
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(quarter) / 96.0;
  float* context = &out.context[to * kContextFeatures];
  std::fill_n(context, kContextFeatures, 0.0F);
  context[2] = static_cast<float>(std::sin(angle));
  context[3] = static_cast<float>(std::cos(angle));
  context[4] = log.tab[row] == 1 ? 1.0F : 0.0F;
  context[5] = log.tab[row] == 0 ? 1.0F : 0.0F;
  context[6] = log.tab[row] == 4 ? 1.0F : 0.0F;
  out.tab[to] = log.tab[row];
  out.hours_since[to] =
      end > first ? static_cast<float>(log.time_ms[row] - log.time_ms[end - 1]) / 3'600'000.0F : -1.0F;
  const bool running = end > first && log.time_ms[row] - log.time_ms[end - 1] <= kSessionGapMs;
  context[7] = running ? ratio_[end - 1] : 0.0F;
}

}  // namespace swipegym
