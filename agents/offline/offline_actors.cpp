#include "agents/offline/offline_actors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/gradient_steps.h"
#include "agents/masked_softmax.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr double kRegressionLimit = 20.0;

// -c log p(a | s) with c from log p(a | s), constant in the derivative.
template <class Factor>
double chosen_loss(std::span<const float> out, std::span<float> d_out, std::size_t action, Factor factor) {
  log_softmax_all(out, d_out);
  const auto log_prob = static_cast<double>(d_out[action]);
  const double c = factor(log_prob);
  for (float& one : d_out) one = static_cast<float>(c) * fast_exp(one);
  d_out[action] -= static_cast<float>(c);
  return -c * log_prob;
}

// A pass over the training rows; loss(place, out, d_out), where row `place` of rows.train is looked at.
template <class Loss>
void train_pass(StateNetwork& actor, const OfflineRows& rows, std::size_t batch, RandomKey key, Loss loss) {
  const std::vector<std::uint32_t> places = shuffled_numbers(rows.train.size(), key);
  std::vector<std::uint32_t> taken;
  for (std::size_t first = 0; first < places.size(); first += batch) {
    const auto part = std::span(places).subspan(first, std::min(batch, places.size() - first));
    taken.clear();
    for (const std::uint32_t place : part) taken.push_back(rows.train[place]);
    actor.step(
        rows.states, taken,
        [&](std::size_t i, std::span<const float> out, std::span<float> d) { return loss(first + i, part[i], out, d); },
        split(key, first + 1));
  }
}

}  // namespace

void gradient_epoch(StateNetwork& actor, const OfflineRows& rows, const LoggedGradient& gradient, std::size_t batch,
                    RandomKey key) {
  train_pass(actor, rows, batch, key,
             [&](std::size_t, std::uint32_t place, std::span<const float> out, std::span<float> d_out) {
               const std::uint32_t row = rows.train[place];
               return chosen_loss(out, d_out, static_cast<std::size_t>(rows.action[row]), [&](double log_prob) {
                 const double ratio = std::exp(log_prob - static_cast<double>(gradient.behaviour_log[row]));
                 return std::min(ratio, gradient.ratio_limit) * static_cast<double>(gradient.advantage[row]);
               });
             });
}

void regression_epoch(StateNetwork& actor, const OfflineRows& rows, std::span<const float> advantage,
                      double temperature, std::size_t batch, RandomKey key) {
  train_pass(
      actor, rows, batch, key,
      [&](std::size_t, std::uint32_t place, std::span<const float> out, std::span<float> d_out) {
        const std::uint32_t row = rows.train[place];
        const double factor = std::min(std::exp(static_cast<double>(advantage[row]) / temperature), kRegressionLimit);
        return chosen_loss(out, d_out, static_cast<std::size_t>(rows.action[row]), [factor](double) { return factor; });
      });
}

SecondStage second_stage(const OfflineRows& rows, const StateNetwork& behaviour,
                         std::span<const StateNetwork> auxiliaries, const StateNetwork& advantage) {
  SecondStage stage;
  stage.auxiliaries = static_cast<double>(auxiliaries.size());
  Matrix log_prob;
  stage.auxiliary_log.setZero(static_cast<Eigen::Index>(rows.train.size()), static_cast<Eigen::Index>(rows.actions));
  for (const StateNetwork& auxiliary : auxiliaries) {
    auxiliary.log_probs(rows.states, rows.train, log_prob);
    stage.auxiliary_log += log_prob / static_cast<float>(auxiliaries.size());
  }
  behaviour.log_probs(rows.states, rows.train, log_prob);
  advantage.outputs(rows.states, rows.train, stage.advantage);
  double squares = 0.0;
  for (Eigen::Index row = 0; row < stage.advantage.rows(); ++row) {
    double mean = 0.0;
    for (Eigen::Index b = 0; b < stage.advantage.cols(); ++b)
      mean += static_cast<double>(fast_exp(log_prob(row, b))) * static_cast<double>(stage.advantage(row, b));
    for (Eigen::Index b = 0; b < stage.advantage.cols(); ++b) {
      float& one = stage.advantage(row, b);
      one -= static_cast<float>(mean);
      squares += static_cast<double>(fast_exp(log_prob(row, b))) * static_cast<double>(one) * static_cast<double>(one);
    }
  }
  stage.deviation = std::sqrt(squares / static_cast<double>(rows.train.size()));
  stage.advantage *= static_cast<float>(1.0 / std::max(stage.deviation, 1e-12));
  return stage;
}

double target_epoch(StateNetwork& actor, const OfflineRows& rows, const SecondStage& stage, double lambda,
                    std::size_t batch, RandomKey key) {
  const std::size_t k = rows.actions;
  const std::vector<std::uint8_t> all(k, 1);
  // Equal lambdas: the weighted sum of log p_i is their mean, which stands for all of them with the whole Lambda.
  const std::vector<double> total = {lambda * stage.auxiliaries};
  std::vector<double> distance(rows.train.size());
  train_pass(actor, rows, batch, key,
             [&](std::size_t at, std::uint32_t place, std::span<const float> out, std::span<float> d_out) {
               thread_local std::vector<float> wanted;
               wanted.resize(k);
               tscac_target({stage.auxiliary_log.data() + place * k, k}, total, {stage.advantage.data() + place * k, k},
                            all, wanted);
               log_softmax_all(out, d_out);
               double loss = 0.0, kl = 0.0;
               for (std::size_t b = 0; b < k; ++b) {
                 const float chance = fast_exp(wanted[b]);
                 loss -= static_cast<double>(chance) * static_cast<double>(d_out[b]);
                 kl += static_cast<double>(chance) * static_cast<double>(wanted[b] - d_out[b]);
                 d_out[b] = fast_exp(d_out[b]) - chance;
               }
               distance[at] = kl;
               return loss;
             });
  return std::accumulate(distance.begin(), distance.end(), 0.0) / static_cast<double>(distance.size());
}

namespace {

using Responses = std::array<std::vector<float>, kOfflineResponses>;
using Multipliers = std::array<double, kOfflineMain>;

enum ActorKey : std::uint64_t { kRegressionKey = 11, kWeightedKey, kSingleKey, kManyKey, kAuxiliaryKey, kTscacKey };

class OfflineTrainer {
 public:
  OfflineTrainer(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run, const OfflineJudge& judge)
      : rows_(rows), config_(config), run_(run), judge_(judge), behaviour_(fit_behaviour(rows, config, run)) {
    behaviour_log_ = logged_log_probs(behaviour_.network, rows);
    scaled_ = scaled_responses(rows);
    advantage_ = logged_advantages(rows, scaled_, config, run);
  }

  OfflineTraining run() {
    out_.behaviour_epochs = behaviour_.epochs, out_.behaviour_loss = behaviour_.validation_loss;
    out_.choices.push_back({"bc", "-", behaviour_log_});
    regression();
    weighted_sums();
    rcpo_single();
    rcpo_many();
    tscac();
    return std::move(out_);
  }

 private:
  StateNetwork new_actor() const {
    StateNetwork actor = behaviour_.network;
    actor.restart(config_.actor_rate);
    return actor;
  }
  RandomKey key_of(ActorKey method, std::size_t setting, int epoch) const {
    return split(split(split(make_key(run_.seed), method), setting), static_cast<std::uint64_t>(epoch));
  }
  OfflineChoice& add(std::string_view method, std::string setting, const StateNetwork& actor) {
    report(run_.progress, method, 0, 0);
    out_.choices.push_back({method, std::move(setting), logged_log_probs(actor, rows_)});
    return out_.choices.back();
  }
  // (main + sum of weight * auxiliary) / (1 + sum of weights).
  std::vector<float> combine(const Responses& parts, const Multipliers& weight) const {
    const double total = 1.0 + std::accumulate(weight.begin(), weight.end(), 0.0);
    std::vector<float> sum(rows_.size());
    for (std::size_t row = 0; row < sum.size(); ++row) {
      auto value = static_cast<double>(parts[kOfflineMain][row]);
      for (std::size_t i = 0; i < kOfflineMain; ++i) value += weight[i] * static_cast<double>(parts[i][row]);
      sum[row] = static_cast<float>(value / total);
    }
    return sum;
  }
  static Multipliers equal(double weight) {
    Multipliers all;
    all.fill(weight);
    return all;
  }
  LoggedGradient gradient(std::span<const float> advantage) const {
    return {behaviour_log_, advantage, config_.ratio_limit};
  }
  // Tells the choice the multipliers it was trained with, and moves them by what it gains.
  void move(Multipliers& multipliers, OfflineChoice& choice) const {
    choice.multipliers.assign(multipliers.begin(), multipliers.end());
    const auto gains = judge_(choice.log_prob, behaviour_log_);
    for (std::size_t i = 0; i < kOfflineMain; ++i)
      multipliers[i] = std::max(0.0, multipliers[i] - config_.multiplier_rate * gains[i]);
  }

  // One more actor, each of whose epochs is a choice; train(actor, epoch) is a pass.
  template <class Train>
  void add_epochs(std::string_view method, const std::string& setting, const Train& train) {
    StateNetwork actor = new_actor();
    for (int epoch = 1; epoch <= config_.actor_epochs; ++epoch) {
      train(actor, epoch);
      add(method, fmt::format("{}, epoch {}", setting, epoch), actor);
    }
  }

  void regression() {
    const std::vector<float> advantage = combine(advantage_, equal(1.0));
    for (std::size_t t = 0; t < config_.temperatures.size(); ++t)
      add_epochs("rwr", fmt::format("temperature {:g}", config_.temperatures[t]), [&](StateNetwork& actor, int epoch) {
        regression_epoch(actor, rows_, advantage, config_.temperatures[t], config_.batch,
                         key_of(kRegressionKey, t, epoch));
      });
  }
  void weighted_sums() {
    for (std::size_t w = 0; w < config_.weights.size(); ++w) {
      const std::vector<float> advantage = combine(advantage_, equal(config_.weights[w]));
      add_epochs("weighted sum", fmt::format("weight {:g}", config_.weights[w]), [&](StateNetwork& actor, int epoch) {
        gradient_epoch(actor, rows_, gradient(advantage), config_.batch, key_of(kWeightedKey, w, epoch));
      });
    }
  }
  void rcpo_single() {
    Multipliers multipliers{};
    LoggedValue value(rows_, config_, run_, key_of(kSingleKey, 0, 0));
    const auto pass = [&](std::span<const float> reward, int epoch) {
      value.pass(reward, key_of(kSingleKey, 1, epoch));
    };
    for (int epoch = 1; epoch < config_.critic_epochs; ++epoch) pass(scaled_[kOfflineMain], -epoch);
    StateNetwork actor = new_actor();
    for (int epoch = 1; epoch <= config_.actor_epochs; ++epoch) {
      const std::vector<float> reward = combine(scaled_, multipliers);
      pass(reward, epoch);
      gradient_epoch(actor, rows_, gradient(value.advantages(reward)), config_.batch, key_of(kSingleKey, 2, epoch));
      OfflineChoice& choice = add("rcpo", fmt::format("epoch {}", epoch), actor);
      move(multipliers, choice);
    }
  }
  void rcpo_many() {
    Multipliers multipliers{};
    StateNetwork actor = new_actor();
    for (int epoch = 1; epoch <= config_.actor_epochs; ++epoch) {
      gradient_epoch(actor, rows_, gradient(combine(advantage_, multipliers)), config_.batch,
                     key_of(kManyKey, 0, epoch));
      OfflineChoice& choice = add("rcpo many", fmt::format("epoch {}", epoch), actor);
      move(multipliers, choice);
    }
  }
  void tscac() {
    std::vector<StateNetwork> auxiliaries;
    for (std::size_t i = 0; i < kOfflineMain; ++i) {
      StateNetwork actor = new_actor();
      for (int epoch = 1; epoch <= config_.actor_epochs; ++epoch)
        gradient_epoch(actor, rows_, gradient(advantage_[i]), config_.batch, key_of(kAuxiliaryKey, i, epoch));
      auxiliaries.push_back(std::move(actor));
    }
    const StoppedNetwork advantage = fit_advantage(rows_, advantage_[kOfflineMain], config_, run_);
    out_.advantage_epochs = advantage.epochs, out_.advantage_loss = advantage.validation_loss;
    const SecondStage stage = second_stage(rows_, behaviour_.network, auxiliaries, advantage.network);
    for (std::size_t l = 0; l < config_.lambdas.size(); ++l) {
      StateNetwork actor = new_actor();
      actor.restart(config_.behaviour_rate);  // a fit of known probabilities, as behaviour cloning is
      double distance = 0.0;
      for (int epoch = 1; epoch <= config_.actor_epochs; ++epoch)
        distance = target_epoch(actor, rows_, stage, config_.lambdas[l], config_.batch, key_of(kTscacKey, l, epoch));
      add("tscac", fmt::format("lambda {:g}", config_.lambdas[l]), actor).distance = distance;
    }
  }

  const OfflineRows& rows_;
  const OfflineConfig& config_;
  const OfflineRun& run_;
  const OfflineJudge& judge_;
  StoppedNetwork behaviour_;
  std::vector<float> behaviour_log_;
  Responses scaled_, advantage_;
  OfflineTraining out_;
};

}  // namespace

OfflineTraining train_offline(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run,
                              const OfflineJudge& judge) {
  return OfflineTrainer(rows, config, run, judge).run();
}

}  // namespace swipegym
