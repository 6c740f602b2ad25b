#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "env/platform/creator_law.h"

namespace swipegym {
namespace {

// Uploads over the days that follow, drawn day by day.
double drawn_uploads(const CreatorLaw& law, const CreatorTraits& creator, Reception reception, int days, int worlds,
                     double daily, double watched = 0.0) {
  double uploads = 0.0;
  for (int world = 0; world < worlds; ++world) {
    RandomStream random(make_key(11), static_cast<std::uint32_t>(world));
    Reception now = reception;
    for (int day = 0; day < days; ++day) {
      if (random.uniform_double() < law.leave_probability(now)) break;
      const bool uploaded = random.uniform_double() < law.upload_probability(creator, now);
      uploads += uploaded ? 1.0 : 0.0;
      now = law.next_day(now, daily, watched, uploaded);
    }
  }
  return uploads / worlds;
}

}  // namespace

TEST_CASE("uplift is what another day's reception adds to the uploads that are drawn", "[env][platform]") {
  const CreatorLaw law({}, make_key(1));
  const CreatorTraits creator{.base = -2.0, .response = 1.0};
  const Reception reception{.score = 3.0};
  Reception more = reception;
  more.score += 10.0;
  constexpr int kWorlds = 200'000, kDays = 14;
  for (const double daily : {0.0, law.usual_worth(reception), 5.0}) {
    const double drawn = drawn_uploads(law, creator, more, kDays, kWorlds, daily) -
                         drawn_uploads(law, creator, reception, kDays, kWorlds, daily);
    const double expected = law.uplift(creator, reception, 10.0, kDays, daily);
    CHECK(expected > 0.1);
    CHECK(drawn == Approx(expected).margin(0.03));  // five standard errors
  }
}

TEST_CASE("without an effect nothing that a creator gets changes what they do", "[env][platform]") {
  const CreatorLaw law(with_effect({}, "none"), make_key(1));
  for (std::uint32_t creator = 0; creator < 100; ++creator) {
    const CreatorTraits traits = law.traits(creator);
    CHECK(law.uplift(traits, {.score = 1.0}, 50.0, 30) == 0.0);
    CHECK(law.upload_probability(traits, {.score = 0.0}) ==
          law.upload_probability(traits, {.score = 500.0, .mimicry = 20.0}));
  }
  CHECK(law.leave_probability({.score = 0.0}) == law.leave_probability({.score = 500.0}));
  CHECK_THROWS_AS(with_effect({}, "huge"), InputError);
}

TEST_CASE("few creators answer, and as many as the settings say", "[env][platform]") {
  const CreatorSettings settings;
  const auto share = [](const CreatorSettings& of) {
    const CreatorLaw law(of, make_key(2));
    int responsive = 0;
    for (std::uint32_t creator = 0; creator < 10'000; ++creator) {
      const double response = law.traits(creator).response;
      responsive += response >= of.response_low;
      CHECK((response == of.response_rest || (response >= of.response_low && response <= of.response_high)));
    }
    return responsive / 10'000.0;
  };
  CHECK(share(settings) == Approx(0.3).margin(0.02));
  CHECK(share(with_effect(settings, "mild")) == Approx(0.15).margin(0.02));
}

TEST_CASE("mimicry adds its own hazard, and says its share", "[env][platform]") {
  const CreatorLaw law({.mimic_rate = 0.1}, make_key(3));
  const CreatorTraits creator{.base = -1.0, .response = 0.0, .mimic = 0.1};
  const double alone = law.upload_probability(creator, {}), both = law.upload_probability(creator, {.mimicry = 2.0});
  CHECK(1.0 - both == Approx((1.0 - alone) * std::exp(-0.2)));
  CHECK(law.mimicry_share(creator, {.mimicry = 2.0}) == Approx((both - alone) / both));
  CHECK(law.mimicry_share(creator, {}) == 0.0);
}

TEST_CASE("a video more that an imitating creator watches adds to the uploads that are drawn", "[env][platform]") {
  const CreatorLaw law({.mimic_rate = 0.05, .mimicking = 0.3}, make_key(4));
  const CreatorTraits creator{.base = -2.0, .response = 0.5, .mimic = 0.05};
  const Reception reception{.score = 3.0, .mimicry = 4.0};
  Reception more = reception;
  more.mimicry += 1.0;
  const double usual = (1.0 - std::exp(-1.0 / 3.0)) * reception.mimicry, daily = law.usual_worth(reception);
  constexpr int kWorlds = 400'000, kDays = 7;
  const double drawn = drawn_uploads(law, creator, more, kDays, kWorlds, daily, usual) -
                       drawn_uploads(law, creator, reception, kDays, kWorlds, daily, usual);
  const double expected = law.mimic_uplift(creator, reception, kDays);
  CHECK(expected > 0.08);
  CHECK(drawn == Approx(expected).margin(0.012));  // five standard errors
  CHECK(law.mimic_uplift({.base = -2.0, .response = 0.5}, reception, kDays) == 0.0);

  int imitate = 0;
  for (std::uint32_t c = 0; c < 10'000; ++c) imitate += law.traits(c).mimic == 0.05;
  CHECK(imitate / 10'000.0 == Approx(0.3).margin(0.02));
}

TEST_CASE("a law refuses settings out of range", "[env][platform]") {
  CHECK_THROWS_AS(CreatorLaw({.memory = 1.5}, make_key(1)), InputError);
  CHECK_THROWS_AS(CreatorLaw({.response_low = 2.0, .response_high = 1.0}, make_key(1)), InputError);
}

}  // namespace swipegym
