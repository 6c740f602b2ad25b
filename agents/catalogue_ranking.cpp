#include "agents/catalogue_ranking.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "agents/logged_states.h"
#include "core/parallel_for.h"
#include "policy/scores.h"

namespace swipegym {
namespace {

constexpr std::size_t kRankedTogether = 32;  // observations

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

// Every video for each of the rows last filled in.
void score_states(const Policy& policy, const LoggedStates::Batch& batch, std::span<float> scores) {
  // Whoever draws draws for each user apart.
  std::vector<RandomKey> keys;
  for (const std::uint32_t user : batch.user) keys.push_back(split(RandomKey{}, user));
  const std::vector<std::uint32_t> streams(batch.observation.rows);
  score_slots(policy,
              {.observation = batch.observation, .env = nullptr, .keys = keys, .streams = streams, .threads = 1},
              scores);
}

}  // namespace

double CatalogueRanking::mean_recall() const noexcept {
  double sum = 0.0, users = 0.0;
  for (std::size_t i = 0; i < user.size(); ++i)
    if (wanted[i] > 0) sum += static_cast<double>(found[i]) / wanted[i], users += 1.0;
  return users > 0.0 ? sum / users : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::uint32_t> rank_logged_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                            const std::vector<std::uint32_t>& rows, int threads) {
  const LoggedStates states(data, catalogue, std::max<std::size_t>(1, policy.history_length()));
  const std::size_t videos = catalogue.num_videos();
  std::vector<std::uint32_t> rank(rows.size());
  parallel_for((rows.size() + kRankedTogether - 1) / kRankedTogether, threads, [&](std::size_t piece, int) {
    thread_local std::vector<float> scores;
    thread_local LoggedStates::Batch batch;
    const std::size_t first = piece * kRankedTogether, count = std::min(kRankedTogether, rows.size() - first);
    states.fill(std::span(rows).subspan(first, count), batch);
    scores.resize(count * videos);
    score_states(policy, batch, scores);
    for (std::size_t i = 0; i < count; ++i)
      rank[first + i] =
          rank_of(static_cast<std::size_t>(batch.video[i]), std::span(scores).subspan(i * videos, videos));
  });
  return rank;
}

CatalogueRanking rank_catalogue(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                                const RankingQuestion& question, int threads) {
  const std::vector<Asked> asked = collect(data, question);
  const LoggedStates states(data, catalogue, std::max<std::size_t>(1, policy.history_length()));
  const std::size_t videos = catalogue.num_videos();
  CatalogueRanking ranking;
  ranking.found.resize(asked.size()), ranking.next.resize(asked.size());
  for (const Asked& one : asked) {
    ranking.user.push_back(one.user);
    ranking.wanted.push_back(static_cast<std::uint32_t>(one.wanted.size()));
  }
  parallel_for((asked.size() + kRankedTogether - 1) / kRankedTogether, threads, [&](std::size_t piece, int) {
    thread_local std::vector<float> scores, sorted;
    thread_local LoggedStates::Batch batch;
    thread_local std::vector<std::uint32_t> rows;
    const std::size_t first = piece * kRankedTogether, last = std::min(asked.size(), first + kRankedTogether);
    rows.clear();
    for (std::size_t i = first; i < last; ++i) rows.push_back(asked[i].first_row);
    states.fill(rows, batch);
    scores.resize(rows.size() * videos);
    score_states(policy, batch, scores);
    for (std::size_t i = first; i < last; ++i) {
      const std::span<float> own(scores.data() + (i - first) * videos, videos);
      ranking.next[i] = rank_of(index_of(data.log.video[asked[i].first_row]), own);
      for (std::size_t row = data.user_offset[asked[i].user]; row < asked[i].first_row; ++row)
        own[index_of(data.log.video[row])] = std::numeric_limits<float>::lowest();
      ranking.found[i] = count_found(own, asked[i].wanted, question.k, sorted);
    }
  });
  return ranking;
}

}  // namespace swipegym
