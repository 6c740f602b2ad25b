#pragma once

#include <cmath>

#include "core/random.h"
#include "sim_data/dataset.h"

namespace swipegym::test {

struct ToyLog {
  std::uint32_t users = 40;
  std::uint32_t videos = 60;
  std::uint32_t days = 4;          // from 2022-05-01, noon in UTC+8
  std::uint32_t rows_per_day = 5;  // of each user, a minute apart
  bool random_log = false;         // one random row a user and day beside them
};

inline constexpr std::int64_t kToyNoonMs = 1651377600000;  // 2022-05-01 12:00 UTC+8
inline constexpr std::int64_t kDayMs = 86'400'000;

/// A small log whose answers follow the video: the watch ratio is exponential with mean .2 + .01 * (video mod 60), a
/// tenth of the rows are not played at all, and a click is a ratio above .3.
inline Dataset make_toy_dataset(const ToyLog& toy, std::uint64_t seed = 1) {
  Dataset data;
  data.fingerprint = seed;
  for (std::uint32_t u = 0; u < toy.users; ++u) data.users.raw_id.push_back(1000 + u);
  // Every column the schema asks for, all the same for everybody.
  for (const char* name : {"user_active_degree", "is_lowactive_period", "is_live_streamer", "is_video_author",
                           "follow_user_num", "follow_user_num_range", "fans_user_num", "fans_user_num_range",
                           "friend_user_num", "friend_user_num_range", "register_days", "register_days_range"}) {
    const std::string_view column = name;
    const bool text = column == "user_active_degree" || column.ends_with("_range");
    data.users.columns.push_back({name, std::vector<float>(toy.users, 0.0F),
                                  text ? std::vector<std::string>{"same"} : std::vector<std::string>{}});
  }
  for (int feature = 0; feature < 18; ++feature)
    data.users.columns.push_back({"onehot_feat" + std::to_string(feature), std::vector<float>(toy.users, 0.0F), {}});
  for (std::uint32_t v = 0; v < toy.videos; ++v) {
    data.videos.raw_id.push_back(50'000 + v);
    data.videos.author.push_back(v % 7);
    data.videos.video_type.push_back(0);
    data.videos.upload_type.push_back(0);
    data.videos.upload_date.push_back(20220410);
    data.videos.duration_ms.push_back(static_cast<float>(5000 + 1000 * (v % 40)));
    data.videos.width.push_back(720), data.videos.height.push_back(1280);
    data.videos.music_id.push_back(0), data.videos.music_type.push_back(-1);
    data.videos.tag_offset.push_back(v);
    data.videos.tag.push_back(static_cast<std::uint16_t>(v % 11));
  }
  data.videos.tag_offset.push_back(toy.videos);
  for (std::int64_t a = 0; a < 7; ++a) data.videos.author_raw_id.push_back(a);
  data.videos.video_types = {"NORMAL"};
  data.videos.upload_types = {"LongImport"};

  Log& log = data.log;
  for (std::uint32_t u = 0; u < toy.users; ++u) {
    data.user_offset.push_back(log.size());
    RandomStream random(split(make_key(seed), u));
    for (std::uint32_t day = 0; day < toy.days; ++day) {
      for (std::uint32_t i = 0; i < toy.rows_per_day + (toy.random_log ? 1 : 0); ++i) {
        const std::uint32_t video = random.below(toy.videos);
        const auto duration = static_cast<std::int32_t>(data.videos.duration_ms[video]);
        const double mean = 0.2 + 0.01 * (video % 60);
        const double ratio = random.uniform() < 0.1F ? 0.0 : -mean * std::log(1.0 - random.uniform_double());
        const auto play = static_cast<std::int32_t>(ratio * duration);
        log.user.push_back(static_cast<UserIndex>(u));
        log.video.push_back(static_cast<VideoIndex>(video));
        log.time_ms.push_back(kToyNoonMs + day * kDayMs + i * 60'000);
        log.play_ms.push_back(play);
        log.duration_ms.push_back(duration);
        log.date.push_back(static_cast<std::int32_t>(20220501 + day));
        log.hourmin.push_back(1200);
        log.tab.push_back(video % 3 == 0 ? 0 : 1);
        log.signals.push_back(ratio > 0.3 ? bit(Signal::kClick) : SignalBits{0});
        log.is_random.push_back(i == toy.rows_per_day ? 1 : 0);
        // The file's order is by day, then user: not the order of the rows here.
        log.source_row.push_back((day * toy.users + u) * (toy.rows_per_day + 1) + i);
      }
    }
  }
  data.user_offset.push_back(log.size());
  return data;
}

}  // namespace swipegym::test
