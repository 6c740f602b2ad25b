#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/config.h"
#include "evaluation/platform/season.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// NaN where there was nothing to measure.
nb::dict measures_of(const DayMeasures& day) {
  nb::dict out;
  for (const MeasureInfo& info : day_measures()) out[info.name] = day.*info.value;
  return out;
}

void make_season(Season* self, std::shared_ptr<Simulator> simulator, const std::string& settings,
                 const std::string& policy, std::uint64_t seed, int threads) {
  const SeasonConfig config = config_from_text<SeasonConfig>(settings, "settings");
  const nb::gil_scoped_release unlocked;
  new (self) Season(std::move(simulator), config, composed_policy(policy), seed, threads);
}

nb::dict play_season_day(Season& season) {
  {
    const nb::gil_scoped_release unlocked;
    season.play_day();
  }
  check_interrupt();
  return measures_of(season.days().back());
}

}  // namespace

void bind_season(nb::module_& module) {
  nb::class_<Season>(module, "Season", "One world under one policy, day by day; swipegym.platform makes them.")
      .def("__init__", &make_season, nb::arg("simulator"), nb::arg("settings"), nb::arg("policy"), nb::arg("seed"),
           nb::arg("threads"), "Settings and policy (a composition of stages) are JSON texts.")
      .def("play_day", &play_season_day, "The day's measures by name; NaN where there was nothing to measure.")
      .def(
          "set_policy",
          [](Season& season, const std::string& policy) {
            const nb::gil_scoped_release unlocked;
            season.set_policy(composed_policy(policy));
          },
          nb::arg("policy"), "From here on this composition serves.")
      .def_prop_ro("day", &Season::day, "Days that are over.")
      .def_prop_ro("over", &Season::over)
      .def_prop_ro("videos_shown", &Season::videos_shown);
  nb::list names;
  for (const MeasureInfo& info : day_measures()) names.append(nb::make_tuple(info.name, info.title));
  module.attr("DAY_MEASURES") = nb::tuple(names);
}

}  // namespace swipegym::python
