// What requests of compositions cost, and sessions under them, on one core; docs/results/staged.md.
//   request_study SIMULATOR COMPOSITION...
// Each composition serves slates of ten among all videos to 1,024 sessions of the simulator. Printed: microseconds a
// request and stage where 32 are served together, those of lone requests with their 99th percentile, and videos shown a
// second by the engine under it, beside the engine's own rate under random choice; recall where an index is searched;
// and how often the slates of whole sessions break the composition's rules of sequence.
// All times are the processor's; stages share the whole as they do by the clock.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "bench/study_main.h"
#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/fitted/simulator_file.h"
#include "evaluation/session_runner.h"
#include "policy/stages/staged_policy.h"

namespace swipegym {
namespace {

constexpr std::size_t kSlate = 10, kSessions = 1024, kTogether = 32, kLone = 1000, kFewestLone = 100;
constexpr double kLoneSeconds = 20.0;

SessionRunner begin_sessions(const std::shared_ptr<const Simulator>& simulator, std::size_t rows) {
  return {
      simulator,
      std::make_shared<FullCatalogue>(),
      {.threads = 1, .history_length = 50, .max_steps = 100, .slate = kSlate, .invalid_action = InvalidAction::kRedraw},
      rows,
      kSessions,
      [](std::size_t session) { return session_seed(1, 0, session); }};
}

// Room for those under way.
std::span<std::int32_t> slates_of(const SessionRunner& runner, std::vector<std::int32_t>& actions) {
  return std::span(actions).first(runner.rows() * kSlate);
}

// Slates that cost nothing to choose: each row goes through the catalogue by a stride of its own.
std::span<std::int32_t> stride(const SessionRunner& runner, std::size_t all, std::size_t step,
                               std::vector<std::int32_t>& actions) {
  for (std::size_t row = 0; row < runner.rows(); ++row)
    for (std::size_t k = 0; k < kSlate; ++k)
      actions[row * kSlate + k] = static_cast<std::int32_t>((row * 7919 + step * kSlate + k) % all);
  return slates_of(runner, actions);
}

// Videos shown a second under such slates.
double engine_rate(const std::shared_ptr<const Simulator>& simulator) {
  SessionRunner runner = begin_sessions(simulator, kSessions);
  std::vector<std::int32_t> actions(runner.rows() * kSlate);
  std::size_t videos = 0, step = 0;
  const double begun = core_seconds();
  while (runner.under_way())
    runner.step(stride(runner, simulator->catalogue.num_videos(), step++, actions),
                [&](std::size_t row, std::size_t, const StepView& view) { videos += view.consumed[row]; });
  return static_cast<double>(videos) / (core_seconds() - begun);
}

// Sessions under a policy, all of them side by side, to their ends.
struct Rollout {
  double videos_a_second = 0.0;
  std::size_t slates = 0, violations = 0;  // of rules of sequence
};

Rollout roll_out(const std::shared_ptr<const Simulator>& simulator, const StagedPolicy& policy) {
  SessionRunner runner = begin_sessions(simulator, kSessions);
  std::vector<std::int32_t> actions(runner.rows() * kSlate);
  std::vector<std::uint32_t> rows;
  std::size_t videos = 0;
  Rollout out;
  const double begun = core_seconds();
  while (runner.under_way()) {
    const std::span<std::int32_t> now = slates_of(runner, actions);
    rows.resize(runner.rows());
    std::iota(rows.begin(), rows.end(), 0U);
    const Served served = policy.serve(runner.batch(), rows, kSlate);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (served.ordered[row] < kSlate) throw InputError(fmt::format("{}: too few videos for a slate", policy.name()));
      for (std::size_t k = 0; k < kSlate; ++k) now[row * kSlate + k] = served.video_at(row, k);
      out.violations += served.violations[row];
    }
    out.slates += rows.size();
    runner.step(now, [&](std::size_t row, std::size_t, const StepView& view) { videos += view.consumed[row]; });
  }
  out.videos_a_second = static_cast<double>(videos) / (core_seconds() - begun);
  return out;
}

struct Requests {
  std::vector<double> together;   // seconds of each block of kTogether
  std::vector<double> lone;       // seconds of each
  std::array<double, 4> stage{};  // shares of the time
  double recall = 1.0;            // of the first retriever that searches an index
};

// Requests of sessions that have come some way: three slates before each.
Requests serve(const std::shared_ptr<const Simulator>& simulator, const StagedPolicy& policy) {
  SessionRunner runner = begin_sessions(simulator, kSessions);
  std::vector<std::int32_t> actions(runner.rows() * kSlate);
  for (std::size_t step = 0; step < 3 && runner.under_way(); ++step)
    runner.step(stride(runner, simulator->catalogue.num_videos(), step, actions),
                [](std::size_t, std::size_t, const StepView&) {});
  std::vector<std::uint32_t> rows(runner.rows());
  std::iota(rows.begin(), rows.end(), 0U);
  Requests out;
  for (std::size_t first = 0; first + kTogether <= rows.size(); first += kTogether) {
    const double begun = core_seconds();
    const Served served = policy.serve(runner.batch(), std::span(rows).subspan(first, kTogether), kSlate);
    out.together.push_back(core_seconds() - begun);
    for (std::size_t stage = 0; stage < 4; ++stage) out.stage[stage] += served.seconds[stage];
  }
  const double all = std::accumulate(out.stage.begin(), out.stage.end(), 0.0);
  for (double& stage : out.stage) stage /= all;
  // A thousand, or fewer where they take long: an exact search of millions reads all of them for each lone request.
  const double lone_begun = core_seconds();
  for (std::size_t i = 0;
       i < std::min(kLone, rows.size()) && (i < kFewestLone || core_seconds() - lone_begun < kLoneSeconds); ++i) {
    const double begun = core_seconds();
    policy.serve(runner.batch(), std::span(rows).subspan(i, 1), kSlate);
    out.lone.push_back(core_seconds() - begun);
  }
  for (const std::optional<double> recall :
       policy.recalls(runner.batch(), std::span(rows).first(std::min<std::size_t>(256, rows.size())), kSlate))
    if (recall) out.recall = *recall;
  return out;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

int study(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: request_study SIMULATOR COMPOSITION...\n");
    return 2;
  }
  const auto simulator = std::make_shared<const Simulator>(load_simulator(argv[1]));
  const double own = engine_rate(simulator);
  fmt::print("{} videos, slates of {}; the engine alone: {:.0f} videos a second\n\n", simulator->catalogue.num_videos(),
             kSlate, own);
  fmt::print(
      "| composition | µs a request, 32 together | retrieve | filter | score | order | alone, median | alone, P99 |"
      " videos a second | of the engine's | recall | rules broken |\n| --- | --- | --- | --- | --- | --- | --- | --- | "
      "--- | --- | --- | --- |\n");
  for (int i = 2; i < argc; ++i) {
    const StagedPolicy policy(read_composition(argv[i], simulator->catalogue), simulator->catalogue.num_videos());
    const Requests requests = serve(simulator, policy);
    const Rollout rollout = roll_out(simulator, policy);
    const double rate = rollout.videos_a_second, each = 1e6 * quantile(requests.together, 0.5) / kTogether;
    fmt::print(
        "| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.3f} | {:.3f} | {} in {} "
        "slates |\n",
        policy.name(), each, each * requests.stage[0], each * requests.stage[1], each * requests.stage[2],
        each * requests.stage[3], 1e6 * quantile(requests.lone, 0.5), 1e6 * quantile(requests.lone, 0.99), rate,
        rate / own, requests.recall, rollout.violations, rollout.slates);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::study, argc, argv);
}
