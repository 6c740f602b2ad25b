#include "agents/catalogue_ranking.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "agents/logged_states.h"
#include "core/parallel_pieces.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kRankedTogether = 32, kScoredTogether = 512;  // observations

// One user's question: where the period begins, and what is wanted in it.
struct Asked {
  std::uint32_t user = 0, first_row = 0;
  std::vector<std::uint32_t> wanted;
};

std::vector<Asked> collect(const Dataset& data, const RankingQuestion& question) {
  const Log& log = data.log;
  std::vector<Asked> all;
  std::vector<std::uint32_t> before;
  for (std::size_t u = 0; u + 1 < data.user_offset.size(); ++u) {
    Asked asked{.user = static_cast<std::uint32_t>(u), .first_row = 0, .wanted = {}};
    bool begun = false;
    before.clear();
    for (std::size_t row = data.user_offset[u]; row < data.user_offset[u + 1]; ++row) {
      const std::uint32_t video = index_of(log.video[row]);
      const bool inside = question.days.contains(log.date[row]) && log.is_random[row] == 0;
      if (inside && !begun) begun = true, asked.first_row = static_cast<std::uint32_t>(row);
      if (!begun)
        before.push_back(video);
      else if (inside && is_wanted(log, row, question.wanted_above))
        asked.wanted.push_back(video);
    }
    std::sort(before.begin(), before.end());
    std::sort(asked.wanted.begin(), asked.wanted.end());
    asked.wanted.erase(std::unique(asked.wanted.begin(), asked.wanted.end()), asked.wanted.end());
    std::erase_if(asked.wanted, [&](std::uint32_t v) { return std::binary_search(before.begin(), before.end(), v); });
    if (begun) all.push_back(std::move(asked));
  }
  return all;
}

// Of `wanted`, those that fewer than k unwatched videos beat. Videos of equal score share the places they take.
std::uint32_t count_found(std::span<float> scores, const std::vector<std::uint32_t>& wanted, std::size_t k,
                          std::vector<float>& sorted) {
  sorted.assign(scores.begin(), scores.end());
  const std::size_t place = std::min(k, sorted.size()) - 1;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(place), sorted.end(), std::greater<>());
  const float least = sorted[place];
  return static_cast<std::uint32_t>(
      std::count_if(wanted.begin(), wanted.end(), [&](std::uint32_t video) { return scores[video] >= least; }));
}

std::uint32_t rank_of(std::size_t video, std::span<const float> scores) {
  const float own = scores[video];
  std::size_t above = 0, same = 0;
  for (const float score : scores) above += score > own, same += score == own;
  return static_cast<std::uint32_t>(above + (same - 1) / 2);
}

// Calls use(i, scores) with what the policy scores in the state before rows[i]: the row's own video, or every one.
template <class Use>
void score_logged(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                  std::span<const std::uint32_t> rows, bool every_video, int threads, const Use& use) {
  const LoggedStates states(data, catalogue, std::max<std::size_t>(1, policy.history_length()));
  const std::size_t slots = every_video ? catalogue.num_videos() : 1;
  parallel_pieces(rows.size(), every_video ? kRankedTogether : kScoredTogether, threads,
                  [&](std::size_t, std::size_t first, std::size_t count) {
                    thread_local std::vector<float> scores;
                    thread_local LoggedStates::Batch batch;
                    states.fill(rows.subspan(first, count), batch);
                    if (!every_video)
                      batch.observation.candidates = 1, batch.observation.candidate = batch.video.data();
                    scores.resize(count * slots);
                    // Whoever draws draws for each user apart.
                    std::vector<RandomKey> keys;
                    for (const std::uint32_t user : batch.user) keys.push_back(split(RandomKey{}, user));
                    const std::vector<std::uint32_t> streams(count);
                    score_slots(policy, {batch.observation, nullptr, keys, streams, 1}, scores);
                    for (std::size_t i = 0; i < count; ++i) use(first + i, std::span(scores).subspan(i * slots, slots));
                  });
}

}  // namespace

double CatalogueRanking::mean_recall() const noexcept {
  double sum = 0.0, users = 0.0;
  for (std::size_t i = 0; i < user.size(); ++i)
    if (wanted[i] > 0) sum += static_cast<double>(found[i]) / wanted[i], users += 1.0;
  return users > 0.0 ? sum / users : std::numeric_limits<double>::quiet_NaN();
}

void score_catalogue(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                     std::span<const std::uint32_t> rows, int threads,
                     const std::function<void(std::size_t i, std::span<float> scores)>& use) {
  score_logged(policy, data, catalogue, rows, /*every_video=*/true, threads, use);
}

std::vector<float> score_logged_videos(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                       std::span<const std::uint32_t> rows, int threads) {
  std::vector<float> scores(rows.size());
  score_logged(policy, data, catalogue, rows, /*every_video=*/false, threads,
               [&](std::size_t i, std::span<const float> one) { scores[i] = one[0]; });
  return scores;
}

std::vector<std::uint32_t> rank_logged_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                            const std::vector<std::uint32_t>& rows, int threads) {
  std::vector<std::uint32_t> rank(rows.size());
  score_catalogue(policy, data, catalogue, rows, threads, [&](std::size_t i, std::span<const float> scores) {
    rank[i] = rank_of(index_of(data.log.video[rows[i]]), scores);
  });
  return rank;
}

CatalogueRanking rank_catalogue(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                const RankingQuestion& question, int threads) {
  const std::vector<Asked> asked = collect(data, question);
  CatalogueRanking ranking;
  ranking.found.resize(asked.size()), ranking.next.resize(asked.size());
  std::vector<std::uint32_t> rows;
  for (const Asked& one : asked) {
    rows.push_back(one.first_row);
    ranking.user.push_back(one.user);
    ranking.wanted.push_back(static_cast<std::uint32_t>(one.wanted.size()));
  }
  score_catalogue(policy, data, catalogue, rows, threads, [&](std::size_t i, std::span<float> scores) {
    thread_local std::vector<float> sorted;
    ranking.next[i] = rank_of(index_of(data.log.video[rows[i]]), scores);
    for (std::size_t row = data.user_offset[asked[i].user]; row < rows[i]; ++row)
      scores[index_of(data.log.video[row])] = std::numeric_limits<float>::lowest();
    ranking.found[i] = count_found(scores, asked[i].wanted, question.k, sorted);
  });
  return ranking;
}

}  // namespace swipegym
