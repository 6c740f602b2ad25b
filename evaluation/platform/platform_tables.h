#pragma once

#include <string>
#include <vector>

#include "core/json_text.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/platform/platform_study.h"

namespace swipegym {

/// The mean of a measure over days [from, to) of each world, [seeds]; days where it is NaN are left out.
std::vector<double> season_means(const PlatformReport::Line& line, double DayMeasures::*measure, int from, int to);
/// Over worlds, by Student's t; of a difference, pair by pair.
Interval over_worlds(const std::vector<double>& values);
std::vector<double> paired_difference(const std::vector<double>& a, const std::vector<double>& b);

/// A table by policy of the days behind the burn-in: figures with half a 95 % interval, and the paired difference in
/// seconds from the first policy. At most 100 columns.
std::string platform_table(const PlatformReport& report);
/// Of seasons that were split: seconds a user-day on both sides, and their difference within each world.
std::string split_table(const PlatformReport& report);
/// policy, seed, day and all measures.
std::string platform_csv(const PlatformReport& report);
Json platform_json(const PlatformReport& report);

}  // namespace swipegym
