#include "env/truth/truth_simulator.h"

#include <string>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "env/truth/truth_platform.h"

namespace swipegym {
namespace {

std::vector<std::uint32_t> to_world_ids(const std::vector<std::int64_t>& raw, const char* what) {
  std::vector<std::uint32_t> ids;
  ids.reserve(raw.size());
  for (const std::int64_t id : raw) {
    if (id < 0 || id > 0xFFFFFFFFLL)
      throw InputError(std::string(what) + " " + std::to_string(id) +
                       " is not an id of a synthetic world: truth.json belongs to other data");
    ids.push_back(static_cast<std::uint32_t>(id));
  }
  return ids;
}

}  // namespace

void replay_user(const TruthModel& model, const Dataset& data, std::uint32_t user, std::int32_t until_date,
                 std::span<float> state, const TruthRowVisitor& visit) {
  const Log& log = data.log;
  std::int64_t previous_ms = 0;
  bool first = true;
  for (std::uint64_t row = data.user_offset[user]; row < data.user_offset[user + 1]; ++row) {
    if (log.date[row] > until_date) continue;
    const Shown shown{.user = log.user[row],
                      .video = log.video[row],
                      .time_ms = log.time_ms[row],
                      .duration_ms = model.video(log.video[row]).duration_ms,
                      .tab = log.tab[row]};
    if (first)
      model.begin_rested(shown.time_ms, state);
    else if (shown.time_ms - previous_ms > kSessionGapMs)
      model.begin_next_session(shown.time_ms, state);
    if (visit) visit(row, shown, state.data());
    model.observe(shown, static_cast<float>(log.play_ms[row]) / static_cast<float>(shown.duration_ms), state.data());
    previous_ms = shown.time_ms;
    first = false;
  }
  if (first) model.begin_rested(kTruthEpochMs, state);
}

std::shared_ptr<const TruthModel> make_truth_model(std::string_view truth_json, const Dataset& data,
                                                   std::int32_t until_date, int threads) {
  const TruthOptions options = parse_truth_json(truth_json);
  auto model = std::make_shared<TruthModel>(options, to_world_ids(data.users.raw_id, "user"),
                                            to_world_ids(data.videos.raw_id, "video"), threads);
  model->set_leave_shift(session_leave_shift(options));
  std::vector<float> states(data.users.size() * kTruthStateSize);
  constexpr std::size_t kBlock = 256;
  parallel_for((data.users.size() + kBlock - 1) / kBlock, threads, [&](std::size_t block, int) {
    for (std::size_t u = block * kBlock; u < std::min(data.users.size(), (block + 1) * kBlock); ++u)
      replay_user(*model, data, static_cast<std::uint32_t>(u), until_date,
                  {&states[u * kTruthStateSize], kTruthStateSize});
  });
  model->set_histories(std::move(states));
  return model;
}

Simulator make_truth_simulator(std::string_view truth_json, const Dataset& data, std::int32_t until_date, int threads) {
  Simulator simulator;
  simulator.model = make_truth_model(truth_json, data, until_date, threads);
  simulator.catalogue = build_catalogue(data, until_date);
  simulator.population = build_population(data, until_date);
  simulator.data_fingerprint = data.fingerprint;
  simulator.fit = read_fit_notes(truth_json, "truth.json");
  simulator.truth = truth_json;
  return simulator;
}

}  // namespace swipegym
