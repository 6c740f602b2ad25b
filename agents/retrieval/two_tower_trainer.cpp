#include "agents/retrieval/two_tower_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/logged_states.h"
#include "agents/retrieval/in_batch_softmax.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "evaluation/metrics/ranking.h"
#include "nn/gaussian_rows.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kPairRows = 64;         // of a shard; a fixed cut, so that threads change nothing
constexpr std::size_t kLookedAtUsers = 4096;  // whose vectors tell which dimensions are active

class TwoTowerTrainer {
 public:
  // Without `variation` a plain two-tower.
  TwoTowerTrainer(const SupervisedTask& task, const TwoTowerTrainingConfig& config, const VariationConfig* variation)
      : task_(task),
        config_(config),
        variation_(variation),
        states_(*task.data, *task.catalogue, config.history_length),
        model_(make_model()),
        encoder_(model_->encoder_config, model_->items),
        adam_(adam_of(config)),
        shards_((config.batch + kPairRows - 1) / kPairRows) {
    rows_ = rows_of_days(*task.data, {task.train, task.holdout});
    std::erase_if(rows_, [&](std::uint32_t row) { return !is_wanted(task.data->log, row, config.wanted_above); });
    rows_ = some_of(std::move(rows_), task.most_rows);
    if (rows_.size() < 2)
      throw InputError(fmt::format("{} rows of days {} are watched above {}; pairs to learn from are needed",
                                   rows_.size(), days_text(task.train.from, task.train.until), config.wanted_above));
    count_pairs();
    model_->network.set_shards(shards_.size());
    parts_ = parts_of(model_->network);
    parts_.adam = &adam_;
  }

  TrainedModel run() {
    Json identity = settings();
    identity["model"] = model_->header.policy;
    std::vector<EpochReport> epochs = run_epochs(
        task_, {.epochs = config_.epochs, .patience = config_.patience, .identity = identity.dump()}, parts_,
        [this](int epoch, const Progress& progress) { return train(epoch, progress); }, [this] { return validate(); });
    model_->network.set_shards(1);
    Json details = {{"rows", rows_.size()}};
    if (variation_ != nullptr) tell_variation(details);
    return {std::make_shared<TwoTowerPolicy>(model_), std::move(epochs), std::move(details)};
  }

 private:
  struct Shard {
    RetrievalTowers::Work work;
    LoggedStates::Batch batch;
    Matrix logits, d_user, d_items;
    double loss = 0.0;
  };

  Json settings() const {
    if (variation_ == nullptr) return config_to_json(config_);
    return config_to_json(VariationalTrainingConfig{.towers = config_, .variation = *variation_});
  }

  std::shared_ptr<TwoTowerModel> make_model() const {
    auto model = std::make_shared<TwoTowerModel>();
    model->header = {.model = "two_tower",
                     .policy = variation_ != nullptr ? "variational-two-tower" : "two-tower",
                     .seed = task_.seed,
                     .data_fingerprint = task_.data->fingerprint,
                     .catalogue_until = task_.catalogue->until,
                     .config = settings().dump()};
    model->network_config = config_.network;
    model->encoder_config = config_.encoder;
    model->history_length = config_.history_length;
    const TwoTowerModel* start = task_.start != nullptr ? &start_of(*task_.start) : nullptr;
    model->items =
        start != nullptr ? extend_item_inputs(start->items, *task_.catalogue) : make_item_inputs(*task_.catalogue);
    model->network = RetrievalTowers(config_.network, StateEncoder(config_.encoder, model->items).state_size(),
                                     model->items, split(make_key(task_.seed), Draw::kInit), variation_ != nullptr);
    if (variation_ != nullptr) model->queries = variation_->queries;
    if (start == nullptr) return model;
    RetrievalTowers earlier = start->network;
    TrainedParts to = parts_of(model->network);
    begin_from(to, parts_of(earlier));
    return model;
  }

  static const TwoTowerModel& start_of(const Policy& policy) {
    const auto* towers = dynamic_cast<const TwoTowerPolicy*>(&policy);
    if (towers == nullptr)
      throw InputError(fmt::format("two towers cannot begin with the values of '{}'", policy.name()));
    return towers->model();
  }

  static TrainedParts parts_of(RetrievalTowers& network) {
    TrainedParts parts;
    for (const auto& [name, parameter] : network.parameters()) parts.add(name, parameter);
    for (const auto& [name, table] : network.embeddings()) parts.add(name, table);
    return parts;
  }

  // How many pairs each video and user is part of, and ln Q of each video, its share of them. A video that no pair has
  // never stands in a batch.
  void count_pairs() {
    video_pairs_.assign(task_.catalogue->num_videos(), 0), user_pairs_.assign(task_.catalogue->num_users(), 0);
    for (const std::uint32_t row : rows_)
      ++video_pairs_[index_of(task_.data->log.video[row])], ++user_pairs_[index_of(task_.data->log.user[row])];
    const auto total = static_cast<double>(rows_.size());
    if (config_.log_q)
      for (const std::uint32_t n : video_pairs_)
        log_q_.push_back(static_cast<float>(std::log(std::max(static_cast<double>(n), 0.1) / total)));
  }

  double train(int epoch, const Progress& progress) {
    const RandomKey key = split(split(make_key(task_.seed), Draw::kBatch), static_cast<std::uint64_t>(epoch));
    const std::vector<std::uint32_t> order = shuffled(rows_, key);
    double total = 0.0;
    for (std::size_t first = 0; first < order.size(); first += config_.batch) {
      const std::span<const std::uint32_t> rows(order.data() + first, std::min(config_.batch, order.size() - first));
      if (rows.size() < 2) break;  // nothing to beat
      const double loss = step(rows, split(key, 1 + first));
      require_finite(loss, epoch, adam_.steps() + 1, parts_);
      adam_.step(parts_.dense, parts_.tables);
      total += loss * static_cast<double>(rows.size());
      report(progress, "epoch", first + rows.size(), order.size());
    }
    return total / static_cast<double>(order.size());
  }

  // How much a divergence counts at this step: nothing at first, then linearly more, then all.
  double kl_weight() const {
    const auto steps = static_cast<double>(config_.epochs) *
                       std::ceil(static_cast<double>(rows_.size()) / static_cast<double>(config_.batch));
    const double over = std::max(1.0, variation_->anneal * steps);
    return variation_->kl_weight * std::min(1.0, static_cast<double>(adam_.steps()) / over);
  }

  // What vectors are drawn by, and what each row's divergences count: a user's and a video's once in all of its pairs.
  void vary(std::span<const std::uint32_t> rows, std::size_t first, std::size_t batch, RandomKey key, Shard& shard) {
    const auto n = static_cast<Eigen::Index>(rows.size()), width = static_cast<Eigen::Index>(config_.network.width);
    const double share = kl_weight() / static_cast<double>(batch);
    RetrievalTowers::Output& user = shard.work.user_out;
    RetrievalTowers::Output& item = shard.work.item_out;
    user.noise.resize(n, width), item.noise.resize(n, width);
    user.kl_weight.resize(rows.size()), item.kl_weight.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto stream = static_cast<std::uint32_t>(2 * (first + i));
      fill_normal(RandomStream(key, stream), {user.noise.data() + i * config_.network.width, config_.network.width});
      fill_normal(RandomStream(key, stream + 1),
                  {item.noise.data() + i * config_.network.width, config_.network.width});
      const Log& log = task_.data->log;
      user.kl_weight[i] = static_cast<float>(share / user_pairs_[index_of(log.user[rows[i]])]);
      item.kl_weight[i] = static_cast<float>(share / video_pairs_[index_of(log.video[rows[i]])]);
    }
  }

  // Loss of a batch, a mean over its pairs; leaves its gradients.
  double step(std::span<const std::uint32_t> rows, RandomKey noise) {
    const std::size_t used = (rows.size() + kPairRows - 1) / kPairRows;
    const auto width = static_cast<Eigen::Index>(config_.network.width);
    items_.resize(static_cast<Eigen::Index>(rows.size()), width);
    videos_.resize(rows.size());
    parallel_for(used, task_.threads, [&](std::size_t index, int) {
      Shard& shard = shards_[index];
      const std::size_t first = index * kPairRows, count = std::min(kPairRows, rows.size() - first);
      states_.fill(rows.subspan(first, count), shard.batch);
      shard.work.videos = shard.batch.video;
      if (variation_ != nullptr) vary(rows.subspan(first, count), first, rows.size(), noise, shard);
      model_->network.forward_users(encoder_, model_->items, shard.batch.observation, 0, count, count, shard.work);
      model_->network.forward_items(model_->items, shard.work);
      items_.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = shard.work.item_out.unit;
      std::copy(shard.batch.video.begin(), shard.batch.video.end(),
                videos_.begin() + static_cast<std::ptrdiff_t>(first));
    });
    const InBatchSoftmax<float> softmax{videos_, log_q_, config_.network.temperature};
    parallel_for(used, task_.threads, [&](std::size_t index, int) {
      Shard& shard = shards_[index];
      shard.loss = softmax.backward(index * kPairRows, shard.work.user_out.unit, items_, shard.logits, shard.d_user,
                                    shard.d_items);
      shard.loss += model_->network.kl(shard.work);
    });
    d_items_.setZero(items_.rows(), width);
    double loss = 0.0;
    for (std::size_t index = 0; index < used; ++index) d_items_ += shards_[index].d_items, loss += shards_[index].loss;
    parallel_for(used, task_.threads, [&](std::size_t index, int) {
      Shard& shard = shards_[index];
      const Matrix d_item = d_items_.middleRows(static_cast<Eigen::Index>(index * kPairRows), shard.d_user.rows());
      model_->network.backward(shard.d_user, d_item, shard.work, index);
    });
    for (std::size_t index = 0; index < used; ++index) model_->network.scatter(model_->items, shards_[index].work);
    return loss;
  }

  Validation validate() {
    if (task_.validate.empty()) return {};
    auto model = std::make_shared<TwoTowerModel>(*model_);
    model->queries = {};
    model->item_table = model->network.item_table(model->items, task_.threads);
    const RankingQuestion question{
        .days = task_.validate, .k = config_.recall_at, .wanted_above = config_.wanted_above};
    return {.metric = rank_catalogue(TwoTowerPolicy(model), *task_.data, *task_.catalogue, question, task_.threads)
                          .mean_recall()};
  }

  // What a variational training tells: on how many dimensions means differ (the others learned nothing), and how well
  // a video's deviation falls with its pairs.
  void tell_variation(Json& details) {
    const Matrix videos = model_->network.item_means(model_->items, task_.threads);
    const std::size_t count = std::min(rows_.size(), kLookedAtUsers);
    Matrix users(static_cast<Eigen::Index>(count), videos.cols());
    LoggedStates::Batch batch;
    RetrievalTowers::Work work;
    double deviations = 0.0;
    for (std::size_t first = 0; first < count; first += kPairRows) {
      const std::size_t n = std::min(kPairRows, count - first);
      // Rows lie user by user: some of all of them.
      std::vector<std::uint32_t> rows;
      for (std::size_t i = first; i < first + n; ++i) rows.push_back(rows_[i * (rows_.size() / count)]);
      states_.fill(rows, batch);
      model_->network.forward_users(encoder_, model_->items, batch.observation, 0, n, n, work);
      users.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(n)) = work.user_out.vector;
      deviations += static_cast<double>((0.5F * work.user_out.log_variance.array()).exp().rowwise().mean().sum());
    }
    model_->mean_user_deviation = static_cast<float>(deviations / static_cast<double>(count));
    std::vector<float> deviation, fewer;
    const std::vector<float> of_videos = model_->network.item_deviations(model_->items, task_.threads);
    for (std::size_t v = 0; v < of_videos.size(); ++v)
      if (video_pairs_[v] > 0) deviation.push_back(of_videos[v]), fewer.push_back(-static_cast<float>(video_pairs_[v]));
    details["active_dimensions"] = {{"videos", active_dimensions(videos)}, {"users", active_dimensions(users)}};
    details["mean_user_deviation"] = model_->mean_user_deviation;
    details["deviation_by_pairs"] = spearman(deviation, fewer);
  }

  const SupervisedTask& task_;
  const TwoTowerTrainingConfig& config_;
  const VariationConfig* variation_;
  LoggedStates states_;
  std::shared_ptr<TwoTowerModel> model_;
  StateEncoder encoder_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint32_t> video_pairs_, user_pairs_;  // [videos], [users]
  std::vector<float> log_q_;                             // [videos]; empty: not corrected for
  std::vector<std::int32_t> videos_;
  Matrix items_, d_items_;  // unit vectors of the batch's videos, and their gradient
  TrainedParts parts_;
};

}  // namespace

std::size_t active_dimensions(const Matrix& means) {
  std::size_t active = 0;
  for (Eigen::Index d = 0; d < means.cols(); ++d) {
    const Eigen::ArrayXd column = means.col(d).cast<double>().array();
    active += (column - column.mean()).square().mean() > kActiveVariance;
  }
  return active;
}

TrainedModel train_two_tower(const SupervisedTask& task, const TwoTowerTrainingConfig& config) {
  check(config);
  return TwoTowerTrainer(task, config, nullptr).run();
}

TrainedModel train_variational_two_tower(const SupervisedTask& task, const VariationalTrainingConfig& config) {
  check_ranges(config);
  return TwoTowerTrainer(task, config.towers, &config.variation).run();
}

}  // namespace swipegym
