#include "evaluation/metrics/credibility.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"

namespace swipegym {
namespace {

// A group's observations, or those of all.
struct GroupSums {
  double weight = 0.0, value = 0.0, count = 0.0;  // value: weighted

  double mean() const noexcept { return weight > 0.0 ? value / weight : 0.0; }
};

void check_grouped(const GroupedValues& values, std::size_t groups) {
  require_that("grouped values",
               values.value.size() == values.weight.size() && values.value.size() == values.group.size(),
               "columns of one length");
  for (std::size_t i = 0; i < values.value.size(); ++i)
    require_that("grouped values",
                 std::isfinite(values.value[i]) && std::isfinite(values.weight[i]) && values.weight[i] > 0.0 &&
                     values.group[i] < groups,
                 "finite values, weights above 0 and groups that there are");
}

}  // namespace

Credibility credible_means(const GroupedValues& values, std::size_t groups) {
  check_grouped(values, groups);
  std::vector<GroupSums> sums(groups);
  GroupSums all;
  for (std::size_t i = 0; i < values.value.size(); ++i)
    for (GroupSums* of : {&sums[values.group[i]], &all})
      of->weight += values.weight[i], of->value += values.weight[i] * values.value[i], of->count += 1.0;
  Credibility out{.mean = all.mean(), .within = 0.0, .between = 0.0, .group = std::vector<double>(groups, all.mean())};

  double seen = 0.0, squares = 0.0, spread = 0.0;
  for (const GroupSums& sum : sums) {
    if (sum.count == 0.0) continue;
    seen += 1.0, squares += sum.weight * sum.weight;
    spread += sum.weight * std::pow(sum.mean() - all.mean(), 2);
  }
  for (std::size_t i = 0; i < values.value.size(); ++i)
    out.within += values.weight[i] * std::pow(values.value[i] - sums[values.group[i]].mean(), 2);
  const double freedom = all.count - seen, effective = all.weight - (all.weight > 0.0 ? squares / all.weight : 0.0);
  if (freedom < 1.0 || seen < 2.0 || effective <= 0.0) return out;
  out.within /= freedom;
  out.between = std::max(0.0, (spread - (seen - 1.0) * out.within) / effective);
  if (out.between == 0.0) return out;

  const auto credible = [&](const GroupSums& sum) {
    return sum.weight > 0.0 ? sum.weight / (sum.weight + out.within / out.between) : 0.0;
  };
  double share = 0.0, mean = 0.0;
  for (const GroupSums& sum : sums) share += credible(sum), mean += credible(sum) * sum.mean();
  out.mean = mean / share;
  for (std::size_t g = 0; g < groups; ++g) out.group[g] = out.mean + credible(sums[g]) * (sums[g].mean() - out.mean);
  return out;
}

}  // namespace swipegym
