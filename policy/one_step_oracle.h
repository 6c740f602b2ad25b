#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/progress.h"
#include "policy/policy.h"

namespace swipegym {

/// Knows the simulator: scores the expected immediate reward under the env's reward weights. It looks one step ahead,
/// so a policy that plans may beat it. Where the simulator has members, `pessimism` standard deviations over them are
/// taken off (RewardOutlook): videos that members do not agree about are left to others. Scoring throws InputError for
/// a pessimism that check_pessimism() refuses.
class OneStepOracle final : public Policy {
 public:
  explicit OneStepOracle(float pessimism = 0.0F);
  std::string_view name() const noexcept override { return name_; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;
  bool is_oracle() const noexcept override { return pessimism_ == 0.0F; }

 private:
  float pessimism_;
  std::string name_;  // as oracle_pessimism() reads it
};

/// What a word that names an oracle says of its pessimism: 0 for "oracle", K for "oracle:K"; none for any other word.
/// Throws InputError where K is no number in kPessimism.
std::optional<float> oracle_pessimism(std::string_view word);

/// The one-step oracle of a catalogue of millions, where asking the simulator about every video at every step would
/// take hours: it asks about a shortlist, the best videos of several sampled sessions among those whose statistics
/// promise most. How often the best of all videos of other sessions stands on it is measured (recall), so that whoever
/// uses it can say how exact it is.
class ShortlistOracle final : public Policy {
 public:
  struct Settings {
    std::size_t asked = 100'000;  // videos asked about: the first by mean seconds, by mean ratio and by length
    std::size_t states = 16;      // sessions whose best videos among these are listed
    std::size_t per_state = 500;  // videos listed of each
    std::size_t recall_states =
        4;  // further sessions, some videos on, whose best of all videos is looked up in the list
    std::uint64_t seed = 1;
  };
  /// `env` says for which reward and history length; its number of envs is not looked at.
  ShortlistOracle(std::shared_ptr<const Simulator> simulator, const VectorEnvConfig& env, const Settings& settings,
                  const Progress& progress = {});
  std::string_view name() const noexcept override { return "oracle"; }
  /// Throws InputError: it has no score for a video off its list.
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;

  std::size_t size() const noexcept { return videos_.size(); }
  /// Share of the sessions looked at whose best video stands on the list.
  double recall() const noexcept { return recall_; }

 private:
  std::vector<std::int32_t> videos_;  // ascending
  double recall_ = 0.0;
};

}  // namespace swipegym
