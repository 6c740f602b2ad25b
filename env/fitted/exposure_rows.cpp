#include "env/fitted/exposure_rows.h"

#include <algorithm>
#include <functional>
#include <map>

#include "env/fitted/item_statistics.h"

namespace swipegym {

namespace {

constexpr std::size_t kUniformPairs = 12000;
constexpr std::uint8_t kMainTab = 1;

struct Pair {
  Shown shown;
  const UserHistory* history;
  const float* item;  // kItemDense statistics of the video
};

ExposureRows encode(const FittedParts& parts, const std::vector<Pair>& pairs) {
  const ResponseNetwork& network = parts.network;
  const auto rows = static_cast<Eigen::Index>(pairs.size());
  Matrix dense(rows, kDenseFeatures), numbers(rows, 4);
  std::vector<std::int32_t> duration(pairs.size());
  ResponseBuffers buffers;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const auto& [shown, history, item] = pairs[static_cast<std::size_t>(i)];
    const std::uint32_t user = index_of(shown.user), video = index_of(shown.video);
    float* out = &dense(i, 0);
    history_features(*history, parts.encoder.query(shown), parts.clip, {out, kHistoryFeatures});
    out = std::copy_n(parts.encoder.features.user_dense.data() + user * kUserDense, kUserDense, out + kHistoryFeatures);
    out = std::copy_n(parts.encoder.features.video_dense.data() + video * kVideoDense, kVideoDense, out);
    std::copy_n(item, kItemDense, out);
    const float* length = parts.encoder.features.video_dense.data() + video * kVideoDense + kVideoLength;
    numbers.row(i) << dense(i, 0), item[kItemExposures], item[kItemLevel], *length;
    duration[static_cast<std::size_t>(i)] = shown.duration_ms;
  }
  network.first.forward(dense, buffers.hidden);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Shown& shown = pairs[static_cast<std::size_t>(i)].shown;
    for (std::size_t c = 0; c < kUserCodes; ++c)
      buffers.hidden.row(i) +=
          network.table.value.row(parts.encoder.features.user_code[index_of(shown.user) * kUserCodes + c]);
    for (std::size_t c = 0; c < kVideoCodes; ++c)
      buffers.hidden.row(i) +=
          network.table.value.row(parts.encoder.features.video_code[index_of(shown.video) * kVideoCodes + c]);
    for (const std::uint32_t row :
         parts.encoder.features.context_rows(shown.tab, shown.time_ms, shown.duration_ms, true))
      buffers.hidden.row(i) += network.table.value.row(row);
  }
  buffers.watch_top.resize(rows, static_cast<Eigen::Index>(network.shape.watch_top));
  buffers.logits.resize(rows, WatchGrid::kBins);
  buffers.feedback_top.resize(rows, static_cast<Eigen::Index>(network.shape.feedback_top));
  buffers.feedback.resize(rows, kNumSignals);
  forward_heads(network, duration, buffers);
  ExposureRows out{buffers.watch_top, buffers.logits, buffers.feedback, numbers, {}, {}, {}};
  for (const Pair& pair : pairs) out.shown.push_back(pair.shown);
  return out;
}

std::vector<UserHistory> histories_at_end(const FitLog& log) {
  std::vector<UserHistory> out(log.offset.size() - 1);
  for (std::size_t u = 0; u < out.size(); ++u)
    for (std::uint64_t at = log.offset[u]; at < log.offset[u + 1]; ++at) out[u].add(log.event[at]);
  return out;
}

}  // namespace

ExposureRows uniform_pairs(const FittedParts& parts, const FitLog& log, const Catalogue& catalogue,
                           std::uint64_t seed) {
  const std::vector<UserHistory> histories = histories_at_end(log);
  RandomStream random(split(make_key(seed), 0x5417F7));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kUniformPairs; ++i) {
    const std::uint32_t row = log.row[random.below(static_cast<std::uint32_t>(log.row.size()))];
    const std::uint32_t video = random.below(static_cast<std::uint32_t>(catalogue.num_videos()));
    const UserIndex user = log.data.log.user[row];
    const UserHistory& history = histories[index_of(user)];
    pairs.push_back({{.user = user,
                      .video = VideoIndex{video},
                      .time_ms = std::max(log.data.log.time_ms[row], history.last_time_ms + 3 * 3600 * 1000),
                      .duration_ms = catalogue.duration_ms[video],
                      .tab = kMainTab},
                     &history,
                     parts.item_dense.data() + video * kItemDense});
  }
  return encode(parts, pairs);
}

ExposureRows random_rows(const FittedParts& parts, const FitLog& log, std::int32_t from) {
  const Log& rows = log.data.log;
  const auto is_random = [&](std::uint64_t at) {
    return rows.is_random[log.row[at]] != 0 && log.event[at].known && rows.date[log.row[at]] >= from;
  };
  ItemStatistics statistics = statistics_at_end(log);
  std::vector<std::uint64_t> found;
  std::vector<UserHistory> past;
  std::vector<std::array<float, kItemDense>> items;
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user) {
    const std::uint64_t begin = log.offset[user], end = log.offset[user + 1];
    bool any = false;
    for (std::uint64_t at = begin; at < end && log.in_fold[user] && !any; ++at) any = is_random(at);
    if (!any) continue;
    for (std::uint64_t at = begin; at < end; ++at) statistics.remove(log, at);
    UserHistory history;
    for (std::uint64_t at = begin; at < end; ++at) {
      if (is_random(at)) {
        found.push_back(at);
        past.push_back(history);
        statistics.features(log.event[at].video, items.emplace_back());
      }
      history.add(log.event[at]);
    }
    for (std::uint64_t at = begin; at < end; ++at) statistics.add(log, at);
  }
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < found.size(); ++i)
    pairs.push_back({shown_of_row(rows, log.row[found[i]]), &past[i], items[i].data()});
  ExposureRows out = encode(parts, pairs);
  for (const std::uint64_t at : found) {
    out.bin.push_back(log.bin[at]);
    out.signals.push_back(rows.signals[log.row[at]]);
  }
  return out;
}

std::int32_t day_of_last_random_rows(const FitLog& log, std::size_t count) {
  std::map<std::int32_t, std::size_t, std::greater<>> rows_of_day;
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user)
    for (std::uint64_t at = log.offset[user]; at < log.offset[user + 1] && log.in_fold[user]; ++at)
      if (log.data.log.is_random[log.row[at]]) ++rows_of_day[log.data.log.date[log.row[at]]];
  std::size_t rows = 0;
  for (const auto& [day, of_day] : rows_of_day)
    if ((rows += of_day) >= count) return day;
  return 0;
}

}  // namespace swipegym
