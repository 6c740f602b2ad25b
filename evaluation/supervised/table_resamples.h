#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/supervised/table_figures.h"

namespace swipegym {

/// [policies][seeds][figures]
using AllFigures = std::vector<std::vector<std::vector<TableFigure>>>;
/// [policies][figures][resamples]
using UserResamples = std::vector<std::vector<std::vector<double>>>;

/// Every figure for users drawn with replacement (and training seeds, see evaluation/metrics/bootstrap.h), the same
/// users for every policy.
UserResamples resample_users(const AllFigures& all, std::size_t users, std::size_t resamples, std::uint64_t seed,
                             int threads);

/// A figure's mean over training seeds, every user counted once.
double mean_value(const std::vector<std::vector<TableFigure>>& seeds, std::size_t figure, std::size_t users);

}  // namespace swipegym
