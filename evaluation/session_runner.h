#pragma once

#include <algorithm>
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

/// Plays numbered sessions side by side, each to its end. A row whose session is over takes the next one. Where there
/// is none, the last row takes its place, and there is one row less: nobody decides or steps for nothing.
///
///   while (runner.under_way()) {
///     const auto now = std::span(actions).first(runner.rows());
///     choose_actions(policy, runner.batch(), ..., now);
///     runner.step(now, [&](std::size_t row, std::size_t session, const StepView& view) { ... });
///   }
class SessionRunner {
 public:
  using SeedOf = std::function<std::uint64_t(std::size_t session)>;

  /// At most `rows` sessions at once; give a fixed number, so that a session always meets the same arithmetic.
  SessionRunner(std::shared_ptr<const Simulator> simulator, std::shared_ptr<const CandidateSource> candidates,
                const VectorEnvConfig& config, std::size_t rows, std::size_t sessions, SeedOf seed_of);

  /// Sessions under way; at the end of the last one there is a row left all the same.
  std::size_t rows() const noexcept { return session_.size(); }
  VectorEnv& env() noexcept { return env_; }
  /// Some session is not over yet.
  bool under_way() const noexcept { return finished_ < sessions_; }
  std::size_t finished() const noexcept { return finished_; }
  /// A number below the first rows() that a session keeps while its row may change, and that no other has meanwhile.
  std::size_t seat(std::size_t row) const noexcept { return seat_[row]; }
  std::size_t session(std::size_t row) const noexcept { return session_[row]; }
  /// Decisions made in the row's session so far.
  std::uint32_t decisions(std::size_t row) const noexcept { return decisions_[row]; }

  /// What is to be decided now, with keys and streams of each session's own.
  DecisionBatch batch() const;

  /// Acts, calls record(row, session, view) for each row, and begins the next sessions. Rows may be others then.
  template <class Record>
  void step(std::span<const std::int32_t> actions, const Record& record) {
    const StepView& view = env_.step(actions);
    std::fill(restart_.begin(), restart_.end(), std::uint8_t{0});
    bool any = false, idle = false;
    for (std::size_t row = 0; row < rows(); ++row) {
      record(row, session_[row], view);
      ++decisions_[row];
      if (!view.terminated[row] && !view.truncated[row]) continue;
      ++finished_;
      (begin_next(row) ? any : idle) = true;
    }
    if (any) env_.reset(seed_, restart_);
    if (idle && under_way()) leave_out_idle();
  }

 private:
  static constexpr std::size_t kIdle = static_cast<std::size_t>(-1);
  /// False when no session is left: the row is idle.
  bool begin_next(std::size_t row);
  void leave_out_idle();

  std::size_t sessions_;
  SeedOf seed_of_;
  int threads_;
  VectorEnv env_;
  std::vector<std::size_t> session_;  // [rows] which session a row plays, or kIdle
  std::vector<std::size_t> seat_;
  std::vector<std::uint64_t> seed_;
  std::vector<RandomKey> key_;
  std::vector<std::uint32_t> decisions_;
  std::vector<std::uint8_t> restart_;
  std::vector<std::uint32_t> kept_;
  std::size_t next_ = 0, finished_ = 0;
};

}  // namespace swipegym
