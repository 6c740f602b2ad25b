#include "evaluation/platform/season.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/remarks.h"
#include "env/candidate_sources.h"
#include "env/session_clock.h"
#include "env/state_room.h"
#include "env/vector_env.h"
#include "evaluation/platform/category_week.h"
#include "evaluation/platform/day_meter.h"
#include "evaluation/platform/newest_history.h"
#include "evaluation/platform/season_file_turn.h"
#include "evaluation/platform/taste_meter.h"
#include "policy/select.h"
#include "policy/stages/staged_policy.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr std::size_t kSeats = 512;  // sessions under way; fixed, see SessionRunner
constexpr std::size_t kHistory = 200;
constexpr std::uint8_t kMainFeed = 1;

constexpr std::int64_t kMostGapMs = 1'000 * 365 * kDayMs;

// Children of a season's key.
enum SeasonKey : std::uint64_t { kWorldKey = 1, kUserKeys, kArrivalKey, kCoinKey, kArmKey, kRefitKey };
// And of a session's key.
enum SessionKey : std::uint64_t { kServedKey = 1, kSharedKey };

VectorEnvConfig engine_of(const SeasonConfig& config, std::size_t on_offer, std::size_t envs, int threads) {
  if (on_offer < 2 * config.slate)
    throw InputError(fmt::format("the simulator has {} videos to offer, expected twice the slate of {} at least",
                                 on_offer, config.slate));
  VectorEnvConfig engine;
  engine.num_envs = envs;
  engine.threads = threads;
  engine.history_length = kHistory;
  engine.max_steps = config.max_steps;
  engine.slate = config.slate;
  engine.autoreset = AutoresetMode::kDisabled;
  engine.draw_gaps = true;
  engine.gap_scale = config.world.gap_scale;
  engine.growing = true;
  // A user is not shown again what was among the last ones, as far as enough is left to choose from.
  engine.exclude_history =
      std::min({kHistory, static_cast<std::size_t>(config.world.least_on_offer) / 2, on_offer / 2});
  return engine;
}

std::uint64_t word_of(RandomKey key) noexcept {
  return std::uint64_t{key.hi} << 32 | key.lo;
}

}  // namespace

void SeasonConfig::check() const {
  check_ranges(*this);
  with_effect(world.creators, world.effect);
  if (burn_in >= days)
    throw InputError(
        fmt::format("burn_in is {}, expected fewer than days, {}: no day would be counted", burn_in, days));
  const std::size_t least = static_cast<std::size_t>(world.least_on_offer) / 2;
  if (least < slate)
    throw InputError(fmt::format("slate is {}, expected at most half of world.least_on_offer, {}", slate, least));
}

MemoryBudget season_memory(const Simulator& base, const SeasonConfig& config, int side_by_side) {
  const auto seasons = static_cast<std::uint64_t>(side_by_side), days = static_cast<std::uint64_t>(config.days);
  const auto creators =
      static_cast<std::uint64_t>(std::ceil(config.world.creators_a_user * static_cast<double>(config.users)));
  const std::uint64_t users =
      VectorEnv::bytes(base, 0, engine_of(config, base.catalogue.num_videos(), config.users, 1)) +
      VectorEnv::bytes(base, 0, engine_of(config, base.catalogue.num_videos(), std::min(kSeats, config.users), 1));
  MemoryBudget budget;
  budget.add(fmt::format("{} users in {} seasons side by side", config.users, seasons), product_of({seasons, users}),
             "users or threads");
  budget.add(fmt::format("{} days of {} creators in {} seasons side by side", days, creators, seasons),
             product_of({seasons, days, creators, CreatorDays::kRowBytes}), "creators_a_user, days or threads");
  return budget;
}

struct Season::Impl {
  Impl(std::shared_ptr<const Simulator> base, const SeasonConfig& config_, SeasonPolicy policy, std::uint64_t seed_,
       int threads_)
      : config(config_),
        make(std::move(policy)),
        seed(seed_),
        threads(threads_),
        key(split(make_key(0x706C6174666F726DULL), seed_)),
        world(*base, config.world, static_cast<std::uint32_t>(config.users), split(key, kWorldKey)),
        users(world.simulator(), source, engine_of(config, world.on_offer().size(), config.users, threads)),
        seats(world.simulator(), source,
              engine_of(config, world.on_offer().size(), std::min(kSeats, config.users), threads)),
        due(config.users),
        visits(config.users, 0),
        week(config.users, world.catalogue()->num_tags),
        meter(world, config),
        tastes(world),
        creators(config.treated_share, split(key, kCoinKey)),
        networks(config.refit, std::move(base), static_cast<std::uint32_t>(config.users), split(key, kRefitKey),
                 threads) {
    begin_users();
  }

  // Everybody's first visit comes at a uniform part of the first gap.
  void begin_users() {
    std::vector<std::uint64_t> seeds(config.users);
    std::vector<SessionStart> starts(config.users);
    const UserModel& model = *world.simulator()->model;
    const auto scratch = model.make_scratch();
    StateRoom room(1, model.state_size());
    const std::int64_t begin = world.day_begins_ms();
    for (std::uint32_t user = 0; user < config.users; ++user) {
      seeds[user] = word_of(split(split(key, kUserKeys), user));
      const RandomKey arrival = split(split(key, kArrivalKey), user);
      const std::span<float> mine = room.of(0);
      model.begin(UserIndex{user}, begin, mine);
      const std::int64_t gap = model.draw_return_gap(UserIndex{user}, begin, mine, split(arrival, 0), *scratch);
      const double part = RandomStream(split(arrival, 1)).uniform_double();
      due[user] = begin + static_cast<std::int64_t>(part * config.world.gap_scale * static_cast<double>(gap));
      starts[user] = {.user = user, .time_ms = due[user], .tab = kMainFeed};
    }
    users.reset_at(seeds, starts);
  }

  void play_day() {
    make_policy_of_today();
    const std::int64_t midnight = world.day_begins_ms() + kDayMs;
    const auto tick = static_cast<std::int64_t>(config.tick_hours * 3'600'000.0);
    for (std::int64_t end = world.day_begins_ms() + tick; end < midnight + tick; end += tick) {
      // Somebody may be back before the tick is over.
      while (play_due(std::min(end, midnight))) continue;
      if (stopped != nullptr && *stopped) throw Interrupted();
      if (answers.empty()) continue;
      world.count(answers);
      answers.clear();
      refresh(served);
      refresh(other_served);
    }
    DayMeasures today = meter.finish_day(world);
    week.measure(today.entropy, today.top_category);
    tastes.finish_day(midnight, today);
    creators.end_day(world);
    if (log != nullptr) log->end_day(world);
    if (mimicry != nullptr) mimicry->end_day(world);
    const PlatformWorld::Night night = world.next_day();
    networks.end_day(world);
    creators.begin_day(world);
    if (mimicry != nullptr) mimicry->begin_day(world);
    meter.begin_day(world, night);
    week.next_day();
    measured.push_back(today);
  }

  void make_policy_of_today() {
    // What is to be said of files is said on the first day; from then on uploads alone make them know less.
    std::optional<RemarkListener> unheard;
    if (!measured.empty()) unheard.emplace(nullptr);
    const PolicySource of_today = [this](const std::filesystem::path& path, const Catalogue& catalogue) {
      return networks.policy(path, catalogue);
    };
    served = make(*world.catalogue(), of_today);
    refresh(served);
    if (make_other) other_served = make_other(*world.catalogue(), of_today);
    refresh(other_served);
    tell_of_creators(served);
    tell_of_creators(other_served);
  }

  // Compositions know what can be known of creators at midnight.
  void tell_of_creators(std::shared_ptr<const Policy>& policy) const {
    if (const auto* staged = dynamic_cast<const StagedPolicy*>(policy.get()))
      policy = staged->with_creators(world.outlook());
  }

  void refresh(std::shared_ptr<const Policy>& policy) const {
    if (policy == nullptr) return;
    if (auto fresh = policy->refreshed({world.catalogue(), world.on_offer()})) policy = std::move(fresh);
  }

  bool is_other(std::uint32_t user) const {
    return make_other && RandomStream(split(split(key, kArmKey), user)).uniform() < 0.5F;
  }

  // Sessions of all who are due before `end`, in the order of users; false where nobody is.
  bool play_due(std::int64_t end) {
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t user = 0; user < config.users; ++user)
      if (due[user] < end) waiting.push_back(user);
    for (std::size_t first = 0; first < waiting.size(); first += kSeats)
      play(std::span(waiting).subspan(first, std::min(kSeats, waiting.size() - first)));
    return !waiting.empty();
  }

  void play(std::span<const std::uint32_t> who) {
    seated.assign(who.begin(), who.end());
    seats.offer(world.on_offer());
    seats.seat(users, who);
    std::vector<std::uint8_t> back(who.size());
    bool any = false;
    for (std::size_t row = 0; row < who.size(); ++row) any |= (back[row] = seats.finished(row) ? 1 : 0) != 0;
    if (any) seats.next_session(back);
    for (std::size_t row = 0; row < who.size(); ++row) {
      meter.begin_session(who[row]);
      tastes.begin_session(who[row], seats.time_ms(row));
      ++visits[who[row]];
    }
    for (std::uint32_t request = 0; !seated.empty(); ++request) {
      const std::size_t rows = seated.size();
      keys.resize(rows), streams.assign(rows, request), actions.resize(rows * config.slate);
      for (std::size_t row = 0; row < rows; ++row) keys[row] = split(session_key(seated[row]), kServedKey);
      const DecisionBatch batch{.observation = seats.observation(),
                                .env = &seats,
                                .keys = keys,
                                .streams = streams,
                                .threads = threads,
                                .slate = config.slate};
      choose(batch);
      draw_share(request);
      meter.ask(seats, config.slate);
      begun.resize(rows);
      for (std::size_t row = 0; row < rows; ++row) begun[row] = seats.time_ms(row);
      record(seats.step(actions));
    }
  }

  void choose(const DecisionBatch& batch) {
    std::vector<std::uint32_t> own, other;
    for (std::uint32_t row = 0; row < batch.observation.rows; ++row)
      (is_other(seated[row]) ? other : own).push_back(row);
    choose_rows(*served, batch, own);
    if (!other.empty()) choose_rows(*other_served, batch, other);
  }

  void choose_rows(const Policy& policy, const DecisionBatch& batch, const std::vector<std::uint32_t>& rows) {
    if (rows.empty()) return;
    slates.resize(rows.size() * config.slate);
    DecisionBatch seen = batch;
    seen.observation = history.of(batch.observation, policy.history_length());
    if (!policy.best_videos(seen, rows, config.slate, slates))
      throw InputError(
          fmt::format("policy '{}' scores every video of a catalogue, which a platform does not do: "
                      "retrieve by it in a composition of stages, or name another policy",
                      policy.name()));
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(slates.begin() + static_cast<std::ptrdiff_t>(i * config.slate), config.slate,
                  actions.begin() + static_cast<std::ptrdiff_t>(rows[i] * config.slate));
  }

  RandomKey session_key(std::uint32_t user) const { return split(split(split(key, kUserKeys), user), visits[user]); }

  // Requests of the randomised share: their slates are drawn anew.
  void draw_share(std::uint32_t request) {
    propensity.assign(seated.size(), 0.0F);
    if (config.random_share == 0.0) return;
    for (std::size_t row = 0; row < seated.size(); ++row) {
      RandomStream random(split(session_key(seated[row]), kSharedKey), request);
      if (random.uniform_double() >= config.random_share) continue;
      pool.clear();
      const VideoRange range = seats.on_offer();
      for (std::uint32_t video = range.begin; video < range.end; ++video)
        if (const std::uint32_t creator = world.creator(video);
            creator != PlatformWorld::kNobody && creators.treated(creator, world.day()) && seats.may_show(row, video))
          pool.push_back(video);
      if (pool.size() < config.slate) continue;
      propensity[row] = 1.0F / static_cast<float>(pool.size());
      for (std::size_t k = 0; k < config.slate; ++k) {
        std::swap(pool[k], pool[k + random.below(static_cast<std::uint32_t>(pool.size() - k))]);
        actions[row * config.slate + k] = static_cast<std::int32_t>(pool[k]);
      }
    }
  }

  LogRow row_of(std::size_t row, std::uint32_t user, std::int64_t time_ms, const StepView& view, std::size_t at) const {
    const auto video = static_cast<std::uint32_t>(view.video[at]);
    LogRow out{.time_ms = time_ms,
               .user = user,
               .video = video,
               .play_ms = static_cast<std::int32_t>(std::lround(1000.0 * static_cast<double>(view.watch_s[at]))),
               .duration_ms = world.catalogue()->duration_ms[video]};
    out.tab = kMainFeed;
    out.signals = view.signals[at];
    out.is_random = propensity[row] > 0.0F ? 1 : 0;
    if (out.is_random != 0) out.propensity = propensity[row];
    return out;
  }

  void record(const StepView& view) {
    kept.clear();
    std::size_t end = seated.size();
    const bool learns = networks.learns();
    for (std::size_t row = 0; row < seated.size(); ++row) {
      const std::uint32_t user = seated[row];
      meter.answered(row, view, config.slate, is_other(user));
      for (std::size_t at = row * config.slate; at < row * config.slate + view.consumed[row]; ++at) {
        const auto video = static_cast<std::uint32_t>(view.video[at]);
        answers.push_back({user, video, view.watch_ratio[at], view.signals[at]});
        week.add(user, world.category(video));
        tastes.answered(user, video, view.watch_ratio[at], begun[row]);
        creators.add(world, answers.back(), propensity[row] > 0.0F);
        if (mimicry != nullptr) mimicry->add(world, answers.back());
        if (log != nullptr) log->add(row_of(row, user, begun[row], view, at));
        if (learns) networks.add(row_of(row, user, begun[row], view, at));
        begun[row] += std::lround(1000.0 * static_cast<double>(view.watch_s[at])) + kPauseMs;
      }
      shown += view.consumed[row];
      if (!view.terminated[row] && !view.truncated[row]) continue;
      meter.end_session(view.gap_h[row]);
      due[user] = seats.time_ms(row) + static_cast<std::int64_t>(static_cast<double>(view.gap_h[row]) * 3'600'000.0);
      users.take_back(seats, row, user);
      seated[row] = kGone;
    }
    // Rows from the end take the places of those who left.
    for (std::size_t row = 0; row < end; ++row) {
      while (end > row && seated[end - 1] == kGone) --end;
      if (row == end) break;
      std::size_t from = row;
      if (seated[row] == kGone) seated[row] = seated[from = --end];
      kept.push_back(static_cast<std::uint32_t>(from));
    }
    const bool some_left = kept.size() < seated.size();
    seated.resize(kept.size());
    if (some_left && !kept.empty()) seats.keep(kept);
  }

  void read(const std::filesystem::path& path, std::string_view identity);

  static constexpr std::uint32_t kGone = 0xFFFFFFFFU;

  SeasonConfig config;
  SeasonPolicy make, make_other;
  std::uint64_t seed;
  int threads;
  RandomKey key;
  std::shared_ptr<const CandidateSource> source = std::make_shared<FullCatalogue>();
  PlatformWorld world;
  VectorEnv users;  // one each: where they are between two sessions
  VectorEnv seats;  // sessions that are played
  std::vector<std::int64_t> due;
  std::vector<std::uint32_t> visits;
  CategoryWeek week;
  DayMeter meter;
  TasteMeter tastes;
  CreatorMeter creators;
  NightlyRefit networks;
  NewestHistory history;
  SeasonLog* log = nullptr;
  const std::atomic<bool>* stopped = nullptr;
  MimicMeter* mimicry = nullptr;
  std::shared_ptr<const Policy> served, other_served;
  std::vector<DayMeasures> measured;
  std::uint64_t shown = 0;
  std::vector<ShownAnswer> answers;  // of the tick
  std::vector<std::uint32_t> seated, streams, kept;
  std::vector<RandomKey> keys;
  std::vector<std::int32_t> actions, slates;
  std::vector<float> propensity;    // of each row's videos; 0: the policy's own
  std::vector<std::int64_t> begun;  // when each row's next video starts
  std::vector<std::uint32_t> pool;
};

std::filesystem::path season_days_folder(std::filesystem::path checkpoint) {
  return checkpoint.replace_extension(".days");
}

Season::Season(std::shared_ptr<const Simulator> base, const SeasonConfig& config, SeasonPolicy policy,
               std::uint64_t seed, int threads) {
  config.check();
  impl_ = std::make_unique<Impl>(std::move(base), config, std::move(policy), seed, threads);
}
Season::~Season() = default;
Season::Season(Season&&) noexcept = default;

int Season::day() const noexcept {
  return static_cast<int>(impl_->measured.size());
}
bool Season::over() const noexcept {
  return day() >= impl_->config.days;
}
void Season::play_day() {
  impl_->play_day();
}
const std::vector<DayMeasures>& Season::days() const noexcept {
  return impl_->measured;
}
const PlatformWorld& Season::world() const noexcept {
  return impl_->world;
}
std::uint64_t Season::videos_shown() const noexcept {
  return impl_->shown;
}

const CreatorDays& Season::creator_days() const noexcept {
  return impl_->creators.days();
}
void Season::set_policy(SeasonPolicy policy) {
  impl_->make = std::move(policy);
}
void Season::split_users(SeasonPolicy other) {
  Impl& impl = *impl_;
  if (day() > 0) throw InputError("a season's users are split before its first day");
  impl.make_other = std::move(other);
  std::size_t others = 0;
  for (std::uint32_t user = 0; user < impl.config.users; ++user) others += impl.is_other(user) ? 1 : 0;
  impl.meter.split_users(others);
}
void Season::stop_by(const std::atomic<bool>& stopped) noexcept {
  impl_->stopped = &stopped;
}
void Season::log_to(SeasonLog* log) noexcept {
  impl_->log = log;
}
void Season::meter_mimicry(MimicMeter* meter) noexcept {
  impl_->mimicry = meter;
}

void Season::save(const std::filesystem::path& path, std::string_view identity) {
  Impl& impl = *impl_;
  const std::lock_guard turn(season_file_turn());
  Hdf5Writer file(path);
  file.attribute("kind", kSeasonKind);
  file.attribute("schema_version", kSeasonVersion);
  file.attribute("config", config_to_json(impl.config).dump());
  file.attribute("seed", static_cast<std::int64_t>(impl.seed));
  file.write_text("identity", identity.empty() ? "none" : identity);
  impl.world.save(file, "world");
  impl.users.save(file, "users");
  file.write("due", impl.due);
  file.write("visits", impl.visits);
  file.write("shown", std::vector<std::uint64_t>{impl.shown});
  impl.week.save(file, "week");
  impl.meter.save(file, "meter");
  impl.tastes.save(file, "tastes");
  impl.creators.save(file, "creators", season_days_folder(path));
  impl.networks.save(file, "refit");
  std::vector<double> figures;
  for (const DayMeasures& day : impl.measured)
    for (const MeasureInfo& info : day_measures()) figures.push_back(day.*info.value);
  file.write_figures("measures", figures);
  file.commit();
}

void Season::Impl::read(const std::filesystem::path& path, std::string_view identity) {
  const std::lock_guard turn(season_file_turn());
  const Hdf5Reader file(path, kSeasonKind, kSeasonVersion);
  const auto refuse = [&](bool holds, const char* what) {
    if (!holds) throw InputError(fmt::format("{}: {}", path.string(), what));
  };
  refuse(file.attribute_text("config") == config_to_json(config).dump() &&
             file.attribute_int("seed") == static_cast<std::int64_t>(seed),
         "is of another season: its settings or its seed differ");
  refuse(file.read_text("identity") == identity, "is of another season: its policy or its data differ");
  world.load(file, "world");
  users.load(file, "users");
  const auto stored_due = file.read<std::int64_t>("due");
  const auto stored_visits = file.read<std::uint32_t>("visits");
  const auto stored_shown = file.read<std::uint64_t>("shown");
  const auto figures = file.read<double>("measures");
  const std::size_t columns = day_measures().size();
  refuse(stored_due.size() == due.size() && stored_visits.size() == due.size() && stored_shown.size() == 1 &&
             figures.size() == columns * static_cast<std::size_t>(world.day()),
         "is damaged: its columns have other lengths");
  for (const std::int64_t at : stored_due)  // nobody who was due is left over at midnight
    refuse(at >= world.day_begins_ms() && at < world.day_begins_ms() + kMostGapMs, "is damaged: a visit at no time");
  due = stored_due, visits = stored_visits, shown = stored_shown[0];
  week.load(file, "week");
  meter.load(file, "meter", world);
  tastes.load(file, "tastes");
  creators.load(file, "creators", season_days_folder(path), static_cast<std::size_t>(world.day()));
  networks.load(file, "refit", world);
  measured.assign(static_cast<std::size_t>(world.day()), {});
  for (std::size_t day = 0; day < measured.size(); ++day)
    for (std::size_t k = 0; k < columns; ++k) measured[day].*day_measures()[k].value = figures[day * columns + k];
}

void Season::load(const std::filesystem::path& path, std::string_view identity) {
  impl_->read(path, identity.empty() ? "none" : identity);
}

}  // namespace swipegym
