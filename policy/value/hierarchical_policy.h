#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/state_encoder.h"
#include "policy/value/hierarchical_network.h"
#include "policy/value/tag_groups.h"

namespace swipegym {

/// A policy that chooses a tag, then a video of that tag, by the indices of the simulator it runs in. The header's
/// temperature is that of its own draws at both levels; 0: the best tag, and its best video.
struct HierarchicalModel {
  PolicyHeader header{.model = "hierarchical"};
  HierarchicalNetworkConfig network_config;
  StateEncoderConfig encoder_config;
  std::shared_ptr<const TagGroups> groups;
  std::shared_ptr<const ItemInputs> items;  // with_tag_rows()
  HierarchicalNetwork network;
  Matrix item_table;  // the network of videos' outputs, a row an item; empty: computed for what is scored
};

/// What a policy file says of its networks.
template <class Visitor>
void visit_fields(Visitor& visit, HierarchicalModel& model) {
  visit("network", model.network_config);
  visit("encoder", model.encoder_config);
}

/// A fresh model for this catalogue; weights are drawn from `seed`.
std::shared_ptr<HierarchicalModel> make_hierarchical_model(std::string name, const Catalogue& catalogue,
                                                           const HierarchicalNetworkConfig& network,
                                                           const StateEncoderConfig& encoder, std::uint64_t seed);

/// What a HierarchicalPolicy chose among, a row an env: all tags, then some videos of the tag that was drawn, as items
/// of its model. Where the tag has fewer, the last slots are masked.
struct TagOffers {
  TagOffers(std::size_t rows, std::size_t tags, std::size_t videos)
      : slots(tags + videos), candidate(rows * slots), mask(rows * slots) {}
  std::size_t slots;
  std::vector<std::int32_t> candidate;  // [rows, slots]
  std::vector<std::uint8_t> mask;       // [rows, slots], 1 = might have been chosen
};

/// pi(a | s) = pi(tag of a | s) pi(a | s, tag of a): a softmax over the tags that have a video which may be shown, and
/// one over such videos of that tag. It draws by itself, from the decision's key and step, so that it costs a score a
/// tag and a score a video of one tag, not one a video of the catalogue. Draws are maxima of logits with Gumbel noise,
/// top-down:
///
///   score(a) = A(tag of a) - (max over its tag of B - B(a)),   A, B: logits / temperature + noise
///
/// so the best score is a draw from pi, and best_videos() finds it without scoring other tags. At temperature 0 there
/// is no noise. With candidates the tags and videos are those on offer.
class HierarchicalPolicy final : public Policy {
 public:
  explicit HierarchicalPolicy(std::shared_ptr<const HierarchicalModel> model)
      : HierarchicalPolicy(std::move(model), nullptr) {}
  /// For a model that is learning; nobody may change it while this chooses. Of the tag that it draws it scores no more
  /// videos than `offers` has room for, drawn uniformly, and leaves there what it chose among: one best_videos() at a
  /// time.
  HierarchicalPolicy(std::shared_ptr<const HierarchicalModel> model, TagOffers* offers);

  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  bool best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                   std::span<std::int32_t> out) const override;
  /// pi, in closed form.
  bool best_probabilities(const DecisionBatch& batch, std::size_t row, std::span<double> out) const override;

  const HierarchicalModel& model() const noexcept { return *model_; }

 private:
  struct Work;
  void write(Hdf5Writer& file) const override;
  void encode(const DecisionBatch& batch, std::span<const std::uint32_t> rows, Work& work) const;
  void score_tags(const DecisionBatch& batch, std::size_t row, std::size_t place, Work& work) const;
  void score_videos(std::size_t place, Work& work) const;
  void list_videos(const DecisionBatch& batch, std::size_t row, std::size_t group, Work& work) const;
  void draw_few(const DecisionBatch& batch, std::size_t row, std::size_t group, Work& work) const;
  void keep_offer(std::size_t row, const Work& work) const;
  void choose(const DecisionBatch& batch, std::size_t row, std::size_t place, std::size_t count, Work& work,
              std::span<std::int32_t> out) const;
  void add_noise(RandomKey key, std::span<float> logits) const;
  void group_slots(const DecisionBatch& batch, std::size_t row, Work& work) const;

  std::shared_ptr<const HierarchicalModel> model_;
  StateEncoder encoder_;
  TagOffers* offers_;
};

/// Reads a policy file of the model "hierarchical".
std::shared_ptr<const Policy> load_hierarchical_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
