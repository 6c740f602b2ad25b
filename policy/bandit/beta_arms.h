#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/bandit/beta_prior.h"

namespace swipegym {

/// Arms that come and go, each with a Beta posterior of its rate of success: Beta(prior.alpha + successes,
/// prior.beta + shows - successes). An arm's id is its place in the order of arrival, never given again. Counts are
/// arrays by id, in double: they may be fractions.
class BetaArms {
 public:
  /// InputError for a prior that is none.
  explicit BetaArms(const BetaPrior& prior = {});

  /// `count` arms more, under the common prior or one of their own (their creator's, their tag's). The first one's id.
  std::uint32_t add(std::size_t count = 1) { return add(count, prior_); }
  std::uint32_t add(std::size_t count, const BetaPrior& prior);
  /// Takes arms from live(); their counts stay and can be read. InputError for an id that was never given.
  void retire(std::span<const std::uint32_t> arms);

  std::size_t size() const noexcept { return shows_.size(); }             // of all that ever arrived
  std::span<const std::uint32_t> live() const noexcept { return live_; }  // ascending
  bool is_live(std::uint32_t arm) const noexcept { return arm < is_live_.size() && is_live_[arm] != 0; }

  /// By id, [size()].
  std::span<const double> successes() const noexcept { return successes_; }
  std::span<const double> shows() const noexcept { return shows_; }
  double alpha(std::uint32_t arm) const noexcept { return prior_alpha_[arm] + successes_[arm]; }
  double beta(std::uint32_t arm) const noexcept { return prior_beta_[arm] + (shows_[arm] - successes_[arm]); }
  double mean(std::uint32_t arm) const noexcept {
    return alpha(arm) / (prior_alpha_[arm] + prior_beta_[arm] + shows_[arm]);
  }
  double deviation(std::uint32_t arm) const noexcept { return BetaPrior{alpha(arm), beta(arm)}.deviation(); }

  /// One show each: `success` [arms] in [0, 1], a fraction where success has degrees. In this order; nothing is
  /// allocated. InputError for an id that was never given or another success, before anything is counted.
  void update(std::span<const std::uint32_t> arms, std::span<const float> success);

  /// Counts of all arms at once, [size()], as a log or a checkpoint has them. InputError for other sizes, and for
  /// counts that are negative, no numbers, or more successes than shows.
  void set_counts(std::span<const double> successes, std::span<const double> shows);

  /// Forgets, say at midnight: alpha <- keep alpha + (1 - keep) prior alpha, and beta alike, of live arms; keep in
  /// [0, 1].
  void decay(double keep);

 private:
  BetaPrior prior_;
  std::vector<double> successes_, shows_, prior_alpha_, prior_beta_;
  std::vector<std::uint8_t> is_live_;
  std::vector<std::uint32_t> live_;
};

/// Feedback that waits for the next tick: until then posteriors do not move. Work that is cut into fixed shards adds
/// to its own shard, from any thread; merging takes shards in their order and each one's feedback in the order it
/// came. So neither threads nor their pace change a bit.
class DelayedFeedback {
 public:
  /// Room for `expected` answers a shard; more make it grow.
  explicit DelayedFeedback(std::size_t shards = 1, std::size_t expected = 0);

  void add(std::size_t shard, std::uint32_t arm, float success) {
    shards_[shard].arms.push_back(arm);
    shards_[shard].success.push_back(success);
  }
  std::size_t waiting() const noexcept;
  /// Counts all that waits and empties the queue, keeping its room. InputError as BetaArms::update, with the queue as
  /// it was for what is not yet counted.
  void merge_into(BetaArms& arms);

 private:
  struct alignas(64) Shard {  // threads write into neighbours
    std::vector<std::uint32_t> arms;
    std::vector<float> success;
  };
  std::vector<Shard> shards_;
};

}  // namespace swipegym
