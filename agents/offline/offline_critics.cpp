#include "agents/offline/offline_critics.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "agents/gradient_steps.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr float kLoggedDelta = 50.0F;  // of the critics' Huber loss, in deviations of a response

enum OfflineKey : std::uint64_t { kBehaviourKey = 1, kValueKey, kAdvantageKey };

StateNetwork::Settings network_settings(const OfflineConfig& config, double rate, int threads) {
  return {.hidden = config.hidden,
          .adam = {.learning_rate = rate, .weight_decay = config.weight_decay, .clip_norm = 10.0},
          .dropout = config.dropout,
          .batch = config.batch,
          .threads = threads};
}

struct StoppedFit {
  const OfflineRows& rows;
  const OfflineConfig& config;
  const OfflineRun& run;
  const char* what;
  int epochs;
  StateNetwork::Settings network;
  RandomKey key;
  // The loss of log row `row` and its derivative.
  std::function<double(std::uint32_t row, std::span<const float> out, std::span<float> d_out)> loss;
};

// Trains for epochs on training rows and keeps the weights of the smallest validation loss.
StoppedNetwork fit_stopped(const StoppedFit& fit) {
  StateNetwork network(static_cast<std::size_t>(fit.rows.states.cols()), fit.rows.actions, fit.network,
                       split(fit.key, Draw::kInit));
  std::optional<StoppedNetwork> best;
  Matrix out;
  std::vector<float> ignored(fit.rows.actions);
  for (int epoch = 1; epoch <= fit.epochs; ++epoch) {
    const RandomKey key = split(split(fit.key, Draw::kBatch), static_cast<std::uint64_t>(epoch));
    const std::vector<std::uint32_t> order = shuffled(fit.rows.train, key);
    for (std::size_t first = 0; first < order.size(); first += fit.config.batch) {
      const auto batch = std::span(order).subspan(first, std::min(fit.config.batch, order.size() - first));
      network.step(
          fit.rows.states, batch,
          [&](std::size_t i, std::span<const float> o, std::span<float> d) { return fit.loss(batch[i], o, d); },
          split(key, first + 1));
    }
    network.outputs(fit.rows.states, fit.rows.validate, out);
    double loss = 0.0;
    for (std::size_t i = 0; i < fit.rows.validate.size(); ++i)
      loss += fit.loss(fit.rows.validate[i], {out.data() + i * fit.rows.actions, fit.rows.actions}, ignored);
    loss /= static_cast<double>(fit.rows.validate.size());
    report(fit.run.progress, fit.what, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(fit.epochs));
    if (!best || loss < best->validation_loss) best = {network, epoch, loss};
    if (epoch - best->epochs >= fit.config.patience) break;
  }
  return *std::move(best);
}

double deviation_of(std::span<const float> values, const std::vector<std::uint32_t>& rows) {
  double sum = 0.0, squares = 0.0;
  for (const std::uint32_t row : rows) sum += static_cast<double>(values[row]);
  const double mean = sum / static_cast<double>(rows.size());
  for (const std::uint32_t row : rows) squares += std::pow(static_cast<double>(values[row]) - mean, 2.0);
  return std::sqrt(squares / static_cast<double>(rows.size()));
}

void scale_by(std::vector<float>& values, double factor) {
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * factor);
}

}  // namespace

StoppedNetwork fit_behaviour(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run) {
  return fit_stopped({.rows = rows,
                      .config = config,
                      .run = run,
                      .what = "behaviour model",
                      .epochs = config.behaviour_epochs,
                      .network = network_settings(config, config.behaviour_rate, run.threads),
                      .key = split(make_key(run.seed), kBehaviourKey),
                      .loss = [&](std::uint32_t row, std::span<const float> out, std::span<float> d_out) {
                        log_softmax_all(out, d_out);
                        const auto shown = static_cast<std::size_t>(rows.action[row]);
                        const auto loss = -static_cast<double>(d_out[shown]);
                        for (float& one : d_out) one = fast_exp(one);
                        d_out[shown] -= 1.0F;
                        return loss;
                      }});
}

std::vector<float> logged_log_probs(const StateNetwork& network, const OfflineRows& rows) {
  std::vector<float> out(rows.size());
  constexpr std::size_t kPiece = 4096;  // bounds the memory that all K take
  Matrix chances;
  for (const auto* part : {&rows.train, &rows.validate, &rows.test})
    for (std::size_t first = 0; first < part->size(); first += kPiece) {
      const auto piece = std::span(*part).subspan(first, std::min(kPiece, part->size() - first));
      network.log_probs(rows.states, piece, chances);
      for (std::size_t i = 0; i < piece.size(); ++i)
        out[piece[i]] = chances(static_cast<Eigen::Index>(i), rows.action[piece[i]]);
    }
  return out;
}

LoggedValue::LoggedValue(const OfflineRows& rows, const OfflineConfig& config, const OfflineRun& run, RandomKey key)
    : rows_(rows),
      config_(config),
      critic_(static_cast<std::size_t>(rows.states.cols()), 1,
              {.hidden = config.critic_hidden,
               .adam = {.learning_rate = config.critic_rate, .weight_decay = config.weight_decay, .clip_norm = 10.0},
               .batch = config.batch,
               .shard_rows = 256,
               .threads = run.threads},
              key) {}

std::vector<float> LoggedValue::targets(std::span<const float> reward, std::vector<float>& value) const {
  value.resize(rows_.size());
  critic_.values(rows_.states, value);
  std::vector<float> target(rows_.size());
  for (std::size_t row = 0; row < target.size(); ++row)
    target[row] = reward[row] +
                  (rows_.next[row] < 0 ? 0.0F : config_.discount * value[static_cast<std::size_t>(rows_.next[row])]);
  return target;
}

void LoggedValue::pass(std::span<const float> reward, RandomKey key) {
  std::vector<float> value;
  const std::vector<float> target = targets(reward, value);
  const std::vector<std::uint32_t> order = shuffled(rows_.train, key);
  for (std::size_t first = 0; first < order.size(); first += config_.batch)
    critic_.step_towards(rows_.states, std::span(order).subspan(first, std::min(config_.batch, order.size() - first)),
                         target, kLoggedDelta);
}

std::vector<float> LoggedValue::advantages(std::span<const float> reward) const {
  std::vector<float> value;
  std::vector<float> out = targets(reward, value);
  for (std::size_t row = 0; row < out.size(); ++row) out[row] -= value[row];
  return out;
}

std::array<std::vector<float>, kOfflineResponses> scaled_responses(const OfflineRows& rows) {
  auto out = rows.response;
  for (std::size_t i = 0; i < kOfflineResponses; ++i) {
    const double deviation = deviation_of(out[i], rows.train);
    scale_by(out[i], deviation > 0.0 ? static_cast<double>(kOfflineSigns[i]) / deviation : 0.0);
  }
  return out;
}

std::array<std::vector<float>, kOfflineResponses> logged_advantages(
    const OfflineRows& rows, const std::array<std::vector<float>, kOfflineResponses>& scaled,
    const OfflineConfig& config, const OfflineRun& run) {
  std::array<std::vector<float>, kOfflineResponses> out;
  for (std::size_t i = 0; i < kOfflineResponses; ++i) {
    const RandomKey key = split(split(make_key(run.seed), kValueKey), i);
    LoggedValue value(rows, config, run, split(key, Draw::kInit));
    for (int epoch = 0; epoch < config.critic_epochs; ++epoch) {
      value.pass(scaled[i], split(split(key, Draw::kBatch), static_cast<std::uint64_t>(epoch)));
      report(run.progress, "critics",
             i * static_cast<std::size_t>(config.critic_epochs) + static_cast<std::size_t>(epoch) + 1,
             kOfflineResponses * static_cast<std::size_t>(config.critic_epochs));
    }
    out[i] = value.advantages(scaled[i]);
    const double deviation = deviation_of(out[i], rows.train);
    scale_by(out[i], deviation > 0.0 ? 1.0 / deviation : 0.0);
  }
  return out;
}

StoppedNetwork fit_advantage(const OfflineRows& rows, std::span<const float> advantage, const OfflineConfig& config,
                             const OfflineRun& run) {
  // Users have fewer rows after a validation row than after a training row, which is nothing that a video did.
  std::vector<float> centred(advantage.begin(), advantage.end());
  for (const auto* part : {&rows.train, &rows.validate}) {
    double sum = 0.0;
    for (const std::uint32_t row : *part) sum += static_cast<double>(advantage[row]);
    for (const std::uint32_t row : *part) centred[row] -= static_cast<float>(sum / static_cast<double>(part->size()));
  }
  // From random outputs it would first unlearn their variance, which some hundred rows a video cannot pay for.
  StateNetwork::Settings network = network_settings(config, config.advantage_rate, run.threads);
  network.hidden = config.advantage_hidden, network.from_zero = true;
  StoppedNetwork fitted =
      fit_stopped({.rows = rows,
                   .config = config,
                   .run = run,
                   .what = "advantages of all videos",
                   .epochs = config.advantage_epochs,
                   .network = network,
                   .key = split(make_key(run.seed), kAdvantageKey),
                   .loss = [&](std::uint32_t row, std::span<const float> out, std::span<float> d_out) {
                     const auto shown = static_cast<std::size_t>(rows.action[row]);
                     const float error = out[shown] - centred[row];
                     std::fill(d_out.begin(), d_out.end(), 0.0F);
                     d_out[shown] = 2.0F * error;
                     return static_cast<double>(error) * static_cast<double>(error);
                   }});
  fitted.validation_loss /= std::pow(std::max(deviation_of(advantage, rows.validate), 1e-12), 2.0);
  return fitted;
}

}  // namespace swipegym
