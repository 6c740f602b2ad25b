#pragma once

#include <memory>

#include "policy/embedding/two_tower.h"
#include "policy/policy.h"
#include "policy/policy_file.h"

namespace swipegym {

struct TwoTowerModel {
  PolicyHeader header;  // model is "two_tower"
  TwoTowerConfig network_config;
  StateEncoderConfig encoder_config{.session_clock = false};
  std::size_t history_length = 50;
  ItemInputs items;
  RetrievalTowers network;
  Matrix item_table;  // unit vectors of all videos; made when training is over
};

/// Scores slots by the cosine of two towers over the temperature. A score depends on its row alone.
class TwoTowerPolicy final : public Policy {
 public:
  /// Makes the model's table of video vectors when it has none.
  explicit TwoTowerPolicy(std::shared_ptr<TwoTowerModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  std::string_view head() const noexcept override { return "retrieval"; }
  std::size_t history_length() const noexcept override { return model_->history_length; }
  bool ranks_catalogue() const noexcept override { return true; }

  const TwoTowerModel& model() const noexcept { return *model_; }

 private:
  void write(Hdf5Writer& file) const override;

  std::shared_ptr<const TwoTowerModel> model_;
  StateEncoder encoder_;
};

/// Reads a policy file of the model "two_tower".
std::shared_ptr<const Policy> load_two_tower_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
