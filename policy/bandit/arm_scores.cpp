#include "policy/bandit/arm_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/special_functions.h"
#include "core/validate.h"
#include "policy/bandit/beta_draws.h"

namespace swipegym {
namespace {

void require_list(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out) {
  require_that("list of arms", !list.empty(), "at least one");
  require_below("list of arms", list, arms.size());
  require_size("scores", out.size(), list.size());
}

template <class Score>
void score_each(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out, const Score& score) {
  require_list(arms, list, out);
  for (std::size_t i = 0; i < list.size(); ++i) out[i] = score(list[i]);
}

}  // namespace

void score_means(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out) {
  score_each(arms, list, out, [&](std::uint32_t arm) { return arms.mean(arm); });
}

void score_rates(const BetaArms& arms, std::span<const std::uint32_t> list, double unseen, std::span<double> out) {
  const auto successes = arms.successes(), shows = arms.shows();
  score_each(arms, list, out,
             [&](std::uint32_t arm) { return shows[arm] > 0.0 ? successes[arm] / shows[arm] : unseen; });
}

void score_ucb1(const BetaArms& arms, std::span<const std::uint32_t> list, double total, double width,
                std::span<double> out) {
  require_between("total", total, 1.0, std::numeric_limits<double>::max());
  require_between("width", width, 0.0, std::numeric_limits<double>::max());
  const auto successes = arms.successes(), shows = arms.shows();
  const double twice = 2.0 * std::log(total);
  score_each(arms, list, out, [&](std::uint32_t arm) {
    if (!(shows[arm] > 0.0)) return std::numeric_limits<double>::infinity();
    return successes[arm] / shows[arm] + width * std::sqrt(twice / shows[arm]);
  });
}

void score_bayes_ucb(const BetaArms& arms, std::span<const std::uint32_t> list, double z, std::span<double> out) {
  require_between("z", z, 0.0, std::numeric_limits<double>::max());
  score_each(arms, list, out, [&](std::uint32_t arm) { return arms.mean(arm) + z * arms.deviation(arm); });
}

void score_bayes_quantile(const BetaArms& arms, std::span<const std::uint32_t> list, double level,
                          std::span<double> out) {
  require_that("level", level > 0.0 && level < 1.0, "a number between 0 and 1");
  score_each(arms, list, out, [&](std::uint32_t arm) { return beta_quantile(arms.alpha(arm), arms.beta(arm), level); });
}

void score_thompson(const BetaArms& arms, std::span<const std::uint32_t> list, RandomKey key, std::span<double> out) {
  require_list(arms, list, out);
  constexpr std::size_t kAtOnce = 256;
  std::array<double, kAtOnce> alpha, beta;
  for (std::size_t first = 0; first < list.size(); first += kAtOnce) {
    const auto some = list.subspan(first, std::min(kAtOnce, list.size() - first));
    for (std::size_t i = 0; i < some.size(); ++i) alpha[i] = arms.alpha(some[i]), beta[i] = arms.beta(some[i]);
    draw_betas(key, some, std::span(alpha).first(some.size()), std::span(beta).first(some.size()),
               out.subspan(first, some.size()));
  }
}

void list_deviations(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out) {
  score_each(arms, list, out, [&](std::uint32_t arm) { return arms.deviation(arm); });
}

void list_shows(const BetaArms& arms, std::span<const std::uint32_t> list, std::span<double> out) {
  const auto shows = arms.shows();
  score_each(arms, list, out, [&](std::uint32_t arm) { return shows[arm]; });
}

}  // namespace swipegym
