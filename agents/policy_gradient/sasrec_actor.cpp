#include "agents/policy_gradient/sasrec_actor.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/policy_gradient/scoring_actor.h"
#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

std::shared_ptr<SasrecModel> make_actor_model(const Simulator& simulator, const SasrecActorConfig& config,
                                              std::uint64_t seed, const SasrecModel* start) {
  auto model = start != nullptr ? std::make_shared<SasrecModel>(*start) : std::make_shared<SasrecModel>();
  model->header.policy = "sasrec-actor";
  model->header.config = config_to_json(config).dump();
  model->header.seed = seed;
  model->header.data_fingerprint = simulator.data_fingerprint;
  model->objective = SasrecObjective::kNext;
  if (start != nullptr) return model;
  model->header.catalogue_until = simulator.catalogue.until;
  model->items = make_item_inputs(simulator.catalogue);
  model->network = make_sasrec_network(config.network, model->items, split(make_key(seed), Draw::kInit));
  return model;
}

// Histories of a rollout's states as observations had them, by the rollout's rows.
class KeptHistories {
 public:
  KeptHistories(std::size_t rows, std::size_t length)
      : length_(length), video_(rows * length, -1), ratio_(rows * length), signals_(rows * length) {}

  // Those of all rows of `from`, from `first_row` on; only the newest `length` videos of each.
  void keep(const ObservationView& from, std::size_t first_row) {
    const std::size_t count = std::min(length_, from.history_length), skipped = from.history_length - count;
    for (std::size_t row = 0; row < from.rows; ++row) {
      const std::size_t to = (first_row + row) * length_ + length_ - count, at = row * from.history_length + skipped;
      std::copy_n(from.history_video + at, count, &video_[to]);
      std::copy_n(from.history_ratio + at, count, &ratio_[to]);
      if (from.history_signals != nullptr) std::copy_n(from.history_signals + at, count, &signals_[to]);
    }
  }
  // Rows [from, from + count) become the first ones.
  void move_to_front(std::size_t from, std::size_t count) {
    std::copy_n(&video_[from * length_], count * length_, video_.begin());
    std::copy_n(&ratio_[from * length_], count * length_, ratio_.begin());
    std::copy_n(&signals_[from * length_], count * length_, signals_.begin());
  }
  ObservationView view() const noexcept {
    ObservationView view;
    view.rows = video_.size() / length_;
    view.history_length = length_;
    view.history_video = video_.data(), view.history_ratio = ratio_.data(), view.history_signals = signals_.data();
    return view;
  }

 private:
  std::size_t length_;
  std::vector<std::int32_t> video_;  // [rows, length], as ObservationView has them
  std::vector<float> ratio_;
  std::vector<SignalBits> signals_;
};

// Passes of a SASRec for the next video: the scores of a state's candidates are h . e_a, h the newest state of the
// user's videos, one pass over them whatever the number of candidates. It reads a state's history, which it keeps
// beside the rollout. What SasrecPolicy scores without h or e_a (users without history, videos never met) stays as it
// is.
class SasrecPasses {
 public:
  using Model = SasrecModel;
  using ModelPolicy = SasrecPolicy;
  struct Shard {
    PackedHistories histories;
    SasrecWorkOf<float> work;
    SasrecGradientsOf<float> gradients;
    Matrix d_states;
    std::vector<float> scores, d_scores;
  };
  SasrecPasses(const ActorConfig& config, std::size_t length)
      : envs_(config.num_envs),
        steps_(config.rollout_steps),
        histories_(config.num_envs * (config.rollout_steps + 1), length) {}

  static const ItemInputs& items(const SasrecModel& model) { return model.items; }
  void begin(const ObservationView& first) {
    histories_.keep(first, 0);
    block_ = 0;
  }
  void observe(const ObservationView& next) { histories_.keep(next, ++block_ * envs_); }
  void restart() {
    histories_.move_to_front(steps_ * envs_, envs_);
    block_ = 0;
  }
  void forward(const SasrecModel& model, const Rollout& rollout, std::span<const std::uint32_t> rows,
               Shard& shard) const {
    const std::size_t m = rollout.shape().slots;
    const ObservationView seen = histories_.view();
    shard.histories.clear();
    for (const std::uint32_t row : rows) pack_history(model.network.config(), model.items, seen, row, shard.histories);
    shard.histories.features.conservativeResize(static_cast<Eigen::Index>(shard.histories.rows()),
                                                static_cast<Eigen::Index>(kSasrecStepFeatures));
    model.network.forward(shard.histories, {}, shard.work);
    shard.scores.resize(rows.size() * m);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t slot = 0; slot < m; ++slot)
        shard.scores[i * m + slot] = next_video_score(model, shard.work.states(), shard.histories.newest(i),
                                                      static_cast<std::size_t>(rollout.candidate[rows[i] * m + slot]));
  }
  void backward(SasrecModel& model, const Rollout& rollout, std::span<const std::uint32_t> rows, Shard& shard,
                std::size_t index) const {
    const Matrix &states = shard.work.states(), &table = model.network.items.table.value;
    const std::size_t m = rollout.shape().slots;
    shard.gradients.clear();
    shard.d_states.setZero(states.rows(), states.cols());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Eigen::Index state = shard.histories.newest(i);
      for (std::size_t slot = 0; state >= 0 && slot < m; ++slot) {
        const std::int32_t id = model.items.id[static_cast<std::size_t>(rollout.candidate[rows[i] * m + slot])];
        if (id < 0) continue;
        const float slope = shard.d_scores[i * m + slot];
        shard.d_states.row(state) += slope * table.row(id);
        shard.gradients.items.push_back({id, slope, states.data() + state * states.cols()});
      }
    }
    model.network.backward(shard.histories, {}, shard.d_states, shard.work, shard.gradients, index);
  }
  static void scatter(SasrecModel& model, std::span<Shard> shards, int threads) {
    std::vector<const SasrecGradientsOf<float>*> gradients;
    for (const Shard& shard : shards) gradients.push_back(&shard.gradients);
    scatter_tables(model.network, gradients, threads);
  }
  static void save(Hdf5Writer& file, const std::string& name, const SasrecModel& model) {
    swipegym::save(file, name, model.network, /*moments=*/true);
  }
  static void load(const Hdf5Reader& file, const std::string& name, SasrecModel& model) {
    swipegym::load(file, name, model.network);
  }

 private:
  std::size_t envs_, steps_;
  std::size_t block_ = 0;  // of the rollout that was kept last
  KeptHistories histories_;
};

}  // namespace

void check(const SasrecActorConfig& c) {
  check_ranges(c);
  check(c.actor);
  check(c.network);
  require_setting(c.actor.world.slate == 1, "world.slate", c.actor.world.slate,
                  "1: a SASRec actor shows one video a step");
}

MemoryBudget training_memory(const Simulator& simulator, const SasrecActorConfig& config) {
  const SasrecNetworkConfig& n = config.network;
  const ActorConfig& c = config.actor;
  MemoryBudget budget = rollout_memory(simulator, c);
  const std::uint64_t states = product_of({c.num_envs, sum_of({c.rollout_steps, 1})});
  budget.add("the histories of its states", product_of({states, n.max_length, 2 * sizeof(float) + sizeof(SignalBits)}),
             "num_envs, rollout_steps or network.max_length");
  const std::uint64_t layers = product_of({n.blocks, n.width, sum_of({4 * n.width, 2 * n.inner})});
  const NetworkNumbers numbers{.dense = layers,
                               .tables = product_of({simulator.catalogue.num_videos(), n.width}),
                               .state = product_of({n.max_length, n.blocks, sum_of({8 * n.width, 2 * n.inner})}),
                               .video = 1};
  add_network(budget, simulator.catalogue, numbers, 2, 0);
  add_batch(budget, c.minibatch, c.world.candidates, numbers, 0, "minibatch");
  return budget;
}

std::unique_ptr<ActorLearner> make_sasrec_actor(const std::shared_ptr<const Simulator>& simulator,
                                                const SasrecActorConfig& config, std::uint64_t seed, int threads,
                                                const SasrecModel* start) {
  if (start != nullptr && start->objective != SasrecObjective::kNext)
    throw InputError(fmt::format("'{}' does not rank next videos; start from sqn, sac, sasrec-clicks or sasrec-next",
                                 start->header.policy));
  const bool anchored = start != nullptr && config.anchor > 0.0F;
  std::shared_ptr<SasrecModel> model = make_actor_model(*simulator, config, seed, start);
  SasrecPasses passes(config.actor, model->network.config().max_length);
  auto network = std::make_unique<ScoringActor<SasrecPasses>>(std::move(model), std::move(passes),
                                                              network_settings(config.actor, threads), anchored);
  return std::make_unique<ActorLearner>(config.actor, std::move(network),
                                        ActorAnchor{.weight = config.anchor, .own_critic_key = true}, seed, threads);
}

Agent sasrec_ppo_agent(const SasrecActorConfig& config) {
  return agent_with(config, [config](const std::shared_ptr<const Simulator>& simulator, const OnlineRun& run) {
    const auto start = run.start.empty() ? nullptr : load_sasrec_model(run.start, simulator->catalogue);
    return make_sasrec_actor(simulator, config, run.seed, run.threads, start.get());
  });
}

}  // namespace swipegym
