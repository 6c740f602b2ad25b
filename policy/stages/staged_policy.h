#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "policy/policy.h"
#include "policy/stages/composition.h"

namespace swipegym {

/// What became of requests, stage by stage.
struct Served {
  VideoLists retrieved;
  struct Drop {
    std::int16_t filter = -1;  // that dropped it; -1: none
    std::uint8_t why = 0;      // Filter::reason()
  };
  std::vector<Drop> dropped;          // of each retrieved video
  std::vector<std::size_t> pruned{};  // [requests] videos that were kept and did not go on to be scored
  VideoLists kept;                    // what was scored; its retriever is kFallback where it was added afterwards
  Matrix heads;                       // [kept, heads]; without columns where nothing scores
  std::vector<float> value;           // [kept], as the orderers left it
  std::vector<std::uint32_t> place;   // of kept: those of request i stand at kept.begin(i), in the order of the slate
  std::vector<std::size_t> ordered;   // [requests], how many of them are in order
  std::vector<std::uint32_t> violations{};  // [requests], of the orderers' rules: what no order could avoid
  std::array<double, 4> seconds{};          // of each stage, by the clock

  static constexpr std::uint8_t kFallback = 255;
  /// The video at a place (< ordered[i]) of request i's order.
  std::int32_t video_at(std::size_t i, std::size_t k) const { return kept.of(i)[place[kept.begin(i) + k]]; }
};

/// How much of the first place each chance decides: the probability that redrawing it alone puts another video there.
struct ChanceShare {
  Chance chance{};
  double moves = 0.0;
  bool exact = false;
};

/// Retrieves, filters, scores and orders. What it draws comes from the decision's key and step, so that equal seeds
/// give equal slates; best_probabilities() says how likely each was. With candidates the retrievers choose among those.
class StagedPolicy final : public Policy {
 public:
  /// The catalogue is the one the composition was read for.
  StagedPolicy(Composition composition, std::size_t num_videos);

  std::string_view name() const noexcept override { return composition_.name; }
  std::string_view head() const noexcept override { return "order"; }
  std::size_t history_length() const noexcept override { return history_length_; }
  /// Minus the place in the order, and minus infinity for videos of the full catalogue that were not retrieved.
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;
  bool best_probabilities(const DecisionBatch& batch, std::size_t row, std::span<double> out) const override;
  /// With the retrievers and the fallback of now; networks and filters stay as they were read.
  std::shared_ptr<const Policy> refreshed(const CatalogueNow& now) const override;

  /// The same policy, which knows of a platform's creators what is known at midnight.
  std::shared_ptr<const StagedPolicy> with_creators(std::shared_ptr<const CreatorOutlook> outlook) const;

  const Composition& composition() const noexcept { return composition_; }
  /// All that becomes of rows of the batch. Heads without a weight are 0 unless `every_head` asks for them.
  Served serve(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t slate,
               bool every_head = false) const;
  /// Of each retriever, over all requests: Retriever::recall().
  std::vector<std::optional<double>> recalls(const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                                             std::size_t slate) const;
  /// What the heads are worth, [kept], before anything is ordered, without what creators add (CreatorTerms); without
  /// heads the order of retrieval.
  std::vector<float> values(const Served& served) const;
  /// The videos that may come first in a row, with their probabilities.
  Outcomes first_videos(const DecisionBatch& batch, std::uint32_t row) const;
  std::vector<ChanceShare> chance_shares(const DecisionBatch& batch, std::uint32_t row) const;

 private:
  class KnownHeads;
  Served serve(const Requests& requests, KnownHeads* known) const;
  std::int32_t first_video(const DecisionBatch& batch, std::uint32_t row, RequestDice& dice, KnownHeads& known) const;

  void retrieve(const Requests& requests, Served& served) const;
  void filter(const Requests& requests, Served& served) const;
  void drop(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
            std::span<Served::Drop> dropped) const;
  void prune(const Requests& requests, Served& served) const;
  void score(const Requests& requests, KnownHeads* known, Served& served) const;
  static void score_lists(const Scorer& scorer, const Requests& requests, const VideoLists& lists,
                          std::span<const std::uint8_t> wanted, KnownHeads* known, Matrix& out);
  void order(const Requests& requests, Served& served) const;

  Composition composition_;
  std::size_t num_videos_ = 0, history_length_ = 0;
  std::shared_ptr<const CreatorOutlook> creators_;
};

}  // namespace swipegym
