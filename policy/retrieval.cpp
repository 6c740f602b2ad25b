#include "policy/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/candidate_sources.h"
#include "env/seen_videos.h"
#include "policy/best_unseen.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// What a session of any user sees at most, beyond what it is offered: the log's videos and a hundred steps.
constexpr std::size_t kSeenInSession = 300;
constexpr std::size_t kMostScores = std::size_t{1} << 25;

// The head of each row's order among the videos its session has not seen; [rows, length], -1 behind the end.
void rank(const Policy& retriever, const DecisionBatch& batch, std::size_t videos, std::size_t length,
          std::vector<float>& scores, std::span<std::int32_t> out) {
  const std::size_t rows = batch.observation.rows;
  std::vector<std::uint32_t> all(rows);
  std::iota(all.begin(), all.end(), 0U);
  if (length < videos && retriever.best_videos(batch, all, length, out)) return;
  scores.resize(rows * videos);
  score_slots(retriever, batch, scores);
  parallel_for(rows, batch.threads, [&](std::size_t row, int) {
    const std::vector<std::int32_t> order = best_first(std::span(scores).subspan(row * videos, videos), videos);
    std::int32_t* list = out.data() + row * length;
    std::fill_n(list, length, -1);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < order.size() && taken < length; ++i)
      if (!batch.env->seen(row).contains(static_cast<std::uint32_t>(order[i]))) list[taken++] = order[i];
  });
}

// The same for the nearest ones over an index.
void rank_by_index(const QuerySource& source, const RetrievalIndex& index, const DecisionBatch& batch,
                   std::size_t length, std::span<std::int32_t> out) {
  QueryVectors queries;
  source.query_vectors(batch, queries);
  std::size_t seen = 0;
  for (std::size_t row = 0; row < queries.rows(); ++row) seen = std::max(seen, batch.env->seen(row).size());
  const std::size_t count = std::min(length + seen, index.size());
  const std::vector<TopItem> lists = index.search(queries.vectors, count, batch.threads);
  for (std::size_t row = 0; row < queries.rows(); ++row)
    merge_in_turn(
        std::span(lists).subspan(row * queries.each * count, queries.each * count), queries.count[row], count,
        [&](std::int32_t video) { return batch.env->seen(row).contains(static_cast<std::uint32_t>(video)); },
        out.subspan(row * length, length));
}

}  // namespace

std::vector<SessionStart> last_starts(const Simulator& simulator) {
  const Population& population = simulator.population;
  std::vector<SessionStart> starts(simulator.catalogue.num_users());
  SessionStart newest{.user = 0, .time_ms = std::numeric_limits<std::int64_t>::min()};
  for (std::size_t i = 0; i < population.start_user.size(); ++i) {
    const SessionStart start{population.start_user[i], population.start_time_ms[i], population.start_tab[i]};
    if (start.time_ms > newest.time_ms) newest = start;
    if (SessionStart& own = starts[start.user]; start.time_ms > own.time_ms) own = start;
  }
  for (std::size_t user = 0; user < starts.size(); ++user) {
    if (starts[user].time_ms == 0) starts[user] = newest;
    starts[user].user = static_cast<std::uint32_t>(user);
  }
  return starts;
}

std::shared_ptr<const CandidateSource> retrieve_candidates(std::shared_ptr<const Simulator> simulator,
                                                           const Policy& retriever, std::size_t slots, int threads,
                                                           const std::optional<RetrievalIndexConfig>& index) {
  const QuerySource* queries = retriever.query_source();
  std::optional<RetrievalIndex> graph;
  if (index) {
    if (queries == nullptr)
      throw InputError(
          fmt::format("policy '{}' asks by no vectors that an index could be searched for: name a policy "
                      "such as a two-tower's",
                      retriever.name()));
    graph.emplace(queries->query_items(), *index);
  }
  const std::size_t videos = simulator->catalogue.num_videos();
  const std::size_t length = std::min(2 * slots + kSeenInSession, videos);
  const std::vector<SessionStart> starts = last_starts(*simulator);
  const std::size_t rows = std::clamp<std::size_t>(kMostScores / videos, 1, std::min<std::size_t>(256, starts.size()));
  VectorEnv env(simulator, std::make_shared<FullCatalogue>(),
                {.num_envs = rows, .threads = threads, .history_length = retriever.history_length(), .max_steps = 100});
  const std::vector<std::uint64_t> seeds(rows, 1);
  const std::vector<RandomKey> keys(rows, make_key(1));
  const std::vector<std::uint32_t> streams(rows, 0);
  std::vector<std::int32_t> lists(starts.size() * length), block(rows * length);
  std::vector<float> scores;
  for (std::size_t first = 0; first < starts.size(); first += rows) {
    // The last block holds users again that were done already: every block is full, so that arithmetic is the same.
    const std::size_t begin = std::min(first, starts.size() - rows);
    env.reset_at(seeds, std::span(starts).subspan(begin, rows));
    const DecisionBatch batch{env.observation(), &env, keys, streams, threads};
    if (graph)
      rank_by_index(*queries, *graph, batch, length, block);
    else
      rank(retriever, batch, videos, length, scores, block);
    std::copy(block.begin(), block.end(), lists.begin() + static_cast<std::ptrdiff_t>(begin * length));
  }
  const std::size_t fillers = std::max<std::size_t>(1, slots / kFillerShare);
  return std::make_shared<RankedCandidates>("retrieved by " + std::string(retriever.name()), videos, slots, fillers,
                                            std::move(lists), length);
}

Words candidate_sources() {
  std::vector<std::string> names;
  for (const NamedSource& source : named_sources()) names.emplace_back(source.name);
  return Words(std::move(names)).or_file(".h5");
}

std::shared_ptr<const CandidateSource> make_candidates(const std::string& source,
                                                       std::shared_ptr<const Simulator> simulator, std::size_t slots,
                                                       std::uint64_t seed, int threads) {
  if (!names_retriever(source)) return make_candidate_source(source, simulator->catalogue, slots, seed);
  const auto retriever = load_policy(source, simulator->catalogue);
  return retrieve_candidates(std::move(simulator), *retriever, slots, threads);
}

}  // namespace swipegym
