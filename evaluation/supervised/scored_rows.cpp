#include "evaluation/supervised/scored_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agents/logged_states.h"
#include "core/error.h"
#include "core/output_file.h"
#include "core/parallel_for.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kScoredAtOnce = 256;

}  // namespace

std::vector<float> score_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                              std::span<const std::uint32_t> rows, int threads, const Progress& progress) {
  const LoggedStates states(data, catalogue, std::max<std::size_t>(1, policy.history_length()));
  std::vector<float> scores(rows.size());
  const std::size_t pieces = (rows.size() + kScoredAtOnce - 1) / kScoredAtOnce;
  constexpr std::size_t kPiecesBetweenReports = 64;
  for (std::size_t begin = 0; begin < pieces; begin += kPiecesBetweenReports) {
    const std::size_t count = std::min(kPiecesBetweenReports, pieces - begin);
    parallel_for(count, threads, [&](std::size_t piece, int) {
      thread_local LoggedStates::Batch batch;
      thread_local std::vector<float> features;
      const std::size_t first = (begin + piece) * kScoredAtOnce, n = std::min(kScoredAtOnce, rows.size() - first);
      states.fill(rows.subspan(first, n), batch);
      features.resize(n * kVideoFeatures);
      for (std::size_t i = 0; i < n; ++i)
        std::copy_n(catalogue.video_features.data() + static_cast<std::size_t>(batch.video[i]) * kVideoFeatures,
                    kVideoFeatures, &features[i * kVideoFeatures]);
      const std::vector<std::uint8_t> mask(n, 1);
      std::vector<RandomKey> keys(n);
      for (std::size_t i = 0; i < n; ++i) keys[i] = split(RandomKey{}, rows[first + i]);
      const std::vector<std::uint32_t> streams(n, 0);
      ObservationView observation = batch.observation;
      observation.candidates = 1;
      observation.candidate = batch.video.data();
      observation.candidate_features = features.data();
      observation.mask = mask.data();
      score_slots(policy, {.observation = observation, .env = nullptr, .keys = keys, .streams = streams, .threads = 1},
                  std::span(scores).subspan(first, n));
    });
    report(progress, "scoring", std::min(rows.size(), (begin + count) * kScoredAtOnce), rows.size());
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!std::isfinite(scores[i]))
      throw InputError(
          fmt::format("policy '{}' scores row {} of the log as {}: it was not trained, or its file is "
                      "damaged",
                      policy.name(), rows[i], scores[i]));
  return scores;
}

void write_scores(const std::filesystem::path& path, const Dataset& data, std::span<const std::uint32_t> rows,
                  std::span<const float> scores, std::string_view head) {
  OutputFile file(path);
  file.write("user_id,video_id,time_ms,score,head\n");
  std::string line;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    line.clear();
    append_id(line, data.users, index_of(data.log.user[rows[i]]));
    line += ',';
    append_id(line, data.videos, index_of(data.log.video[rows[i]]));
    fmt::format_to(std::back_inserter(line), ",{},{:.9g},{}\n", data.log.time_ms[rows[i]], scores[i], head);
    file.write(line);
  }
  file.commit();
}

}  // namespace swipegym
