#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "core/error.h"
#include "core/random.h"
#include "evaluation/off_policy/estimators.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

constexpr double kNcisCap = 10.0;  // as `swipegym evaluate` has it

template <class T>
using Column = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <class Array>
auto values(const Array& array) {
  return std::span(array.data(), array.size());
}

// Every one-step estimator but replay, in the order and with the names and settings of `swipegym evaluate`.
std::vector<AskedEstimate> all_estimators(std::span<const OffPolicyRow> rows, bool has_model) {
  std::vector<AskedEstimate> asked;
  for (const EstimatorInfo& info : estimator_infos()) {
    if (info.estimator == Estimator::kReplay || (info.uses_model && !has_model)) continue;
    const auto slope = [&] { return slope_setting(info.estimator, lambda_grid(info.estimator, rows), rows); };
    double lambda = kNoLimit;
    if (info.estimator == Estimator::kNcis)
      lambda = kNcisCap;
    else if (info.has_setting && info.estimator != Estimator::kIps)
      lambda = slope();
    asked.push_back({.name = info.name, .estimator = info.estimator, .lambda = lambda, .rows = rows});
    if (info.estimator == Estimator::kIps)
      asked.push_back({.name = "ips_slope", .estimator = Estimator::kIps, .lambda = slope(), .rows = rows});
  }
  return asked;
}

nb::dict estimates(const Column<double>& reward, const Column<std::int32_t>& action, const Column<double>& propensity,
                   const Table& evaluation, const std::optional<Table>& q_hat, const Column<std::uint32_t>& user,
                   std::uint64_t seed, std::size_t resamples, int threads) {
  std::vector<OffPolicyEstimate> found;
  {
    nb::gil_scoped_release unlocked;
    const std::vector<OffPolicyRow> rows = off_policy_rows({.actions = evaluation.shape(1),
                                                            .reward = values(reward),
                                                            .action = values(action),
                                                            .propensity = values(propensity),
                                                            .evaluation = values(evaluation),
                                                            .q_hat = q_hat ? values(*q_hat) : std::span<const double>(),
                                                            .user = values(user)});
    if (diagnose(rows).users < 2) throw InputError("all rows are of one user: intervals resample users");
    const std::vector<AskedEstimate> asked = all_estimators(rows, q_hat.has_value());
    found = estimate_with_intervals(asked, make_key(seed), {.resamples = resamples, .threads = threads});
  }
  nb::dict out;
  for (const OffPolicyEstimate& one : found) {
    nb::dict line;
    line["mean"] = one.value.mean, line["low"] = one.value.low, line["high"] = one.value.high;
    line["lambda"] = one.lambda, line["effective_rows"] = one.effective_rows, line["max_weight"] = one.max_weight;
    out[nb::str(one.name.data(), one.name.size())] = line;
  }
  return out;
}

}  // namespace

void bind_off_policy(nb::module_& module) {
  module.def("off_policy_estimates", &estimates, nb::arg("reward"), nb::arg("action"), nb::arg("propensity"),
             nb::arg("evaluation"), nb::arg("q_hat").none(), nb::arg("user"), nb::arg("seed"), nb::arg("resamples"),
             nb::arg("threads"), "Estimates by name: mean, low, high, lambda, effective_rows, max_weight.");
}

}  // namespace swipegym::python
