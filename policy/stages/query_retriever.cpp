#include "policy/stages/query_retriever.h"

#include <algorithm>
#include <optional>

#include "policy/best_unseen.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"
#include "policy/retrieval_index_file.h"
#include "policy/stages/listed_observation.h"

namespace swipegym {
namespace {

class QueryRetriever final : public Retriever {
 public:
  // `index_file` empty: an index is kept in memory alone.
  QueryRetriever(std::shared_ptr<const Policy> policy, const QueryRetrieverSettings& settings,
                 const std::filesystem::path& index_file)
      : policy_(std::move(policy)), source_(*policy_->query_source()), settings_(settings) {
    const Matrix& items = source_.query_items();
    indexed_ = {0, static_cast<std::uint32_t>(items.rows())};
    if (settings.search != "index") return;
    index_.emplace(index_file.empty() ? RetrievalIndex(items, settings.index)
                                      : keep_index_file(index_file, items, settings.index));
  }
  // The same over an index of what is on offer alone.
  QueryRetriever(const QueryRetriever& other, VideoRange on_offer)
      : policy_(other.policy_), source_(*policy_->query_source()), settings_(other.settings_), indexed_(on_offer) {
    index_.emplace(indexed_items(), settings_.index);
  }
  std::string_view name() const noexcept override { return policy_->name(); }
  std::size_t history_length() const noexcept override { return policy_->history_length(); }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    const QueryVectors queries = queries_of(requests);
    if (requests.offered()) return from_pools(requests, queries, count, out);
    std::size_t seen = 0;
    for (std::size_t i = 0; i < requests.size() && requests.batch.env != nullptr; ++i)
      seen = std::max(seen, requests.batch.env->seen(requests.rows[i]).size());
    // Each list may hold nothing but what the others hold too and what was shown.
    const std::size_t length = std::min(count + seen, requests.on_offer().size());
    const std::vector<TopItem> lists =
        index_ && is_indexed(requests.on_offer())
            ? indexed_lists(queries.vectors, length, requests.batch.threads)
            : top_items(queries.vectors, source_.query_items(), requests.on_offer(), length, requests.batch.threads);
    for (std::size_t i = 0; i < requests.size(); ++i)
      merge_in_turn(
          std::span(lists).subspan(i * queries.each * length, queries.each * length), queries.count[i], length,
          [&](std::int32_t video) { return requests.is_shown(i, video); }, out.subspan(i * count, count));
  }

  std::optional<double> recall(const Requests& requests, std::size_t count) const override {
    if (!index_ || requests.offered()) return std::nullopt;
    return index_recall(*index_, indexed_items(), queries_of(requests).vectors, count, requests.batch.threads,
                        settings_.index.ef);
  }

  // Where a catalogue lives, an index of all videos there ever were would find those that are gone. An index is made
  // once a day: its vectors stay as they are then, whatever is counted of their videos later.
  std::shared_ptr<const Retriever> refreshed(const CatalogueNow& now) const override {
    if (index_) return is_indexed(now.on_offer) ? nullptr : std::make_shared<QueryRetriever>(*this, now.on_offer);
    auto policy = policy_->refreshed(now);
    return policy == nullptr ? nullptr : std::make_shared<QueryRetriever>(std::move(policy), settings_, "");
  }

 private:
  bool is_indexed(VideoRange videos) const noexcept {
    return videos.begin == indexed_.begin && videos.end == indexed_.end;
  }
  Matrix indexed_items() const {
    return source_.query_items().middleRows(indexed_.begin, static_cast<Eigen::Index>(indexed_.size()));
  }

  std::vector<TopItem> indexed_lists(const Matrix& queries, std::size_t length, int threads) const {
    std::vector<TopItem> lists = index_->search(queries, length, threads, settings_.index.ef);
    for (TopItem& found : lists)
      if (found.item >= 0) found.item += static_cast<std::int32_t>(indexed_.begin);
    return lists;
  }

  // Of the requests' rows, in their order; each draws by its own dice. Copied first: a batch may have many more rows.
  QueryVectors queries_of(const Requests& requests) const {
    const ListedObservation rows(requests, nullptr, {});
    std::vector<RandomKey> keys(requests.size());
    const std::vector<std::uint32_t> streams(keys.size(), 0);
    if (source_.draws_queries())
      for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = requests.dice[i].key(Chance::kQuery);
    DecisionBatch batch = rows.batch();
    batch.keys = keys;
    batch.streams = streams;
    QueryVectors queries;
    source_.query_vectors(batch, queries);
    return queries;
  }

  void from_pools(const Requests& requests, const QueryVectors& queries, std::size_t count,
                  std::span<std::int32_t> out) const {
    const Matrix& items = source_.query_items();
    std::vector<std::int32_t> pool;
    std::vector<float> scores;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests.pool(i, pool);
      scores.clear();
      for (const std::int32_t video : pool) {
        float best = -2.0F;  // vectors have length 1
        for (std::size_t q = 0; q < queries.count[i]; ++q)
          best = std::max(best,
                          queries.vectors.row(static_cast<Eigen::Index>(i * queries.each + q)).dot(items.row(video)));
        scores.push_back(best);
      }
      const std::vector<std::int32_t> order = best_first(scores, count);
      for (std::size_t k = 0; k < order.size(); ++k) out[i * count + k] = pool[static_cast<std::size_t>(order[k])];
    }
  }

  std::shared_ptr<const Policy> policy_;
  const QuerySource& source_;
  QueryRetrieverSettings settings_;
  VideoRange indexed_;  // the videos that index_ is of
  std::optional<RetrievalIndex> index_;
};

}  // namespace

std::shared_ptr<const Retriever> make_query_retriever(const StageSettings& stage, const StageContext& context) {
  const auto settings = stage.read<QueryRetrieverSettings>();
  if (settings.file.empty()) stage.refuse("file", nullptr, "the file of a policy of vectors, such as a two-tower's");
  std::shared_ptr<const Policy> policy = stage.policy("file", settings.file, context);
  if (policy->query_source() == nullptr)
    stage.refuse("file", settings.file, "a policy that asks by vectors; \"use\": \"policy\" retrieves by any other");
  if (!settings.index_file.empty() && settings.search != "index")
    stage.refuse("index_file", settings.index_file, "\"search\": \"index\" beside it");
  return std::make_shared<QueryRetriever>(
      std::move(policy), settings,
      settings.index_file.empty() ? std::filesystem::path() : context.folder / settings.index_file);
}

}  // namespace swipegym
