#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace swipegym {

/// Intra-list distance (Ziegler et al., WWW 2005): the mean of 1 - cosine over all pairs of the n vectors [n, width],
/// row-major; one of zeros is at distance 1 from all. 0: all alike; 1: unrelated. O(n width). NaN below two videos.
double intra_list_distance(std::span<const float> vectors, std::size_t width);

/// Shannon entropy in nats of a list's categories; 0 for one or none.
double category_entropy(std::span<const std::uint16_t> categories);

/// Gini coefficient of how often each of `num_authors` authors is in a list (or many, joined), those who are not
/// included: 0 when all are shown alike, towards 1 when one is shown alone.
double author_gini(std::span<const std::uint32_t> authors, std::size_t num_authors);

}  // namespace swipegym
