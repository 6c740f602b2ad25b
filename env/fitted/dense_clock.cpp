#include "env/fitted/dense_clock.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/parallel_for.h"
#include "env/fitted/fitted_user_model.h"

namespace swipegym {
namespace {

constexpr std::size_t kPaths = 512;  // sessions followed to set the dense clock
constexpr int kPathVideos = 100;
constexpr int kTailVideos = kPathVideos / 2;  // of which the last hazards' mean is taken

// Leave logits along sessions that never end, on the log's clock: what a baseline shift turns into session lengths.
std::vector<float> leave_logits(const Simulator& simulator, const FitLog& fitted, int threads, std::uint64_t seed) {
  const Log& log = fitted.data.log;
  const auto& model = dynamic_cast<const FittedUserModel&>(*simulator.model);
  std::vector<std::uint32_t> exposures;  // what the platform shows in the main tab
  for (const std::uint32_t row : fitted.row)
    if (log.duration_ms[row] > 0 && !log.is_random[row] && log.tab[row] == 1) exposures.push_back(row);
  if (exposures.empty()) return {};
  const Population& population = simulator.population;
  std::vector<float> out(kPaths * kPathVideos);
  const RandomKey root = split(make_key(seed), 0xC10C);
  parallel_for(kPaths / kChunk, threads, [&](std::size_t chunk, int) {
    const auto scratch = model.make_scratch();
    std::vector<float> states(kChunk * model.state_size());
    std::array<float*, kChunk> at{};
    std::array<const float*, kChunk> asked{};
    std::array<Shown, kChunk> shown{};
    std::array<RandomKey, kChunk> keys{};
    std::array<std::uint32_t, kChunk> streams{};
    std::array<Response, kChunk> responses{};
    std::vector<Expectation> expected(model.num_members() * kChunk);
    std::array<float, kChunk> leave{};
    for (std::size_t i = 0; i < kChunk; ++i) {
      keys[i] = split(root, chunk * kChunk + i);
      RandomStream random(split(keys[i], Draw::kUser));
      const std::size_t start = random.below(static_cast<std::uint32_t>(population.start_user.size()));
      at[i] = states.data() + i * model.state_size();
      shown[i] = {
          .user = UserIndex{population.start_user[start]}, .time_ms = population.start_time_ms[start], .tab = 1};
      model.begin(shown[i].user, shown[i].time_ms, {at[i], model.state_size()});
      asked[i] = at[i];
    }
    for (int step = 0; step < kPathVideos; ++step) {
      for (std::size_t i = 0; i < kChunk; ++i) {
        RandomStream random(split(keys[i], Draw::kCandidates), static_cast<std::uint32_t>(step));
        const std::uint32_t row = exposures[random.below(static_cast<std::uint32_t>(exposures.size()))];
        shown[i].video = log.video[row];
        shown[i].duration_ms = log.duration_ms[row];
        streams[i] = static_cast<std::uint32_t>(step);
      }
      model.expect_members(ExpectedPart::kAll, shown, asked, ExposureKind::kLogged, expected, *scratch);
      for (std::size_t i = 0; i < kChunk; ++i)  // a session has its member's hazard
        leave[i] = expected[model.member_of(keys[i]) * kChunk + i].leave;
      model.respond(shown, at, ExposureKind::kLogged, keys, streams, responses, *scratch);
      for (std::size_t i = 0; i < kChunk; ++i) {
        const float p = std::clamp(leave[i], 1.0e-5F, 1.0F - 1.0e-5F);
        out[(chunk * kChunk + i) * kPathVideos + static_cast<std::size_t>(step)] = std::log(p / (1.0F - p));
        shown[i].time_ms += responses[i].play_ms + 1000;
      }
    }
  });
  return out;
}

// Mean session length when the leave logits are shifted; beyond the path the last hazards' mean goes on.
double mean_length(const std::vector<float>& logits, double shift) {
  double total = 0.0;
  for (std::size_t path = 0; path < kPaths; ++path) {
    double alive = 1.0, hazard_sum = 0.0;
    for (int step = 0; step < kPathVideos; ++step) {
      const double hazard =
          1.0 / (1.0 + std::exp(-(logits[path * kPathVideos + static_cast<std::size_t>(step)] + shift)));
      total += alive;
      alive *= 1.0 - hazard;
      if (step >= kPathVideos - kTailVideos) hazard_sum += hazard;
    }
    total += alive / std::max(hazard_sum / kTailVideos, 1.0e-4);
  }
  return total / kPaths;
}

}  // namespace

float dense_leave_shift(const Simulator& simulator, const FitLog& log, double mean_session_videos, int threads,
                        std::uint64_t seed) {
  const std::vector<float> logits = leave_logits(simulator, log, threads, seed);
  if (logits.empty()) return 0.0F;
  double low = -15.0, high = 15.0;  // a larger shift makes sessions shorter
  for (int i = 0; i < 50; ++i) {
    const double middle = 0.5 * (low + high);
    (mean_length(logits, middle) > mean_session_videos ? low : high) = middle;
  }
  return static_cast<float>(0.5 * (low + high));
}

}  // namespace swipegym
