#include <algorithm>

#include "agents/policy_gradient/scoring_actor.h"
#include "core/config.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

// Passes of a ValueModel over the states that a rollout has encoded.
struct ValuePasses {
  using Model = ValueModel;
  using ModelPolicy = ValuePolicy;
  struct Shard {
    ValueNetwork::Work work;
    std::vector<float> scores, d_scores;
  };

  static const ItemInputs& items(const ValueModel& model) { return *model.items; }
  void begin(const ObservationView&) {}
  void observe(const ObservationView&) {}
  void restart() {}
  void forward(const ValueModel& model, const Rollout& rollout, std::span<const std::uint32_t> rows,
               Shard& shard) const {
    ValueNetwork::Work& work = shard.work;
    const std::size_t m = rollout.shape().slots, pairs = rows.size() * m;
    work.states.resize(static_cast<Eigen::Index>(rows.size()), rollout.states.cols());
    work.cross.resize(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
    work.videos.resize(pairs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      work.states.row(static_cast<Eigen::Index>(i)) = rollout.states.row(rows[i]);
      std::copy_n(rollout.cross.data() + rows[i] * m * StateEncoder::kCross, m * StateEncoder::kCross,
                  work.cross.data() + i * m * StateEncoder::kCross);
      std::copy_n(rollout.candidate.data() + rows[i] * m, m, work.videos.data() + i * m);
    }
    model.network.forward_states(*model.items, work);
    model.network.forward_items(*model.items, work);
    shard.scores.resize(pairs);
    model.network.combine(work.item.output(), false, pairs, m, work, shard.scores);
  }
  void backward(ValueModel& model, const Rollout& rollout, std::span<const std::uint32_t>, Shard& shard,
                std::size_t index) const {
    model.network.backward(shard.d_scores, shard.work, index, rollout.shape().slots);
  }
  static void scatter(ValueModel& model, std::span<Shard> shards, int) {
    for (Shard& shard : shards) model.network.scatter(*model.items, shard.work);
  }
  static void save(Hdf5Writer& file, const std::string& name, const ValueModel& model) {
    model.network.save(file, name, /*moments=*/true);
  }
  static void load(const Hdf5Reader& file, const std::string& name, ValueModel& model) {
    model.network.load(file, name);
  }
};

}  // namespace

ActorNetwork::Settings network_settings(const ActorConfig& config, int threads) {
  return {.adam = {.learning_rate = config.learning_rate, .clip_norm = config.clip_norm},
          .most_rows = minibatch_rows(config),
          .threads = threads};
}

std::size_t minibatch_rows(const ActorConfig& config) {
  const std::size_t all = config.num_envs * config.rollout_steps;
  return config.minibatch == 0 ? all : std::min(all, config.minibatch);
}

std::unique_ptr<ActorNetwork> make_value_actor(const Simulator& simulator, const ActorConfig& config, std::string name,
                                               std::uint64_t seed, const ActorNetwork::Settings& settings,
                                               const Json& whole) {
  auto model = make_value_model(std::move(name), simulator.catalogue, config.network, config.encoder, seed);
  model->header.data_fingerprint = simulator.data_fingerprint;
  model->header.config = (whole.is_null() ? config_to_json(config) : whole).dump();
  return std::make_unique<ScoringActor<ValuePasses>>(std::move(model), ValuePasses{}, settings);
}

}  // namespace swipegym
