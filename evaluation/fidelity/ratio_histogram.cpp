#include "evaluation/fidelity/ratio_histogram.h"

#include <algorithm>
#include <iterator>

#include "evaluation/metrics/clustered_share.h"

namespace swipegym {
namespace {

constexpr std::size_t kMostGroups = 10, kRowsOfGroup = 200;

std::size_t ratio_bin(float ratio) {
  const auto above = std::upper_bound(kRatioBins.begin() + 1, kRatioBins.end(), ratio);
  return static_cast<std::size_t>(std::distance(kRatioBins.begin(), above)) - 1;
}

RatioHistogram histogram_of(std::span<const RatioRow> rows) {
  RatioHistogram out{
      .from_s = rows.front().duration_s, .to_s = rows.back().duration_s, .rows = rows.size(), .real = {}};
  std::vector<std::uint32_t> user;
  for (const RatioRow& row : rows) user.push_back(row.user), out.drawn[ratio_bin(row.drawn)] += 1.0;
  std::vector<float> inside(rows.size());
  for (std::size_t bin = 0; bin < kRatioBins.size(); ++bin) {
    for (std::size_t i = 0; i < rows.size(); ++i) inside[i] = ratio_bin(rows[i].real) == bin ? 1.0F : 0.0F;
    out.real[bin] = clustered_share(user, inside);
    out.drawn[bin] /= static_cast<double>(rows.size());
  }
  return out;
}

}  // namespace

std::vector<RatioHistogram> ratio_histograms(std::vector<RatioRow> rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const RatioRow& a, const RatioRow& b) { return a.duration_s < b.duration_s; });
  const std::size_t groups = std::clamp<std::size_t>(rows.size() / kRowsOfGroup, 1, kMostGroups);
  std::vector<RatioHistogram> out;
  for (std::size_t group = 0, first = 0; group < groups && first < rows.size(); ++group) {
    std::size_t end = std::max(first + 1, rows.size() * (group + 1) / groups);
    while (end < rows.size() && rows[end].duration_s == rows[end - 1].duration_s) ++end;
    out.push_back(histogram_of(std::span(rows).subspan(first, end - first)));
    first = end;
  }
  return out;
}

}  // namespace swipegym
