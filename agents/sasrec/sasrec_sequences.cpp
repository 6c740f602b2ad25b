#include "agents/sasrec/sasrec_sequences.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "env/catalogue.h"
#include "policy/sasrec/sasrec_inputs.h"

namespace swipegym {
namespace {

// What is known of the videos before the log's first day: what does not come from answers.
Matrix features_of_nobody(const Catalogue& catalogue) {
  Matrix features = as_matrix(catalogue.video_features.data(), catalogue.num_videos(), kVideoFeatures);
  features.col(kVideoExposures).setZero();
  for (const Eigen::Index column : {kVideoMeanRatio, kVideoClickRate, kVideoLikeRate, kVideoTagPopularity})
    features.col(column).setConstant(features.col(column).mean());
  return features;
}

}  // namespace

SasrecLogInputs::SasrecLogInputs(const SupervisedTask& task, const SasrecNetworkConfig& network,
                                 const ItemInputs& items, std::int32_t last)
    : log_(task.data->log), network_(network), items_(items), states_(*task.data, *task.catalogue, network.max_length) {
  const std::set<std::int32_t> dates(log_.date.begin(), log_.date.end());
  for (const std::int32_t date : dates) {
    if (date > last) break;
    features_.emplace(date, date == *dates.begin()
                                ? features_of_nobody(*task.catalogue)
                                : Matrix(as_matrix(build_catalogue(*task.data, date - 1).video_features.data(),
                                                   task.data->videos.size(), kVideoFeatures)));
  }
}

const Matrix& SasrecLogInputs::features_on(std::int32_t date) const {
  return std::prev(features_.upper_bound(date))->second;  // a row between two others may be dated later than both
}

void SasrecLogInputs::append(std::uint64_t begin, std::uint64_t end, PackedHistories& out) const {
  const std::size_t first = out.rows(), count = end - begin;
  out.features.conservativeResize(static_cast<Eigen::Index>(first + count),
                                  static_cast<Eigen::Index>(kSasrecStepFeatures));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t row = begin + i;
    const std::uint32_t video = index_of(log_.video[row]);
    pack_step(network_, items_, video, features_on(log_.date[row]).data() + video * kVideoFeatures, states_.ratio(row),
              log_.signals[row], i, count, out);
  }
  out.offset.push_back(static_cast<std::uint32_t>(out.rows()));
}

SasrecSequences::SasrecSequences(const SupervisedTask& task, const SasrecConfig& config, const ItemInputs& items,
                                 const SasrecUsers& users, std::vector<DayRange> learned)
    : task_(task),
      config_(config),
      items_(items),
      users_(users),
      learned_(std::move(learned)),
      inputs_(task, config.network, items, last_day(learned_)) {
  const Dataset& data = *task.data;
  const Log& log = data.log;
  const std::int32_t last = last_day(learned_);
  const std::size_t length = config.network.max_length;
  const std::size_t stride = config.window_targets > 0 ? config.window_targets : std::max<std::size_t>(length / 2, 1);
  for (std::size_t user = 0; user + 1 < data.user_offset.size(); ++user) {
    const std::uint64_t first = data.user_offset[user];
    std::uint64_t end = data.user_offset[user + 1];
    while (end > first && log.date[end - 1] > last) --end;  // nothing later than what is learned from is an input
    while (end > first) {
      const std::uint64_t begin = end - first > length + 1 ? end - length - 1 : first;
      const std::uint64_t targets = begin == first ? first : end - stride;
      std::uint64_t answers = 0;
      for (std::uint64_t row = targets; row < end; ++row) answers += is_learned(row);
      if (answers > 0) windows_.push_back({begin, targets, end});
      rows_ += answers;
      end = targets;
    }
  }
}

void SasrecSequences::standardise(SasrecNetwork& network) const {
  constexpr std::size_t kEnough = 20'000;
  const std::size_t every = std::max<std::size_t>(1, rows_ / kEnough);
  std::vector<double> sum(kSasrecCandidateFeatures), squares(kSasrecCandidateFeatures);
  double count = 0.0;
  SasrecExamples part;
  for (std::size_t w = 0; w < windows_.size(); w += every) {
    part.clear();
    write_answers(windows_[w], 0, part);
    count += static_cast<double>(part.features.rows());
    for (Eigen::Index i = 0; i < part.features.rows(); ++i)
      for (std::size_t f = 0; f < kSasrecCandidateFeatures; ++f) {
        const double x = part.features(i, static_cast<Eigen::Index>(f));
        sum[f] += x, squares[f] += x * x;
      }
  }
  for (std::size_t f = 0; f < kSasrecCandidateFeatures && count > 0.0; ++f) {
    const double mean = sum[f] / count, variance = squares[f] / count - mean * mean;
    network.feature_shift.value(0, static_cast<Eigen::Index>(f)) = static_cast<float>(mean);
    network.feature_scale.value(0, static_cast<Eigen::Index>(f)) =
        variance > 1e-8 ? static_cast<float>(1.0 / std::sqrt(variance)) : 0.0F;
  }
}

bool SasrecSequences::is_answer(std::size_t row) const noexcept {
  return is_learned(row) && task_.data->log.duration_ms[row] > 0;
}

bool SasrecSequences::is_learned(std::size_t row) const noexcept {
  const Log& log = task_.data->log;
  if (!(log.is_random[row] ? config_.random_rows : config_.standard_rows)) return false;
  return std::any_of(learned_.begin(), learned_.end(),
                     [&](const DayRange& days) { return days.contains(log.date[row]); });
}

void SasrecSequences::write(std::size_t index, RandomKey key, SasrecExamples& out) const {
  const Window& window = windows_[index];
  // The last row is learned from and no input: as when serving, the newest input has the newest position.
  const std::size_t first = out.histories.rows();
  inputs_.append(window.begin, window.end - 1, out.histories);
  if (config_.next_weight > 0.0) write_targets(window, key, out);
  if (config_.ratio_weight > 0.0 || config_.binary_weight > 0.0) write_answers(window, first, out);
}

void SasrecSequences::write_targets(const Window& window, RandomKey key, SasrecExamples& out) const {
  const Log& log = task_.data->log;
  const std::size_t k = config_.softmax ? 0 : config_.negatives;
  const auto items = static_cast<std::uint32_t>(items_.num_ids);
  std::set<std::int32_t> watched;
  if (k > 0) {
    const std::uint64_t user = index_of(log.user[window.begin]);
    for (std::uint64_t row = task_.data->user_offset[user]; row < task_.data->user_offset[user + 1]; ++row)
      if (is_learned(row)) watched.insert(items_.id[index_of(log.video[row])]);
  }
  RandomStream random(key);
  for (std::uint64_t next = window.begin + 1; next < window.end; ++next) {
    const bool has = next >= window.first_target && is_learned(next);
    out.target.push_back(has ? items_.id[index_of(log.video[next])] : -1);
    for (std::size_t n = 0; n < k; ++n) {
      std::int32_t negative = -1;
      for (int attempt = 0; has && attempt < 20; ++attempt) {
        negative = static_cast<std::int32_t>(random.below(items));
        if (!watched.contains(negative)) break;
      }
      out.negatives.push_back(negative);
    }
  }
}

void SasrecSequences::write_answers(const Window& window, std::size_t first_row, SasrecExamples& out) const {
  const Log& log = task_.data->log;
  thread_local std::vector<std::uint32_t> rows;
  thread_local LoggedStates::Batch batch;
  rows.clear();
  for (std::uint64_t row = window.first_target; row < window.end; ++row)
    if (is_answer(row)) rows.push_back(static_cast<std::uint32_t>(row));
  inputs_.states().fill(rows, batch);
  const std::size_t first = out.item.size();
  out.features.conservativeResize(static_cast<Eigen::Index>(first + rows.size()),
                                  static_cast<Eigen::Index>(kSasrecCandidateFeatures));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t row = rows[i];
    const std::uint32_t video = index_of(log.video[row]);
    const CandidateEncoder encoder(items_, inputs_.features_on(log.date[row]), batch.observation, i);
    encoder.write(static_cast<std::int32_t>(video), out.features.data() + (first + i) * kSasrecCandidateFeatures);
    std::uint64_t before = row;  // rows of the same millisecond are not history
    while (before > window.begin && log.time_ms[before - 1] == log.time_ms[row]) --before;
    out.state.push_back(before > window.begin ? static_cast<std::int32_t>(first_row + before - 1 - window.begin) : -1);
    out.item.push_back(items_.id[video]);
    out.author.push_back(items_.author[video]);
    out.tag.push_back(items_.tag[video]);
    users_.write(index_of(log.user[row]), out.user);
    out.binary.push_back(inputs_.states().ratio(row) > config_.threshold ? 1.0F : 0.0F);
    out.ratio.push_back(std::min(inputs_.states().ratio(row), config_.ratio_clip));
  }
}

}  // namespace swipegym
