#pragma once

#include <cstdint>
#include <span>

#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// A share of rows with its 95 % interval, where the rows of one user go together: values[i] in [0, 1] is how much of
/// row i counts, users[i] whose it is (dense).
///
/// The interval is Wilson's (1927) for as many rows as these are worth: p (1 - p) / V, where V is the variance of the
/// mean clustered by user, and never more than there are (Korn and Graubard, Survey Methodology 1998). Where every
/// value is 0, or every one is 1, nothing tells how alike the rows of a user are: they count as one row a user. All NaN
/// without rows. Throws InputError for lengths that differ and values outside of [0, 1].
Interval clustered_share(std::span<const std::uint32_t> users, std::span<const float> values);

}  // namespace swipegym
