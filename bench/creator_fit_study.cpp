// Whether fits of creators know how sure they may be: worlds drawn from a law, each fitted, and how often the 95 %
// interval of each coefficient holds the law's own.
//
//   creator_fit_study [WORLDS [CREATORS [DAYS [EFFECT [IDLE_SLOPE]]]]]
//
// Worlds are those of env/platform/drawn_panel.h. EFFECT: strong, mild or none.
#include <fmt/format.h>

#include <cmath>

#include "bench/study_main.h"
#include "core/error.h"
#include "env/platform/creator_fit.h"
#include "env/platform/drawn_panel.h"

namespace swipegym {
namespace {

std::array<double, kNumCreatorCoefficients + 1> true_coefficients(const CreatorSettings& law) {
  const double response = 0.5 * (law.response_low + law.response_high);
  return {law.base_mean,    law.base_deviation, law.responsive,
          response,         law.response_rest,  law.idle_slope,
          law.leave_hazard, law.leave_scale,    law.responsive * response + (1.0 - law.responsive) * law.response_rest};
}

// Of one coefficient over worlds.
struct Recovered {
  double sum = 0.0, squares = 0.0, error = 0.0;
  int held = 0, identified = 0;
};

int run(int argc, char** argv) {
  const auto given = [&](int at, const char* otherwise) { return std::string(argc > at ? argv[at] : otherwise); };
  const int worlds = parse_number<int>("WORLDS", given(1, "40"), between(1, 100'000));
  const DrawnPlatform platform{
      .creators = parse_number<std::uint32_t>("CREATORS", given(2, "1500"), between(8, 1'000'000)),
      .days = parse_number<std::int32_t>("DAYS", given(3, "90"), between(2, 10'000))};
  CreatorSettings law = with_effect({.reception_scale = 5.0, .leave_scale = 20.0}, given(4, "strong"));
  law.idle_slope = parse_number<double>("IDLE_SLOPE", given(5, "0"), between(-10, 10));
  const auto truth = true_coefficients(law);
  std::array<Recovered, kNumCreatorCoefficients + 1> all{};  // the last: of the mean response
  double days = 0.0, uploads = 0.0;
  for (int world = 0; world < worlds; ++world) {
    const CreatorFit fit =
        fit_creators(draw_panel(law, platform, make_key(static_cast<std::uint64_t>(world) + 1)), with_given({}, law));
    days += static_cast<double>(fit.creator_days), uploads += static_cast<double>(fit.uploads);
    if (!fit.converged) fmt::print("world {} did not converge in {} steps\n", world + 1, fit.steps);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const CreatorEstimate& estimate = i < kNumCreatorCoefficients ? fit.coefficients[i] : fit.mean_response;
      all[i].sum += estimate.value, all[i].squares += estimate.value * estimate.value;
      if (!estimate.identified()) continue;
      ++all[i].identified, all[i].error += estimate.error;
      all[i].held += estimate.low <= truth[i] && truth[i] <= estimate.high;
    }
  }
  const double n = worlds;
  fmt::print(
      "{} worlds of {} creators, {} days; {:.0f} creator-days and {:.0f} uploads a world, {:.1f} s of a core a fit\n\n",
      worlds, platform.creators, platform.days, days / n, uploads / n, core_seconds() / n);
  fmt::print(
      "| coefficient | truth | mean estimate | its deviation | mean standard error | interval holds the truth | "
      "identified |\n| --- | --- | --- | --- | --- | --- | --- |\n");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double mean = all[i].sum / n;
    const std::string_view name = i < kNumCreatorCoefficients ? kCreatorCoefficientNames[i] : "mean_response";
    fmt::print("| {} | {:g} | {:.4f} | {:.4f} | {:.4f} | {} of {} | {} |\n", name, truth[i], mean,
               std::sqrt(std::max(0.0, all[i].squares / n - mean * mean)), all[i].error / all[i].identified,
               all[i].held, all[i].identified, all[i].identified);
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
