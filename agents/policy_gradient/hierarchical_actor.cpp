#include "agents/policy_gradient/hierarchical_actor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agents/policy_gradient/scoring_actor.h"

namespace swipegym {
namespace {

// One of the two networks over its part of a rollout's slots.
struct LevelPass {
  ValueNetwork::Work work;
  std::vector<float> scores, d_scores;  // [rows, count]

  // Slots [first, first + count) of these rows.
  void forward(const ValueNetwork& network, const ItemInputs& items, const Rollout& rollout,
               std::span<const std::uint32_t> rows, std::size_t first, std::size_t count) {
    const std::size_t slots = rollout.shape().slots, pairs = rows.size() * count;
    work.states.resize(static_cast<Eigen::Index>(rows.size()), rollout.states.cols());
    work.cross.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
    work.videos.resize(pairs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t at = rows[i] * slots + first;
      work.states.row(static_cast<Eigen::Index>(i)) = rollout.states.row(rows[i]);
      std::copy_n(rollout.cross.data() + at * StateEncoder::kCross, count * StateEncoder::kCross,
                  work.cross.data() + i * count * StateEncoder::kCross);
      std::copy_n(rollout.candidate.data() + at, count, work.videos.data() + i * count);
    }
    network.forward_states(items, work);
    network.forward_items(items, work);
    scores.resize(pairs);
    network.combine(work.item.output(), false, pairs, count, work, scores);
  }
  void backward(ValueNetwork& network, std::span<const float> d_all, std::size_t slots, std::size_t first,
                std::size_t count, std::size_t index) {
    d_scores.resize(scores.size());
    for (std::size_t row = 0; row * count < scores.size(); ++row)
      std::copy_n(d_all.data() + row * slots + first, count, d_scores.data() + row * count);
    network.backward(d_scores, work, index, count);
  }
  void put(std::size_t slots, std::size_t first, std::size_t count, std::span<float> all) const {
    for (std::size_t row = 0; row * count < scores.size(); ++row)
      std::copy_n(scores.data() + row * count, count, all.data() + row * slots + first);
  }
};

// Passes of a HierarchicalModel over the states and offers that a rollout has encoded.
struct HierarchicalPasses {
  using Model = HierarchicalModel;
  using ModelPolicy = HierarchicalPolicy;
  struct Shard {
    LevelPass tags, videos;
    std::vector<float> scores, d_scores;
  };

  static const ItemInputs& items(const HierarchicalModel& model) { return *model.items; }
  void begin(const ObservationView&) {}
  void observe(const ObservationView&) {}
  void restart() {}
  void forward(const HierarchicalModel& model, const Rollout& rollout, std::span<const std::uint32_t> rows,
               Shard& shard) const {
    const std::size_t slots = rollout.shape().slots, groups = model.groups->size();
    shard.tags.forward(model.network.tags, *model.items, rollout, rows, 0, groups);
    shard.videos.forward(model.network.videos, *model.items, rollout, rows, groups, slots - groups);
    shard.scores.resize(rows.size() * slots);
    shard.tags.put(slots, 0, groups, shard.scores);
    shard.videos.put(slots, groups, slots - groups, shard.scores);
  }
  void backward(HierarchicalModel& model, const Rollout& rollout, std::span<const std::uint32_t>, Shard& shard,
                std::size_t index) const {
    const std::size_t slots = rollout.shape().slots, groups = model.groups->size();
    shard.tags.backward(model.network.tags, shard.d_scores, slots, 0, groups, index);
    shard.videos.backward(model.network.videos, shard.d_scores, slots, groups, slots - groups, index);
  }
  static void scatter(HierarchicalModel& model, std::span<Shard> shards, int) {
    for (const Shard& shard : shards) {
      model.network.tags.scatter(*model.items, shard.tags.work);
      model.network.videos.scatter(*model.items, shard.videos.work);
    }
  }
  static void save(Hdf5Writer& file, const std::string& name, const HierarchicalModel& model) {
    model.network.save(file, name, /*moments=*/true);
  }
  static void load(const Hdf5Reader& file, const std::string& name, HierarchicalModel& model) {
    model.network.load(file, name);
  }
};

}  // namespace

std::unique_ptr<ActorNetwork> make_hierarchical_actor(std::shared_ptr<HierarchicalModel> model,
                                                      const ActorNetwork::Settings& settings) {
  return std::make_unique<ScoringActor<HierarchicalPasses>>(std::move(model), HierarchicalPasses{}, settings);
}

}  // namespace swipegym
