#include "evaluation/metrics/sample_distance.h"

#include <algorithm>
#include <cmath>

#include "core/validate.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {

double wasserstein1(std::vector<float> a, std::vector<float> b) {
  require_finite("wasserstein1: a", std::span<const float>(a));
  require_finite("wasserstein1: b", std::span<const float>(b));
  if (a.empty() || b.empty()) return kUndefined;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  // Walk the merged values; between two neighbours both distribution functions are constant.
  double area = 0.0;
  double previous = std::min(a.front(), b.front());
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const bool from_a = j == b.size() || (i < a.size() && a[i] <= b[j]);
    const double value = from_a ? a[i] : b[j];
    const double gap =
        static_cast<double>(i) / static_cast<double>(a.size()) - static_cast<double>(j) / static_cast<double>(b.size());
    area += std::abs(gap) * (value - previous);
    previous = value;
    ++(from_a ? i : j);
  }
  return area;
}

double kendall_tau_b(std::span<const double> a, std::span<const double> b) {
  require_size("kendall_tau_b: b", b.size(), a.size());
  require_finite("kendall_tau_b: a", a);
  require_finite("kendall_tau_b: b", b);
  std::int64_t balance = 0, untied_a = 0, untied_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int in_a = (a[i] > a[j]) - (a[i] < a[j]), in_b = (b[i] > b[j]) - (b[i] < b[j]);
      balance += in_a * in_b;
      untied_a += in_a != 0;
      untied_b += in_b != 0;
    }
  }
  const double scale = std::sqrt(static_cast<double>(untied_a) * static_cast<double>(untied_b));
  return scale > 0.0 ? static_cast<double>(balance) / scale : kUndefined;
}

double entropy(std::span<const std::uint32_t> counts) {
  double total = 0.0;
  for (const std::uint32_t count : counts) total += count;
  double sum = 0.0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    const double share = count / total;
    sum -= share * std::log(share);
  }
  return sum;
}

double gini(std::vector<std::uint32_t> counts) {
  std::sort(counts.begin(), counts.end());
  const double n = static_cast<double>(counts.size());
  double total = 0.0, weighted = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    weighted += (2.0 * static_cast<double>(i + 1) - n - 1.0) * counts[i];
  }
  return total > 0.0 ? weighted / (n * total) : 0.0;
}

}  // namespace swipegym
