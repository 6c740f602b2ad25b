#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "env/vector_env.h"
#include "policy/policy.h"

namespace swipegym {

/// The seed of a session of an evaluation seed (0, 1, ...) of a run: the same user, start, candidate draws and response
/// draws under every policy, so that policies are compared on common random numbers.
std::uint64_t session_seed(std::uint64_t run_seed, std::size_t evaluation_seed, std::size_t session);

/// Plays numbered sessions side by side, each to its end. A row whose session is over takes the next one; a row for
/// which there is none plays its last again, unrecorded, since a batch has no holes.
///
///   while (runner.under_way()) {
///     choose_actions(policy, runner.batch(), ..., actions);
///     runner.step(actions, [&](std::size_t row, std::size_t session, const StepView& view) { ... });
///   }
class SessionRunner {
 public:
  using SeedOf = std::function<std::uint64_t(std::size_t session)>;

  /// At most `rows` sessions at once; give a fixed number, so that a session always meets the same arithmetic.
  SessionRunner(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                const VectorEnvConfig& config, std::size_t rows, std::size_t sessions, SeedOf seed_of);

  std::size_t rows() const noexcept { return session_.size(); }
  VectorEnv& env() noexcept { return env_; }
  /// Some session is not over yet.
  bool under_way() const noexcept { return finished_ < sessions_; }
  std::size_t finished() const noexcept { return finished_; }
  bool plays(std::size_t row) const noexcept { return session_[row] != kIdle; }
  std::size_t session(std::size_t row) const noexcept { return session_[row]; }
  /// Decisions made in the row's session so far.
  std::uint32_t decisions(std::size_t row) const noexcept { return decisions_[row]; }

  /// What is to be decided now, with keys and streams of each session's own.
  DecisionBatch batch() const;

  /// Acts, calls record(row, session, view) for each row that plays, and begins the next sessions.
  template <class Record>
  void step(std::span<const std::int32_t> actions, const Record& record) {
    const StepView& view = env_.step(actions);
    std::fill(restart_.begin(), restart_.end(), std::uint8_t{0});
    bool any = false;
    for (std::size_t row = 0; row < rows(); ++row) {
      if (plays(row)) record(row, session_[row], view);
      ++decisions_[row];
      if (!view.terminated[row] && !view.truncated[row]) continue;
      finished_ += plays(row);
      begin_next(row);
      any = true;
    }
    if (any) env_.reset(seed_, restart_);
  }

 private:
  static constexpr std::size_t kIdle = static_cast<std::size_t>(-1);
  void begin_next(std::size_t row);

  std::size_t sessions_;
  SeedOf seed_of_;
  int threads_;
  VectorEnv env_;
  std::vector<std::size_t> session_;  // [rows] which session a row plays, or kIdle
  std::vector<std::uint64_t> seed_;
  std::vector<RandomKey> key_;
  std::vector<std::uint32_t> decisions_;
  std::vector<std::uint8_t> restart_;
  std::size_t next_ = 0, finished_ = 0;
};

}  // namespace swipegym
