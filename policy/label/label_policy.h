#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "policy/item_inputs.h"
#include "policy/label/label_network.h"
#include "policy/policy.h"

namespace swipegym {

class Hdf5Reader;

/// How the outputs of a label network become one score.
enum class LabelScore : std::uint8_t {
  kFirst,       // the first output: ranking needs no more than its order
  kSigmoidSum,  // sigmoid(first) + weight * sigmoid(second): two tasks, both in [0, 1]
  kNormalSum,   // Phi(first) + weight * sigmoid(second): the first is a gain of mean 0 and deviation 1
};

/// A recommender fitted to a label, by the indices of the catalogue it runs with.
struct LabelModel {
  PolicyHeader header{.model = "label"};
  LabelNetworkConfig network_config;
  LabelScore score = LabelScore::kFirst;
  float feedback_weight = 1.0F;
  ItemInputs items;
  std::vector<std::int32_t> bucket;    // [videos] of the items' durations
  std::vector<std::int64_t> raw_user;  // of the user table's rows
  std::vector<std::int32_t> user_row;  // [users of the catalogue], -1: unknown
  std::unique_ptr<LabelNetwork> network;
};

/// A fresh model for this catalogue; weights are drawn from `seed`.
std::shared_ptr<LabelModel> make_label_model(std::string name, const Catalogue& catalogue,
                                             const LabelNetworkConfig& config, std::size_t heads, std::uint64_t seed);

/// The sizes of a model's tables and inputs.
LabelInputs label_inputs(const LabelModel& model);
/// The buckets of the items' durations.
std::vector<std::int32_t> duration_buckets(const ItemInputs& items);

/// Appends (observation row, video) pairs to `rows` as the model's inputs. The history of an observation row is copied
/// once when its pairs follow each other.
class LabelEncoder {
 public:
  explicit LabelEncoder(const LabelModel& model) : model_(model) {}
  void clear(LabelRows& rows, std::size_t capacity) const;
  /// As pair number `at`; repeat_history: the history of the pair before it.
  void add(const ObservationView& observation, std::size_t row, std::int32_t video, bool repeat_history, std::size_t at,
           LabelRows& rows) const;
  /// A pair of unknowns without history.
  void add_padding(LabelRows& rows) const;

 private:
  const LabelModel& model_;
};

/// Scores of an output row, [heads].
float label_score(const LabelModel& model, const float* output) noexcept;

/// Ranks by a label network. A score depends on its pair alone: pairs are scored in blocks of fixed size.
class LabelPolicy final : public Policy {
 public:
  explicit LabelPolicy(std::shared_ptr<const LabelModel> model) : model_(std::move(model)) {}
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  std::size_t history_length() const noexcept override { return model_->network_config.history_length; }
  const LabelModel& model() const noexcept { return *model_; }

 private:
  void write(Hdf5Writer& file) const override;

  std::shared_ptr<const LabelModel> model_;
};

/// Reads a policy file of the model "label".
std::shared_ptr<const Policy> load_label_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
