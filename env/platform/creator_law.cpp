#include "env/platform/creator_law.h"

#include <fmt/format.h>

#include <cmath>

#include "core/config.h"
#include "core/error.h"
#include "core/random_draws.h"

namespace swipegym {
namespace {

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

}  // namespace

CreatorSettings with_reception(CreatorSettings settings, const CreatorSettings& of) {
  settings.memory = of.memory, settings.reception_scale = of.reception_scale;
  settings.watch_weight = of.watch_weight, settings.like_weight = of.like_weight;
  settings.follow_weight = of.follow_weight;
  return settings;
}

CreatorSettings with_effect(CreatorSettings settings, const std::string& effect) {
  if (effect == "strong") return settings;
  if (effect == "mild") {
    settings.responsive *= 0.5;
    return settings;
  }
  if (effect != "none") throw InputError(fmt::format("effect is '{}', expected none, mild or strong", effect));
  settings.responsive = settings.response_rest = settings.mimic_rate = 0.0;
  settings.leave_scale = 0.0;
  return settings;
}

CreatorLaw::CreatorLaw(const CreatorSettings& settings, RandomKey world) : settings_(settings), key_(world) {
  check_ranges(settings_);
  require_setting(settings_.response_low <= settings_.response_high, "response_high", settings_.response_high,
                  "a number not below response_low");
}

CreatorTraits CreatorLaw::traits(std::uint32_t creator) const noexcept {
  RandomStream random(split(key_, creator));
  const double normal = draw_normal_pair(random)[0];
  const bool responsive = random.uniform_double() < settings_.responsive;
  const double within = random.uniform_double();
  const bool mimics = random.uniform_double() < settings_.mimicking;
  return {.base = settings_.base_mean + settings_.base_deviation * normal,
          .response = responsive ? settings_.response_low + within * (settings_.response_high - settings_.response_low)
                                 : settings_.response_rest,
          .mimic = mimics ? settings_.mimic_rate : 0.0};
}

double CreatorLaw::upload_probability(const CreatorTraits& creator, const Reception& reception) const noexcept {
  const double own = sigmoid(creator.base + creator.response * std::log1p(reception.score / settings_.reception_scale) +
                             settings_.idle_slope * reception.idle);
  return 1.0 - (1.0 - own) * std::exp(-creator.mimic * reception.mimicry);
}

double CreatorLaw::mimicry_share(const CreatorTraits& creator, const Reception& reception) const noexcept {
  const double all = upload_probability(creator, reception);
  Reception alone = reception;
  alone.mimicry = 0.0;
  return all > 0.0 ? (all - upload_probability(creator, alone)) / all : 0.0;
}

double CreatorLaw::leave_probability(const Reception& reception) const noexcept {
  if (settings_.leave_scale == 0.0) return settings_.leave_hazard;
  return settings_.leave_hazard * std::exp(-reception.score / settings_.leave_scale);
}

double CreatorLaw::worth(double watches, double likes, double follows) const noexcept {
  return settings_.watch_weight * watches + settings_.like_weight * likes + settings_.follow_weight * follows;
}

Reception CreatorLaw::next_day(const Reception& reception, double worth, double watched, bool uploaded) const noexcept {
  return {.score = settings_.memory * reception.score + worth,
          .mimicry = std::exp(-1.0 / settings_.mimic_days) * reception.mimicry + watched,
          .idle = uploaded ? 0 : reception.idle + 1};
}

// Over the days that follow, each of which has an upload or none; days since the last upload take their mean, which is
// exact without an idle_slope.
double CreatorLaw::expected_uploads(const CreatorTraits& creator, Reception reception, int days, double daily,
                                    double watched) const noexcept {
  double uploads = 0.0, here = 1.0, idle = reception.idle;
  for (int day = 0; day < days; ++day) {
    reception.idle = static_cast<std::int32_t>(std::lround(idle));
    const double chance = upload_probability(creator, reception);
    here *= 1.0 - leave_probability(reception);
    uploads += here * chance;
    idle = (1.0 - chance) * (idle + 1.0);
    reception = next_day(reception, daily, watched, false);
  }
  return uploads;
}

double CreatorLaw::uplift(const CreatorTraits& creator, const Reception& reception, double worth, int days,
                          double daily) const noexcept {
  Reception more = reception;
  more.score += worth;
  return expected_uploads(creator, more, days, daily, 0.0) - expected_uploads(creator, reception, days, daily, 0.0);
}

double CreatorLaw::mimic_uplift(const CreatorTraits& creator, const Reception& reception, int days) const noexcept {
  if (creator.mimic == 0.0) return 0.0;
  const double daily = usual_worth(reception);
  const double watched = (1.0 - std::exp(-1.0 / settings_.mimic_days)) * reception.mimicry;
  Reception more = reception;
  more.mimicry += 1.0;
  return expected_uploads(creator, more, days, daily, watched) -
         expected_uploads(creator, reception, days, daily, watched);
}

}  // namespace swipegym
