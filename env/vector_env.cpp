#include "env/vector_env.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <utility>

#include "core/config.h"
#include "core/error.h"
#include "core/memory_budget.h"
#include "core/parallel_for.h"
#include "env/expected_reward.h"
#include "env/session_rows.h"

namespace swipegym {

// No file holds it: ranges are all this serves.
template <class Visitor>
void visit_fields(Visitor& visit, VectorEnvConfig& config) {
  visit("num_envs", config.num_envs, ranges::kEnvs);
  visit("threads", config.threads, between(0, 1'024));
  visit("history_length", config.history_length, ranges::kHistory);
  visit("max_steps", config.max_steps, ranges::kMaxSteps);
  visit("slate", config.slate, between(1, 1'000));
  visit("reward", config.reward, ranges::kAnyWeight);
  visit("costs", config.costs, ranges::kAnyWeight, lengths(0, 1'000));
  visit("pessimism", config.pessimism, kPessimism);
  visit("gap_scale", config.gap_scale, above(0, 1'000));
  visit("exclude_history", config.exclude_history, between(0, 1'000'000));
}

namespace {

void require(bool holds, const std::string& message) {
  if (!holds) throw InputError(message);
}

void check_simulator(const Simulator& simulator) {
  const Catalogue& catalogue = simulator.catalogue;
  const Population& population = simulator.population;
  require(simulator.model != nullptr, "the simulator has no user model");
  require(catalogue.num_videos() > 0 && catalogue.duration_ms.size() == catalogue.num_videos() &&
              catalogue.video_features.size() == catalogue.num_videos() * kVideoFeatures,
          "the simulator's catalogue has no videos, or a column of another length");
  require(catalogue.user_features.size() == catalogue.num_users() * kUserFeatures &&
              population.history_offset.size() == catalogue.num_users() + 1,
          "the simulator's user features or histories do not have one entry a user");
  require(!population.start_user.empty() && population.start_time_ms.size() == population.start_user.size() &&
              population.start_tab.size() == population.start_user.size(),
          "the simulator knows no session starts: its log was empty");
}

void check_config(const VectorEnvConfig& config, std::size_t slots, std::size_t num_videos) {
  check_ranges(config);
  require(slots == 0 || config.slate <= slots,
          fmt::format("slates of {} videos cannot be chosen from {} candidates", config.slate, slots));
  const std::uint64_t session = product_of({static_cast<std::uint64_t>(config.max_steps), config.slate});
  require(
      slots > 0 || session < num_videos || config.growing,
      fmt::format("a session of {} steps with slates of {} may need {} videos, the catalogue has {}: lower max_steps",
                  config.max_steps, config.slate, session, num_videos));
}

}  // namespace

struct VectorEnv::Impl {
  Impl(std::shared_ptr<const Simulator> simulator_, std::shared_ptr<const CandidateSource> candidates_,
       VectorEnvConfig config_)
      : simulator(std::move(simulator_)),
        candidates(std::move(candidates_)),
        config(std::move(config_)),
        most(config.num_envs),
        rows(*simulator, *candidates, config) {
    for (int w = 0; w < worker_count(config.threads); ++w)
      workers.push_back(std::make_unique<SessionRows::Worker>(*simulator->model, config.slate));
  }

  std::size_t chunks() const noexcept { return (config.num_envs + kChunk - 1) / kChunk; }
  std::pair<std::size_t, std::size_t> chunk(std::size_t i) const noexcept {
    return {i * kChunk, std::min(config.num_envs, (i + 1) * kChunk)};
  }

  // Calls begin_row(row) for the rows of a mask, or for all where it is empty, and writes what they are shown.
  template <class Begin>
  void begin_rows(std::span<const std::uint8_t> mask, const Begin& begin_row) {
    parallel_for(chunks(), config.threads, [&](std::size_t i, int) {
      const auto [begin, end] = chunk(i);
      // Neighbours are observed together: a source may be better asked so.
      for (std::size_t row = begin; row < end;) {
        const std::size_t first = row;
        for (; row < end && (mask.empty() || mask[row]); ++row) begin_row(row);
        if (row > first)
          rows.observe(first, row);
        else
          ++row;
      }
    });
  }

  std::shared_ptr<const Simulator> simulator;
  std::shared_ptr<const CandidateSource> candidates;
  VectorEnvConfig config;
  std::size_t most;  // envs there is room for
  SessionRows rows;
  std::vector<std::unique_ptr<SessionRows::Worker>> workers;
  bool started = false;

  // Asking for expectations is const and may happen on several threads at once, outside any step: scratch is lent.
  struct Asker {
    std::unique_ptr<UserModel::Scratch> scratch;
    std::array<Shown, kChunk> shown{};
    std::array<const float*, kChunk> state{};
    std::vector<Expectation> said{};
  };
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<Asker>> idle;

  // Calls use(asker) with one that nobody else holds.
  template <class Use>
  void with_asker(const Use& use) const {
    std::unique_ptr<Asker> asker;
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        asker = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!asker) asker.reset(new Asker{.scratch = simulator->model->make_scratch()});
    use(*asker);
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(asker));
  }

  // Questions [begin, end), which pair(i) names as (row, video), in pieces of kChunk: answer(asker, first, n) is called
  // with shown[0, n) and state[0, n) of `asker` filled.
  template <class Pair, class Answer>
  void ask(std::size_t begin, std::size_t end, const Pair& pair, const Answer& answer) const {
    with_asker([&](Asker& asker) {
      for (std::size_t first = begin; first < end; first += kChunk) {
        const std::size_t n = std::min(kChunk, end - first);
        for (std::size_t i = 0; i < n; ++i) {
          const auto [row, video] = pair(first + i);
          asker.shown[i] = rows.shown_next(row, video);
          asker.state[i] = rows.state(row);
        }
        answer(asker, first, n);
      }
    });
  }
  template <class Pair>
  void expect(std::size_t begin, std::size_t end, ExpectedPart part, const Pair& pair,
              std::span<Expectation> out) const {
    ask(begin, end, pair, [&](Asker& asker, std::size_t first, std::size_t n) {
      simulator->model->expect_part(part, {asker.shown.data(), n}, {asker.state.data(), n}, config.exposure,
                                    out.subspan(first, n), *asker.scratch);
    });
  }
  template <class Pair>
  void expect_rewards(std::size_t begin, std::size_t end, float pessimism, const Pair& pair,
                      std::span<float> out) const {
    const RewardOutlook outlook{.weights = config.reward, .exposure = config.exposure, .pessimism = pessimism};
    ask(begin, end, pair, [&](Asker& asker, std::size_t first, std::size_t n) {
      outlook.expect(*simulator->model, {asker.shown.data(), n}, {asker.state.data(), n}, out.subspan(first, n),
                     *asker.scratch, asker.said);
    });
  }

  void check_videos(std::size_t row, std::span<const std::int32_t> videos, std::size_t room) const {
    if (!started || row >= config.num_envs || videos.size() != room)
      throw InputError("expect_videos: reset first, name an env, and give as much room as videos");
    for (const std::int32_t video : videos)
      if (video < 0 || static_cast<std::size_t>(video) >= simulator->catalogue.num_videos())
        throw InputError(fmt::format("expect_videos: video {} is not in the catalogue", video));
  }
  // Calls use(begin, end, pair) for pieces of the slots of all envs. They are of kChunk pairs whatever the envs'
  // borders, so that the model always works on full chunks.
  template <class Use>
  void all_slots(std::size_t room, const Use& use) const {
    const std::size_t m = candidates->slots(), total = config.num_envs * m;
    require(started && room == total,
            fmt::format("expect_all: reset first, and give room for {} expectations (got {})", total, room));
    const std::int32_t* candidate = rows.observation().candidate;
    constexpr std::size_t kPairs = 16 * kChunk;
    parallel_for((total + kPairs - 1) / kPairs, config.threads, [&](std::size_t piece, int) {
      use(piece * kPairs, std::min(total, (piece + 1) * kPairs), [&](std::size_t i) {
        return std::pair{i / m, candidate[i]};
      });
    });
  }
};

VectorEnv::VectorEnv(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                     VectorEnvConfig config) {
  require(simulator != nullptr && candidates != nullptr, "VectorEnv needs a simulator and a candidate source");
  check_simulator(*simulator);
  check_config(config, candidates->slots(), simulator->catalogue.num_videos());
  check_pessimism(config.pessimism, *simulator->model);
  MemoryBudget()
      .add(fmt::format("{} sessions side by side", config.num_envs), bytes(*simulator, candidates->slots(), config),
           "num_envs, candidates, history_length or max_steps")
      .require();
  impl_ = std::make_unique<Impl>(std::move(simulator), std::move(candidates), std::move(config));
}
VectorEnv::~VectorEnv() = default;

std::uint64_t VectorEnv::bytes(const Simulator& simulator, std::size_t slots, const VectorEnvConfig& config) {
  return SessionRows::bytes(simulator, slots, config);
}

VectorEnv::VectorEnv(VectorEnv&&) noexcept = default;

const VectorEnvConfig& VectorEnv::config() const noexcept {
  return impl_->config;
}
const Simulator& VectorEnv::simulator() const noexcept {
  return *impl_->simulator;
}
const CandidateSource& VectorEnv::candidates() const noexcept {
  return *impl_->candidates;
}
const SeenVideos& VectorEnv::seen(std::size_t row) const noexcept {
  return impl_->rows.seen(row);
}
ObservationView VectorEnv::observation() const noexcept {
  return impl_->rows.observation();
}

ObservationView VectorEnv::reset(std::span<const std::uint64_t> seeds) {
  return reset(seeds, {});
}

Shown VectorEnv::next_shown(std::size_t row, std::int32_t video) const noexcept {
  return impl_->rows.shown_next(row, video);
}
std::uint32_t VectorEnv::session_videos(std::size_t row) const noexcept {
  return impl_->rows.videos_shown(row);
}
std::int64_t VectorEnv::session_start_ms(std::size_t row) const noexcept {
  return impl_->rows.start_ms(row);
}

ObservationView VectorEnv::reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask) {
  return reset_at(seeds, {}, mask);
}

ObservationView VectorEnv::reset_at(std::span<const std::uint64_t> seeds, std::span<const SessionStart> starts,
                                    std::span<const std::uint8_t> mask) {
  Impl& impl = *impl_;
  const std::size_t n = impl.config.num_envs;
  require(seeds.size() == n, fmt::format("reset got {} seeds for {} envs", seeds.size(), n));
  require(starts.empty() || starts.size() == n, fmt::format("reset got {} starts for {} envs", starts.size(), n));
  require(mask.empty() || mask.size() == n, fmt::format("reset got a mask of {} for {} envs", mask.size(), n));
  require(mask.empty() || impl.started, "the first reset must begin every env: call it without a mask");
  for (std::size_t row = 0; row < starts.size(); ++row)
    require((!mask.empty() && !mask[row]) || starts[row].user < impl.simulator->catalogue.num_users(),
            fmt::format("env {}: a session of user {}, there are {}", row, starts[row].user,
                        impl.simulator->catalogue.num_users()));
  impl.begin_rows(mask, [&](std::size_t row) {
    if (starts.empty())
      impl.rows.reset(row, seeds[row]);
    else
      impl.rows.reset_at(row, seeds[row], starts[row]);
  });
  impl.started = true;
  return impl.rows.observation();
}

ObservationView VectorEnv::next_episode(std::span<const std::uint8_t> mask) {
  Impl& impl = *impl_;
  const std::size_t n = impl.config.num_envs;
  require(impl.started, "the first reset must give every env a seed");
  require(mask.empty() || mask.size() == n, fmt::format("next_episode got a mask of {} for {} envs", mask.size(), n));
  impl.begin_rows(mask, [&](std::size_t row) { impl.rows.next_episode(row); });
  return impl.rows.observation();
}

ObservationView VectorEnv::next_session(std::span<const std::uint8_t> mask) {
  Impl& impl = *impl_;
  const std::size_t n = impl.config.num_envs;
  require(impl.config.autoreset == AutoresetMode::kDisabled, "next_session needs an env whose autoreset is kDisabled");
  require(mask.size() == n, fmt::format("next_session got a mask of {} for {} envs", mask.size(), n));
  for (std::size_t row = 0; row < n; ++row)
    require(!mask[row] || impl.rows.finished(row), fmt::format("env {}: its session is not over yet", row));
  parallel_for(impl.chunks(), impl.config.threads, [&](std::size_t chunk, int worker) {
    const auto [begin, end] = impl.chunk(chunk);
    for (std::size_t row = begin; row < end; ++row) {
      if (!mask[row]) continue;
      impl.rows.next_session(row, *impl.workers[static_cast<std::size_t>(worker)]->scratch);
      impl.rows.observe(row, row + 1);
    }
  });
  return impl.rows.observation();
}

ObservationView VectorEnv::keep(std::span<const std::uint32_t> rows) {
  Impl& impl = *impl_;
  const std::size_t n = impl.config.num_envs;
  require(impl.config.autoreset == AutoresetMode::kDisabled, "keep needs an env whose autoreset is kDisabled");
  require(!rows.empty() && rows.size() <= n, fmt::format("keep got {} rows of {} envs", rows.size(), n));
  std::vector<std::uint8_t> named(n, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    require(rows[i] < n && rows[i] >= i && named[rows[i]] == 0,
            fmt::format("keep: row {} cannot become env {} of {}: name each once, none before its own place", rows[i],
                        i, n));
    named[rows[i]] = 1;
  }
  impl.rows.keep(rows);
  impl.config.num_envs = rows.size();
  return impl.rows.observation();
}

void VectorEnv::offer(VideoRange videos) {
  Impl& impl = *impl_;
  require(impl.candidates->slots() == 0, "offer needs an env with the full catalogue");
  require(videos.begin < videos.end && videos.end <= impl.simulator->catalogue.num_videos(),
          fmt::format("offer got videos [{}, {}) of a catalogue of {}", videos.begin, videos.end,
                      impl.simulator->catalogue.num_videos()));
  impl.rows.offer(videos);
}
VideoRange VectorEnv::on_offer() const noexcept {
  return impl_->rows.on_offer();
}
bool VectorEnv::may_show(std::size_t row, std::uint32_t video) const noexcept {
  return impl_->rows.may_show(row, video);
}
std::size_t VectorEnv::choices(std::size_t row) const noexcept {
  return impl_->rows.choices(row);
}
std::int64_t VectorEnv::time_ms(std::size_t row) const noexcept {
  return impl_->rows.time_ms(row);
}
std::size_t VectorEnv::member(std::size_t row) const noexcept {
  return impl_->rows.member(row);
}
bool VectorEnv::finished(std::size_t row) const noexcept {
  return impl_->rows.finished(row);
}

ObservationView VectorEnv::seat(const VectorEnv& users, std::span<const std::uint32_t> rows) {
  Impl& impl = *impl_;
  const Impl& from = *users.impl_;
  require(impl.config.autoreset == AutoresetMode::kDisabled, "seat needs an env whose autoreset is kDisabled");
  require(impl.simulator == from.simulator && impl.candidates == from.candidates && from.started &&
              impl.config.history_length == from.config.history_length && impl.config.slate == from.config.slate &&
              impl.config.max_steps == from.config.max_steps,
          "seat: the users' env was never reset, or has another simulator or other settings");
  require(!rows.empty() && rows.size() <= impl.most,
          fmt::format("seat got {} rows for {} envs", rows.size(), impl.most));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    require(rows[i] < from.config.num_envs, fmt::format("seat: row {} of {} users", rows[i], from.config.num_envs));
    impl.rows.take_row(from.rows, rows[i], i);
  }
  impl.config.num_envs = rows.size();
  impl.rows.set_rows(rows.size());
  impl.started = true;
  return impl.rows.observation();
}

void VectorEnv::take_back(const VectorEnv& seats, std::size_t from, std::size_t to) {
  require(from < seats.impl_->config.num_envs && to < impl_->config.num_envs,
          fmt::format("take_back got row {} of {} for row {} of {}", from, seats.impl_->config.num_envs, to,
                      impl_->config.num_envs));
  impl_->rows.take_row(seats.impl_->rows, from, to);
}

void VectorEnv::save(Hdf5Writer& file, const std::string& group) const {
  impl_->rows.save(file, group);
}
void VectorEnv::load(const Hdf5Reader& file, const std::string& group) {
  impl_->rows.load(file, group);
  impl_->begin_rows({}, [](std::size_t) {});  // what is offered is drawn again
  impl_->started = true;
}

const StepView& VectorEnv::step(std::span<const std::int32_t> actions) {
  Impl& impl = *impl_;
  const std::size_t slate = impl.config.slate;
  // Messages are made only when they are needed: a step allocates nothing.
  if (!impl.started) throw InputError("step before reset: call reset with one seed an env first");
  if (actions.size() != impl.config.num_envs * slate)
    throw InputError(
        fmt::format("step got {} actions for {} envs with slates of {}", actions.size(), impl.config.num_envs, slate));
  for (std::size_t row = 0; row < impl.config.num_envs; ++row) {
    const bool finished = impl.rows.finished(row);
    if (finished && impl.config.autoreset == AutoresetMode::kDisabled)
      throw InputError(fmt::format("env {} has finished: reset it with a seed before the next step", row));
    if (!finished && impl.config.invalid_action == InvalidAction::kRaise)
      impl.rows.check(row, actions.subspan(row * slate, slate));
  }
  parallel_for(impl.chunks(), impl.config.threads, [&impl, actions](std::size_t chunk, int worker) {
    const auto [begin, end] = impl.chunk(chunk);
    impl.rows.step(begin, end, actions, *impl.workers[static_cast<std::size_t>(worker)]);
  });
  return impl.rows.view();
}

void VectorEnv::expect_videos(std::size_t row, std::span<const std::int32_t> videos, std::span<Expectation> out,
                              ExpectedPart part) const {
  impl_->check_videos(row, videos, out.size());
  impl_->expect(
      0, videos.size(), part,
      [&](std::size_t i) {
        return std::pair{row, videos[i]};
      },
      out);
}

void VectorEnv::expect_rewards(std::size_t row, std::span<const std::int32_t> videos, std::span<float> out,
                               float pessimism) const {
  impl_->check_videos(row, videos, out.size());
  check_pessimism(pessimism, *impl_->simulator->model);
  impl_->expect_rewards(
      0, videos.size(), pessimism,
      [&](std::size_t i) {
        return std::pair{row, videos[i]};
      },
      out);
}

void VectorEnv::expect_candidates(std::size_t row, std::span<Expectation> out) const {
  const std::size_t m = impl_->candidates->slots();
  if (row >= impl_->config.num_envs || out.size() != m)
    throw InputError(fmt::format("expect_candidates: env {} of {}, room for {} of {} candidates", row,
                                 impl_->config.num_envs, out.size(), m));
  expect_videos(row, {observation().candidate + row * m, m}, out);
}

void VectorEnv::expect_all(std::span<Expectation> out, ExpectedPart part) const {
  impl_->all_slots(out.size(), [&](std::size_t begin, std::size_t end, const auto& pair) {
    impl_->expect(begin, end, part, pair, out);
  });
}

void VectorEnv::expect_all_rewards(std::span<float> out, float pessimism) const {
  check_pessimism(pessimism, *impl_->simulator->model);
  impl_->all_slots(out.size(), [&](std::size_t begin, std::size_t end, const auto& pair) {
    impl_->expect_rewards(begin, end, pessimism, pair, out);
  });
}

}  // namespace swipegym
