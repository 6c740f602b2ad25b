#pragma once

#include <cstdint>
#include <string>

#include "core/random.h"
#include "core/range.h"

namespace swipegym {

/// How creators answer what their videos get. The truth of a synthetic world, or an assumption on top of a fitted one:
/// no log says it, so it is named, printed under every table and varied. Defaults are those of a prototype with ten
/// watches a creator and day, with both scales doubled for the traffic of a user a creator.
struct CreatorSettings {
  // Reception of a creator at the end of day d: S = sum over days j <= d of memory^(d - j) times what the videos got
  // that day, watches, likes and follows weighed.
  double memory = 0.87;
  double first_reception = 40.0;  // S of the creators at the start
  double watch_weight = 1.0, like_weight = 2.0, follow_weight = 5.0;
  // P(an upload on a day) = sigmoid(a + b ln(1 + S / reception_scale) + idle_slope * days since the last upload), with
  // a of each creator drawn from N(base_mean, base_deviation).
  double base_mean = -3.0, base_deviation = 0.5;
  double reception_scale = 10.0;
  double idle_slope = 0.0;
  // b is a mixture: most creators hardly answer, few do a lot. A share `responsive` has U(response_low,
  // response_high), the others `response_rest`.
  double responsive = 0.3, response_low = 0.5, response_high = 1.3, response_rest = 0.05;
  // P(leaves for good on a day) = leave_hazard exp(-S / leave_scale); leave_scale 0: whatever the reception.
  double leave_hazard = 0.03, leave_scale = 40.0;
  double arrivals = 0.02;  // newcomers a day, a Poisson number, as a share of the first creators; each uploads at once
  // A watched video adds mimic_rate exp(-days / mimic_days) to the hazard of its viewer, where the viewer is one of the
  // share `mimicking` of creators who imitate; an upload that comes of it takes the video's topic with probability
  // mimic_topic.
  double mimic_rate = 0.0, mimic_days = 3.0, mimic_topic = 0.5, mimicking = 1.0;
};

/// Of a reception and its scale alone: what a fit of creators takes as given.
template <class Visitor>
void visit_reception(Visitor& visit, CreatorSettings& settings) {
  visit("memory", settings.memory, between(0, 1));
  visit("first_reception", settings.first_reception, between(0, 1e9));
  visit("watch_weight", settings.watch_weight, between(0, 1000));
  visit("like_weight", settings.like_weight, between(0, 1000));
  visit("follow_weight", settings.follow_weight, between(0, 1000));
  visit("reception_scale", settings.reception_scale, above(0, 1e9));
}

template <class Visitor>
void visit_fields(Visitor& visit, CreatorSettings& settings) {
  visit_reception(visit, settings);
  visit("base_mean", settings.base_mean, between(-20, 20));
  visit("base_deviation", settings.base_deviation, between(0, 10));
  visit("idle_slope", settings.idle_slope, between(-10, 10));
  visit("responsive", settings.responsive, between(0, 1));
  visit("response_low", settings.response_low, between(-10, 10));
  visit("response_high", settings.response_high, between(-10, 10));
  visit("response_rest", settings.response_rest, between(-10, 10));
  visit("leave_hazard", settings.leave_hazard, between(0, 1));
  visit("leave_scale", settings.leave_scale, between(0, 1e9));
  visit("arrivals", settings.arrivals, between(0, 1));
  visit("mimic_rate", settings.mimic_rate, between(0, 100));
  visit("mimic_days", settings.mimic_days, above(0, 1000));
  visit("mimic_topic", settings.mimic_topic, between(0, 1));
  visit("mimicking", settings.mimicking, between(0, 1));
}

/// `settings` with the reception and the scale of another law, the first reception aside.
CreatorSettings with_reception(CreatorSettings settings, const CreatorSettings& of);

/// The named strengths of the answer: none (nothing that a creator gets changes what they do), mild (half as many
/// answer), strong (the settings as they are). InputError for another name.
CreatorSettings with_effect(CreatorSettings settings, const std::string& effect);

/// What the law knows of a creator: follows from the world's key and the creator's number alone.
struct CreatorTraits {
  double base = 0.0;      // a
  double response = 0.0;  // b
  double mimic = 0.0;     // mimic_rate, or 0 of those who do not imitate
};

/// What a creator has got until now; days count from the world's first.
struct Reception {
  double score = 0.0;     // S
  double mimicry = 0.0;   // sum of exp(-days / mimic_days) over videos watched, where the creator is a user too
  std::int32_t idle = 0;  // days since the last upload
};

/// Probabilities of the law; immutable.
class CreatorLaw {
 public:
  /// InputError for settings out of range.
  CreatorLaw(const CreatorSettings& settings, RandomKey world);
  const CreatorSettings& settings() const noexcept { return settings_; }

  CreatorTraits traits(std::uint32_t creator) const noexcept;
  /// That an upload comes on the next day, mimicry included: 1 - (1 - sigmoid(...)) exp(-mimic M).
  double upload_probability(const CreatorTraits& creator, const Reception& reception) const noexcept;
  /// The share of that which mimicry adds.
  double mimicry_share(const CreatorTraits& creator, const Reception& reception) const noexcept;
  double leave_probability(const Reception& reception) const noexcept;
  /// What a day's watches, likes and follows are worth.
  double worth(double watches, double likes, double follows) const noexcept;
  /// The reception a day later, in which videos got `worth` and the creator, as a user, watched `watched` videos.
  Reception next_day(const Reception& reception, double worth, double watched, bool uploaded) const noexcept;

  /// By how many uploads the next `days` are expected to have more, leaving included, for one more `worth` now: both
  /// futures are followed day by day, for a creator whose videos go on getting `daily` a day.
  double uplift(const CreatorTraits& creator, const Reception& reception, double worth, int days,
                double daily = 0.0) const noexcept;
  /// What keeps a reception as it is from day to day: (1 - memory) S.
  double usual_worth(const Reception& reception) const noexcept { return (1.0 - settings_.memory) * reception.score; }
  /// By how many uploads the next `days` are expected to have more for one more video that the creator watched as a
  /// viewer, of a creator who goes on getting and watching what keeps the reception as it is.
  double mimic_uplift(const CreatorTraits& creator, const Reception& reception, int days) const noexcept;

 private:
  double expected_uploads(const CreatorTraits& creator, Reception reception, int days, double daily,
                          double watched) const noexcept;

  CreatorSettings settings_;
  RandomKey key_;
};

}  // namespace swipegym
