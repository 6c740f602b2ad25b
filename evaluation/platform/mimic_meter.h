#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "env/platform/platform_world.h"

namespace swipegym {

/// What creators watch as viewers and whether they imitate it, a row a creator, day and topic (PlatformWorld::topic) of
/// which they clicked a video; and as many rows of topics that were on offer and that they did not click. All but the
/// last two columns are what a log knows, as of the midnight after the day.
struct MimicDays {
  std::vector<std::uint32_t> creator;  // the viewer, a creator who was active
  std::vector<std::int32_t> day;
  std::vector<std::uint16_t> topic;
  std::vector<std::uint32_t> clicks;      // of videos of the topic on the day; 0 in the rows of what was not clicked
  std::vector<std::uint32_t> all_clicks;  // of the day
  std::vector<float> recent_clicks;       // of all days, fading by a third a day
  std::vector<std::uint32_t> uploads, topic_uploads;  // of the creator's own until now, of them those of the topic
  std::vector<std::uint32_t> answers, answered;  // uploads that came the morning after a day of clicks; those among
                                                 // them whose topic was one of that day's
  std::vector<std::int32_t> idle, age;           // days since the last upload, and of the creator
  std::vector<float> reception;                  // S of the creators' law as the day began
  std::vector<float> topic_share;                // of everybody's uploads until now
  std::vector<std::uint8_t> uploaded;            // whether the next morning brought an upload of the topic
  // The world's truth.
  std::vector<std::uint8_t> mimicked;  // whether that upload imitates a video of the topic
  std::vector<float> chance;           // how likely that was at midnight

  std::size_t size() const noexcept { return creator.size(); }
};

/// Collects them from a season's first day on, for a study that holds it: no checkpoint knows it.
class MimicMeter {
 public:
  explicit MimicMeter(RandomKey key) : key_(key) {}

  void add(const PlatformWorld& world, const ShownAnswer& answer);
  /// Before midnight: the day's rows.
  void end_day(const PlatformWorld& world);
  /// After it: what was uploaded.
  void begin_day(const PlatformWorld& world);
  const MimicDays& days() const noexcept { return days_; }

 private:
  struct TopicCount {
    std::uint16_t topic = 0;
    std::uint32_t count = 0;
  };
  struct Past {
    std::vector<TopicCount> clicks;   // of the day
    std::vector<TopicCount> uploads;  // of all days
    std::uint32_t num_uploads = 0, answers = 0, answered = 0;
    float recent_clicks = 0.0F;
  };
  static std::uint32_t count_of(const std::vector<TopicCount>& counts, std::uint16_t topic) noexcept;
  static void count(std::vector<TopicCount>& counts, std::uint16_t topic);
  void add_row(const PlatformWorld& world, std::uint32_t creator, std::uint16_t topic, std::uint32_t all_clicks);

  RandomKey key_;
  std::vector<Past> past_;  // [creators]
  std::vector<TopicCount> everybody_;
  std::uint32_t all_uploads_ = 0;
  MimicDays days_;
  std::size_t last_day_ = 0;  // first row of the day that ended last
};

}  // namespace swipegym
