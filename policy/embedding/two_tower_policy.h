#pragma once

#include <filesystem>
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
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  std::string_view head() const noexcept override { return "retrieval"; }
  std::size_t history_length() const noexcept override { return model_->history_length; }

  const TwoTowerModel& model() const noexcept { return *model_; }

 private:
  std::shared_ptr<const TwoTowerModel> model_;
  StateEncoder encoder_;
};

void save_policy(const TwoTowerModel& model, const std::filesystem::path& path);
std::shared_ptr<const Policy> load_two_tower_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
