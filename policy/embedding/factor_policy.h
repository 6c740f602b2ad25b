#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/matrix.h"
#include "policy/policy.h"
#include "policy/policy_file.h"

namespace swipegym {

/// Numbers for users and videos by raw id: score(u, v) = mean + user_bias[u] + video_bias[v] + <user[u], video[v]>,
/// sent through the logistic function when `logistic`. A user or video it has never met counts with zeros. Without
/// factors and user biases it is a score a video, say popularity.
struct FactorModel {
  PolicyHeader header;           // model is "factors"
  std::string head = "ranking";  // what a score estimates, see Policy::head()
  bool logistic = false;
  float mean = 0.0F;
  std::vector<std::int64_t> raw_user_id, raw_video_id;  // of the rows below
  Matrix user, video;                                   // [users, k], [videos, k]
  std::vector<float> user_bias, video_bias;             // [users], [videos]

  std::size_t factors() const noexcept { return static_cast<std::size_t>(video.cols()); }
  void validate() const;
};

/// Scores slots by a FactorModel.
class FactorPolicy final : public Policy {
 public:
  /// Matches users and videos of the catalogue by raw id.
  FactorPolicy(std::shared_ptr<const FactorModel> model, const Catalogue& catalogue);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  std::string_view head() const noexcept override { return model_->head; }
  std::size_t history_length() const noexcept override { return 1; }  // it looks at none; observations want some
  bool ranks_catalogue() const noexcept override { return true; }

  const FactorModel& model() const noexcept { return *model_; }

 private:
  void write(Hdf5Writer& file) const override;

  std::shared_ptr<const FactorModel> model_;
  std::vector<std::int32_t> user_row_, video_row_;  // of the catalogue's users and videos; -1: never met
};

/// Item popularity: ln(1 + exposures) of the catalogue's rows, as a model that a file can keep.
std::shared_ptr<const FactorModel> make_popularity_model(const Catalogue& catalogue);

/// Reads a policy file of the model "factors".
std::shared_ptr<const Policy> load_factor_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
