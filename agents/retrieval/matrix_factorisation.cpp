#include "agents/retrieval/matrix_factorisation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/catalogue_ranking.h"
#include "agents/epoch_loop.h"
#include "agents/gradient_steps.h"
#include "agents/supervised_rows.h"
#include "core/config.h"
#include "core/error.h"
#include "nn/fast_math.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

// A pair to learn from.
struct Rating {
  std::int32_t user = 0, video = 0;
  float value = 0.0F;
};

// Tables of [factors, bias] rows, their gradients and the loss they are fitted by.
class Factoriser {
 public:
  Factoriser(const SupervisedTask& task, const MatrixFactorisationConfig& config)
      : task_(task),
        config_(config),
        logistic_(config.target != "watch_ratio"),
        key_(split(make_key(task.seed), Draw::kBatch)),
        adam_(adam_of(config)) {
    const RandomKey init = split(make_key(task.seed), Draw::kInit);
    const double deviation = 0.1 / std::sqrt(static_cast<double>(std::max<std::size_t>(config.factors, 1)));
    user_ = Embedding(task.catalogue->num_users(), config.factors + 1, split(init, 0), deviation);
    video_ = Embedding(task.catalogue->num_videos(), config.factors + 1, split(init, 1), deviation);
    user_.table.value.rightCols(1).setZero(), video_.table.value.rightCols(1).setZero();
    train_rows_ = rows_of_days(*task.data, {task.train, task.holdout});
    if (config.target == "implicit") std::erase_if(train_rows_, [&](std::uint32_t row) { return !wanted(row); });
    if (train_rows_.empty())
      throw InputError(fmt::format("no row to learn from is dated {}: give other days",
                                   days_text(task.train.from, task.train.until)));
    std::vector<std::uint32_t> held = rows_of_days(*task.data, {task.validate});
    if (config.target == "implicit") std::erase_if(held, [&](std::uint32_t row) { return !wanted(row); });
    held_ = ratings(held, split(key_, 0));
    set_mean(ratings(train_rows_, split(key_, 1)));
    parts_.add("user", &user_), parts_.add("video", &video_);
    parts_.adam = &adam_;
  }

  std::uint64_t rows() const noexcept { return train_rows_.size(); }

  std::vector<EpochReport> run() {
    return run_epochs(
        task_, epoch_settings(config_, "mf"), parts_,
        [this](int epoch, const Progress& progress) { return train(epoch, progress); }, [this] { return validate(); });
  }

  std::shared_ptr<const FactorModel> model() const {
    auto model = std::make_shared<FactorModel>();
    model->header = header_of(task_, "factors", "mf", config_, task_.catalogue->until);
    model->head = config_.target == "watch_ratio" ? kWatchRatioHead
                  : config_.target == "binary"    ? kBinaryHead
                                                  : "wanted";
    model->logistic = logistic_;
    model->mean = mean_;
    model->raw_user_id = task_.catalogue->raw_user_id;
    model->raw_video_id = task_.catalogue->raw_video_id;
    const auto k = static_cast<Eigen::Index>(config_.factors);
    model->user = user_.table.value.leftCols(k), model->video = video_.table.value.leftCols(k);
    const auto bias = [&](const Embedding& table) {
      std::vector<float> out(table.count());
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = table.table.value(static_cast<Eigen::Index>(i), k);
      return out;
    };
    model->user_bias = bias(user_), model->video_bias = bias(video_);
    return with_unmet_rows_zeroed(std::move(model));
  }

 private:
  bool wanted(std::uint32_t row) const { return is_wanted(task_.data->log, row, config_.wanted_above); }

  std::vector<Rating> ratings(const std::vector<std::uint32_t>& rows, RandomKey key) const {
    const Log& log = task_.data->log;
    std::vector<Rating> out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = rows[i];
      const auto user = static_cast<std::int32_t>(index_of(log.user[row]));
      const float ratio = static_cast<float>(log.play_ms[row]) / static_cast<float>(log.duration_ms[row]);
      const float value = config_.target == "watch_ratio" ? std::min(ratio, config_.clip)
                          : config_.target == "binary"    ? (ratio > 0.5F ? 1.0F : 0.0F)
                                                          : 1.0F;
      out.push_back({user, static_cast<std::int32_t>(index_of(log.video[row])), value});
      if (config_.target != "implicit") continue;
      RandomStream random(key, static_cast<std::uint32_t>(i));
      for (std::size_t n = 0; n < config_.negatives; ++n)
        out.push_back(
            {user, static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(video_.count()))), 0.0F});
    }
    return out;
  }

  void set_mean(const std::vector<Rating>& all) {
    double sum = 0.0;
    for (const Rating& rating : all) sum += rating.value;
    const double mean = sum / static_cast<double>(all.size());
    const double inside = std::clamp(mean, 1e-4, 1.0 - 1e-4);
    mean_ = static_cast<float>(logistic_ ? std::log(inside / (1.0 - inside)) : mean);
  }

  float predict(const Rating& rating) const {
    const std::size_t k = config_.factors;
    const float* u = user_.table.value.data() + static_cast<std::size_t>(rating.user) * (k + 1);
    const float* v = video_.table.value.data() + static_cast<std::size_t>(rating.video) * (k + 1);
    float sum = mean_ + u[k] + v[k];
    for (std::size_t i = 0; i < k; ++i) sum += u[i] * v[i];
    return sum;
  }
  double loss_of(float predicted, float value) const {
    if (!logistic_) return 0.5 * static_cast<double>(predicted - value) * (predicted - value);
    return softplus(predicted) - static_cast<double>(value) * predicted;
  }

  double train(int epoch, const Progress& progress) {
    const RandomKey key = split(key_, 2 + static_cast<std::uint64_t>(epoch));
    const std::vector<Rating> all = ratings(shuffled(train_rows_, split(key, 0)), split(key, 1));
    const auto width = static_cast<Eigen::Index>(config_.factors + 1);
    std::vector<std::int32_t> users, videos;
    Matrix d_user, d_video;
    double total = 0.0;
    for (std::size_t first = 0; first < all.size(); first += config_.batch) {
      const std::size_t count = std::min(config_.batch, all.size() - first);
      users.resize(count), videos.resize(count);
      d_user.resize(static_cast<Eigen::Index>(count), width), d_video.resize(static_cast<Eigen::Index>(count), width);
      double loss = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        const Rating& rating = all[first + i];
        const auto at = static_cast<Eigen::Index>(i), k = width - 1;
        users[i] = rating.user, videos[i] = rating.video;
        const float predicted = predict(rating);
        loss += loss_of(predicted, rating.value);
        const float d = ((logistic_ ? fast_sigmoid(predicted) : predicted) - rating.value) / static_cast<float>(count);
        d_user.row(at).head(k) = d * video_.table.value.row(rating.video).head(k);
        d_video.row(at).head(k) = d * user_.table.value.row(rating.user).head(k);
        d_user(at, k) = d, d_video(at, k) = d;
      }
      require_finite(loss, epoch, adam_.steps() + 1, parts_);
      total += loss;
      user_.scatter(users, d_user), video_.scatter(videos, d_video);
      adam_.step(parts_.dense, parts_.tables);
      report(progress, "epoch", first + count, all.size());
    }
    return total / static_cast<double>(all.size());
  }

  Validation validate() const {
    if (held_.empty()) return {};
    double sum = 0.0;
    for (const Rating& rating : held_) sum += loss_of(predict(rating), rating.value);
    const double loss = sum / static_cast<double>(held_.size());
    return {loss, -loss};
  }

  // Rows no training row touched still hold what they were drawn as, which says nothing.
  std::shared_ptr<const FactorModel> with_unmet_rows_zeroed(std::shared_ptr<FactorModel> model) const {
    std::vector<bool> met_user(user_.count()), met_video(video_.count());
    for (const std::uint32_t row : train_rows_) {
      met_user[index_of(task_.data->log.user[row])] = true;
      met_video[index_of(task_.data->log.video[row])] = true;
    }
    for (std::size_t u = 0; u < met_user.size(); ++u)
      if (!met_user[u]) model->user.row(static_cast<Eigen::Index>(u)).setZero();
    for (std::size_t v = 0; v < met_video.size(); ++v)
      if (!met_video[v] && config_.target != "implicit") model->video.row(static_cast<Eigen::Index>(v)).setZero();
    return model;
  }

  const SupervisedTask& task_;
  const MatrixFactorisationConfig& config_;
  bool logistic_;
  RandomKey key_;
  Adam adam_;
  Embedding user_, video_;
  float mean_ = 0.0F;
  std::vector<std::uint32_t> train_rows_;
  std::vector<Rating> held_;
  TrainedParts parts_;
};

}  // namespace

void check(const MatrixFactorisationConfig& c) {
  check_ranges(c);
  require_setting(c.target != "implicit" || c.negatives >= 1, "negatives", c.negatives,
                  "at least 1 for the target implicit");
}

TrainedModel train_matrix_factorisation(const SupervisedTask& task, const MatrixFactorisationConfig& config) {
  check(config);
  Factoriser factoriser(task, config);
  std::vector<EpochReport> epochs = factoriser.run();
  return {std::make_shared<FactorPolicy>(factoriser.model(), *task.catalogue),
          std::move(epochs),
          {{"rows", factoriser.rows()}}};
}

}  // namespace swipegym
