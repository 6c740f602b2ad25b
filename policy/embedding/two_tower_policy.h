#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/range.h"
#include "policy/embedding/two_tower.h"
#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"

namespace swipegym {

/// How a request's vectors are drawn where the towers know deviations: mean + d * deviation, brought to length 1.
struct QueryConfig {
  std::string draw = "none";  // of d, number by number: none: 0; uniform: U(0, 1); normal: N(0, 1)
  std::size_t count = 3;      // vectors of a request; none has one
};

template <class Visitor>
void visit_fields(Visitor& visit, QueryConfig& config) {
  visit("draw", config.draw, one_of({"none", "uniform", "normal"}));
  visit("count", config.count, between(1, 100));
}

struct TwoTowerModel {
  PolicyHeader header;  // model is "two_tower"
  TwoTowerConfig network_config;
  StateEncoderConfig encoder_config{.session_clock = false};
  std::size_t history_length = 50;
  QueryConfig queries;
  float mean_user_deviation = 0.0F;  // over users they learned from; 0 without deviations and in files of before
  ItemInputs items;
  RetrievalTowers network;  // with deviations or without
  Matrix item_table;        // unit vectors of all videos; made when training is over
};

/// Scores slots by the cosine of two towers over the temperature, the largest one where a request asks by several
/// vectors. A score depends on its row alone: on its observation and, where vectors are drawn, its key and stream.
class TwoTowerPolicy final : public Policy, public QuerySource {
 public:
  /// Makes the model's table of video vectors when it has none.
  explicit TwoTowerPolicy(std::shared_ptr<TwoTowerModel> model);
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

  std::size_t num_queries() const noexcept override;
  bool draws_queries() const noexcept override;
  const Matrix& query_items() const noexcept override { return model_->item_table; }
  void query_vectors(const DecisionBatch& batch, QueryVectors& out) const override;

  const TwoTowerModel& model() const noexcept { return *model_; }
  std::shared_ptr<const Policy> refreshed(const CatalogueNow& now) const override;
  /// The same towers among the videos of another catalogue.
  std::shared_ptr<const Policy> for_catalogue(const Catalogue& catalogue) const;
  /// How uncertain the towers are of a video or of a row's user: the mean standard deviation of the numbers of its
  /// vector, whose prior is 1. Empty, or untouched, without deviations.
  std::vector<float> video_deviations(int threads) const override;
  bool user_deviations(const DecisionBatch& batch, std::span<float> out) const override;
  float mean_user_deviation() const noexcept override { return model_->mean_user_deviation; }

 private:
  void write(Hdf5Writer& file) const override;
  /// visit(work, first, count) after forward_users() of rows [first, first + count).
  template <class Visit>
  void for_all_users(const DecisionBatch& batch, const Visit& visit) const;

  std::shared_ptr<const TwoTowerModel> model_;
  StateEncoder encoder_;
};

/// The model with what is counted of the videos on offer now, in features and table.
std::shared_ptr<TwoTowerModel> refreshed_towers(const TwoTowerModel& model, const CatalogueNow& now);

/// What a policy file of two towers holds behind its header, written and read by whoever has towers. The model that is
/// read has the header of the file and items matched to `catalogue`.
void save_towers(Hdf5Writer& file, const TwoTowerModel& model);
std::shared_ptr<TwoTowerModel> load_towers(const Hdf5Reader& file, const Catalogue& catalogue);

/// Reads a policy file of the model "two_tower".
std::shared_ptr<const Policy> load_two_tower_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
