#include "evaluation/session_runner.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace swipegym {
namespace {

VectorEnvConfig side_by_side(VectorEnvConfig config, std::size_t rows) {
  config.num_envs = std::max<std::size_t>(rows, 1);
  config.autoreset = AutoresetMode::kDisabled;
  return config;
}

}  // namespace

std::uint64_t session_seed(std::uint64_t run_seed, std::size_t evaluation_seed, std::size_t session) {
  // Named apart from the keys of training runs, which come from their own seeds.
  constexpr std::uint64_t kEvaluation = 0x6576616C75617465;
  const RandomKey key = split(split(split(make_key(kEvaluation), run_seed), evaluation_seed), session);
  return std::uint64_t{key.hi} << 32 | key.lo;
}

SessionRunner::SessionRunner(std::shared_ptr<const Simulator> simulator,
                             std::shared_ptr<const CandidateSource> candidates, const VectorEnvConfig& config,
                             std::size_t rows, std::size_t sessions, SeedOf seed_of)
    : sessions_(sessions),
      seed_of_(std::move(seed_of)),
      threads_(config.threads),
      env_(std::move(simulator), std::move(candidates), side_by_side(config, std::min(rows, sessions))),
      session_(std::min(rows, sessions), kIdle),
      seat_(session_.size()),
      seed_(session_.size()),
      key_(session_.size()),
      decisions_(session_.size()),
      restart_(session_.size()) {
  std::iota(seat_.begin(), seat_.end(), std::size_t{0});
  for (std::size_t row = 0; row < session_.size(); ++row) begin_next(row);
  if (under_way()) env_.reset(seed_);
}

DecisionBatch SessionRunner::batch() const {
  return {.observation = env_.observation(), .env = &env_, .keys = key_, .streams = decisions_, .threads = threads_};
}

bool SessionRunner::begin_next(std::size_t row) {
  session_[row] = next_ < sessions_ ? next_++ : kIdle;
  if (session_[row] == kIdle) return false;
  seed_[row] = seed_of_(session_[row]);
  key_[row] = split(make_key(seed_[row]), Draw::kExploration);
  decisions_[row] = 0;
  restart_[row] = 1;
  return true;
}

// Rows from the end take the places of idle ones: at most one row is moved for each session that ended.
void SessionRunner::leave_out_idle() {
  kept_.clear();
  std::size_t end = rows();
  for (std::size_t row = 0; row < end; ++row) {
    while (end > row && session_[end - 1] == kIdle) --end;
    if (row == end) break;
    std::size_t from = row;
    if (session_[row] == kIdle) {
      from = --end;
      session_[row] = session_[from], seat_[row] = seat_[from], seed_[row] = seed_[from], key_[row] = key_[from];
      decisions_[row] = decisions_[from];
    }
    kept_.push_back(static_cast<std::uint32_t>(from));
  }
  session_.resize(end), seat_.resize(end), seed_.resize(end), key_.resize(end), decisions_.resize(end);
  restart_.resize(end);
  env_.keep(kept_);
}

}  // namespace swipegym
