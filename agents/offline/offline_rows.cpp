#include "agents/offline/offline_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/logged_states.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "core/parallel_pieces.h"
#include "env/catalogue.h"
#include "policy/item_inputs.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

// A user's statistics as they stood before each row; the same features that a catalogue makes of whole days.
class KnownBefore {
 public:
  KnownBefore(const Dataset& data, const LoggedStates& states, const DayRange& train)
      : rows_(data.log.size()), ratio_(data.log.size()), clicks_(data.log.size()) {
    const Log& log = data.log;
    double rows = 0.0, ratio = 0.0, clicks = 0.0;
    for (std::size_t row = 0; row < log.size(); ++row) {
      if (log.date[row] > train.until) continue;
      rows += 1.0, ratio += static_cast<double>(states.ratio(row)), clicks += has(log.signals[row], Signal::kClick);
    }
    mean_ratio_ = static_cast<float>(ratio / std::max(rows, 1.0));
    mean_clicks_ = static_cast<float>(clicks / std::max(rows, 1.0));
    for (std::size_t user = 0; user + 1 < data.user_offset.size(); ++user) {
      const std::size_t first = data.user_offset[user], last = data.user_offset[user + 1];
      for (std::size_t row = first + 1; row < last; ++row) {
        rows_[row] = rows_[row - 1] + 1.0F;
        ratio_[row] = ratio_[row - 1] + states.ratio(row - 1);
        clicks_[row] = clicks_[row - 1] + (has(log.signals[row - 1], Signal::kClick) ? 1.0F : 0.0F);
      }
      for (std::size_t row = first + 1; row < last; ++row) {
        if (log.time_ms[row] != log.time_ms[row - 1]) continue;  // rows of one millisecond know the same
        rows_[row] = rows_[row - 1], ratio_[row] = ratio_[row - 1], clicks_[row] = clicks_[row - 1];
      }
    }
  }
  void write(std::size_t row, float* features) const {
    features[kUserRows] = std::log1p(rows_[row]) / 8.0F;
    features[kUserMeanRatio] = (ratio_[row] + kUserShrinkage * mean_ratio_) / (rows_[row] + kUserShrinkage);
    features[kUserClickRate] = (clicks_[row] + kUserShrinkage * mean_clicks_) / (rows_[row] + kUserShrinkage);
  }

 private:
  std::vector<float> rows_, ratio_, clicks_;
  float mean_ratio_ = 0.0F, mean_clicks_ = 0.0F;
};

// The K videos that most rows show; among equals the one with the smaller index.
std::vector<std::uint32_t> most_shown(const Dataset& data, const std::vector<std::uint32_t>& rows, std::size_t count) {
  std::vector<std::uint32_t> shown(data.videos.size(), 0), order;
  for (const std::uint32_t row : rows) ++shown[index_of(data.log.video[row])];
  for (std::uint32_t video = 0; video < shown.size(); ++video)
    if (shown[video] > 0) order.push_back(video);
  if (count > order.size())
    throw InputError(fmt::format("setting 'videos' is {}, expected at most {}: the training days show no more", count,
                                 order.size()));
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return shown[a] > shown[b]; });
  order.resize(count);
  return order;
}

void encode_states(const SupervisedTask& task, const OfflineConfig& config, const std::vector<std::uint32_t>& log_row,
                   Matrix& out) {
  const ItemInputs items = make_item_inputs(*task.catalogue);
  const StateEncoder encoder(config.encoder, items);
  const LoggedStates logged(*task.data, *task.catalogue, config.history_length);
  const KnownBefore known(*task.data, logged, task.train);
  out.resize(static_cast<Eigen::Index>(log_row.size()), static_cast<Eigen::Index>(encoder.state_size()));
  parallel_pieces(log_row.size(), 256, task.threads, [&](std::size_t, std::size_t first, std::size_t count) {
    thread_local LoggedStates::Batch batch;
    thread_local StateEncoder::Histories histories;
    const std::span<const std::uint32_t> rows = std::span(log_row).subspan(first, count);
    logged.fill(rows, batch);
    for (std::size_t i = 0; i < count; ++i) known.write(rows[i], &batch.user_features[i * kUserFeatures]);
    Matrix states(static_cast<Eigen::Index>(count), out.cols());
    encoder.encode(batch.observation, 0, count, states, histories);
    out.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = states;
  });
}

// (x - mean) / deviation of the training rows; an input that hardly varies there is 0. Cut at +-5: the rarest tags.
void standardise(const std::vector<std::uint32_t>& train, Matrix& states) {
  for (Eigen::Index column = 0; column < states.cols(); ++column) {
    double sum = 0.0, squares = 0.0;
    for (const std::uint32_t row : train) {
      const auto value = static_cast<double>(states(row, column));
      sum += value, squares += value * value;
    }
    const double mean = sum / static_cast<double>(train.size());
    const double deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(train.size()) - mean * mean));
    const double scale = deviation > 1e-6 ? 1.0 / deviation : 0.0;
    for (Eigen::Index row = 0; row < states.rows(); ++row)
      states(row, column) =
          static_cast<float>(std::clamp((static_cast<double>(states(row, column)) - mean) * scale, -5.0, 5.0));
  }
}

}  // namespace

OfflineRows make_offline_rows(const SupervisedTask& task, const OfflineConfig& config) {
  check(config);
  const Log& log = task.data->log;
  OfflineRows out;
  out.actions = config.videos;
  out.video = most_shown(*task.data, rows_of_days(*task.data, {task.train}), config.videos);
  std::vector<std::int32_t> action_of(task.data->videos.size(), -1);
  for (std::size_t k = 0; k < out.video.size(); ++k) action_of[out.video[k]] = static_cast<std::int32_t>(k);

  std::vector<std::uint32_t> log_row;
  const auto add = [&](std::uint32_t row, bool follows) {
    if (follows) out.next.back() = static_cast<std::int32_t>(log_row.size());
    log_row.push_back(row);
    out.action.push_back(action_of[index_of(log.video[row])]);
    out.next.push_back(-1);
    out.user.push_back(index_of(log.user[row]));
    constexpr std::array<Signal, kOfflineMain> kSignals = {Signal::kClick, Signal::kLike, Signal::kComment,
                                                           Signal::kHate};
    for (std::size_t i = 0; i < kOfflineMain; ++i)
      out.response[i].push_back(has(log.signals[row], kSignals[i]) ? 1.0F : 0.0F);
    out.response[kOfflineMain].push_back(static_cast<float>(log.play_ms[row]) / 1000.0F);
  };
  const auto take = [&](const DayRange& days, std::vector<std::uint32_t>& part) {
    for (const std::uint32_t row : rows_of_days(*task.data, {days})) {
      if (action_of[index_of(log.video[row])] < 0) continue;
      const auto at = static_cast<std::uint32_t>(log_row.size());
      add(row, !part.empty() && log.user[log_row.back()] == log.user[row]);
      part.push_back(at);
    }
  };
  take(task.train, out.train);
  take(task.validate, out.validate);
  take(task.test, out.test);
  const auto require_rows = [&](const std::vector<std::uint32_t>& rows, const char* part, const DayRange& days) {
    if (rows.size() < 2)
      throw InputError(
          fmt::format("the {} days, {}, have {} rows of the {} most shown videos, expected at least "
                      "2: give more days, or more 'videos'",
                      part, days_text(days.from, days.until), rows.size(), config.videos));
  };
  require_rows(out.train, "training", task.train);
  require_rows(out.validate, "validation", task.validate);
  require_rows(out.test, "test", task.test);
  encode_states(task, config, log_row, out.states);
  standardise(out.train, out.states);
  return out;
}

}  // namespace swipegym
