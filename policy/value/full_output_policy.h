#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/state_encoder.h"
#include "policy/value/full_output_network.h"

namespace swipegym {

/// A policy over a fixed set of videos, by the indices of the simulator it runs in: output i of the network is what
/// videos[i] is worth.
struct FullOutputModel {
  PolicyHeader header{.model = "full_output"};
  std::vector<std::size_t> hidden;
  StateEncoderConfig encoder_config;
  ItemInputs items;
  std::vector<std::int64_t> raw_id;     // [outputs] of the videos
  std::vector<std::int32_t> output_of;  // [videos of the catalogue] -1: the network has none
  FullOutputNetwork network;
};

/// A fresh model for these videos of the catalogue; weights are drawn from `seed`.
std::shared_ptr<FullOutputModel> make_full_output_model(std::string name, const Catalogue& catalogue,
                                                        const std::vector<std::int32_t>& videos,
                                                        const std::vector<std::size_t>& hidden,
                                                        const StateEncoderConfig& encoder, std::uint64_t seed);

/// Scores slots by a FullOutputNetwork. A video it has no output for comes last.
class FullOutputPolicy final : public Policy {
 public:
  /// The model may still be learning; nobody may change it during score(), and network.lay_out() must have been called.
  explicit FullOutputPolicy(std::shared_ptr<const FullOutputModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;

 private:
  void write(Hdf5Writer& file) const override;
  void values_of(const ObservationView& observation, std::span<const std::uint32_t> rows, Matrix& values) const;

  std::shared_ptr<const FullOutputModel> model_;
  StateEncoder encoder_;
};

/// Reads a policy file of the model "full_output".
std::shared_ptr<const Policy> load_full_output_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
