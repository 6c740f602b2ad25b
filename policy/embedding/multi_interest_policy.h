#pragma once

#include <memory>
#include <vector>

#include "policy/embedding/interest_clusters.h"
#include "policy/embedding/two_tower_policy.h"

namespace swipegym {

struct MultiInterestModel {
  PolicyHeader header;               // model is "multi_interest"
  std::size_t history_length = 200;  // newest videos that become interests
  InterestConfig interests;
  std::shared_ptr<TwoTowerModel> towers;  // whose vectors of videos are clustered, and who answers for strangers
};

/// Scores slots by the largest cosine with one of the user's interests (interest_clusters.h) over the temperature.
/// Interests are made of the observation's history at each request: nothing is kept of a user.
///
/// An interest asks by its medoid's vector, as in PinnerSage, or by the user tower, shown the history as if the
/// interest's videos had been watched last: so the query knows what the tower knows of a user and of which videos are
/// wanted by many. A row in whose history nothing was wanted is asked for by the user tower with all of it.
class MultiInterestPolicy final : public Policy, public QuerySource {
 public:
  /// Makes the towers' table of video vectors when they have none.
  explicit MultiInterestPolicy(std::shared_ptr<const MultiInterestModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;
  bool best_probabilities(const DecisionBatch& batch, std::size_t row, std::span<double> out) const override {
    if (draws_queries()) count_best(*this, batch, row, out);
    return draws_queries();
  }
  std::string_view head() const noexcept override { return "retrieval"; }
  std::size_t history_length() const noexcept override { return model_->history_length; }
  bool ranks_catalogue() const noexcept override { return true; }
  const QuerySource* query_source() const noexcept override { return this; }

  std::size_t num_queries() const noexcept override { return model_->interests.count; }
  bool draws_queries() const noexcept override {
    return model_->interests.choice == "drawn" || towers_.draws_queries();
  }
  const Matrix& query_items() const noexcept override { return towers_.query_items(); }
  void query_vectors(const DecisionBatch& batch, QueryVectors& out) const override;

  const MultiInterestModel& model() const noexcept { return *model_; }
  std::shared_ptr<const Policy> refreshed(const CatalogueNow& now) const override;
  /// The interests of a row, for whoever wants to show them.
  std::vector<InterestCluster> interests(const ObservationView& observation, std::size_t row) const {
    return find_interest_clusters(observation, row, query_items(), model_->interests);
  }

 private:
  void write(Hdf5Writer& file) const override;

  std::shared_ptr<const MultiInterestModel> model_;
  TwoTowerPolicy towers_;
};

/// Reads a policy file of the model "multi_interest".
std::shared_ptr<const Policy> load_multi_interest_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
