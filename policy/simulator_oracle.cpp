#include "policy/simulator_oracle.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/expected_reward.h"
#include "policy/make_policy.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

constexpr std::int64_t kPauseMs = 1000;  // between two videos, as VectorEnv moves time

// What one worker needs for a chunk of rows.
struct Room {
  explicit Room(const UserModel& model) : scratch(model.make_scratch()), states(kChunk * model.state_size()) {}
  std::unique_ptr<UserModel::Scratch> scratch;
  std::vector<float> states;
  std::array<Shown, kChunk> shown;
  std::array<Response, kChunk> seen;
  std::array<float*, kChunk> state;
  std::array<const float*, kChunk> asked;
  std::vector<Expectation> said;
};

// The answer as far as an observation tells it.
Response response_of(std::int32_t duration_ms, float ratio) {
  Response response{.watch_ratio = ratio,
                    .play_ms = static_cast<std::int32_t>(ratio * static_cast<float>(duration_ms) + 0.5F)};
  if (is_valid_play(response.play_ms, duration_ms)) response.signals |= bit(Signal::kClick);
  if (is_long_view(response.play_ms, duration_ms)) response.signals |= bit(Signal::kLongView);
  return response;
}

// Brings the states of rows [begin, end) to where their sessions are.
void follow(const UserModel& model, const DecisionBatch& batch, std::size_t begin, std::size_t end, Room& room) {
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  const std::size_t length = observation.history_length, size = model.state_size();
  std::array<std::int64_t, kChunk> time_ms;
  std::size_t longest = 0;
  for (std::size_t row = begin; row < end; ++row) {
    time_ms[row - begin] = env.session_start_ms(row);
    model.begin(UserIndex{observation.user[row]}, time_ms[row - begin],
                {room.states.data() + (row - begin) * size, size});
    longest = std::max<std::size_t>(longest, std::min<std::size_t>(env.session_videos(row), length));
  }
  for (std::size_t place = 0; place < longest; ++place) {
    std::size_t n = 0;
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t shown = std::min<std::size_t>(env.session_videos(row), length);
      if (place >= shown) continue;
      const std::size_t at = row * length + length - shown + place;
      room.shown[n] = env.next_shown(row, observation.history_video[at]);
      room.shown[n].time_ms = time_ms[row - begin];
      room.seen[n] = response_of(room.shown[n].duration_ms, observation.history_ratio[at]);
      time_ms[row - begin] += room.seen[n].play_ms + kPauseMs;
      room.state[n++] = room.states.data() + (row - begin) * size;
    }
    model.advance({room.shown.data(), n}, {room.seen.data(), n}, {room.state.data(), n}, env.config().exposure,
                  *room.scratch);
  }
}

}  // namespace

SimulatorOracle::SimulatorOracle(std::shared_ptr<const Simulator> believed, float pessimism)
    : believed_(std::move(believed)), pessimism_(pessimism) {
  check_pessimism(pessimism_, *believed_->model);
}

void SimulatorOracle::score(const DecisionBatch& batch, std::span<float> scores) const {
  if (batch.env == nullptr || batch.observation.candidates == 0)
    throw InputError("the oracle of a simulator needs the environment, and a set of candidates to choose from");
  const UserModel& model = *believed_->model;
  const VectorEnv& env = *batch.env;
  const ObservationView& observation = batch.observation;
  const std::size_t m = observation.candidates, rows = observation.rows;
  const RewardOutlook outlook{
      .weights = env.config().reward, .exposure = env.config().exposure, .pessimism = pessimism_};
  std::vector<std::unique_ptr<Room>> rooms(static_cast<std::size_t>(worker_count(batch.threads)));
  parallel_for((rows + kChunk - 1) / kChunk, batch.threads, [&](std::size_t chunk, int worker) {
    std::unique_ptr<Room>& room = rooms[static_cast<std::size_t>(worker)];
    if (!room) room = std::make_unique<Room>(model);
    const std::size_t begin = chunk * kChunk, end = std::min(rows, begin + kChunk);
    follow(model, batch, begin, end, *room);
    for (std::size_t first = begin * m; first < end * m; first += kChunk) {
      const std::size_t n = std::min(kChunk, end * m - first);
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t row = (first + i) / m;
        room->shown[i] = env.next_shown(row, observation.candidate[first + i]);
        room->asked[i] = room->states.data() + (row - begin) * model.state_size();
      }
      outlook.expect(model, {room->shown.data(), n}, {room->asked.data(), n}, scores.subspan(first, n), *room->scratch,
                     room->said);
    }
  });
}

}  // namespace swipegym
