#pragma once

#include <cmath>
#include <numeric>
#include <vector>

#include "agents/offline/offline_rows.h"
#include "core/random.h"

namespace swipegym::test {

/// A bandit of four contexts and five actions with a logging policy, seconds watched and chances of a like that are
/// known. Every row is a user's only one, so an advantage is a reward less its context's mean.
struct OfflineBandit {
  static constexpr std::size_t kContexts = 4, kActions = 5;
  static double behaviour(std::size_t x, std::size_t a) {
    double total = 0.0;
    for (std::size_t b = 0; b < kActions; ++b) total += std::exp(logit(x, b));
    return std::exp(logit(x, a)) / total;
  }
  static double seconds(std::size_t x, std::size_t a) { return 10.0 + 4.0 * static_cast<double>((2 * x + 3 * a) % 5); }
  static double like(std::size_t x, std::size_t a) { return a == (x + 1) % kActions ? 0.5 : 0.1; }

  /// Contexts are drawn with equal chances. Responses other than likes and seconds never come.
  static OfflineRows make(std::size_t train, std::size_t validate, std::size_t test, std::uint64_t seed = 1) {
    OfflineRows rows;
    rows.actions = kActions;
    const std::size_t total = train + validate + test;
    rows.states.setZero(static_cast<Eigen::Index>(total), kContexts);
    for (std::size_t row = 0; row < total; ++row) {
      RandomStream random(split(make_key(seed), row));
      const std::size_t x = random.below(kContexts);
      rows.states(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(x)) = 1.0F;
      std::size_t a = 0;
      for (double left = random.uniform_double() - behaviour(x, 0); left > 0.0 && a + 1 < kActions;)
        left -= behaviour(x, ++a);
      rows.action.push_back(static_cast<std::int32_t>(a));
      rows.next.push_back(-1);
      rows.user.push_back(static_cast<std::uint32_t>(row));
      const bool liked = random.uniform_double() < like(x, a);
      const double noise = 10.0 * (random.uniform_double() - 0.5);
      for (std::size_t i = 0; i < kOfflineResponses; ++i) rows.response[i].push_back(0.0F);
      rows.response[1].back() = liked ? 1.0F : 0.0F;
      rows.response[kOfflineMain].back() = static_cast<float>(seconds(x, a) + noise);
      (row < train              ? rows.train
       : row < train + validate ? rows.validate
                                : rows.test)
          .push_back(static_cast<std::uint32_t>(row));
    }
    return rows;
  }
  static std::size_t context(const OfflineRows& rows, std::size_t row) {
    std::size_t x = 0;
    while (rows.states(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(x)) == 0.0F) ++x;
    return x;
  }
  static OfflineConfig config() {
    OfflineConfig config;
    config.hidden = {32}, config.critic_hidden = {16};
    config.dropout = 0.0F, config.weight_decay = 0.0;
    config.batch = 256;
    config.behaviour_rate = config.advantage_rate = config.critic_rate = 3e-3;
    return config;
  }

 private:
  static double logit(std::size_t x, std::size_t a) { return 0.4 * static_cast<double>((3 * x + a) % 5); }
};

}  // namespace swipegym::test
