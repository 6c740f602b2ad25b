#include "env/fitted/exposure_rows.h"

#include <algorithm>

#include "env/catalogue.h"

namespace swipegym {

namespace {

constexpr std::size_t kUniformPairs = 12000;
constexpr std::uint8_t kMainTab = 1;

struct Pair {
  Shown shown;
  const UserHistory* history;
};

ExposureRows encode(const FittedParts& parts, const std::vector<Pair>& pairs) {
  const ResponseNetwork& network = parts.network;
  const auto rows = static_cast<Eigen::Index>(pairs.size());
  Matrix dense(rows, kDenseFeatures);
  std::vector<std::int32_t> duration(pairs.size());
  ResponseBuffers buffers;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const auto& [shown, history] = pairs[static_cast<std::size_t>(i)];
    const std::uint32_t user = index_of(shown.user), video = index_of(shown.video);
    const HistoryQuery query{.video = video,
                             .author = parts.encoder.video_author[video],
                             .tag = parts.encoder.video_tag[video],
                             .time_ms = shown.time_ms,
                             .tab_class = static_cast<std::uint8_t>(tab_class(shown.tab)),
                             .duration_class = static_cast<std::uint8_t>(duration_class(shown.duration_ms))};
    float* out = &dense(i, 0);
    history_features(*history, query, parts.clip, {out, kHistoryFeatures});
    out = std::copy_n(parts.encoder.user_dense.data() + user * kUserDense, kUserDense, out + kHistoryFeatures);
    out = std::copy_n(parts.encoder.video_dense.data() + video * kVideoDense, kVideoDense, out);
    std::copy_n(parts.item_dense.data() + video * kItemDense, kItemDense, out);
    duration[static_cast<std::size_t>(i)] = shown.duration_ms;
  }
  network.first.forward(dense, buffers.hidden);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Shown& shown = pairs[static_cast<std::size_t>(i)].shown;
    for (std::size_t c = 0; c < kUserCodes; ++c)
      buffers.hidden.row(i) += network.table.value.row(parts.encoder.user_code[index_of(shown.user) * kUserCodes + c]);
    for (std::size_t c = 0; c < kVideoCodes; ++c)
      buffers.hidden.row(i) +=
          network.table.value.row(parts.encoder.video_code[index_of(shown.video) * kVideoCodes + c]);
    for (const std::uint32_t row : parts.encoder.context_rows(shown.tab, shown.time_ms, shown.duration_ms, true))
      buffers.hidden.row(i) += network.table.value.row(row);
  }
  buffers.watch_top.resize(rows, static_cast<Eigen::Index>(network.shape.watch_top));
  buffers.logits.resize(rows, WatchGrid::kBins);
  buffers.feedback_top.resize(rows, static_cast<Eigen::Index>(network.shape.feedback_top));
  buffers.feedback.resize(rows, kNumSignals);
  forward_heads(network, duration, false, buffers);
  ExposureRows out{buffers.watch_top, buffers.logits, buffers.feedback, {}, {}, {}};
  for (const Pair& pair : pairs) out.shown.push_back(pair.shown);
  return out;
}

std::vector<UserHistory> histories_at_end(const FittedParts& parts) {
  std::vector<UserHistory> out(parts.encoder.num_users());
  for (std::size_t u = 0; u < out.size(); ++u)
    for (std::uint64_t e = parts.event_offset[u]; e < parts.event_offset[u + 1]; ++e) out[u].add(parts.event[e]);
  return out;
}

// Random rows from a date on, each after its own real history.
struct RandomRows {
  std::vector<std::uint32_t> row;
  std::vector<UserHistory> past;
};

RandomRows find_random_rows(const FittedParts& parts, const Dataset& data, const FitWindow& window, std::int32_t from) {
  RandomRows out;
  for (std::uint32_t user = 0; user < data.users.size(); ++user) {
    if (!in_fold(window, user)) continue;
    UserHistory history;
    for (std::uint64_t row = data.user_offset[user]; row < data.user_offset[user + 1]; ++row) {
      if (data.log.date[row] > window.until) continue;
      if (data.log.is_random[row] && data.log.duration_ms[row] > 0 && data.log.date[row] >= from) {
        out.row.push_back(static_cast<std::uint32_t>(row));
        out.past.push_back(history);
      }
      history.add(event_of_row(data, static_cast<std::uint32_t>(row), parts.encoder, parts.cells, parts.grid));
    }
  }
  return out;
}

}  // namespace

ExposureRows uniform_pairs(const FittedParts& parts, const Dataset& data, std::int32_t until, std::uint64_t seed) {
  const std::vector<UserHistory> histories = histories_at_end(parts);
  const Catalogue catalogue = build_catalogue(data, until);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] <= until) rows.push_back(row);
  RandomStream random(split(make_key(seed), 0x5417F7));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kUniformPairs; ++i) {
    const std::uint32_t row = rows[random.below(static_cast<std::uint32_t>(rows.size()))];
    const std::uint32_t video = random.below(static_cast<std::uint32_t>(catalogue.num_videos()));
    const UserIndex user = data.log.user[row];
    const UserHistory& history = histories[index_of(user)];
    pairs.push_back({{.user = user,
                      .video = VideoIndex{video},
                      .time_ms = std::max(data.log.time_ms[row], history.last_time_ms + 3 * 3600 * 1000),
                      .duration_ms = catalogue.duration_ms[video],
                      .tab = kMainTab},
                     &history});
  }
  return encode(parts, pairs);
}

ExposureRows random_rows(const FittedParts& parts, const Dataset& data, const FitWindow& window, std::int32_t from) {
  const RandomRows rows = find_random_rows(parts, data, window, from);
  const Log& log = data.log;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < rows.row.size(); ++i) {
    const std::uint32_t row = rows.row[i];
    pairs.push_back({{.user = log.user[row],
                      .video = log.video[row],
                      .time_ms = log.time_ms[row],
                      .duration_ms = log.duration_ms[row],
                      .tab = log.tab[row]},
                     &rows.past[i]});
  }
  ExposureRows out = encode(parts, pairs);
  for (const std::uint32_t row : rows.row) {
    out.bin.push_back(static_cast<std::uint8_t>(parts.grid.bin(log.play_ms[row], log.duration_ms[row])));
    out.signals.push_back(log.signals[row]);
  }
  return out;
}

}  // namespace swipegym
