#include "evaluation/lanes.h"

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

void run_chunk(const UserModel& model, ExposureKind exposure, std::span<Lane* const> lanes, Worker& worker) {
  const std::size_t size = model.state_size();
  std::size_t live = lanes.size();
  for (std::size_t i = 0; i < live; ++i) worker.lane[i] = static_cast<std::uint32_t>(i);
  while (live > 0) {
    std::size_t shown = 0;
    for (std::size_t i = 0; i < live; ++i) {
      const std::uint32_t index = worker.lane[i];
      const std::span<float> state(worker.states.data() + index * size, size);
      const std::optional<Shown> next = lanes[index]->next(model, state, *worker.scratch);
      if (!next) continue;
      worker.lane[shown] = index;
      worker.shown[shown] = *next;
      worker.state[shown] = state.data();
      worker.key[shown] = lanes[index]->key();
      worker.stream[shown] = lanes[index]->stream();
      ++shown;
    }
    live = shown;
    if (live == 0) break;
    model.respond({worker.shown.data(), live}, {worker.state.data(), live}, exposure, {worker.key.data(), live},
                  {worker.stream.data(), live}, {worker.response.data(), live}, *worker.scratch);
    for (std::size_t i = 0; i < live; ++i) lanes[worker.lane[i]]->answered(worker.shown[i], worker.response[i]);
  }
}

}  // namespace

void run_lanes(const UserModel& model, ExposureKind exposure, std::span<Lane* const> lanes, int threads,
               const Progress& progress) {
  std::vector<std::unique_ptr<Worker>> workers(static_cast<std::size_t>(worker_count(threads)));
  const std::size_t chunks = (lanes.size() + kChunk - 1) / kChunk;
  std::atomic<std::size_t> done{0};
  parallel_for(chunks, threads, [&](std::size_t chunk, int worker) {
    std::unique_ptr<Worker>& mine = workers[static_cast<std::size_t>(worker)];
    if (!mine) mine = std::make_unique<Worker>(model);
    const std::size_t begin = chunk * kChunk, count = std::min(kChunk, lanes.size() - begin);
    run_chunk(model, exposure, lanes.subspan(begin, count), *mine);
    const std::size_t finished = done.fetch_add(count) + count;
    if (worker == 0) report(progress, "simulating users", finished, lanes.size());
  });
}

}  // namespace swipegym
