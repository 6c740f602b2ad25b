#pragma once

namespace swipegym {

/// Rates of KuaiRand's uniform random exposure (Gao et al., "KuaiRand", CIKM 2022: 1,186,059 rows of the 27K release,
/// all but 0.7 % in tab 1), to which an interventional response is shrunk when a log holds few random rows.
struct PublishedAggregates {
  double click, long_view, complete, watch_ratio;
  double like, follow, comment, forward, hate, profile;
};
inline constexpr PublishedAggregates kRandomExposure = {0.176,   0.085,   0.033,   0.141,   0.0048,
                                                        0.00026, 0.00035, 0.00034, 0.00114, 0.0056};

}  // namespace swipegym
