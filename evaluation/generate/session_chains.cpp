#include "evaluation/generate/session_chains.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

std::int64_t midnight_before(std::int64_t time_ms) {
  return (time_ms + kUtcOffsetMs) / kDayMs * kDayMs - kUtcOffsetMs;
}

}  // namespace

ChainPlan::ChainPlan(const Population& population, std::uint64_t seed) : key_(make_key(seed)) {
  if (population.start_user.empty()) throw InputError("the simulator knows no session starts: its log was empty");
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> earliest(population.history_offset.size() - 1, kNone);
  std::int64_t first_ms = population.start_time_ms[0], last_ms = first_ms;
  for (std::size_t i = 0; i < population.start_user.size(); ++i) {
    std::size_t& mine = earliest[population.start_user[i]];
    if (mine == kNone || population.start_time_ms[i] < population.start_time_ms[mine]) mine = i;
    first_ms = std::min(first_ms, population.start_time_ms[i]);
    last_ms = std::max(last_ms, population.start_time_ms[i]);
  }
  begin_ms_ = midnight_before(first_ms);
  period_ms_ = midnight_before(last_ms) + kDayMs - begin_ms_;
  for (std::size_t user = 0; user < earliest.size(); ++user)
    if (const std::size_t i = earliest[user]; i != kNone)
      first_.push_back({static_cast<std::uint32_t>(user), population.start_time_ms[i], population.start_tab[i]});
  // Fisher-Yates, so that a few sessions are a fair sample of the users.
  RandomStream random(split(key_, Draw::kUser));
  for (std::size_t i = first_.size(); i > 1; --i)
    std::swap(first_[i - 1], first_[random.below(static_cast<std::uint32_t>(i))]);
}

ChainStart ChainPlan::start(std::uint64_t chain) const {
  ChainStart start = first_[chain % users()];
  start.time_ms += shift_ms(chain);
  return start;
}

std::int64_t ChainPlan::end_ms(std::uint64_t chain) const {
  return begin_ms_ + shift_ms(chain) + period_ms_;
}

LogRow shown_row(const Shown& shown, std::int32_t play_ms, SignalBits signals) {
  LogRow row;
  row.time_ms = shown.time_ms;
  row.user = index_of(shown.user);
  row.video = index_of(shown.video);
  row.play_ms = play_ms;
  row.duration_ms = shown.duration_ms;
  row.date = date_of_time(shown.time_ms);
  row.hourmin = static_cast<std::uint16_t>(hourmin_of_time(shown.time_ms) / 100 * 100) & 0x7FFFU;
  row.tab = shown.tab;
  row.signals = signals;
  return row;
}

void ChainCollector::take(ChainRows&& chain) {
  chain.close_session();
  ++taken_;
  const std::uint64_t left = config_.sessions - report_.sessions;
  const std::size_t sessions = std::min<std::uint64_t>(left, chain.session_end.size());
  if (sessions == 0) return;
  const std::size_t count = chain.session_end[sessions - 1];
  for (std::size_t i = 0; i < count; ++i) {
    LogRow& row = chain.rows[i];
    if (report_.rows > std::numeric_limits<std::uint32_t>::max())
      throw InputError("a log holds at most 4,294,967,296 rows; ask for fewer sessions");
    row.source_row = static_cast<std::uint32_t>(report_.rows++);
    report_.first_date = report_.first_date == 0 ? row.date : std::min(report_.first_date, row.date);
    report_.last_date = std::max(report_.last_date, row.date);
  }
  report_.sessions += sessions;
  ++report_.users;
  if (config_.candidate_sink && !chain.rows.empty())
    config_.candidate_sink(std::span(chain.candidates).first(chain.candidates.size() / chain.rows.size() * count));
  if (config_.session_sink) config_.session_sink(std::span(chain.session_end).first(sessions));
  sink_(std::span(chain.rows).first(count));
  if (config_.chains > 0)
    swipegym::report(progress_, "simulating users", taken_, config_.chains);
  else
    swipegym::report(progress_, "simulating sessions", report_.sessions, config_.sessions);
}

}  // namespace swipegym
