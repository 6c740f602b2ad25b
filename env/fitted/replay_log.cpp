#include "env/fitted/replay_log.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel_for.h"

namespace swipegym {

namespace {

constexpr std::size_t kBlockRows = 4096;  // judged rows of one parallel item: whole chunks, whatever the thread count

void require_same_tables(const FittedUserModel& model, const Dataset& data) {
  if (data.users.size() != model.parts().encoder.features.num_users() ||
      data.videos.size() != model.parts().encoder.features.num_videos())
    throw InputError(
        "the data has " + std::to_string(data.users.size()) + " users and " + std::to_string(data.videos.size()) +
        " videos, the simulator was fitted on " + std::to_string(model.parts().encoder.features.num_users()) + " and " +
        std::to_string(model.parts().encoder.features.num_videos()) + "; use the feature tables it was fitted with");
}

// A quantile level for each row's play time: uniform for a row alone, and spread evenly over all rows (one in each of
// rows.size() equal strata, in random order), so that a few hundred draws follow the stated distributions closely.
std::vector<float> stratified_levels(const Log& log, const std::vector<std::uint32_t>& rows, RandomKey root) {
  std::vector<std::pair<RandomKey, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < rows.size(); ++i) order.emplace_back(split(root, log.source_row[rows[i]]), i);
  std::sort(order.begin(), order.end());
  std::vector<float> out(rows.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    RandomStream random(order[rank].first, 1);
    const double level = (static_cast<double>(rank) + random.uniform_double()) / static_cast<double>(order.size());
    out[order[rank].second] = std::min(static_cast<float>(level), 0.9999999F);
  }
  return out;
}

}  // namespace

std::uint64_t replay_log(const FittedUserModel& model, const Dataset& data, const ReplayWindow& window,
                         std::uint64_t seed, int threads, const std::function<void(const RowPrediction&)>& sink,
                         const Progress& progress) {
  require_same_tables(model, data);
  const Log& log = data.log;
  const FittedParts& parts = model.parts();
  const auto judged = [&](std::uint64_t row) {
    return log.date[row] >= window.from && log.date[row] <= window.until && log.duration_ms[row] > 0 &&
           (log.is_random[row] != 0) == window.random;
  };
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < log.size(); ++row)
    if (judged(row)) rows.push_back(row);

  std::vector<RowPrediction> predictions(rows.size());
  const RandomKey root = split(make_key(seed), Draw::kResponse);
  const std::vector<float> watch_level = stratified_levels(log, rows, root);
  const std::size_t blocks = (rows.size() + kBlockRows - 1) / kBlockRows;
  const ExposureKind exposure = window.random ? ExposureKind::kInterventional : ExposureKind::kLogged;
  std::size_t blocks_done = 0;
  const std::size_t blocks_at_once = 16;
  for (; blocks_done < blocks; blocks_done += std::min(blocks_at_once, blocks - blocks_done)) {
    report(progress, "answering logged rows", blocks_done * kBlockRows, rows.size());
    parallel_for(std::min(blocks_at_once, blocks - blocks_done), threads, [&](std::size_t item, int) {
      const std::size_t begin = (blocks_done + item) * kBlockRows, end = std::min(begin + kBlockRows, rows.size());
      const auto scratch = model.make_scratch();
      std::array<UserHistory, kChunk> history;
      std::array<const UserHistory*, kChunk> history_at{};
      std::array<Shown, kChunk> shown{};
      std::array<Prediction, kChunk> prediction{};
      UserHistory running;
      std::uint64_t next = 0;  // the first row of the user not yet in `running`
      for (std::size_t chunk = begin; chunk < end; chunk += kChunk) {
        const std::size_t n = std::min(kChunk, end - chunk);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint32_t row = rows[chunk + i];
          const std::uint32_t user = index_of(log.user[row]);
          if (next <= data.user_offset[user] || next > data.user_offset[user + 1] || (chunk == begin && i == 0)) {
            running = UserHistory{};
            next = data.user_offset[user];
          }
          for (; next < row && log.time_ms[next] < log.time_ms[row]; ++next)
            running.add(parts.encoder.event(log, static_cast<std::uint32_t>(next)));
          history[i] = running;
          history_at[i] = &history[i];
          shown[i] = shown_of_row(log, row);
        }
        model.predict(std::span(shown).first(n), std::span(history_at).first(n), exposure, prediction, *scratch);
        for (std::size_t i = 0; i < n; ++i) {
          RowPrediction& out = predictions[chunk + i];
          out.log_row = rows[chunk + i];
          model.ratio_quantiles(prediction[i], shown[i].duration_ms, out.quantile);
          out.probability = prediction[i].signal;
          out.watch_s = prediction[i].watch_s;
          out.draw =
              model.draw(shown[i], i, split(root, log.source_row[out.log_row]), 0, *scratch, watch_level[chunk + i]);
        }
      }
    });
  }
  std::sort(predictions.begin(), predictions.end(), [&](const RowPrediction& a, const RowPrediction& b) {
    return log.source_row[a.log_row] < log.source_row[b.log_row];
  });
  for (const RowPrediction& prediction : predictions) sink(prediction);
  report(progress, "answering logged rows", rows.size(), rows.size());
  return rows.size();
}

}  // namespace swipegym
