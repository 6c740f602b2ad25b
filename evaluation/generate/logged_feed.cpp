#include "evaluation/generate/logged_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "env/catalogue.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kFewest = 50;

bool is_usable(const Log& log, std::size_t row, const FeedRows& rows) noexcept {
  return log.date[row] >= rows.from && log.date[row] <= rows.until && (rows.random || log.is_random[row] == 0) &&
         log.duration_ms[row] > 0;
}

}  // namespace

bool continues_session(const Log& log, std::size_t row) noexcept {
  return row > 0 && log.user[row] == log.user[row - 1] && log.time_ms[row] - log.time_ms[row - 1] <= kSessionGapMs;
}

void LoggedFeed::Pools::add(std::uint8_t tab, std::size_t activity, std::uint32_t row) {
  by_class[tab * kActivityClasses + activity].push_back(row);
  by_tab[tab].push_back(row);
  all.push_back(row);
}

const std::vector<std::uint32_t>& LoggedFeed::Pools::of(std::uint8_t tab, std::size_t activity) const noexcept {
  const std::vector<std::uint32_t>& narrow = by_class[tab * kActivityClasses + activity];
  if (narrow.size() >= kFewest) return narrow;
  return by_tab[tab].size() >= kFewest ? by_tab[tab] : all;
}

LoggedFeed::LoggedFeed(const Dataset& data, const FeedRows& rows) : data_(data), activity_(data.users.size()) {
  const Log& log = data.log;
  std::vector<std::uint32_t> count(data.users.size());
  for (std::size_t row = 0; row < log.size(); ++row) count[index_of(log.user[row])] += is_usable(log, row, rows);
  std::vector<std::uint32_t> active;
  for (const std::uint32_t mine : count)
    if (mine > 0) active.push_back(mine);
  if (active.empty())
    throw InputError(fmt::format("no {}row with a duration is dated {}: there is nothing to show",
                                 rows.random ? "" : "standard ", days_text(rows.from, rows.until)));
  std::sort(active.begin(), active.end());
  std::array<std::uint32_t, kActivityClasses - 1> cut{};  // quartiles of rows a user
  for (std::size_t c = 0; c < cut.size(); ++c) cut[c] = active[active.size() * (c + 1) / kActivityClasses];
  for (std::size_t user = 0; user < count.size(); ++user)
    activity_[user] = static_cast<std::uint8_t>(std::upper_bound(cut.begin(), cut.end(), count[user]) - cut.begin());

  for (std::size_t row = 0; row < log.size(); ++row) {
    if (!is_usable(log, row, rows)) continue;
    const std::size_t activity = activity_[index_of(log.user[row])];
    const auto index = static_cast<std::uint32_t>(row);
    if (continues_session(log, row))
      transitions_[log.is_random[row - 1] != 0].add(log.tab[row - 1], activity, index);
    else
      firsts_.add(log.tab[row], activity, index);
  }
}

LoggedFeed::Item LoggedFeed::item_of(std::uint32_t row, std::int64_t pause_ms) const noexcept {
  const Log& log = data_.log;
  return {log.video[row], log.duration_ms[row], log.tab[row], pause_ms, log.is_random[row] != 0};
}

LoggedFeed::Item LoggedFeed::first(std::uint32_t user, std::uint8_t tab, RandomStream& random) const {
  const std::vector<std::uint32_t>& pool = firsts_.of(tab, activity_[user]);
  return item_of(pool[random.below(static_cast<std::uint32_t>(pool.size()))], 0);
}

LoggedFeed::Item LoggedFeed::after(std::uint32_t user, std::uint8_t tab, bool after_random,
                                   RandomStream& random) const {
  const std::vector<std::uint32_t>& pool = transitions_[after_random].of(tab, activity_[user]);
  if (pool.empty()) {  // a log in which no session has two rows
    Item item = first(user, tab, random);
    item.pause_ms = 60'000;
    return item;
  }
  const std::uint32_t row = pool[random.below(static_cast<std::uint32_t>(pool.size()))];
  return item_of(row, data_.log.time_ms[row] - data_.log.time_ms[row - 1]);
}

}  // namespace swipegym
