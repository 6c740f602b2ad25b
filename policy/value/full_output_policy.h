#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// Q(s, .) of every action of a small, fixed action space by one network: hidden layers with rectifiers, then one
/// output an action. What agent libraries offer by default; parameters and a full pass grow with the number of actions.
///
/// The output layer is kept a row an action. Learning from one action a state touches that action's row alone: its
/// value is one product of vectors and its gradient one row, so only a maximum pays for all actions.
class FullOutputNetwork {
 public:
  /// Room for one pass of one thread.
  struct Work {
    std::vector<Matrix> hidden;  // [rows, units] of each hidden layer, after its rectifier
    Matrix gradient, next_gradient;
    std::vector<RowGradient> rows;  // of the output layer, for scatter()
    std::vector<RowGradient> biases;
  };

  static constexpr float kNoOutput = -1e9F;  // of what it has no output for: comes last

  FullOutputNetwork() = default;
  /// At least one hidden layer.
  FullOutputNetwork(std::size_t inputs, const std::vector<std::size_t>& hidden, std::size_t actions, RandomKey key);

  std::size_t inputs() const noexcept { return layers_.front().in(); }
  std::size_t actions() const noexcept { return output_.count(); }

  /// The hidden layers of `states` [rows, inputs]; what the next four read.
  void forward(const Matrix& states, Work& work) const;
  /// values [rows, actions], after lay_out().
  void all_values(const Work& work, Matrix& values) const;
  /// values [rows, listed] of the actions in `listed` [rows, listed]; kNoOutput where that is -1. Needs no lay_out().
  void listed_values(const Work& work, std::span<const std::int32_t> listed, std::span<float> values) const;
  /// Whether so many values a row are had sooner one by one than by a product with all of them, which is about eight
  /// times as fast a value.
  bool are_few(std::size_t listed) const noexcept { return listed * 8 <= actions(); }
  /// values[i] of action[i] in row i.
  void chosen_values(const Work& work, std::span<const std::int32_t> action, std::span<float> values) const;
  /// Adds the gradients of sum_i d_value[i] * Q(s_i, action[i]) to `shard` of the hidden layers and leaves those of the
  /// output layer in `work` for scatter(). `d_value` must stay until then.
  void backward(const Matrix& states, std::span<const float> d_value, std::span<const std::int32_t> action, Work& work,
                std::size_t shard);
  /// Adds what backward() left in all shards' work, in order.
  void scatter(std::span<Work* const> shards, int threads);

  /// Brings the output layer into the order that all_values() multiplies fast; again after weights have changed.
  void lay_out();

  void set_shards(std::size_t count);
  std::vector<Parameter*> parameters();
  std::vector<Embedding*> embeddings();

  void save(Hdf5Writer& file, const std::string& name, bool moments) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  float value(const Work& work, std::size_t row, std::int32_t action) const;

  std::vector<Linear> layers_;
  Embedding output_;  // [actions, units of the last hidden layer]
  Embedding bias_;    // [actions, 1]
  Matrix columns_;    // output_ transposed
};

/// A policy over a fixed set of videos, by the indices of the simulator it runs in: output i of the network is what
/// videos[i] is worth.
struct FullOutputModel {
  PolicyHeader header{.model = "full_output"};
  std::vector<std::size_t> hidden = {1};  // a text without it means one layer, and no network has none
  StateEncoderConfig encoder_config;
  ItemInputs items;
  std::vector<std::int64_t> raw_id;     // [outputs] of the videos
  std::vector<std::int32_t> output_of;  // [videos of the catalogue] -1: the network has none
  FullOutputNetwork network;
};

/// What a policy file says of its network.
template <class Visitor>
void visit_fields(Visitor& visit, FullOutputModel& model) {
  visit("hidden", model.hidden, ranges::kUnits, ranges::kLayers);
  visit("encoder", model.encoder_config);
}

/// A fresh model for these videos of the catalogue; weights are drawn from `seed`.
std::shared_ptr<FullOutputModel> make_full_output_model(std::string name, const Catalogue& catalogue,
                                                        const std::vector<std::int32_t>& videos,
                                                        const std::vector<std::size_t>& hidden,
                                                        const StateEncoderConfig& encoder, std::uint64_t seed);

/// Scores slots by a FullOutputNetwork. A video it has no output for comes last.
class FullOutputPolicy final : public Policy {
 public:
  /// The model may still be learning; nobody may change it during score(), and network.lay_out() must have been called
  /// unless the candidates are few (FullOutputNetwork::are_few()).
  explicit FullOutputPolicy(std::shared_ptr<const FullOutputModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;

 private:
  void write(Hdf5Writer& file) const override;
  const FullOutputNetwork::Work& hidden_of(const ObservationView& observation,
                                           std::span<const std::uint32_t> rows) const;

  std::shared_ptr<const FullOutputModel> model_;
  StateEncoder encoder_;
};

/// Reads a policy file of the model "full_output".
std::shared_ptr<const Policy> load_full_output_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
