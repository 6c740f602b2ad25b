#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "policy/head_source.h"
#include "policy/item_inputs.h"
#include "policy/multitask/multitask_network.h"
#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/state_encoder.h"

namespace swipegym {

/// How the outputs of a pair become its value.
struct MultitaskValue {
  std::string rule = "sum";  // sum: sum_k w_k y_k; product: prod_k y_k^w_k
  OutputWeights weight{{1.0F}};
};

template <class Visitor>
void visit_fields(Visitor& visit, MultitaskValue& value) {
  visit("rule", value.rule, one_of({"sum", "product"}));
  visit("weight", value.weight, between(-1000, 1000));
}

/// Everything a multi-task policy is made of, by the indices of the catalogue it runs with.
struct MultitaskModel {
  PolicyHeader header{.model = "multitask", .policy = "multitask", .config = "{}"};
  MultitaskNetworkConfig network_config;
  StateEncoderConfig encoder_config;
  std::size_t history_length = 50;
  std::vector<Head> heads;  // of the network, ascending
  WatchBins watch_bins;     // of the watch head; one edge and nothing learned without it
  HeadCalibration calibration;
  MultitaskValue value;
  ItemInputs items;  // without authors where creator_id is off
  MultitaskNetwork network;
  std::vector<LastLayerSums> sums;  // [kHeadOutputs], of the rows that taught it, without features where there is no
                                    // such head; empty: not kept, as by earlier versions
  Matrix item_table;                // [videos, share_size()] of the network; empty: computed for the videos asked for

  /// The head's place in the network; heads.size() when it has none.
  std::size_t place(Head head) const noexcept;
  bool has(HeadOutput output) const noexcept { return place(head_of(output)) < heads.size(); }
};

/// Throws InputError for an output that has a weight in the value but no head.
void check_value(const MultitaskValue& value, const std::vector<Head>& heads);
/// Those with a weight.
std::vector<Head> heads_of(const HeadWeights& weights);

/// Videos as a network without creator_id knows them.
void forget_authors(ItemInputs& items);
/// A fresh model; weights are drawn from `seed`.
std::shared_ptr<MultitaskModel> make_multitask_model(const Catalogue& catalogue, const MultitaskNetworkConfig& network,
                                                     const StateEncoderConfig& encoder, const std::vector<Head>& heads,
                                                     const WatchBins& watch_bins, std::uint64_t seed);
/// What a network of this model reads and says.
MultitaskShape multitask_shape(const MultitaskModel& model);
/// Fills what a network reads of these videos: work.numbers, tag, author and id.
void gather_videos(const ItemInputs& items, std::span<const std::int32_t> videos, MultitaskNetwork::Work& work);
/// From a head's logits to outputs, not calibrated: [kHeadOutputs], 0 where the network has no such head.
void raw_outputs(const MultitaskModel& model, const MultitaskNetwork::Work& work, std::size_t pair,
                 float* out) noexcept;

/// Foresees several answers and ranks by their value. What is said of a pair depends on that pair alone: neither the
/// batch nor the number of threads changes a bit of it.
class MultitaskPolicy final : public Policy, public HeadSource {
 public:
  /// Computes the table of the videos' shares unless that would be large.
  explicit MultitaskPolicy(std::shared_ptr<MultitaskModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  /// kWatchRatioHead or kBinaryHead where that output alone is the value.
  std::string_view head() const noexcept override;
  std::size_t history_length() const noexcept override { return model_->history_length; }

  const HeadSource* head_source() const noexcept override { return this; }

  /// kHeadOutputNames, of which those without a head in the network are 0.
  const std::vector<std::string>& head_names() const noexcept override { return OutputWeights::names(); }
  bool has_head(std::size_t head) const noexcept override { return has(static_cast<HeadOutput>(head)); }
  /// Calibrated. A row's state is encoded once.
  void foresee(const HeadQuestion& question, Matrix& out, LastLayer* layer) const override;
  const LastLayerSums* last_layer_sums(std::size_t head) const noexcept override;
  bool has(HeadOutput output) const noexcept { return model_->has(output); }
  /// The value of a row of outputs, [kHeadOutputs].
  float value(const float* outputs) const noexcept;

  const MultitaskModel& model() const noexcept { return *model_; }
  std::shared_ptr<const Policy> refreshed(const CatalogueNow& now) const override;
  /// The same network among the videos of another catalogue.
  std::shared_ptr<const Policy> for_catalogue(const Catalogue& catalogue) const;

 private:
  struct HasTable {};
  MultitaskPolicy(HasTable, std::shared_ptr<const MultitaskModel> model);
  void write(Hdf5Writer& file) const override;
  template <class VideoOf, class Take>
  void run(const ObservationView& observation, std::span<const std::uint32_t> rows, std::size_t count,
           const VideoOf& video_of, MultitaskNetwork::Work& work, const Take& take) const;

  std::shared_ptr<const MultitaskModel> model_;
  StateEncoder encoder_;
};

/// Reads a policy file of the model "multitask".
std::shared_ptr<const Policy> load_multitask_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
