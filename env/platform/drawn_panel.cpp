#include "env/platform/drawn_panel.h"

#include <cmath>

#include "core/random_draws.h"

namespace swipegym {
namespace {

// What a day brings, drawn for one creator.
struct DrawnDay {
  double watches = 0.0, likes = 0.0, follows = 0.0;
};

DrawnDay draw_day(double expected, const DrawnPlatform& platform, RandomStream& random) {
  DrawnDay day{.watches = std::floor(2.0 * expected * random.uniform_double() + 0.5)};
  for (double i = 0.0; i < day.watches; i += 1.0) {
    day.likes += random.uniform_double() < platform.like_share ? 1.0 : 0.0;
    day.follows += random.uniform_double() < platform.follow_share ? 1.0 : 0.0;
  }
  return day;
}

}  // namespace

CreatorPanel draw_panel(const CreatorSettings& settings, const DrawnPlatform& platform, RandomKey world) {
  const CreatorLaw law(settings, split(world, 1));
  CreatorPanel panel;
  panel.offset.push_back(0);
  for (std::uint32_t c = 0; c < platform.creators; ++c) {
    const RandomKey key = split(split(world, 2), c);
    RandomStream own(key);  // stream 0; that of a day is the day's number plus one
    const CreatorTraits traits = law.traits(c);
    const double quality = std::exp(platform.quality_deviation * draw_normal_pair(own)[0]);
    const auto arrival = static_cast<std::int32_t>(own.below(static_cast<std::uint32_t>((platform.days + 1) / 2)));
    panel.creator.push_back(c), panel.arrival.push_back(arrival), panel.idle_before.push_back(0);
    panel.was_there.push_back(0);
    Reception now;
    double expected = 0.0;  // watches of a day
    bool here = true, uploads = true;
    for (std::int32_t day = arrival; day < platform.days; ++day) {
      RandomStream random(key, static_cast<std::uint32_t>(day) + 1);
      const double luck = -std::log(to_positive_unit(random.next()));
      expected = platform.fading * expected + (uploads ? platform.watches * quality * luck : 0.0);
      const DrawnDay got = draw_day(expected, platform, random);
      panel.watches.push_back(static_cast<float>(got.watches)), panel.likes.push_back(static_cast<float>(got.likes));
      panel.follows.push_back(static_cast<float>(got.follows)), panel.uploaded.push_back(uploads ? 1 : 0);
      if (uploads) now.idle = 0;
      now = law.next_day(now, law.worth(got.watches, got.likes, got.follows), 0.0, false);  // midnight
      here = here && random.uniform_double() >= law.leave_probability(now);
      uploads = here && random.uniform_double() < law.upload_probability(traits, now);
    }
    panel.offset.push_back(panel.uploaded.size());
  }
  return panel;
}

}  // namespace swipegym
