#include "env/fitted/training_rows.h"

#include <algorithm>
#include <map>

#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "env/fitted/item_statistics.h"

namespace swipegym {

namespace {

constexpr std::size_t kUsersAtOnce = 256;

HistoryQuery query_of(const HistoryEvent& event) noexcept {
  return {.video = event.video,
          .author = event.author,
          .tag = event.tag,
          .time_ms = event.time_ms,
          .tab_class = event.tab_class,
          .duration_class = event.duration_class};
}

// Calls visit(place in the log, history before it) for each of a user's rows, in time order; rows at one instant share
// one past.
template <class Visit>
void replay_user(const FitLog& log, std::size_t user, const Visit& visit) {
  UserHistory history;
  std::uint64_t at = log.offset[user];
  const std::uint64_t end = log.offset[user + 1];
  while (at < end) {
    std::uint64_t same = at;
    for (; same < end && log.event[same].time_ms == log.event[at].time_ms; ++same) visit(same, history);
    for (; at < same; ++at) history.add(log.event[at]);
  }
}

float percentile99(std::vector<float>& values) {
  if (values.empty()) return 1.0F;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
  std::nth_element(values.begin(), at, values.end());
  return std::max(*at, 1.0F);
}

// The rows of the fold with a known duration, still without what their past says.
struct FoundRows {
  std::vector<std::uint64_t> first_of_user;                    // [users + 1] into the training rows
  std::vector<std::uint64_t> at;                               // [rows] place in the log
  std::map<std::int32_t, std::vector<std::uint32_t>> by_date;  // training rows
  std::int64_t end_ms = 0;                                     // of the fold's last row
};

FoundRows find_training_rows(const FitLog& log) {
  FoundRows out;
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user) {
    out.first_of_user.push_back(out.at.size());
    if (!log.in_fold[user]) continue;
    for (std::uint64_t at = log.offset[user]; at < log.offset[user + 1]; ++at) {
      out.end_ms = std::max(out.end_ms, log.event[at].time_ms);
      if (!log.event[at].known) continue;
      out.by_date[log.data.log.date[log.row[at]]].push_back(static_cast<std::uint32_t>(out.at.size()));
      out.at.push_back(at);
    }
  }
  out.first_of_user.push_back(out.at.size());
  return out;
}

HistoryClip clip_of(const FitLog& log, const FoundRows& found) {
  std::vector<float> counts, day_counts, week_counts, session_counts;
  for (std::size_t user = 0; user + 1 < log.offset.size(); ++user)
    if (found.first_of_user[user + 1] > found.first_of_user[user])
      replay_user(log, user, [&](std::uint64_t, const UserHistory& history) {
        counts.push_back(history.count);
        day_counts.push_back(history.day_count);
        week_counts.push_back(history.week_count);
        session_counts.push_back(history.session_count);
      });
  return {percentile99(counts), percentile99(day_counts), percentile99(week_counts), percentile99(session_counts)};
}

// Day by day, so that a row's item statistics come from strictly earlier days.
void add_item_statistics(const FitLog& log, const FoundRows& found, TrainingRows& out) {
  ItemStatistics statistics(log.encoder.features);
  for (const auto& [date, indices] : found.by_date) {
    std::array<float, kItemDense> item{};
    for (const std::uint32_t i : indices) {
      statistics.features(log.event[found.at[i]].video, item);
      std::copy(item.begin(), item.end(),
                out.dense.begin() + static_cast<std::ptrdiff_t>(i * TrainingRows::kWidth + kHistoryFeatures));
    }
    for (const std::uint32_t i : indices) {
      const HistoryEvent& event = log.event[found.at[i]];
      statistics.add(event.video, event, log.data.log.is_random[out.log_row[i]] != 0);
    }
  }
  out.item_dense = statistics.all_features();
}

// Whether the row was the last of its session. Rows without a duration are not simulated: who only goes on to such rows
// is gone.
std::uint8_t leaves_after(const FitLog& log, std::size_t user, std::uint64_t row, std::int64_t end_ms) {
  const Log& rows = log.data.log;
  const auto is_row = [&](std::uint64_t at) {
    return at < log.data.user_offset[user + 1] && rows.date[at] <= log.window.until;
  };
  std::uint64_t next = row + 1;
  while (is_row(next) && rows.duration_ms[next] <= 0 && rows.time_ms[next] - rows.time_ms[next - 1] <= kSessionGapMs)
    ++next;
  const bool has_next = is_row(next);
  const std::int64_t gap = (has_next ? rows.time_ms[next] : end_ms) - rows.time_ms[next - 1];
  return gap > kSessionGapMs ? 1 : has_next ? 0 : TrainingRows::kUnknown;
}

}  // namespace

TrainingRows make_training_rows(const FitLog& log, int threads) {
  const FoundRows found = find_training_rows(log);
  TrainingRows out;
  for (const std::uint64_t at : found.at) {
    out.log_row.push_back(log.row[at]);
    out.bin.push_back(log.bin[at]);
    out.tab_class.push_back(log.event[at].tab_class);
  }
  out.dense.resize(out.size() * TrainingRows::kWidth);
  out.leaves.resize(out.size());
  add_item_statistics(log, found, out);
  out.clip = clip_of(log, found);  // before the features, which it is part of

  const std::size_t users = log.offset.size() - 1, blocks = (users + kUsersAtOnce - 1) / kUsersAtOnce;
  parallel_for(blocks, threads, [&](std::size_t block, int) {
    std::array<float, kHistoryFeatures> features{};
    const std::size_t last = std::min((block + 1) * kUsersAtOnce, users);
    for (std::size_t user = block * kUsersAtOnce; user < last; ++user) {
      std::uint64_t i = found.first_of_user[user];
      const std::uint64_t end = found.first_of_user[user + 1];
      if (end == i) continue;
      replay_user(log, user, [&](std::uint64_t at, const UserHistory& history) {
        if (i == end || found.at[i] != at) return;  // duration 0
        out.leaves[i] = leaves_after(log, user, out.log_row[i], found.end_ms);
        const HistoryQuery query = query_of(log.event[at]);
        history_features(history, query, out.clip, features);
        std::copy(features.begin(), features.end(),
                  out.dense.begin() + static_cast<std::ptrdiff_t>(i * TrainingRows::kWidth));
        ++i;
      });
    }
  });
  return out;
}

}  // namespace swipegym
