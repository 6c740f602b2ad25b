#include "agents/retrieval/two_tower_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/logged_states.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kPairRows = 64;    // of a shard; a fixed cut, so that threads change nothing
constexpr float kMaskedLogit = -1.0e9F;  // a video must not beat itself

class TwoTowerTrainer {
 public:
  TwoTowerTrainer(const SupervisedTask& task, const TwoTowerTrainingConfig& config)
      : task_(task),
        config_(config),
        states_(*task.data, *task.catalogue, config.history_length),
        model_(make_model()),
        encoder_(model_->encoder_config, model_->items),
        adam_({.learning_rate = config.learning_rate,
               .weight_decay = config.weight_decay,
               .clip_norm = config.clip_norm}),
        shards_((config.batch + kPairRows - 1) / kPairRows) {
    rows_ = rows_of_days(*task.data, {task.train, task.holdout});
    std::erase_if(rows_, [&](std::uint32_t row) { return !is_wanted(task.data->log, row, config.wanted_above); });
    if (rows_.size() < 2)
      throw InputError(fmt::format("{} rows of days {} are watched above {}; pairs to learn from are needed",
                                   rows_.size(), days_text(task.train.from, task.train.until), config.wanted_above));
    count_videos();
    model_->network.set_shards(shards_.size());
    for (const auto& [name, parameter] : model_->network.parameters())
      parts_.parameters.push_back({name, parameter}), parameters_.push_back(parameter);
    for (const auto& [name, table] : model_->network.embeddings())
      parts_.parameters.push_back({name, &table->table}), embeddings_.push_back(table);
    parts_.adam = &adam_;
  }

  TrainedModel run() {
    Json identity = config_to_json(config_);
    identity["model"] = "two-tower";
    std::vector<EpochReport> epochs = run_epochs(
        task_, {.epochs = config_.epochs, .patience = config_.patience, .identity = identity.dump()}, parts_,
        [this](int epoch) { return train(epoch); }, [this] { return validate(); });
    model_->network.set_shards(1);
    return {std::make_shared<TwoTowerPolicy>(model_), std::move(epochs), {{"rows", rows_.size()}}};
  }

 private:
  struct Shard {
    RetrievalTowers::Work work;
    LoggedStates::Batch batch;
    Matrix logits, d_user, d_items;
    double loss = 0.0;
  };

  std::shared_ptr<TwoTowerModel> make_model() const {
    auto model = std::make_shared<TwoTowerModel>();
    model->header = {.model = "two_tower",
                     .policy = "two-tower",
                     .seed = task_.seed,
                     .data_fingerprint = task_.data->fingerprint,
                     .catalogue_until = task_.catalogue->until,
                     .config = config_to_json(config_).dump()};
    model->network_config = config_.network;
    model->encoder_config = config_.encoder;
    model->history_length = config_.history_length;
    model->items = make_item_inputs(*task_.catalogue);
    model->network = RetrievalTowers(config_.network, StateEncoder(config_.encoder, model->items).state_size(),
                                     model->items, split(make_key(task_.seed), Draw::kInit));
    return model;
  }

  // ln Q of each video: the share of pairs it is part of. A video that no pair has never stands in a batch.
  void count_videos() {
    std::vector<double> count(task_.catalogue->num_videos(), 0.0);
    for (const std::uint32_t row : rows_) count[index_of(task_.data->log.video[row])] += 1.0;
    const auto total = static_cast<double>(rows_.size());
    for (const double n : count) log_q_.push_back(static_cast<float>(std::log(std::max(n, 0.1) / total)));
  }

  double train(int epoch) {
    const RandomKey key = split(split(make_key(task_.seed), Draw::kBatch), static_cast<std::uint64_t>(epoch));
    const std::vector<std::uint32_t> order = shuffled(rows_, key);
    double total = 0.0;
    for (std::size_t first = 0; first < order.size(); first += config_.batch) {
      const std::span<const std::uint32_t> rows(order.data() + first, std::min(config_.batch, order.size() - first));
      if (rows.size() < 2) break;  // nothing to beat
      const double loss = step(rows);
      require_finite(loss, epoch, adam_.steps() + 1, parts_);
      adam_.step(parameters_, embeddings_);
      total += loss * static_cast<double>(rows.size());
    }
    return total / static_cast<double>(order.size());
  }

  // Mean loss of a batch; leaves its gradients.
  double step(std::span<const std::uint32_t> rows) {
    const std::size_t used = (rows.size() + kPairRows - 1) / kPairRows;
    const auto width = static_cast<Eigen::Index>(config_.network.width);
    items_.resize(static_cast<Eigen::Index>(rows.size()), width);
    videos_.resize(rows.size());
    parallel_for(used, task_.threads, [&](std::size_t index, int) {
      Shard& shard = shards_[index];
      const std::size_t first = index * kPairRows, count = std::min(kPairRows, rows.size() - first);
      states_.fill(rows.subspan(first, count), shard.batch);
      shard.work.videos = shard.batch.video;
      model_->network.forward_users(encoder_, model_->items, shard.batch.observation, 0, count, count, shard.work);
      model_->network.forward_items(model_->items, shard.work);
      items_.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = shard.work.item_unit;
      std::copy(shard.batch.video.begin(), shard.batch.video.end(),
                videos_.begin() + static_cast<std::ptrdiff_t>(first));
    });
    parallel_for(used, task_.threads, [&](std::size_t index, int) { softmax(index * kPairRows, shards_[index]); });
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

  // Rows [first, first + n) of the batch's softmax: their loss, d user vectors, and their share of d video vectors.
  void softmax(std::size_t first, Shard& shard) const {
    const float scale = 1.0F / config_.network.temperature, share = 1.0F / static_cast<float>(videos_.size());
    shard.logits.noalias() = scale * (shard.work.user_unit * items_.transpose());
    shard.loss = 0.0;
    for (Eigen::Index i = 0; i < shard.logits.rows(); ++i) {
      const std::size_t own = first + static_cast<std::size_t>(i);
      auto row = shard.logits.row(i);
      for (std::size_t j = 0; j < videos_.size(); ++j) {
        const auto at = static_cast<Eigen::Index>(j);
        if (config_.log_q) row(at) -= log_q_[static_cast<std::size_t>(videos_[j])];
        if (j != own && videos_[j] == videos_[own]) row(at) = kMaskedLogit;
      }
      const float most = row.maxCoeff();
      row = (row.array() - most).exp();
      const float sum = row.sum();
      shard.loss -= static_cast<double>(share) * std::log(row(static_cast<Eigen::Index>(own)) / sum + 1e-30F);
      row *= share / sum;
      row(static_cast<Eigen::Index>(own)) -= share;
    }
    shard.d_user.noalias() = scale * (shard.logits * items_);
    shard.d_items.noalias() = scale * (shard.logits.transpose() * shard.work.user_unit);
  }

  Validation validate() {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    if (task_.validate.empty()) return {kNone, kNone};
    auto model = std::make_shared<TwoTowerModel>(*model_);
    model->item_table = model->network.item_table(model->items, task_.threads);
    const RankingQuestion question{
        .days = task_.validate, .k = config_.recall_at, .wanted_above = config_.wanted_above};
    return {
        kNone,
        rank_catalogue(TwoTowerPolicy(model), *task_.data, *task_.catalogue, question, task_.threads).mean_recall()};
  }

  const SupervisedTask& task_;
  const TwoTowerTrainingConfig& config_;
  LoggedStates states_;
  std::shared_ptr<TwoTowerModel> model_;
  StateEncoder encoder_;
  Adam adam_;
  std::vector<Shard> shards_;
  std::vector<std::uint32_t> rows_;
  std::vector<float> log_q_;  // [videos]
  std::vector<std::int32_t> videos_;
  Matrix items_, d_items_;  // unit vectors of the batch's videos, and their gradient
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
  TrainedParts parts_;
};

}  // namespace

void check(const TwoTowerTrainingConfig& c) {
  check_ranges(c);
}

TrainedModel train_two_tower(const SupervisedTask& task, const TwoTowerTrainingConfig& config) {
  check(config);
  return TwoTowerTrainer(task, config).run();
}

}  // namespace swipegym
