#include "policy/bandit/beta_arms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {

BetaArms::BetaArms(const BetaPrior& prior) : prior_(prior) {
  prior_.validate();
}

std::uint32_t BetaArms::add(std::size_t count, const BetaPrior& prior) {
  prior.validate();
  if (count > std::numeric_limits<std::uint32_t>::max() - size())
    throw InputError(fmt::format("{} arms and {} more, expected fewer than 2^32 in all", size(), count));
  const auto first = static_cast<std::uint32_t>(size());
  const std::size_t all = size() + count;
  successes_.resize(all, 0.0), shows_.resize(all, 0.0), is_live_.resize(all, 1);
  prior_alpha_.resize(all, prior.alpha), prior_beta_.resize(all, prior.beta);
  for (std::size_t arm = first; arm < all; ++arm) live_.push_back(static_cast<std::uint32_t>(arm));
  return first;
}

void BetaArms::retire(std::span<const std::uint32_t> arms) {
  require_below("arms", arms, size());
  for (const std::uint32_t arm : arms) is_live_[arm] = 0;
  std::erase_if(live_, [this](std::uint32_t arm) { return is_live_[arm] == 0; });
}

void BetaArms::update(std::span<const std::uint32_t> arms, std::span<const float> success) {
  require_size("success", success.size(), arms.size());
  require_below("arms", arms, size());
  require_between("success", success, 0.0F, 1.0F);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    successes_[arms[i]] += static_cast<double>(success[i]);
    shows_[arms[i]] += 1.0;
  }
}

void BetaArms::set_counts(std::span<const double> successes, std::span<const double> shows) {
  require_size("successes", successes.size(), size());
  require_size("shows", shows.size(), size());
  for (std::size_t arm = 0; arm < shows.size(); ++arm) {
    require_that("shows", shows[arm] >= 0.0 && std::isfinite(shows[arm]), "finite counts from 0");
    require_that("successes", successes[arm] >= 0.0 && successes[arm] <= shows[arm], "counts from 0 to those of shows");
  }
  successes_.assign(successes.begin(), successes.end());
  shows_.assign(shows.begin(), shows.end());
}

void BetaArms::decay(double keep) {
  require_between("keep", keep, 0.0, 1.0);
  for (const std::uint32_t arm : live_) successes_[arm] *= keep, shows_[arm] *= keep;
}

DelayedFeedback::DelayedFeedback(std::size_t shards, std::size_t expected) : shards_(shards) {
  require_that("shards", shards > 0, "at least one");
  for (Shard& shard : shards_) shard.arms.reserve(expected), shard.success.reserve(expected);
}

std::size_t DelayedFeedback::waiting() const noexcept {
  std::size_t count = 0;
  for (const Shard& shard : shards_) count += shard.arms.size();
  return count;
}

void DelayedFeedback::merge_into(BetaArms& arms) {
  for (Shard& shard : shards_) {
    arms.update(shard.arms, shard.success);
    shard.arms.clear(), shard.success.clear();
  }
}

}  // namespace swipegym
