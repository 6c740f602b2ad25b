#include "evaluation/platform/mimic_meter.h"

#include <algorithm>

namespace swipegym {
namespace {

constexpr float kFading = 2.0F / 3.0F;  // of clicks by days
constexpr int kTries = 8;               // to find a topic that was not clicked

}  // namespace

std::uint32_t MimicMeter::count_of(const std::vector<TopicCount>& counts, std::uint16_t topic) noexcept {
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const TopicCount& c) { return c.topic == topic; });
  return found == counts.end() ? 0 : found->count;
}

void MimicMeter::count(std::vector<TopicCount>& counts, std::uint16_t topic) {
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const TopicCount& c) { return c.topic == topic; });
  if (found == counts.end())
    counts.push_back({topic, 1});
  else
    ++found->count;
}

void MimicMeter::add(const PlatformWorld& world, const ShownAnswer& answer) {
  const Creators& creators = world.creators();
  if (!has(answer.signals, Signal::kClick) || answer.user >= creators.size() || !creators.active(answer.user)) return;
  past_.resize(creators.size());
  if (const std::uint16_t topic = world.topic(answer.video); topic != 0) count(past_[answer.user].clicks, topic);
}

void MimicMeter::add_row(const PlatformWorld& world, std::uint32_t creator, std::uint16_t topic,
                         std::uint32_t all_clicks) {
  const Past& past = past_[creator];
  const Creators& creators = world.creators();
  const Reception& now = creators.reception(creator);
  const std::uint32_t clicks = count_of(past.clicks, topic);
  days_.creator.push_back(creator), days_.day.push_back(world.day()), days_.topic.push_back(topic);
  days_.clicks.push_back(clicks), days_.all_clicks.push_back(all_clicks);
  days_.recent_clicks.push_back(past.recent_clicks);
  days_.uploads.push_back(past.num_uploads), days_.topic_uploads.push_back(count_of(past.uploads, topic));
  days_.answers.push_back(past.answers), days_.answered.push_back(past.answered);
  days_.idle.push_back(now.idle), days_.age.push_back(world.day() - creators.arrived(creator));
  days_.reception.push_back(static_cast<float>(now.score));
  days_.topic_share.push_back(static_cast<float>(count_of(everybody_, topic)) /
                              static_cast<float>(std::max(all_uploads_, 1U)));
  days_.uploaded.push_back(0), days_.mimicked.push_back(0);
  days_.chance.push_back(clicks == 0 ? 0.0F
                                     : static_cast<float>(creators.mimics_tonight(creator)) *
                                           static_cast<float>(clicks) / static_cast<float>(all_clicks));
}

void MimicMeter::end_day(const PlatformWorld& world) {
  last_day_ = days_.size();
  past_.resize(world.creators().size());
  const VideoRange offer = world.on_offer();
  for (std::uint32_t c = 0; c < past_.size(); ++c) {
    Past& past = past_[c];
    std::uint32_t all = 0;
    for (const TopicCount& clicked : past.clicks) all += clicked.count;
    past.recent_clicks = kFading * past.recent_clicks + static_cast<float>(all);
    if (all == 0 || !world.creators().active(c)) continue;
    for (const TopicCount& clicked : past.clicks) add_row(world, c, clicked.topic, all);
    RandomStream random(split(key_, c), static_cast<std::uint32_t>(world.day()));
    for (std::size_t row = 0; row < past.clicks.size(); ++row)
      for (int tried = 0; tried < kTries; ++tried) {
        const std::uint32_t video = offer.begin + random.below(static_cast<std::uint32_t>(offer.size()));
        const std::uint16_t topic = world.topic(video);
        if (topic == 0 || count_of(past.clicks, topic) > 0) continue;
        add_row(world, c, topic, all);
        break;
      }
  }
}

void MimicMeter::begin_day(const PlatformWorld& world) {
  past_.resize(world.creators().size());
  // The morning's video of each creator: at most one.
  std::vector<std::uint32_t> made(past_.size(), PlatformWorld::kNobody);
  for (std::uint32_t video = world.on_offer().end; video-- > 0 && world.uploaded(video) == world.day();)
    made[world.creator(video)] = video;
  for (std::size_t row = last_day_; row < days_.size(); ++row) {
    const std::uint32_t video = made[days_.creator[row]];
    if (video == PlatformWorld::kNobody) continue;
    days_.uploaded[row] = world.topic(video) == days_.topic[row] ? 1 : 0;
    days_.mimicked[row] = world.imitated(video) == days_.topic[row] ? 1 : 0;
  }
  for (std::uint32_t c = 0; c < past_.size(); ++c) {
    Past& past = past_[c];
    if (made[c] != PlatformWorld::kNobody) {
      const std::uint16_t topic = world.topic(made[c]);
      ++past.num_uploads, ++all_uploads_;
      if (topic != 0) count(past.uploads, topic), count(everybody_, topic);
      past.answers += past.clicks.empty() ? 0 : 1;
      past.answered += topic != 0 && count_of(past.clicks, topic) > 0 ? 1 : 0;
    }
    past.clicks.clear();
  }
}

}  // namespace swipegym
