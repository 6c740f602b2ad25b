#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Wasserstein-1 distance of two samples on the line: the area between their distribution functions, in the unit of the
/// values. Samples may differ in size; NaN when one is empty.
double wasserstein1(std::vector<float> a, std::vector<float> b);

/// Kendall's tau-b of two score lists over the same things: (concordant - discordant pairs) over the geometric mean of
/// the pairs untied in each. 1: same order. NaN when one list is constant or shorter than 2.
double kendall_tau_b(std::span<const double> a, std::span<const double> b);

/// Shannon entropy in nats of counts; 0 for one kind or none.
double entropy(std::span<const std::uint32_t> counts);

/// Gini coefficient of counts: 0 when all are equal, towards 1 when one holds everything. 0 when there is nothing.
double gini(std::vector<std::uint32_t> counts);

}  // namespace swipegym
