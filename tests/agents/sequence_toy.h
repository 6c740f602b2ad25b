#pragma once

#include <cstdint>

#include "agents/supervised_task.h"
#include "core/random.h"
#include "env/catalogue.h"
#include "sim_data/dataset.h"

namespace swipegym::test {

/// 60 users of 30 rows over 5 days. A user watches videos of one kind to 1.2 and the others to .2; which kind shows in
/// nothing but the history. Videos come in rising order, so that the next one can be told.
inline Dataset taste_log() {
  Dataset data;
  constexpr std::size_t kUsers = 60, kVideos = 24, kPerUser = 30;
  data.fingerprint = 7;
  data.user_offset.push_back(0);
  for (std::size_t u = 0; u < kUsers; ++u) {
    data.users.raw_id.push_back(static_cast<std::int64_t>(u));
    RandomStream random(split(make_key(1), u));
    const bool likes_even = random.uniform() < 0.5F;
    std::uint32_t video = random.below(kVideos);
    for (std::size_t i = 0; i < kPerUser; ++i) {
      video = (video + 1 + random.below(2)) % kVideos;
      data.log.user.push_back(UserIndex{static_cast<std::uint32_t>(u)});
      data.log.video.push_back(VideoIndex{video});
      data.log.time_ms.push_back(1'650'000'000'000 + static_cast<std::int64_t>(i) * 60'000);
      data.log.duration_ms.push_back(10'000);
      const bool likes = (video % 2 == 0) == likes_even;
      data.log.play_ms.push_back(likes ? 12'000 : 2'000);
      data.log.date.push_back(20220415 + static_cast<std::int32_t>(i / 6));
      data.log.hourmin.push_back(1300), data.log.tab.push_back(1), data.log.is_random.push_back(0);
      data.log.signals.push_back(likes ? bit(Signal::kLongView) : SignalBits{0});
      data.log.source_row.push_back(static_cast<std::uint32_t>(data.log.size() - 1));
    }
    data.user_offset.push_back(data.log.user.size());
  }
  data.videos.tag_offset.push_back(0);
  data.videos.video_types = {"NORMAL"};
  data.videos.upload_types = {"x"};
  for (std::size_t v = 0; v < kVideos; ++v) {
    data.videos.raw_id.push_back(static_cast<std::int64_t>(1000 + v));
    data.videos.author.push_back(static_cast<std::uint32_t>(v / 2));
    if (v % 2 == 0) data.videos.author_raw_id.push_back(static_cast<std::int64_t>(v / 2));
    data.videos.video_type.push_back(0), data.videos.upload_type.push_back(0);
    data.videos.duration_ms.push_back(10'000.0F);
    data.videos.upload_date.push_back(20220401), data.videos.music_id.push_back(0);
    data.videos.width.push_back(720), data.videos.height.push_back(1280), data.videos.music_type.push_back(9);
    data.videos.tag.push_back(static_cast<std::uint16_t>(v % 2));
    data.videos.tag_offset.push_back(static_cast<std::uint32_t>(v + 1));
  }
  return data;
}

/// taste_log() cut by time: three days to learn from, one to validate on, one to test.
struct TasteToy {
  Dataset data = taste_log();
  Catalogue catalogue = build_catalogue(data, 20220417);
  SupervisedTask task(int threads = 1) const {
    return {.data = &data,
            .catalogue = &catalogue,
            .train = {20220415, 20220417},
            .validate = {20220418, 20220418},
            .test = {20220419, 20220419},
            .threads = threads};
  }
};

}  // namespace swipegym::test
