#include "evaluation/fidelity/free_running.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "core/error.h"
#include "evaluation/generate/platform_lane.h"
#include "evaluation/metrics/quantile_score.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/shown.h"
#include "sim_data/calendar.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

constexpr std::size_t kFigures = 4;
constexpr std::array<const char*, kFigures> kFigureNames = {"length", "watch_s", "mean_ratio", "clicks"};

// What one session came to; the four figures that are compared.
struct SessionSum {
  std::uint32_t user = 0;
  float length = 0.0F, watch_s = 0.0F, ratio = 0.0F, clicks = 0.0F;

  void add(std::int32_t play_ms, std::int32_t duration_ms, SignalBits signals) noexcept {
    length += 1.0F;
    watch_s += static_cast<float>(play_ms) / 1000.0F;
    ratio += std::min(static_cast<float>(play_ms) / static_cast<float>(duration_ms), kJudgedRatioCap);
    clicks += has(signals, Signal::kClick) ? 1.0F : 0.0F;
  }
  float figure(std::size_t index) const noexcept {
    return index == 0 ? length : index == 1 ? watch_s : index == 2 ? ratio / length : clicks;
  }
};

// A held-out session: rows [first, end) of the log, of which those with a known duration count.
struct HeldOutSession {
  std::uint64_t first = 0, end = 0;
};

struct HeldOutUser {
  std::uint32_t user = 0;
  std::vector<HeldOutSession> sessions;
  std::vector<std::int32_t> days;  // active ones, as day numbers, ascending
};

bool counts(const Log& log, std::uint64_t row) noexcept {
  return log.duration_ms[row] > 0;
}

// Sessions that lie in the window from their first row on; one that began before it is life's, not ours to predict.
std::vector<HeldOutUser> held_out_users(const Dataset& data, std::int32_t from, std::int32_t until) {
  const Log& log = data.log;
  const auto inside = [&](std::uint64_t row) { return log.date[row] >= from && log.date[row] <= until; };
  std::vector<HeldOutUser> users;
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    HeldOutUser mine{.user = static_cast<std::uint32_t>(user), .sessions = {}, .days = {}};
    for (std::uint64_t row = data.user_offset[user], end = 0; row < data.user_offset[user + 1]; row = end) {
      bool usable = false;
      for (end = row; end < data.user_offset[user + 1] && (end == row || continues_session(log, end)); ++end) {
        usable |= inside(end) && counts(log, end);
        if (inside(end)) mine.days.push_back(days_of_date(log.date[end]));
      }
      if (usable && inside(row)) mine.sessions.push_back({row, end});
    }
    std::sort(mine.days.begin(), mine.days.end());
    mine.days.erase(std::unique(mine.days.begin(), mine.days.end()), mine.days.end());
    if (!mine.sessions.empty()) users.push_back(std::move(mine));
  }
  return users;
}

// What the platform shows now, its share of random exposures included: experiments come and go.
FeedRows week_before(const Log& log, std::int32_t from) {
  std::int32_t last = 0;
  for (const std::int32_t date : log.date)
    if (date < from) last = std::max(last, date);
  if (last == 0) return {.until = date_of_days(days_of_date(from) - 1)};  // nothing; the feed says so
  return {.from = date_of_days(days_of_date(last) - 6), .until = last, .random = true};
}

std::vector<SessionSum> sum_real_sessions(const Log& log, const std::vector<HeldOutUser>& users) {
  std::vector<SessionSum> sums;
  for (const HeldOutUser& user : users) {
    for (const HeldOutSession& session : user.sessions) {
      SessionSum& sum = sums.emplace_back(SessionSum{.user = user.user});
      for (std::uint64_t row = session.first; row < session.end; ++row)
        if (counts(log, row)) sum.add(log.play_ms[row], log.duration_ms[row], log.signals[row]);
    }
  }
  return sums;
}

// A held-out user's sessions, begun and shown as in life, answered and left by the simulator.
class HeldOutLane final : public Lane {
 public:
  HeldOutLane(const Dataset& data, const LoggedFeed& feed, const HeldOutUser& user, RandomKey key)
      : data_(data), feed_(feed), user_(user), key_(key) {}

  std::optional<Shown> next(const UserModel& model, std::span<float> state, UserModel::Scratch&) override {
    if (over_ && !open_session(model, state)) return std::nullopt;
    const Log& log = data_.log;
    const HeldOutSession& session = user_.sessions[session_];
    while (row_ < session.end && !counts(log, row_)) ++row_;
    if (row_ < session.end) {
      const std::uint64_t row = row_++;
      time_ms_ = std::max(time_ms_, log.time_ms[row]);
      tab_ = log.tab[row];
      random_ = log.is_random[row] != 0;
      return Shown{UserIndex{user_.user}, log.video[row], time_ms_, log.duration_ms[row], tab_};
    }
    RandomStream random(split(session_key_, Draw::kCandidates), position_);
    const LoggedFeed::Item item = feed_.after(user_.user, tab_, random_, random);
    time_ms_ += item.pause_ms;
    random_ = item.random;
    tab_ = item.tab;
    return Shown{UserIndex{user_.user}, item.video, time_ms_, item.duration_ms, tab_};
  }

  void answered(const Shown& shown, const Response& response) override {
    sums.back().add(response.play_ms, shown.duration_ms, response.signals);
    ++position_;
    over_ = response.leaves || position_ >= kLongestSession;
  }

  ExposureKind exposure() const noexcept override {
    return random_ ? ExposureKind::kInterventional : ExposureKind::kLogged;
  }
  RandomKey key() const noexcept override { return split(session_key_, Draw::kResponse); }
  std::uint32_t stream() const noexcept override { return position_; }

  std::vector<SessionSum> sums;

 private:
  bool open_session(const UserModel& model, std::span<float> state) {
    if (sums.size() == user_.sessions.size()) return false;
    session_ = sums.size();
    row_ = user_.sessions[session_].first;
    // A simulated stay may outlast the real pause; time still moves on.
    time_ms_ = std::max(time_ms_, data_.log.time_ms[row_]);
    if (session_ == 0)
      model.begin(UserIndex{user_.user}, time_ms_, state);
    else
      model.begin_next_session(time_ms_, state);
    session_key_ = split(key_, session_);
    position_ = 0;
    over_ = false;
    sums.push_back({.user = user_.user});
    return true;
  }

  const Dataset& data_;
  const LoggedFeed& feed_;
  const HeldOutUser& user_;
  RandomKey key_, session_key_;
  std::size_t session_ = 0;
  std::uint64_t row_ = 0;
  std::uint32_t position_ = 0;
  std::int64_t time_ms_ = 0;
  std::uint8_t tab_ = 1;
  bool random_ = false, over_ = true;
};

// From the first held-out session on by the simulator's own gaps; remembers the days.
class ReturnLane final : public PlatformLane {
 public:
  ReturnLane(const LoggedFeed& feed, const ChainStart& start, std::int64_t end_ms, RandomKey key)
      : PlatformLane(feed, start, end_ms, key) {}
  std::vector<std::int32_t> days;

 private:
  bool record(const Shown& shown, const Response&, std::uint32_t, std::uint32_t) override {
    const std::int32_t day = days_of_date(date_of_time(shown.time_ms));
    if (days.empty() || days.back() != day) days.push_back(day);
    return true;
  }
};

struct ReturnCount {
  std::uint64_t pairs = 0, returned = 0;
  void add(const std::vector<std::int32_t>& days, std::int32_t first, std::int32_t last) {
    for (const std::int32_t day : days) {
      if (day < first || day >= last) continue;
      ++pairs;
      returned += std::binary_search(days.begin(), days.end(), day + 1);
    }
  }
  double share() const { return pairs == 0 ? 0.0 : static_cast<double>(returned) / static_cast<double>(pairs); }
};

std::vector<float> figures(const std::vector<SessionSum>& sums, std::size_t figure) {
  std::vector<float> values;
  for (const SessionSum& sum : sums) values.push_back(sum.figure(figure));
  return values;
}

double mean_of(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += value;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

// What the distance comes to between people who differ in nothing but chance.
double floor_of(const std::vector<SessionSum>& sums, std::size_t figure, RandomKey key, int halvings) {
  double total = 0.0;
  for (int h = 0; h < halvings; ++h) {
    const RandomKey halving = split(key, static_cast<std::uint64_t>(h));
    std::array<std::vector<float>, 2> half;
    for (const SessionSum& sum : sums)
      half[RandomStream(split(halving, sum.user)).next() & 1U].push_back(sum.figure(figure));
    total += wasserstein1(half[0], half[1]);
  }
  return total / halvings;
}

}  // namespace

FreeRunningReport run_free(const Simulator& simulator, const Dataset& data, const FreeRunningOptions& options) {
  const std::vector<HeldOutUser> users = held_out_users(data, options.from, options.until);
  if (users.empty())
    throw InputError(fmt::format("no session begins on {}; see 'swipegym data stats' for the days the log has",
                                 days_text(options.from, options.until)));
  const LoggedFeed feed(data, week_before(data.log, options.from));
  const RandomKey key = make_key(options.seed);
  const UserModel& model = *simulator.model;

  std::vector<HeldOutLane> lanes;
  for (const HeldOutUser& user : users) lanes.emplace_back(data, feed, user, split(split(key, 1), user.user));
  run_lanes(model, lanes, options.threads, options.progress);
  std::vector<SessionSum> simulated;
  for (const HeldOutLane& lane : lanes) simulated.insert(simulated.end(), lane.sums.begin(), lane.sums.end());
  const std::vector<SessionSum> real = sum_real_sessions(data.log, users);

  FreeRunningReport report{.from = options.from, .until = options.from, .sessions = real.size(), .users = users.size()};
  for (std::size_t f = 0; f < kFigures; ++f) {
    const std::vector<float> life = figures(real, f), ours = figures(simulated, f);
    report.distance.push_back({.name = kFigureNames[f],
                               .real = mean_of(life),
                               .simulated = mean_of(ours),
                               .wasserstein = wasserstein1(life, ours),
                               .floor = floor_of(real, f, split(key, 2), options.halvings)});
  }

  std::int32_t last_day = 0;
  for (const HeldOutUser& user : users) last_day = std::max(last_day, user.days.back());
  report.until = date_of_days(last_day);
  const std::int32_t first_day = days_of_date(options.from);
  const std::int64_t end_ms = (last_day + 1) * kDayMs - kUtcOffsetMs;
  std::vector<ReturnLane> chains;
  ReturnCount life, ours;
  for (const HeldOutUser& user : users) {
    life.add(user.days, first_day, last_day);
    if (user.days.front() >= last_day) continue;
    const std::uint64_t row = user.sessions.front().first;
    chains.emplace_back(feed, ChainStart{user.user, data.log.time_ms[row], data.log.tab[row]}, end_ms,
                        split(split(key, 3), user.user));
  }
  run_lanes(model, chains, options.threads, options.progress);
  for (const ReturnLane& chain : chains) ours.add(chain.days, first_day, last_day);
  report.user_days = life.pairs;
  report.real_return = life.share();
  report.simulated_return = ours.share();
  return report;
}

Json to_json(const FreeRunningReport& report) {
  Json out = {{"sessions", report.sessions}, {"users", report.users}};
  for (const SessionDistance& distance : report.distance)
    out["metrics"][distance.name] = {{"real", distance.real},
                                     {"simulated", distance.simulated},
                                     {"wasserstein", distance.wasserstein},
                                     {"floor", distance.floor},
                                     {"ratio", distance.floor > 0.0 ? Json(distance.ratio()) : Json(nullptr)}};
  out["next_day_return"] = {{"real", report.real_return},
                            {"simulated", report.simulated_return},
                            {"difference", report.simulated_return - report.real_return},
                            {"user_days", report.user_days}};
  out["from"] = report.from;
  out["until"] = report.until;
  return out;
}

std::string to_text(const FreeRunningReport& report) {
  std::string text = fmt::format("free running on the log clock beside {} held-out sessions of {} users, {}\n\n",
                                 report.sessions, report.users, days_text(report.from, report.until));
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<14} {:>10} {:>10} {:>12} {:>10} {:>8}\n", "a session's", "life", "simulated", "Wasserstein",
                 "floor", "ratio");
  for (const SessionDistance& d : report.distance)
    fmt::format_to(out, "{:<14} {:>10.4f} {:>10.4f} {:>12.4f} {:>10.4f} {:>8.2f}\n", d.name, shown(d.real),
                   shown(d.simulated), shown(d.wasserstein), shown(d.floor), shown(d.ratio()));
  fmt::format_to(
      out,
      "(floor: the same distance between two random halves of the held-out users; where it is 0 there is no ratio)\n");
  if (report.user_days > 0)
    fmt::format_to(out, "back the next day: life {:.4f}, simulated {:.4f}, over {} user days\n",
                   shown(report.real_return), shown(report.simulated_return), report.user_days);
  return text;
}

}  // namespace swipegym
