#include "agents/sasrec/train_sqn.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/sasrec/sqn_learner.h"
#include "agents/sasrec/sqn_transitions.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kMostJudgedRows = 5000;  // a validation is a mean over at most so many rows
constexpr std::uint32_t kJudgedDepth = 10;

class SqnTrainer {
 public:
  SqnTrainer(const SupervisedTask& task, const SqnConfig& config)
      : task_(task),
        config_(config),
        model_(make_model()),
        transitions_(task, config, model_->items, {task.train, task.holdout}),
        networks_{make_network(0), make_network(1)},
        learner_(networks_, settings()) {
    if (transitions_.size() == 0)
      throw InputError(
          fmt::format("no row of days {} is worth a reward and has a history: choose other days or "
                      "'rewards'",
                      days_text(task.train.from, task.train.until)));
    if (negatives() > 0 && model_->items.num_ids < 2)
      throw InputError(config.method + " learns from videos that were not shown, and the data have one video; use sqn");
    add_parts(parts_, networks_[0], "first/"), add_parts(parts_, networks_[1], "second/");
    parts_.adam = &learner_.adam()[0], parts_.second_adam = &learner_.adam()[1];
    choose_validation_rows();
  }

  TrainedModel run() {
    std::vector<EpochReport> epochs = run_epochs(
        task_, epoch_settings(config_, "sqn"), parts_,
        [this](int epoch, const Progress& progress) { return train(epoch, progress); }, [this] { return validate(); });
    return {std::make_shared<SasrecPolicy>(current()), std::move(epochs), {{"transitions", transitions_.size()}}};
  }

 private:
  std::shared_ptr<SasrecModel> make_model() const {
    auto model = std::make_shared<SasrecModel>();
    model->header = header_of(task_, "sasrec", config_.method == "none" ? "sasrec-clicks" : config_.method, config_,
                              task_.train.until);
    model->objective = SasrecObjective::kNext;
    model->items = make_item_inputs(*task_.catalogue);
    model->users = make_sasrec_users(*task_.data);
    return model;
  }

  SqnNetwork make_network(std::uint64_t number) const {
    const RandomKey key = split(split(make_key(task_.seed), Draw::kInit), number);
    return {make_sasrec_network(config_.network, model_->items, split(key, 0), model_->users.table_rows),
            split(key, 1)};
  }

  SqnLearner::Settings settings() const {
    const double value_weight = config_.method == "none" ? 0.0 : config_.value_weight;
    return {.objective = {.discount = config_.discount,
                          .value_weight = value_weight,
                          .negatives = negatives(),
                          .negative_reward = config_.negative_reward,
                          .importance = config_.importance},
            .adam = adam_of(config_),
            .dropout = config_.dropout,
            .transitions = config_.batch,
            .threads = task_.threads,
            .seed = task_.seed};
  }

  std::size_t negatives() const { return config_.method == "snqn" || config_.method == "sa2c" ? config_.negatives : 0; }

  /// What the supervised loss is weighed by once the values have been learned for a while.
  ActorWeight actor_weight() const {
    if (config_.method == "sac") return ActorWeight::kValue;
    return config_.method == "sa2c" ? ActorWeight::kAdvantage : ActorWeight::kNone;
  }

  double train(int epoch, const Progress& progress) {
    const std::vector<std::uint32_t> order = shuffled_numbers(
        transitions_.size(), split(split(make_key(task_.seed), Draw::kBatch), 1 + static_cast<std::uint64_t>(epoch)));
    double total = 0.0;
    for (std::size_t first = 0; first < order.size(); first += config_.batch) {
      const bool actor =
          actor_weight() != ActorWeight::kNone && learner_.updates() >= static_cast<std::int64_t>(config_.actor_after);
      learner_.set_weight(actor ? actor_weight() : ActorWeight::kNone);
      learner_.set_learning_rate(actor ? config_.actor_learning_rate : config_.learning_rate);
      const std::size_t count = std::min(config_.batch, order.size() - first);
      const RandomKey key = split(split(make_key(task_.seed), Draw::kCandidates), static_cast<std::uint64_t>(epoch));
      const SqnLosses losses = learner_.step(
          count, [&](std::size_t i, Transitions& out) { transitions_.write(order[first + i], negatives(), key, out); });
      const double share = static_cast<double>(count) / static_cast<double>(order.size());
      total += share * (losses.supervised + (config_.method == "none" ? 0.0 : config_.value_weight * losses.value));
      report(progress, "epoch", first + count, order.size());
    }
    return total;
  }

  void choose_validation_rows() {
    const Log& log = task_.data->log;
    std::vector<std::uint32_t> all = rows_of_days(*task_.data, {task_.validate});
    std::erase_if(all, [&](std::uint32_t row) { return config_.rewards.of(log.signals[row]) <= 0.0; });
    judged_rows_ = some_of(std::move(all), kMostJudgedRows);
  }

  std::shared_ptr<const SasrecModel> current() const {
    auto model = std::make_shared<SasrecModel>(*model_);
    model->network = networks_[0].body;
    model->network.set_shards(1);
    return model;
  }

  Validation validate() {
    if (judged_rows_.empty()) return {};
    const std::vector<std::uint32_t> rank =
        rank_logged_rows(SasrecPolicy(current()), *task_.data, *task_.catalogue, judged_rows_, task_.threads);
    double gain = 0.0, worth = 0.0;
    for (std::size_t i = 0; i < rank.size(); ++i) {
      const double reward = config_.rewards.of(task_.data->log.signals[judged_rows_[i]]);
      worth += reward;
      if (rank[i] < kJudgedDepth) gain += reward / std::log2(rank[i] + 2.0);
    }
    return {.metric = gain / worth};
  }

  const SupervisedTask& task_;
  const SqnConfig& config_;
  std::shared_ptr<SasrecModel> model_;  // without its network
  SqnTransitions transitions_;
  std::array<SqnNetwork, 2> networks_;
  SqnLearner learner_;
  TrainedParts parts_;
  std::vector<std::uint32_t> judged_rows_;
};

}  // namespace

void check(const SqnConfig& c) {
  check_ranges(c);
  check(c.network);
}

TrainedModel train_sqn(const SupervisedTask& task, const SqnConfig& config) {
  check(config);
  return SqnTrainer(task, config).run();
}

}  // namespace swipegym
