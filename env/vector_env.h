#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/candidate_source.h"
#include "env/observation.h"
#include "env/reward_weights.h"
#include "env/simulator.h"
#include "env/video_range.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// Gymnasium's three autoreset modes.
enum class AutoresetMode : std::uint8_t { kNextStep, kSameStep, kDisabled };
enum class InvalidAction : std::uint8_t { kRaise, kRedraw };

/// What StepView::reward is of. Drawn: what the user did. Expected: what the user model expects of each video shown, in
/// the state it is shown in; the answers that move the state are drawn all the same. The two have equal means, and the
/// second knows nothing of the noise of one play. Terms of a return to the app stay drawn: no model expects them.
/// A model's mean ratio is not cut at 5 as a drawn one is. Of a posterior's members it is their mean. Whether the user
/// stays is expected too (StepView::stays), but for slates, of which only what was watched is known.
enum class RewardKind : std::uint8_t { kDrawn, kExpected };

struct VectorEnvConfig {
  std::size_t num_envs = 64;
  int threads = 0;                  // 0: all; never changes a result
  std::size_t history_length = 50;  // L of the observation, up to 200
  int max_steps = 100;              // truncates the episode; the user leaving terminates it
  std::size_t slate = 1;            // K: slots chosen a step, consumed in order until the user leaves
  AutoresetMode autoreset = AutoresetMode::kNextStep;
  InvalidAction invalid_action = InvalidAction::kRaise;
  RewardWeights reward = {};
  RewardKind rewards = RewardKind::kDrawn;  // costs are always of what was drawn
  float pessimism = 0.0F;  // of expected rewards: so many deviations over members are taken off (RewardOutlook)
  std::vector<RewardWeights> costs = {};  // one entry a cost; written as the columns of StepView::cost
  bool draw_gaps = false;                 // StepView::gap_h is written; a reward or cost that asks for gaps does so too
  ExposureKind exposure = ExposureKind::kInterventional;
  double gap_scale = 1.0;  // gaps between visits are so many times what the model draws: a log may be thinned
  bool growing = false;    // the catalogue gets more videos between steps, as on a platform with uploads
  std::size_t exclude_history =
      200;  // the user's last logged videos that are never offered; fewer in a small catalogue
};

/// The context features, ObservationView::context:
/// 0 steps taken / max_steps; 1 minutes since the session began / 30; 2, 3 sine and cosine of the time of day (UTC+8,
/// to the quarter hour); 4, 5, 6 whether the tab is 1, 0, 4; 7 the last watch ratio of this session, clipped to [0, 5].
///
/// Time moves on by the play time and one second between videos. An episode is truncated after max_steps steps, or when
/// fewer than K candidates are left that may be chosen (a fixed set that has been watched); never when it terminated.

/// Whose session begins, when and in which tab, where the caller decides instead of the population.
struct SessionStart {
  std::uint32_t user = 0;
  std::int64_t time_ms = 0;
  std::uint8_t tab = 1;
};

/// What a step returned; views valid until the next call. Row-major.
struct StepView {
  ObservationView observation;
  const float* reward = nullptr;             // [envs], summed over the consumed part of the slate
  const float* cost = nullptr;               // [envs, costs]
  const std::uint8_t* terminated = nullptr;  // [envs], the user left
  const std::uint8_t* truncated = nullptr;   // [envs], max_steps reached
  const std::uint8_t* autoreset =
      nullptr;                   // [envs], 1: this step ignored the action and began a new episode (kNextStep)
  const float* gap_h = nullptr;  // [envs], where a session is over: hours until the user's next visit, if they are
                                 // drawn; elsewhere -1
  const std::uint32_t* consumed = nullptr;  // [envs], videos of the slate that were shown
  const std::int32_t* video = nullptr;      // [envs, K], what was shown, -1 behind the end
  const float* watch_ratio = nullptr;       // [envs, K]
  const float* watch_s = nullptr;           // [envs, K]
  const SignalBits* signals = nullptr;      // [envs, K]
  /// [envs], what the future counts for: 1, or 0 where the user left; with expected rewards and slates of one the
  /// probability that the user stays. Then a step that was the last one may count for a future all the same: its
  /// observation is of the state that it would have gone on from.
  const float* stays = nullptr;
  ObservationView final_observation;  // kSameStep: last observation of the episodes that ended, other rows stale
};

/// N sessions stepped together on a simulator. Results depend on (build, simulator, config, seeds), never on threads.
class VectorEnv {
 public:
  VectorEnv(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
            VectorEnvConfig config);
  ~VectorEnv();
  VectorEnv(VectorEnv&&) noexcept;

  /// What such an env takes of memory, with so many candidates a step (0: the full catalogue). The constructor throws
  /// InputError when that is more than memory_limit().
  static std::uint64_t bytes(const Simulator& simulator, std::size_t slots, const VectorEnvConfig& config);

  const VectorEnvConfig& config() const noexcept;
  const Simulator& simulator() const noexcept;
  const CandidateSource& candidates() const noexcept;
  /// What env `row` may not be offered any more; with the full catalogue, what its next action must avoid.
  const SeenVideos& seen(std::size_t row) const noexcept;

  /// Begins an episode in every env, one seed each. A lone env of a VectorEnv of size 1 with seeds[i] sees what row i
  /// sees.
  ObservationView reset(std::span<const std::uint64_t> seeds);
  /// As above for rows with mask 1; the others go on.
  ObservationView reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask);
  /// As above, at the starts given [envs]; the seed decides everything but who, when and where.
  ObservationView reset_at(std::span<const std::uint64_t> seeds, std::span<const SessionStart> starts,
                           std::span<const std::uint8_t> mask = {});
  /// Begins the next episode of rows with mask 1 (empty: of all), each by the seed of its last reset; one that is under
  /// way is dropped. What autoreset begins where a session ended is this episode too, so that equal seeds give equal
  /// runs in every mode.
  ObservationView next_episode(std::span<const std::uint8_t> mask = {});
  /// For chains of sessions, in kDisabled mode: the users of rows with mask 1, whose session is over, come back to the
  /// same tab after a gap that the model draws, with all that happened to them as history.
  ObservationView next_session(std::span<const std::uint8_t> mask);

  /// Goes on with some rows only, in kDisabled mode: env i is from now on what env rows[i] was, config().num_envs is
  /// their number, and what was returned before is no longer valid. Each row once, at least one, rows[i] >= i: rows
  /// from the end fill the places of those left out. The memory is kept.
  ObservationView keep(std::span<const std::uint32_t> rows);

  /// With the full catalogue: only these videos may be chosen from here on, as on a platform where uploads come and
  /// go. Sessions end (truncated) where fewer than K are left that a user was not shown.
  void offer(VideoRange videos);
  VideoRange on_offer() const noexcept;
  /// Whether env `row` may be shown `video` next: it is on offer and seen(row) has it not.
  bool may_show(std::size_t row, std::uint32_t video) const noexcept;
  /// How many such videos there are; with the full catalogue.
  std::size_t choices(std::size_t row) const noexcept;

  /// Sessions of many users take turns in few envs, in kDisabled mode: env i becomes what env rows[i] of `users` is,
  /// and config().num_envs is their number, at most what this one was made with. Both have the same simulator, source
  /// and settings but for num_envs and threads. What was returned before is no longer valid.
  ObservationView seat(const VectorEnv& users, std::span<const std::uint32_t> rows);
  /// And back: env `to` of this one becomes what env `from` of `seats` is.
  void take_back(const VectorEnv& seats, std::size_t from, std::size_t to);
  /// All that envs in kDisabled mode hold between two steps, candidates excluded, as columns under `group`. load()
  /// wants an env of the same simulator and settings, and throws InputError for a file that does not fit.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

  /// actions: [envs, K] candidate slots (or video indices when the source is the full catalogue), row-major. Throws
  /// InputError that names env and action when one is out of range, masked, or repeated in a slate, before any env
  /// moves (kRedraw: such an action is replaced by a valid one, drawn uniformly). In kDisabled mode a finished env is
  /// such an error too, until it is reset. A worker's exception reaches the caller; after one every env must be reset.
  const StepView& step(std::span<const std::int32_t> actions);

  /// Expectations of showing videos next, without a draw: for oracles and checks, not for agents. Const and callable
  /// from several threads, but not during a step. All m slots of env `row`:
  void expect_candidates(std::size_t row, std::span<Expectation> out) const;
  /// Any videos in env `row`; out has as many entries. What is not of the `part` asked for may be 0.
  void expect_videos(std::size_t row, std::span<const std::int32_t> videos, std::span<Expectation> out,
                     ExpectedPart part = ExpectedPart::kAll) const;
  /// All slots of all envs, [envs, m], in parallel on the env's own threads.
  void expect_all(std::span<Expectation> out, ExpectedPart part = ExpectedPart::kAll) const;
  /// Expected rewards under config().reward of showing these videos next, and of all slots of all envs, as
  /// RewardOutlook values them. Throws InputError for a pessimism that check_pessimism() refuses.
  void expect_rewards(std::size_t row, std::span<const std::int32_t> videos, std::span<float> out,
                      float pessimism = 0.0F) const;
  void expect_all_rewards(std::span<float> out, float pessimism = 0.0F) const;

  ObservationView observation() const noexcept;
  /// What showing `video` to env `row` next would be: whom, when, where.
  Shown next_shown(std::size_t row, std::int32_t video) const noexcept;
  /// Videos shown in the session so far, and when it began.
  std::uint32_t session_videos(std::size_t row) const noexcept;
  std::int64_t session_start_ms(std::size_t row) const noexcept;
  /// Now, in env `row`: where its session is over, when that was.
  std::int64_t time_ms(std::size_t row) const noexcept;
  bool finished(std::size_t row) const noexcept;
  /// Which of the user model's members answers the row's session (UserModel::member_of()).
  std::size_t member(std::size_t row) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swipegym
