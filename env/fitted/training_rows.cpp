#include "env/fitted/training_rows.h"

#include <algorithm>
#include <map>

#include "core/parallel_for.h"
#include "core/random.h"
#include "env/catalogue.h"

namespace swipegym {

bool in_fold(const FitWindow& window, std::uint32_t user) noexcept {
  return window.folds <= 1 || split(make_key(0xF01D), user).lo % window.folds == window.fold;
}

HistoryEvent event_of_row(const Dataset& data, std::uint32_t row, const FeatureEncoder& encoder,
                          const ResponseCells& cells, const WatchGrid& grid) noexcept {
  const Log& log = data.log;
  const std::int32_t duration = log.duration_ms[row];
  HistoryEvent event;
  if (duration > 0)
    event = cells.event(log.is_random[row] != 0, log.tab[row], duration, grid.group(duration),
                        grid.bin(log.play_ms[row], duration), log.signals[row]);
  else
    event = cells.event(log.is_random[row] != 0, log.tab[row], 0, 0, 0, log.signals[row]);
  const std::uint32_t video = index_of(log.video[row]);
  event.video = video, event.author = encoder.video_author[video], event.tag = encoder.video_tag[video];
  event.time_ms = log.time_ms[row];
  if (duration > 0) event.watched = std::min(static_cast<float>(log.play_ms[row]) / static_cast<float>(duration), 1.0F);
  return event;
}

HistoryQuery query_of_row(const Dataset& data, std::uint32_t row, const FeatureEncoder& encoder) noexcept {
  const std::uint32_t video = index_of(data.log.video[row]);
  return {.video = video,
          .author = encoder.video_author[video],
          .tag = encoder.video_tag[video],
          .time_ms = data.log.time_ms[row],
          .tab_class = static_cast<std::uint8_t>(tab_class(data.log.tab[row])),
          .duration_class = static_cast<std::uint8_t>(duration_class(data.log.duration_ms[row]))};
}

namespace {

constexpr std::size_t kUsersAtOnce = 256;

// Calls visit(row, history before it) for each of a user's rows up to the window's end, in time order; rows at one
// instant share one past.
template <class Visit>
void replay_user(const Dataset& data, std::size_t user, std::int32_t until, const FeatureEncoder& encoder,
                 const ResponseCells& cells, const WatchGrid& grid, const Visit& visit) {
  UserHistory history;
  std::uint64_t row = data.user_offset[user];
  const std::uint64_t end = data.user_offset[user + 1];
  while (row < end) {
    std::uint64_t same = row;
    for (; same < end && data.log.time_ms[same] == data.log.time_ms[row]; ++same)
      if (data.log.date[same] <= until) visit(static_cast<std::uint32_t>(same), history);
    for (; row < same; ++row)
      if (data.log.date[row] <= until)
        history.add(event_of_row(data, static_cast<std::uint32_t>(row), encoder, cells, grid));
  }
}

float percentile99(std::vector<float>& values) {
  if (values.empty()) return 1.0F;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
  std::nth_element(values.begin(), at, values.end());
  return std::max(*at, 1.0F);
}

}  // namespace

TrainingRows make_training_rows(const Dataset& data, const FitWindow& window, const FeatureEncoder& encoder,
                                const ResponseCells& cells, const WatchGrid& grid, int threads,
                                ItemStatistics& statistics) {
  const Log& log = data.log;
  TrainingRows out;
  std::vector<std::uint64_t> first_of_user(data.users.size() + 1, 0);
  std::map<std::int32_t, std::vector<std::uint32_t>> by_date;  // index into out
  std::int64_t end_ms = 0;
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    first_of_user[user] = out.log_row.size();
    if (!in_fold(window, static_cast<std::uint32_t>(user))) continue;
    for (std::uint64_t row = data.user_offset[user]; row < data.user_offset[user + 1]; ++row) {
      if (log.date[row] > window.until) continue;
      end_ms = std::max(end_ms, log.time_ms[row]);
      if (log.duration_ms[row] <= 0) continue;
      by_date[log.date[row]].push_back(static_cast<std::uint32_t>(out.log_row.size()));
      out.log_row.push_back(static_cast<std::uint32_t>(row));
    }
  }
  first_of_user.back() = out.log_row.size();
  const std::size_t rows = out.size();
  out.dense.resize(rows * TrainingRows::kWidth);
  out.bin.resize(rows);
  out.leaves.resize(rows);

  // Clips first: they are part of the features.
  std::vector<float> counts, day_counts, week_counts, session_counts;
  for (std::size_t user = 0; user < data.users.size(); ++user)
    if (first_of_user[user + 1] > first_of_user[user])
      replay_user(data, user, window.until, encoder, cells, grid, [&](std::uint32_t, const UserHistory& history) {
        counts.push_back(history.count);
        day_counts.push_back(history.day_count);
        week_counts.push_back(history.week_count);
        session_counts.push_back(history.session_count);
      });
  out.clip = {percentile99(counts), percentile99(day_counts), percentile99(week_counts), percentile99(session_counts)};

  for (const auto& [date, indices] : by_date) {
    std::array<float, kItemDense> item{};
    for (const std::uint32_t i : indices) {
      statistics.features(index_of(log.video[out.log_row[i]]), item);
      std::copy(item.begin(), item.end(),
                out.dense.begin() + static_cast<std::ptrdiff_t>(i * TrainingRows::kWidth + kHistoryFeatures));
    }
    for (const std::uint32_t i : indices) {
      const std::uint32_t row = out.log_row[i];
      const HistoryEvent event = event_of_row(data, row, encoder, cells, grid);
      statistics.add(event.video, event, log.is_random[row] != 0);
    }
  }

  const std::size_t blocks = (data.users.size() + kUsersAtOnce - 1) / kUsersAtOnce;
  parallel_for(blocks, threads, [&](std::size_t block, int) {
    std::array<float, kHistoryFeatures> features{};
    const std::size_t last = std::min((block + 1) * kUsersAtOnce, data.users.size());
    for (std::size_t user = block * kUsersAtOnce; user < last; ++user) {
      std::uint64_t i = first_of_user[user];
      if (first_of_user[user + 1] == i) continue;
      replay_user(data, user, window.until, encoder, cells, grid, [&](std::uint32_t row, const UserHistory& history) {
        if (i == first_of_user[user + 1] || out.log_row[i] != row) return;  // duration 0
        history_features(history, query_of_row(data, row, encoder), out.clip, features);
        std::copy(features.begin(), features.end(),
                  out.dense.begin() + static_cast<std::ptrdiff_t>(i * TrainingRows::kWidth));
        out.bin[i] = static_cast<std::uint8_t>(grid.bin(log.play_ms[row], log.duration_ms[row]));
        // Rows without a duration are not simulated: who only goes on to such rows is gone.
        const auto is_row = [&](std::uint64_t at) {
          return at < data.user_offset[user + 1] && log.date[at] <= window.until;
        };
        std::uint64_t next = row + 1;
        while (is_row(next) && log.duration_ms[next] <= 0 && log.time_ms[next] - log.time_ms[next - 1] <= kSessionGapMs)
          ++next;
        const bool has_next = is_row(next);
        const std::int64_t gap = (has_next ? log.time_ms[next] : end_ms) - log.time_ms[next - 1];
        out.leaves[i] = gap > kSessionGapMs ? 1 : has_next ? 0 : TrainingRows::kUnknown;
        ++i;
      });
    }
  });
  return out;
}

}  // namespace swipegym
