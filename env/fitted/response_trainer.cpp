#include "env/fitted/response_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/parallel_for.h"
#include "nn/adam.h"
#include "nn/dropout.h"
#include "nn/fast_math.h"
#include "nn/loss_curve.h"
#include "nn/losses.h"

namespace swipegym {

namespace {

constexpr std::size_t kShards = 4;
constexpr std::uint64_t kMemberKeys = 0x6D656D62ULL;  // child of the seed's key that members' keys are children of
// So many random rows tell the network half of what they could: few are read by the effects of ExposureEffects, whose
// prior knows how far to go, and would only disturb the answers to standard rows.
constexpr double kHalfTrusted = 20000.0;
constexpr std::size_t kCodes = kUserCodes + kVideoCodes + kContextCodes;

// What one shard of a batch needs on its way through the network and back.
struct Shard {
  Matrix dense, hidden, hidden_gradient, mask, top, top_gradient, logits, logits_gradient, feedback_top,
      feedback_top_gradient, feedback, feedback_gradient, part_gradient;
  std::vector<std::uint32_t> codes;  // [rows, kCodes]
  std::vector<std::int32_t> target;
  std::vector<float> weight;
  Matrix table_gradient;
  double loss = 0;
};

class Trainer {
 public:
  Trainer(const FitLog& log, const TrainingRows& rows, const TrainerConfig& config, ResponseNetwork& network)
      : log_(log.data.log),
        rows_(rows),
        features_(log.encoder.features),
        config_(config),
        network_(network),
        shards_(kShards) {
    for (Parameter* parameter : network.parameters()) parameter->set_shards(kShards);
    for (Parameter* parameter :
         {&network.first.bias, &network.watch_second.bias, &network.watch_out.bias, &network.feedback_second.bias,
          &network.feedback_out.bias, &network.bin_effect, &network.click_effect})
      parameter->decays = false;
    std::int64_t last = 0;
    for (const std::uint32_t row : rows.log_row) last = std::max(last, log_.time_ms[row]);
    last_ms_ = last;
    double random = 0.0;
    for (const std::uint32_t row : rows.log_row) random += log_.is_random[row];
    trust_ = static_cast<float>(random / (random + kHalfTrusted));
  }

  // From here on the tables of a member: under the trunk as it is, by weighed users.
  void train_member(const std::vector<float>& user_weight) {
    user_weight_ = &user_weight;
    trunk_of_history_ = network_.first.weight.value.topRows(static_cast<Eigen::Index>(kHistoryFeatures));
  }

  // One update on the rows named; returns the mean loss a row.
  double update(std::span<const std::uint32_t> batch, double rate, std::uint64_t step) {
    parallel_for(kShards, config_.threads, [&](std::size_t s, int) {
      const std::size_t begin = batch.size() * s / kShards, end = batch.size() * (s + 1) / kShards;
      run_shard(batch.subspan(begin, end - begin), batch.size(), begin, step, s);
    });
    double loss = 0;
    for (const Shard& shard : shards_) loss += shard.loss;
    // Table rows decay on their own, harder than the layers.
    const auto keep = static_cast<float>(1.0 - rate * config_.table_decay);
    network_.table.value *= keep;
    network_.table.decays = false;
    adam_.set_learning_rate(rate);
    std::vector<Parameter*> all = network_.parameters();
    if (user_weight_ != nullptr) {
      for (Parameter* parameter : all)
        if (!is_of_member(parameter)) parameter->zero_gradient();
      for (Matrix& shard : network_.first.weight.shards)  // nor do they count where gradients are clipped
        shard.topRows(static_cast<Eigen::Index>(kHistoryFeatures)).setZero();
      std::erase_if(all, [&](const Parameter* parameter) { return !is_of_member(parameter); });
    }
    adam_.step(all);
    if (user_weight_ != nullptr)
      network_.first.weight.value.topRows(static_cast<Eigen::Index>(kHistoryFeatures)) = trunk_of_history_;
    return loss;
  }

  void start() {
    adam_ = Adam({.learning_rate = config_.learning_rate, .weight_decay = config_.weight_decay, .clip_norm = 1.0});
  }

  // Once trained: of what random exposure changes in the first layer, as much stays as there are random rows to tell
  // it. While training it is free, or a few random rows would drag along what standard rows are answered by.
  void shrink_kinds() {
    const Eigen::Index standard = features_.kind_row, random = standard + 1;
    Matrix& table = network_.table.value;
    const Matrix apart = table.row(random) - table.row(standard);
    table.row(random) = table.row(standard) + trust_ * apart;
  }

 private:
  bool is_of_member(const Parameter* parameter) const noexcept {
    return parameter == &network_.table || parameter == &network_.first.weight || parameter == &network_.first.bias;
  }

  void gather(std::span<const std::uint32_t> batch, Shard& at) {
    const auto n = static_cast<Eigen::Index>(batch.size());
    at.dense.resize(n, kDenseFeatures);
    at.codes.resize(batch.size() * kCodes);
    at.target.resize(batch.size());
    at.weight.resize(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::uint32_t row = rows_.log_row[batch[i]];
      const std::uint32_t user = index_of(log_.user[row]), video = index_of(log_.video[row]);
      const HalfFloat* causal = rows_.dense.data() + batch[i] * TrainingRows::kWidth;
      float* dense = &at.dense(static_cast<Eigen::Index>(i), 0);
      for (std::size_t j = 0; j < kHistoryFeatures; ++j) *dense++ = static_cast<float>(causal[j]);
      dense = std::copy_n(features_.user_dense.data() + user * kUserDense, kUserDense, dense);
      dense = std::copy_n(features_.video_dense.data() + video * kVideoDense, kVideoDense, dense);
      for (std::size_t j = 0; j < kItemDense; ++j) *dense++ = static_cast<float>(causal[kHistoryFeatures + j]);
      std::uint32_t* codes = at.codes.data() + i * kCodes;
      codes = std::copy_n(features_.user_code.data() + user * kUserCodes, kUserCodes, codes);
      codes = std::copy_n(features_.video_code.data() + video * kVideoCodes, kVideoCodes, codes);
      const auto context =
          features_.context_rows(log_.tab[row], log_.time_ms[row], log_.duration_ms[row], log_.is_random[row] != 0);
      std::copy(context.begin(), context.end(), codes);
      at.target[i] = rows_.bin[batch[i]];
      const double days = static_cast<double>(last_ms_ - log_.time_ms[row]) / 86400000.0;
      at.weight[i] = static_cast<float>(std::exp(-days / config_.recency_days));
      if (user_weight_ != nullptr) at.weight[i] *= (*user_weight_)[user];
      if (log_.is_random[row] != 0) at.weight[i] *= trust_;
    }
  }

  void run_shard(std::span<const std::uint32_t> batch, std::size_t batch_size, std::size_t begin, std::uint64_t step,
                 std::size_t s) {
    Shard& at = shards_[s];
    const auto n = static_cast<Eigen::Index>(batch.size());
    const auto hidden = static_cast<Eigen::Index>(network_.shape.hidden());
    const auto watch = static_cast<Eigen::Index>(network_.shape.watch_hidden);
    const auto feedback = static_cast<Eigen::Index>(network_.shape.feedback_hidden);
    gather(batch, at);
    network_.first.forward(at.dense, at.hidden);
    for (Eigen::Index i = 0; i < n; ++i) {
      const std::uint32_t* codes = at.codes.data() + static_cast<std::size_t>(i) * kCodes;
      for (std::size_t c = 0; c < kCodes; ++c) at.hidden.row(i) += network_.table.value.row(codes[c]);
    }
    at.hidden = at.hidden.cwiseMax(0.0F);
    if (config_.dropout > 0.0)
      dropout(static_cast<float>(config_.dropout), split(make_key(config_.seed ^ 0xD0), step), begin, at.mask,
              at.hidden);

    network_.watch_second.forward(at.hidden.leftCols(watch), at.top);
    at.top = at.top.cwiseMax(0.0F);
    network_.watch_out.forward(at.top, at.logits);
    for (Eigen::Index i = 0; i < n; ++i)
      WatchGrid::mask_logits(log_.duration_ms[rows_.log_row[batch[static_cast<std::size_t>(i)]]],
                             {&at.logits(i, 0), WatchGrid::kBins});
    at.loss = watch_loss(batch.size(), batch_size, at);
    network_.watch_out.backward(at.top, at.logits_gradient, &at.top_gradient, s);
    at.top_gradient.array() *= (at.top.array() > 0.0F).cast<float>();
    network_.watch_second.backward(at.hidden.leftCols(watch), at.top_gradient, &at.part_gradient, s);
    at.hidden_gradient.resize(n, hidden);
    at.hidden_gradient.leftCols(watch) = at.part_gradient;

    network_.feedback_second.forward(at.hidden.rightCols(feedback), at.feedback_top);
    at.feedback_top = at.feedback_top.cwiseMax(0.0F);
    network_.feedback_out.forward(at.feedback_top, at.feedback);
    at.loss += feedback_loss(batch, batch_size, s);
    network_.feedback_out.backward(at.feedback_top, at.feedback_gradient, &at.feedback_top_gradient, s);
    at.feedback_top_gradient.array() *= (at.feedback_top.array() > 0.0F).cast<float>();
    network_.feedback_second.backward(at.hidden.rightCols(feedback), at.feedback_top_gradient, &at.part_gradient, s);
    at.hidden_gradient.rightCols(feedback) = at.part_gradient;

    if (config_.dropout > 0.0) dropout_backward(at.mask, at.hidden_gradient);
    at.hidden_gradient.array() *= (at.hidden.array() > 0.0F).cast<float>();
    network_.first.backward(at.dense, at.hidden_gradient, nullptr, s);
    Matrix& table = network_.table.shards[s];
    for (Eigen::Index i = 0; i < n; ++i) {
      const std::uint32_t* codes = at.codes.data() + static_cast<std::size_t>(i) * kCodes;
      for (std::size_t c = 0; c < kCodes; ++c) table.row(codes[c]) += at.hidden_gradient.row(i);
    }
  }

  // Cross-entropy of the watch bin; gradient with respect to the watch trunk's outputs.
  double watch_loss(std::size_t rows, std::size_t batch_size, Shard& at) {
    if (network_.shape.watch_head == WatchHead::kBins) {
      const LossRows<float> weights{.weight = at.weight, .total_weight = static_cast<double>(batch_size)};
      return softmax_cross_entropy<float>(at.logits, at.target, weights, &at.logits_gradient);
    }
    // A play that stopped in bin t passed the bins before it: one Bernoulli a bin up to t, nothing beyond.
    at.logits_gradient.setZero(static_cast<Eigen::Index>(rows), WatchGrid::kBins);
    double loss = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const float weight = at.weight[i] / static_cast<float>(batch_size);
      const auto target = static_cast<std::size_t>(at.target[i]);
      for (std::size_t k = 0; k <= std::min(target, WatchGrid::kBins - 2); ++k) {
        const float z = at.logits(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k));
        loss += static_cast<double>(weight * softplus(k == target ? -z : z));
        at.logits_gradient(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)) =
            weight * (fast_sigmoid(z) - (k == target ? 1.0F : 0.0F));
      }
    }
    return loss;
  }

  // Log loss of every signal and of leaving, given the bin and the click; gradients into the row terms and the effects.
  double feedback_loss(std::span<const std::uint32_t> batch, std::size_t batch_size, std::size_t s) {
    Shard& at = shards_[s];
    at.feedback_gradient.setZero(static_cast<Eigen::Index>(batch.size()), kNumSignals);
    Matrix& bin_gradient = network_.bin_effect.shards[s];
    Matrix& click_gradient = network_.click_effect.shards[s];
    double loss = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const SignalBits signals = log_.signals[rows_.log_row[batch[i]]];
      const bool click = has(signals, Signal::kClick);
      const auto row = static_cast<Eigen::Index>(i);
      for (std::size_t signal = 0; signal < kNumSignals; ++signal) {
        const bool leave = signal == kLeaveColumn;
        if (leave && rows_.leaves[batch[i]] == TrainingRows::kUnknown) continue;
        const bool yes = leave ? rows_.leaves[batch[i]] == 1 : has(signals, static_cast<Signal>(signal));
        const auto bin = static_cast<std::size_t>(at.target[i]);
        const std::size_t tab = rows_.tab_class[batch[i]];
        const bool clicked = click && signal != 0;
        const float logit = feedback_logit(network_, {&at.feedback(row, 0), kNumSignals}, signal, tab, bin, clicked);
        const float weight = at.weight[i] / static_cast<float>(batch_size);
        loss += static_cast<double>(weight * softplus(yes ? -logit : logit));
        const float gradient = weight * (fast_sigmoid(logit) - (yes ? 1.0F : 0.0F));
        const auto column = static_cast<Eigen::Index>(signal);
        at.feedback_gradient(row, column) = gradient;
        bin_gradient(static_cast<Eigen::Index>(tab * WatchGrid::kBins + bin), column) += gradient;
        if (clicked) click_gradient(0, column) += gradient;
      }
    }
    return loss;
  }

  const Log& log_;
  const TrainingRows& rows_;
  const FeatureEncoder& features_;
  const TrainerConfig& config_;
  ResponseNetwork& network_;
  std::vector<Shard> shards_;
  Adam adam_;
  std::int64_t last_ms_ = 0;
  const std::vector<float>* user_weight_ = nullptr;  // [users], of a member
  Matrix trunk_of_history_;
  float trust_ = 0.0F;  // in random rows
};

// Rows and clicks of one (tab class, bin, signal), split by click.
struct Counts {
  double rows[2] = {}, yes[2] = {};  // [click]
};

double log_odds(double p) {
  return std::log(p / (1.0 - p));
}

// Those that are standard exposures, or all where none is: what few random rows there are must not move the start.
std::vector<std::uint32_t> standard_of(const Log& log, const TrainingRows& rows, std::span<const std::uint32_t> used) {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t i : used)
    if (log.is_random[rows.log_row[i]] == 0) out.push_back(i);
  return out.empty() ? std::vector<std::uint32_t>(used.begin(), used.end()) : out;
}

// Starts the outputs at the log's own rates: watch bins and signals at their marginals, and what the bin and the click
// add to a signal at its smoothed log odds. Adam moves a weight by at most its rate an update, too little in a fit to
// reach the odds of a rule such as is_click's from zero.
void start_from_marginals(const Log& log, const TrainingRows& rows, std::span<const std::uint32_t> used,
                          ResponseNetwork& network) {
  constexpr std::size_t kCells = kTabClasses * WatchGrid::kBins;
  std::array<double, WatchGrid::kBins> bins{};
  std::vector<Counts> counts(kCells * kNumSignals);
  for (const std::uint32_t i : used) {
    const std::uint32_t row = rows.log_row[i];
    const SignalBits signals = log.signals[row];
    const std::size_t cell = rows.tab_class[i] * WatchGrid::kBins + rows.bin[i];
    bins[rows.bin[i]] += 1;
    for (std::size_t s = 0; s < kNumSignals; ++s) {
      if (s == kLeaveColumn && rows.leaves[i] == TrainingRows::kUnknown) continue;
      const bool yes = s == kLeaveColumn ? rows.leaves[i] == 1 : has(signals, static_cast<Signal>(s));
      const std::size_t click = s != 0 && has(signals, Signal::kClick) ? 1 : 0;
      counts[cell * kNumSignals + s].rows[click] += 1;
      counts[cell * kNumSignals + s].yes[click] += yes ? 1 : 0;
    }
  }
  double reached = static_cast<double>(used.size());
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
    const double share = (bins[k] + 1.0) / (static_cast<double>(used.size()) + WatchGrid::kBins);
    const double stop = std::clamp((bins[k] + 1.0) / (reached + 2.0), 1e-4, 1.0 - 1e-4);
    network.watch_out.bias.value(0, static_cast<Eigen::Index>(k)) =
        static_cast<float>(network.shape.watch_head == WatchHead::kBins ? std::log(share) : log_odds(stop));
    reached -= bins[k];
  }

  for (std::size_t s = 0; s < kNumSignals; ++s) {
    const auto column = static_cast<Eigen::Index>(s);
    Counts all;
    std::array<Counts, WatchGrid::kBins> by_bin{};
    double odds_up = 0.5, odds_down = 0.5;  // Mantel-Haenszel odds ratio of the click over the cells
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const Counts& c = counts[cell * kNumSignals + s];
      for (const std::size_t click : {0, 1}) {
        all.rows[click] += c.rows[click], all.yes[click] += c.yes[click];
        by_bin[cell % WatchGrid::kBins].rows[click] += c.rows[click];
        by_bin[cell % WatchGrid::kBins].yes[click] += c.yes[click];
      }
      const double n = c.rows[0] + c.rows[1];
      if (n > 0) {
        odds_up += c.yes[1] * (c.rows[0] - c.yes[0]) / n;
        odds_down += c.yes[0] * (c.rows[1] - c.yes[1]) / n;
      }
    }
    const double click_effect = s == 0 ? 0.0 : std::log(odds_up / odds_down);
    const double rate = (all.yes[0] + all.yes[1] + 0.5) / (all.rows[0] + all.rows[1] + 1.0);
    const double base = log_odds(rate) - click_effect * all.rows[1] / std::max(all.rows[0] + all.rows[1], 1.0);
    network.feedback_out.bias.value(0, column) = static_cast<float>(base);
    network.click_effect.value(0, column) = static_cast<float>(click_effect);
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const Counts& c = counts[cell * kNumSignals + s];
      const Counts& b = by_bin[cell % WatchGrid::kBins];
      constexpr double kBinPrior = 10.0, kTabBinPrior = 10.0;
      const double pooled = (b.yes[0] + b.yes[1] + kBinPrior * rate) / (b.rows[0] + b.rows[1] + kBinPrior);
      const double n = c.rows[0] + c.rows[1] + kTabBinPrior;
      const double own = (c.yes[0] + c.yes[1] + kTabBinPrior * pooled) / n;
      const double clicked = (c.rows[1] + kTabBinPrior * b.rows[1] / std::max(b.rows[0] + b.rows[1], 1.0)) / n;
      network.bin_effect.value(static_cast<Eigen::Index>(cell), column) =
          static_cast<float>(log_odds(std::clamp(own, 1e-6, 1.0 - 1e-6)) - click_effect * clicked - base);
    }
  }
}

// Of the training rows, those that take part.
std::vector<std::uint32_t> used_rows(const FitLog& log, const TrainingRows& rows, bool use_random) {
  std::vector<std::uint32_t> used;
  for (std::uint32_t i = 0; i < rows.size(); ++i)
    if (use_random || !log.data.log.is_random[rows.log_row[i]]) used.push_back(i);
  if (used.empty()) used.resize(rows.size()), std::iota(used.begin(), used.end(), 0U);
  return used;
}

// Returns the lines of its curve.
Json run_updates(Trainer& trainer, std::vector<std::uint32_t>& used, const TrainerConfig& config, RandomKey key,
                 std::string_view what, const Progress& progress, const CurveListener& listener = {}) {
  trainer.start();
  const std::size_t per_epoch = std::max<std::size_t>(used.size() / config.batch, 1);
  const auto updates = static_cast<std::uint64_t>(
      std::min<std::int64_t>(config.max_updates, static_cast<std::int64_t>(per_epoch) * config.epochs));
  LossCurve curve(listener, static_cast<std::int64_t>(updates));
  std::uint64_t step = 0;
  for (std::uint64_t epoch = 0; step < updates; ++epoch) {
    RandomStream random(split(split(key, Draw::kBatch), epoch));
    for (std::size_t i = used.size(); i > 1; --i)
      std::swap(used[i - 1], used[random.below(static_cast<std::uint32_t>(i))]);
    for (std::size_t b = 0; b < per_epoch && step < updates; ++b, ++step) {
      const double done = static_cast<double>(step) / static_cast<double>(updates);
      const double warm = std::min(1.0, done / 0.03 + 0.02);
      const double rate = config.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + std::cos(std::numbers::pi * done)));
      const std::size_t begin = b * config.batch, end = std::min(begin + config.batch, used.size());
      curve.add(trainer.update(std::span<const std::uint32_t>(used).subspan(begin, end - begin), rate, step));
      report(progress, what, step + 1, updates);
    }
  }
  return curve.lines();
}

MemberTables tables_of(const ResponseNetwork& network) {
  const auto behind = static_cast<Eigen::Index>(kDenseFeatures - kHistoryFeatures);
  return {.table = network.table.value,
          .dense = network.first.weight.value.bottomRows(behind),
          .bias = network.first.bias.value};
}

// Lets the mean of the members be the fit. Each trained on from it, so all share what more training does to the tables,
// which is no doubt about them: the bootstrap's estimate of bias (Efron and Tibshirani 1993, chapter 10).
void centre_on(const MemberTables& fit, std::vector<MemberTables>& members) {
  const float share = 1.0F / static_cast<float>(members.size());
  for (Matrix MemberTables::*column : {&MemberTables::table, &MemberTables::dense, &MemberTables::bias}) {
    Matrix off = -(fit.*column);
    for (const MemberTables& member : members) off += share * (member.*column);
    for (MemberTables& member : members) member.*column -= off;
  }
}

// What every user's rows weigh for a member: Exp(1).
std::vector<float> drawn_weights(std::size_t users, RandomKey key) {
  std::vector<float> weight(users);
  for (std::size_t user = 0; user < users; ++user)
    weight[user] = static_cast<float>(-std::log1p(-RandomStream(split(key, user)).uniform_double()));
  return weight;
}

}  // namespace

ResponseNetwork train_response_network(const FitLog& log, const TrainingRows& rows, bool use_random,
                                       const TrainerConfig& config, const Progress& progress,
                                       const CurveListener& curve, Json* lines) {
  const FeatureEncoder& features = log.encoder.features;
  std::vector<std::uint32_t> used = used_rows(log, rows, use_random);
  ResponseNetwork network;
  network.initialise(features.table_rows, config.shape, make_key(config.seed));
  start_from_marginals(log.data.log, rows, standard_of(log.data.log, rows, used), network);
  Trainer trainer(log, rows, config, network);
  Json curve_lines = run_updates(trainer, used, config, make_key(config.seed), "fitting responses", progress, curve);
  if (lines != nullptr) *lines = std::move(curve_lines);
  trainer.shrink_kinds();
  for (Parameter* parameter : network.parameters())
    parameter->shards.assign(1, Matrix()), parameter->first_moment.resize(0, 0), parameter->second_moment.resize(0, 0);
  return network;
}

std::vector<MemberTables> train_members(const FitLog& log, const TrainingRows& rows, const ResponseNetwork& network,
                                        bool use_random, int count, const TrainerConfig& config,
                                        const Progress& progress) {
  const FeatureEncoder& features = log.encoder.features;
  const std::vector<std::uint32_t> used = used_rows(log, rows, use_random);
  std::vector<MemberTables> members;
  for (int m = 0; m < count; ++m) {
    const RandomKey key = split(split(make_key(config.seed), kMemberKeys), static_cast<std::uint64_t>(m));
    const std::vector<float> weight = drawn_weights(features.num_users(), split(key, 0));
    ResponseNetwork member = network;
    for (Parameter* parameter : member.parameters()) {
      const Matrix& value = parameter->value;
      parameter->first_moment.setZero(value.rows(), value.cols());
      parameter->second_moment.setZero(value.rows(), value.cols());
    }
    std::vector<std::uint32_t> order = used;
    TrainerConfig own = config;  // with masks of its own
    const RandomKey masks = split(key, 1);
    own.seed = std::uint64_t{masks.hi} << 32 | masks.lo;
    Trainer trainer(log, rows, own, member);
    trainer.train_member(weight);
    run_updates(trainer, order, config, split(key, 2), fmt::format("fitting member {} of {}", m + 1, count), progress);
    trainer.shrink_kinds();
    members.push_back(tables_of(member));
  }
  centre_on(tables_of(network), members);
  return members;
}

}  // namespace swipegym
