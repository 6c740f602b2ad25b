#include "evaluation/fidelity/standard_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/metrics/quantile_score.h"

namespace swipegym {
namespace {

std::vector<double> table_durations(const VideoTable& videos) {
  std::vector<float> known;
  for (const float ms : videos.duration_ms)
    if (!std::isnan(ms)) known.push_back(ms);
  std::sort(known.begin(), known.end());
  const double median = known.empty() ? 0.0 : sample_quantile(known, 0.5);
  std::vector<double> seconds;
  for (const float ms : videos.duration_ms) seconds.push_back((std::isnan(ms) ? median : ms) / 1000.0);
  return seconds;
}

}  // namespace

StandardRecord standard_record(const Dataset& data, std::int32_t until) {
  const Log& log = data.log;
  StandardRecord record{.exposures = std::vector<double>(data.videos.size()),
                        .mean_ratio = std::vector<double>(data.videos.size()),
                        .duration_s = table_durations(data.videos),
                        .user_rows = std::vector<double>(data.users.size())};
  double rows = 0.0, ratios = 0.0;
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (log.is_random[row] != 0 || log.date[row] > until || log.duration_ms[row] <= 0) continue;
    const double ratio =
        std::min(static_cast<double>(log.play_ms[row]) / log.duration_ms[row], static_cast<double>(kJudgedRatioCap));
    const std::uint32_t video = index_of(log.video[row]);
    record.exposures[video] += 1.0, record.mean_ratio[video] += ratio;
    record.user_rows[index_of(log.user[row])] += 1.0;
    rows += 1.0, ratios += ratio;
  }
  if (rows == 0.0)
    throw InputError(fmt::format(
        "no row of the standard log is dated {} or earlier, so nothing is known of videos to sort them by; give a "
        "later --known-until, or --rows-only to leave this out",
        until));
  for (std::size_t video = 0; video < data.videos.size(); ++video)
    record.mean_ratio[video] =
        (record.mean_ratio[video] + kShrinkage * ratios / rows) / (record.exposures[video] + kShrinkage);
  return record;
}

std::vector<std::uint32_t> random_pool(const Dataset& data) {
  const std::size_t videos = data.videos.size();
  std::vector<bool> is_shown(videos);
  double rows = 0.0;
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    if (data.log.is_random[row] == 0) continue;
    is_shown[index_of(data.log.video[row])] = true;
    rows += 1.0;
  }
  const double all = static_cast<double>(videos);
  const double foreseen = all * -std::expm1(-rows / all);  // different videos among so many uniform draws
  const bool draws_from_table =
      static_cast<double>(std::count(is_shown.begin(), is_shown.end(), true)) >= 0.5 * foreseen;
  std::vector<std::uint32_t> pool;
  for (std::uint32_t video = 0; video < videos; ++video)
    if (draws_from_table || is_shown[video]) pool.push_back(video);
  return pool;
}

}  // namespace swipegym
