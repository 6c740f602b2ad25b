#include "agents/multitask/multitask_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/left_out.h"
#include "agents/logged_states.h"
#include "agents/multitask/head_labels.h"
#include "agents/multitask/input_scale.h"
#include "agents/multitask/loss_weights.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "evaluation/metrics/binary_score.h"
#include "nn/fast_math.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kTaskRows = 128;        // of a shard; a fixed cut, so that threads change nothing
constexpr std::size_t kSummedParts = 32;      // of the training rows, summed each on its own
constexpr std::size_t kMeasuredRows = 16384;  // whose inputs' means and spreads are taken
constexpr double kLeastLoss = 0.01;           // of a head whose answers are rare: no more is made of it
constexpr std::size_t kJudgedRows = 50;       // of either kind, below which an AUC says little

// The rows that a share of them is drawn from, one draw a row: a larger share holds a smaller one.
std::vector<std::uint32_t> rows_to_learn(const SupervisedTask& task, float share) {
  std::vector<std::uint32_t> rows = rows_of_days(*task.data, {task.train, task.holdout});
  const RandomKey key = split(split(make_key(task.seed), Draw::kBatch), ~std::uint64_t{0});
  if (share < 1.0F) std::erase_if(rows, [&](std::uint32_t row) { return RandomStream(key, row).uniform() >= share; });
  rows = some_of(std::move(rows), task.most_rows);
  if (rows.size() < 2)
    throw InputError(fmt::format("{} standard rows of a known duration are dated {}; there is nothing to learn from",
                                 rows.size(), days_text(task.train.from, task.train.until)));
  return rows;
}

class MultitaskTrainer {
 public:
  MultitaskTrainer(const SupervisedTask& task, const MultitaskConfig& config)
      : task_(task),
        config_(config),
        rows_(rows_to_learn(task, config.rows)),
        labels_(*task.data, std::max(task.train.until, task.holdout.until)),
        left_out_(task.whole_log ? LeftOut(*task.data, task.catalogue->until, config.left_out)
                                 : LeftOut(*task.data, *task.catalogue, config.left_out)),
        states_(*task.data, *task.catalogue, config.history_length),
        model_(make_model()),
        encoder_(model_->encoder_config, model_->items),
        adam_({.learning_rate = config.learning_rate,
               .weight_decay = config.weight_decay,
               .clip_norm = config.clip_norm}),
        shards_((config.batch + kTaskRows - 1) / kTaskRows),
        weights_(make_weights()) {
    model_->network.set_shards(shards_.size());
    add_parts(parts_, model_->network, "network/");
    parts_.parameters.push_back({"log_variance", &weights_.log_variance()});
    parts_.adam = &adam_;
    parameters_ = model_->network.parameters();
    if (weights_.by_uncertainty()) parameters_.push_back(&weights_.log_variance());
    embeddings_ = model_->network.embeddings();
    validation_ = rows_of_days(*task.data, {task.validate});
    if (config.standardise) measure_inputs();
    if (task.start != nullptr) weigh_heads();
  }

  TrainedModel run() {
    Json identity = config_to_json(config_);
    identity["model"] = "multitask";
    std::vector<EpochReport> epochs = run_epochs(
        task_, {.epochs = config_.epochs, .patience = config_.patience, .identity = identity.dump()}, parts_,
        [this](int epoch, const Progress& progress) { return train(epoch, progress); }, [this] { return validate(); });
    model_->network.set_shards(1);
    sum_last_layers();
    if (config_.standardise) InputScale::Folded(scale_, model_->network).keep();
    calibrate();
    Json variances = Json::object();
    for (std::size_t k = 0; k < model_->heads.size(); ++k)
      variances[std::string(kHeadNames[static_cast<std::size_t>(model_->heads[k])])] =
          weights_.log_variance().value(0, static_cast<Eigen::Index>(k));
    return {std::make_shared<MultitaskPolicy>(model_),
            std::move(epochs),
            {{"rows", rows_.size()}, {"log_variance", variances}}};
  }

 private:
  struct Shard {
    LoggedStates::Batch batch;
    StateEncoder::Histories histories;
    MultitaskNetwork::Work work;
    std::vector<std::array<float, kNumHeads>> label;
    std::vector<double> loss;  // [heads]
  };

  std::shared_ptr<MultitaskModel> make_model() const {
    std::shared_ptr<MultitaskModel> model = task_.start != nullptr ? go_on() : begin();
    model->history_length = config_.history_length;
    model->value = config_.value;
    model->header.seed = task_.seed;
    model->header.data_fingerprint = task_.data->fingerprint;
    model->header.catalogue_until = task_.catalogue->until;
    model->header.config = config_to_json(config_).dump();
    return model;
  }

  // Of the task's start, with rows for the videos and authors of today; nothing is calibrated.
  std::shared_ptr<MultitaskModel> go_on() const {
    const auto* policy = dynamic_cast<const MultitaskPolicy*>(task_.start);
    if (policy == nullptr)
      throw InputError(fmt::format("a multi-task network cannot begin with the values of '{}'", task_.start->name()));
    auto model = std::make_shared<MultitaskModel>(policy->model());
    model->items = extend_item_inputs(policy->model().items, *task_.catalogue);
    if (!model->network_config.creator_id) forget_authors(model->items);
    model->calibration = {};
    model->item_table.resize(0, 0);
    MultitaskNetwork earlier = std::move(model->network);
    model->network =
        MultitaskNetwork(model->network_config, multitask_shape(*model), split(make_key(task_.seed), Draw::kInit));
    TrainedParts from, to;
    add_parts(from, earlier, "network/"), add_parts(to, model->network, "network/");
    begin_from(to, from);
    return model;
  }

  std::shared_ptr<MultitaskModel> begin() const {
    std::vector<float> ratios;
    for (const std::uint32_t row : rows_) ratios.push_back(labels_.of(row)[static_cast<std::size_t>(Head::kWatch)]);
    return make_multitask_model(*task_.catalogue, config_.network, config_.encoder, heads_of(config_.heads),
                                make_watch_bins(std::move(ratios), config_.network.watch_bins, config_.clip),
                                task_.seed);
  }

  LossWeights make_weights() const {
    std::vector<double> weight;
    for (const Head head : model_->heads) weight.push_back(config_.heads.weight[static_cast<std::size_t>(head)]);
    return {std::move(weight), config_.weighting == "uncertainty"};
  }

  double train(int epoch, const Progress& progress) {
    const RandomKey key = split(split(make_key(task_.seed), Draw::kBatch), static_cast<std::uint64_t>(epoch));
    const std::vector<std::uint32_t> order = shuffled(rows_, key);
    const std::size_t batch = std::min(config_.batch, order.size()), batches = order.size() / batch;
    double total = 0.0;
    for (std::size_t b = 0; b < batches; ++b) {  // what is left over waits an epoch
      const double done = (epoch - 1 + static_cast<double>(b) / static_cast<double>(batches)) / config_.epochs;
      adam_.set_learning_rate(config_.learning_rate + done * (config_.final_learning_rate - config_.learning_rate));
      const double loss = step({order.data() + b * batch, batch}, split(key, b));
      require_finite(loss, epoch, adam_.steps() + 1, parts_);
      adam_.step(parameters_, embeddings_);
      total += loss;
      report(progress, "epoch", b + 1, batches);
    }
    return total / static_cast<double>(batches);
  }

  // The loss of a batch; leaves its gradients.
  double step(std::span<const std::uint32_t> rows, RandomKey key) {
    const std::size_t used = (rows.size() + kTaskRows - 1) / kTaskRows;
    parallel_for(used, task_.threads, [&](std::size_t index, int) {
      const std::size_t first = index * kTaskRows;
      run_shard(rows.subspan(first, std::min(kTaskRows, rows.size() - first)), first, rows.size(), key, index);
    });
    std::vector<double> loss(model_->heads.size(), 0.0);
    for (std::size_t k = 0; k < loss.size(); ++k)
      for (std::size_t index = 0; index < used; ++index) loss[k] += shards_[index].loss[k];
    const double total = weights_.total(loss);
    for (std::size_t index = 0; index < used; ++index) model_->network.scatter(shards_[index].work);
    return total;
  }

  // Videos' numbers, states and cross features of rows with their own videos, as they are.
  void read_inputs(std::span<const std::uint32_t> rows, Shard& shard) const {
    MultitaskNetwork::Work& work = shard.work;
    const std::size_t count = rows.size();
    states_.fill(rows, shard.batch);
    gather_videos(model_->items, shard.batch.video, work);
    for (std::size_t i = 0; i < count; ++i) {
      float* numbers = work.numbers.row(static_cast<Eigen::Index>(i)).data();
      left_out_.apply(rows[i], &shard.batch.user_features[i * kUserFeatures], numbers, numbers + kVideoFeatures);
    }
    work.states.resize(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(encoder_.state_size()));
    encoder_.encode(shard.batch.observation, 0, count, work.states, shard.histories);
    work.cross.resize(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(StateEncoder::kCross));
    work.state_of.resize(count), work.video_of.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      encoder_.cross(work.states, shard.histories, i, shard.batch.video[i],
                     work.cross.data() + i * StateEncoder::kCross);
      work.state_of[i] = work.video_of[i] = static_cast<std::uint32_t>(i);
    }
  }

  void measure_inputs() {
    Shard shard;
    read_inputs(some_of(rows_, kMeasuredRows), shard);
    const bool goes_on = task_.start != nullptr;
    scale_.measure(shard.work.states, shard.work.numbers, shard.work.cross, goes_on);
    if (goes_on) scale_.unfold(model_->network);
  }

  // A network that goes on learning begins with the log variances that are best for it: e^-s L + s is least at ln L.
  void weigh_heads() {
    Shard shard;
    forward(some_of(rows_, kMeasuredRows), {}, shard);
    shard.work.d_output.resize(model_->heads.size());
    for (std::size_t k = 0; k < model_->heads.size(); ++k) {
      const double loss = head_loss(k, shard, 0.0F) / static_cast<double>(shard.label.size());
      weights_.settle(k, std::max(loss, kLeastLoss));
    }
  }

  // The outputs of a network that learns, for rows with their own videos, and their labels.
  void forward(std::span<const std::uint32_t> rows, const MultitaskNetwork::Noise& noise, Shard& shard) const {
    MultitaskNetwork::Work& work = shard.work;
    read_inputs(rows, shard);
    shard.label.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) shard.label[i] = labels_.of(rows[i]);
    if (config_.standardise) scale_.apply(work.states, work.numbers, work.cross);
    model_->network.forward_states(work);
    model_->network.forward_items(work);
    model_->network.forward_pairs(work.item.output(), noise, work);
  }

  void run_shard(std::span<const std::uint32_t> rows, std::size_t first, std::size_t batch, RandomKey key,
                 std::size_t index) {
    Shard& shard = shards_[index];
    MultitaskNetwork::Work& work = shard.work;
    forward(rows,
            {.dropout = config_.dropout, .expert_dropout = config_.expert_dropout, .key = key, .first_row = first},
            shard);
    shard.loss.assign(model_->heads.size(), 0.0);
    work.d_output.resize(model_->heads.size());
    for (std::size_t k = 0; k < model_->heads.size(); ++k)
      shard.loss[k] = head_loss(k, shard, static_cast<float>(weights_.factor(k)) / static_cast<float>(batch)) /
                      static_cast<double>(batch);
    model_->network.backward(work, index);
  }

  // The sum of a head's losses; fills the gradient of `scale` times it. A row whose label is unknown adds nothing.
  double head_loss(std::size_t k, Shard& shard, float scale) const {
    const Head head = model_->heads[k];
    const Matrix& logits = shard.work.output(k);
    Matrix& gradient = shard.work.d_output[k];
    gradient.setZero(logits.rows(), logits.cols());
    double sum = 0.0;
    for (Eigen::Index i = 0; i < logits.rows(); ++i) {
      const float label = shard.label[static_cast<std::size_t>(i)][static_cast<std::size_t>(head)];
      if (std::isnan(label)) continue;
      if (head == Head::kWatch) {
        const auto bin = static_cast<Eigen::Index>(model_->watch_bins.bin(label));
        const float most = logits.row(i).maxCoeff();
        float all = 0.0F;
        for (Eigen::Index b = 0; b < logits.cols(); ++b) all += gradient(i, b) = fast_exp(logits(i, b) - most);
        sum += std::log(static_cast<double>(all)) + most - logits(i, bin);
        gradient.row(i) *= scale / all;
        gradient(i, bin) -= scale;
      } else {
        sum += softplus(logits(i, 0)) - label * logits(i, 0);
        gradient(i, 0) = scale * (fast_sigmoid(logits(i, 0)) - label);
      }
    }
    return sum;
  }

  // Of the validation rows whose label is known.
  struct Judged {
    std::vector<float> said;
    std::vector<float> label;
    std::vector<std::uint8_t> is;
    std::size_t positives = 0;
  };
  Judged judged(const Matrix& outputs, HeadOutput output, const HeadLabels& labels) const {
    Judged out;
    for (std::size_t i = 0; i < validation_.size(); ++i) {
      const float label = labels.of(validation_[i], output);
      if (std::isnan(label)) continue;
      out.said.push_back(outputs(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(output)));
      out.label.push_back(label);
      out.is.push_back(label > kWatchedAbove);
      out.positives += label > kWatchedAbove;
    }
    return out;
  }

  Validation validate() {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    if (validation_.empty()) return {kNone, kNone};
    const HeadLabels labels(*task_.data, task_.validate.until);
    const Matrix outputs = predict_validation();
    double loss = 0.0, area = 0.0;
    int losses = 0, areas = 0;
    for (std::size_t i = 1; i < kHeadOutputs; ++i) {
      const auto output = static_cast<HeadOutput>(i);
      if (!model_->has(output)) continue;
      const Judged rows = judged(outputs, output, labels);
      if (rows.said.empty()) continue;
      loss += log_loss(rows.said, rows.is), ++losses;
      if (rows.positives < kJudgedRows || rows.said.size() - rows.positives < kJudgedRows) continue;
      area += auc(rows.said, rows.is), ++areas;
    }
    // Where no head has rows enough to rank, the loss decides.
    return {losses > 0 ? loss / losses : kNone, areas > 0 ? area / areas : losses > 0 ? -loss / losses : kNone};
  }

  Matrix predict() const {
    return head_rows(MultitaskPolicy(model_), *task_.data, *task_.catalogue, validation_, task_.threads);
  }

  Matrix predict_validation() {
    if (!config_.standardise) return predict();
    const InputScale::Folded folded(scale_, model_->network);
    return predict();
  }

  void calibrate() {
    if (validation_.empty()) return;
    const HeadLabels labels(*task_.data, task_.validate.until);
    const Matrix outputs = predict();
    for (std::size_t i = 0; i < kHeadOutputs; ++i) {
      const auto output = static_cast<HeadOutput>(i);
      if (!model_->has(output)) continue;
      const Judged rows = judged(outputs, output, labels);
      if (rows.said.empty()) continue;
      std::array<float, 2> line{0.0F, 1.0F};
      if (output == HeadOutput::kWatch)
        line = fit_ratio(rows);
      else
        line = fit_platt(rows.said, rows.is);
      model_->calibration.offset[i] = line[0], model_->calibration.slope[i] = line[1];
    }
  }

  // What posteriors over the heads' last layers are made of. Here, as no one else has the rows that the network was
  // taught by; always, as a file grows by some 20 kB and a training by less than half an epoch.
  void sum_last_layers() {
    const std::size_t width = model_->network.feature_size() + 1;
    std::vector<LastLayerSums> none(kHeadOutputs);
    for (std::size_t i = 0; i < kHeadOutputs; ++i)
      if (model_->has(static_cast<HeadOutput>(i))) none[i] = LastLayerSums(width);
    model_->sums = none;
    std::vector<std::vector<LastLayerSums>> parts(kSummedParts, none);  // fixed, so that threads change no bit
    parallel_for(parts.size(), task_.threads, [&](std::size_t part, int) {
      Shard shard;
      const std::size_t begin = part * rows_.size() / parts.size(), end = (part + 1) * rows_.size() / parts.size();
      for (std::size_t first = begin; first < end; first += kTaskRows) {
        const auto rows = std::span(rows_).subspan(first, std::min(kTaskRows, end - first));
        forward(rows, {}, shard);
        add_rows(shard, parts[part]);
      }
    });
    for (const auto& part : parts)
      for (std::size_t i = 0; i < kHeadOutputs; ++i)
        if (none[i].features > 0) model_->sums[i].add(part[i]);
  }

  // Those of a shard whose label is known.
  void add_rows(const Shard& shard, std::vector<LastLayerSums>& sums) const {
    std::vector<double> x(model_->network.feature_size() + 1, 1.0);
    for (std::size_t i = 0; i < kHeadOutputs; ++i) {
      if (sums[i].features == 0) continue;
      const auto output = static_cast<HeadOutput>(i);
      const Head head = head_of(output);
      const Matrix& layer = model_->network.features(model_->place(head), shard.work);
      for (std::size_t row = 0; row < shard.label.size(); ++row) {
        const float label = shard.label[row][static_cast<std::size_t>(head)];
        if (std::isnan(label)) continue;
        for (Eigen::Index j = 0; j < layer.cols(); ++j)
          x[static_cast<std::size_t>(j)] = static_cast<double>(layer(static_cast<Eigen::Index>(row), j));
        const float target = output == HeadOutput::kWatch     ? std::min(label, config_.clip)
                             : output == HeadOutput::kWatched ? static_cast<float>(label > kWatchedAbove)
                                                              : label;
        sums[i].add(x.data(), static_cast<double>(target));
      }
    }
  }

  // Least squares of the clipped ratio.
  std::array<float, 2> fit_ratio(const Judged& rows) const {
    double mean_x = 0.0, mean_y = 0.0, cross = 0.0, square = 0.0;
    const auto n = static_cast<double>(rows.said.size());
    const auto ratio = [&](std::size_t i) { return std::min(rows.label[i], config_.clip); };
    for (std::size_t i = 0; i < rows.said.size(); ++i) mean_x += rows.said[i] / n, mean_y += ratio(i) / n;
    for (std::size_t i = 0; i < rows.said.size(); ++i) {
      cross += (rows.said[i] - mean_x) * (ratio(i) - mean_y);
      square += (rows.said[i] - mean_x) * (rows.said[i] - mean_x);
    }
    if (square <= 0.0 || cross <= 0.0) return {0.0F, 1.0F};
    const double slope = cross / square;
    return {static_cast<float>(mean_y - slope * mean_x), static_cast<float>(slope)};
  }

  const SupervisedTask& task_;
  const MultitaskConfig& config_;
  std::vector<std::uint32_t> rows_, validation_;
  HeadLabels labels_;
  LeftOut left_out_;
  LoggedStates states_;
  std::shared_ptr<MultitaskModel> model_;
  StateEncoder encoder_;
  InputScale scale_;
  Adam adam_;
  std::vector<Shard> shards_;
  LossWeights weights_;
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
  TrainedParts parts_;
};

}  // namespace

void check(const MultitaskConfig& c) {
  check_ranges(c);
  require_setting(c.heads.any(), "heads", c.heads, "a weight above 0 of one head at least");
  check_value(c.value, heads_of(c.heads));
}

TrainedModel train_multitask(const SupervisedTask& task, const MultitaskConfig& config) {
  check(config);
  return MultitaskTrainer(task, config).run();
}

}  // namespace swipegym
