#include "evaluation/generate/lanes.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "core/parallel_for.h"

namespace swipegym {
namespace {

// What one worker needs to run a chunk of lanes.
struct Worker {
  explicit Worker(const UserModel& model) : scratch(model.make_scratch()), states(kChunk * model.state_size()) {}
  std::unique_ptr<UserModel::Scratch> scratch;
  std::vector<float> states;  // [kChunk, state_size]
  std::array<Shown, kChunk> shown;
  std::array<float*, kChunk> state;
  std::array<RandomKey, kChunk> key;
  std::array<std::uint32_t, kChunk> stream;
  std::array<Response, kChunk> response;
  std::array<std::uint32_t, kChunk> lane;
};

// Names the next video of every live lane, those of one exposure kind side by side; returns the lanes still live, and
// in `logged` how many of them, the first ones, are shown a logged exposure.
std::size_t name_videos(const UserModel& model, std::span<Lane* const> lanes, std::size_t live, Worker& worker,
                        std::size_t& logged) {
  const std::size_t size = model.state_size();
  std::array<std::optional<Shown>, kChunk> next;
  std::array<std::uint32_t, kChunk> order{}, random{};
  logged = 0;
  std::size_t others = 0;
  for (std::size_t i = 0; i < live; ++i) {
    const std::uint32_t index = worker.lane[i];
    next[index] = lanes[index]->next(model, {worker.states.data() + index * size, size}, *worker.scratch);
    if (!next[index]) continue;
    if (lanes[index]->exposure() == ExposureKind::kLogged)
      order[logged++] = index;
    else
      random[others++] = index;
  }
  std::copy_n(random.begin(), others, order.begin() + static_cast<std::ptrdiff_t>(logged));
  for (std::size_t i = 0; i < logged + others; ++i) {
    const std::uint32_t index = order[i];
    worker.lane[i] = index;
    worker.shown[i] = *next[index];
    worker.state[i] = worker.states.data() + index * size;
    worker.key[i] = lanes[index]->key();
    worker.stream[i] = lanes[index]->stream();
  }
  return logged + others;
}

void run_chunk(const UserModel& model, std::span<Lane* const> lanes, Worker& worker) {
  std::size_t live = lanes.size();
  for (std::size_t i = 0; i < live; ++i) worker.lane[i] = static_cast<std::uint32_t>(i);
  while (live > 0) {
    std::size_t logged = 0;
    live = name_videos(model, lanes, live, worker, logged);
    const auto answer = [&](ExposureKind exposure, std::size_t first, std::size_t count) {
      if (count == 0) return;
      model.respond({worker.shown.data() + first, count}, {worker.state.data() + first, count}, exposure,
                    {worker.key.data() + first, count}, {worker.stream.data() + first, count},
                    {worker.response.data() + first, count}, *worker.scratch);
    };
    answer(ExposureKind::kLogged, 0, logged);
    answer(ExposureKind::kInterventional, logged, live - logged);
    for (std::size_t i = 0; i < live; ++i) lanes[worker.lane[i]]->answered(worker.shown[i], worker.response[i]);
  }
}

}  // namespace

void run_lanes(const UserModel& model, std::span<Lane* const> lanes, int threads, const Progress& progress) {
  std::vector<std::unique_ptr<Worker>> workers(static_cast<std::size_t>(worker_count(threads)));
  const std::size_t chunks = (lanes.size() + kChunk - 1) / kChunk;
  std::atomic<std::size_t> done{0};
  parallel_for(chunks, threads, [&](std::size_t chunk, int worker) {
    std::unique_ptr<Worker>& mine = workers[static_cast<std::size_t>(worker)];
    if (!mine) mine = std::make_unique<Worker>(model);
    const std::size_t begin = chunk * kChunk, count = std::min(kChunk, lanes.size() - begin);
    run_chunk(model, lanes.subspan(begin, count), *mine);
    const std::size_t finished = done.fetch_add(count) + count;
    if (worker == 0) report(progress, "simulating users", finished, lanes.size());
  });
}

}  // namespace swipegym
