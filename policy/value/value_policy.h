#pragma once

#include <memory>
#include <string>

#include "core/range.h"
#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/value/value_network.h"

namespace swipegym {

/// Everything a learned policy is made of, by the indices of the simulator it runs in.
struct ValueModel {
  PolicyHeader header{.model = "value"};
  ValueNetworkConfig network_config;
  StateEncoderConfig encoder_config;
  std::shared_ptr<const ItemInputs> items;  // shared by copies of the model: 60 bytes a video
  ValueNetwork network;
  Matrix item_table;  // the video tower's outputs for all videos; empty: computed for the candidates of each call

  /// Whether a value is a product of a state's vector and a video's, so that the best of all videos can be searched
  /// for.
  bool is_product() const noexcept { return network_config.interaction_hidden == 0 && !encoder_config.cross; }
};

/// What a policy file says of its network.
template <class Visitor>
void visit_fields(Visitor& visit, ValueModel& model) {
  visit("network", model.network_config);
  visit("encoder", model.encoder_config);
}

/// The encoder whose rows and histories the model's network reads. The model must outlive it.
StateEncoder make_state_encoder(const ValueModel& model);

/// A fresh model for this catalogue; weights are drawn from `seed`.
std::shared_ptr<ValueModel> make_value_model(std::string name, const Catalogue& catalogue,
                                             const ValueNetworkConfig& network, const StateEncoderConfig& encoder,
                                             std::uint64_t seed);

/// What of several outputs a ValuePolicy goes by.
struct ActBy {
  enum class Kind : std::uint8_t { kMean, kUpper, kMember };
  Kind kind = Kind::kMean;
  float deviations = 0.0F;  // kUpper: the mean and so many standard deviations over the outputs
};                          // kMember: the output that the row's exploration key draws, the same at all of its steps

/// Scores slots by a ValueNetwork. A score depends on its row alone: work is cut into chunks of kChunk rows that are
/// always full, padded where need be, so that neither the batch size nor the number of threads changes a bit of it.
class ValuePolicy final : public Policy {
 public:
  /// The model may still be learning; nobody may change it during score().
  explicit ValuePolicy(std::shared_ptr<const ValueModel> model, ActBy by = {});
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  float temperature() const noexcept override { return model_->header.temperature; }
  /// Exact, for a model that is_product() and has a table.
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;

  const ValueModel& model() const noexcept { return *model_; }

 private:
  void write(Hdf5Writer& file) const override;
  void encode_chunk(const ObservationView& observation, std::size_t first, std::size_t count,
                    ValueNetwork::Work& work) const;
  void score_chunk(const DecisionBatch& batch, std::size_t first, std::size_t count, std::size_t slots,
                   const Matrix& table, ValueNetwork::Work& work, std::span<float> scores) const;
  void multiply_chunk(const ObservationView& observation, std::size_t first, std::size_t count, std::size_t slots,
                      const Matrix& table, ValueNetwork::Work& work, std::span<float> scores) const;

  void go_by(std::span<const RandomKey> keys, std::size_t per_state, ValueNetwork::Work& work) const;

  std::shared_ptr<const ValueModel> model_;
  StateEncoder encoder_;
  ActBy by_;
};

/// Reads a policy file of the model "value".
std::shared_ptr<const Policy> load_value_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
