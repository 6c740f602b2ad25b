#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "sim_data/dataset.h"
#include "sim_data/labels.h"

namespace swipegym::testing {

/// A log small enough to read: users who watch much or little, videos that hold or bore, over four days. Every second
/// user is patient and every third video good, and nothing in the feature tables says which.
inline Dataset toy_log(std::size_t users, std::size_t videos, std::size_t rows_per_user, std::uint64_t seed,
                       double random_share = 0.0) {
  Dataset data;
  data.fingerprint = seed;
  for (std::size_t u = 0; u < users; ++u) data.users.raw_id.push_back(static_cast<std::int64_t>(1000 + u));
  data.users.columns = {{"user_active_degree", std::vector<float>(users, 0.0F), {"full_active"}},
                        {"fans_user_num", std::vector<float>(users, 10.0F), {}}};
  VideoTable& table = data.videos;
  table.video_types = {"NORMAL"};
  table.upload_types = {"Web"};
  table.tag_offset.push_back(0);
  for (std::size_t v = 0; v < videos; ++v) {
    table.raw_id.push_back(static_cast<std::int64_t>(v));
    table.author.push_back(static_cast<std::uint32_t>(v / 3));
    if (v % 3 == 0) table.author_raw_id.push_back(static_cast<std::int64_t>(v / 3));
    table.video_type.push_back(0), table.upload_type.push_back(0), table.upload_date.push_back(20220410);
    table.duration_ms.push_back(static_cast<float>(8000 + 4000 * (v % 25)));
    table.width.push_back(720), table.height.push_back(1280), table.music_id.push_back(0),
        table.music_type.push_back(9);
    table.tag.push_back(static_cast<std::uint16_t>(v % 7));
    table.tag_offset.push_back(static_cast<std::uint32_t>(table.tag.size()));
  }
  Log& log = data.log;
  data.user_offset.push_back(0);
  RandomStream random(make_key(seed));
  for (std::size_t u = 0; u < users; ++u) {
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < rows_per_user; ++i)
      times.push_back(1650816000000 + static_cast<std::int64_t>(random.uniform_double() * 4 * 86400000.0));
    std::sort(times.begin(), times.end());
    for (const std::int64_t time : times) {
      const std::uint32_t video = random.below(static_cast<std::uint32_t>(videos));
      const bool shown_at_random = random.uniform_double() < random_share;
      const double taste = (u % 2 == 0 ? 0.9 : -0.9) + (video % 3 == 0 ? 0.7 : -0.35) - (shown_at_random ? 1.0 : 0.0);
      const auto duration = static_cast<std::int32_t>(table.duration_ms[video]);
      const double noise = std::log(-std::log(1.0 - 0.999999 * random.uniform_double()) + 1e-6);
      const double ratio = random.uniform_double() < 0.05 ? 0.0 : std::exp(0.8 * taste + noise - 0.6);
      const auto play = static_cast<std::int32_t>(std::min(ratio, 4.0) * duration);
      unsigned bits = 0;
      if (is_valid_play(play, duration)) bits |= bit(Signal::kClick);
      if (is_long_view(play, duration)) bits |= bit(Signal::kLongView);
      if (random.uniform_double() < 0.05 * std::min(ratio, 1.0)) bits |= bit(Signal::kLike);
      const auto day = static_cast<std::int32_t>((time + 8 * 3600000) / 86400000 - 19107);  // days since 2022-04-25
      log.user.push_back(UserIndex{static_cast<std::uint32_t>(u)});
      log.video.push_back(VideoIndex{video});
      log.time_ms.push_back(time), log.play_ms.push_back(play), log.duration_ms.push_back(duration);
      log.date.push_back(20220425 + day), log.hourmin.push_back(1200), log.tab.push_back(1);
      log.signals.push_back(static_cast<SignalBits>(bits)), log.is_random.push_back(shown_at_random ? 1 : 0);
      log.source_row.push_back(static_cast<std::uint32_t>(log.source_row.size()));
    }
    data.user_offset.push_back(log.size());
  }
  return data;
}

}  // namespace swipegym::testing
