#include "policy/best_unseen.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/seen_videos.h"
#include "nn/matrix_product.h"
#include "nn/vector_lanes.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kTileItems = 48;  // their scores with all users of a group stay in the first cache
constexpr std::size_t kTilesAhead = 6;  // asked of the memory while one is worked on
constexpr std::size_t kGroupUsers = 32;
constexpr std::size_t kShardItems = 16384;  // of one parallel piece

bool before(const TopItem& a, const TopItem& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

// The best so far: what beats the worst of them is appended, and once the room is full all but the best are dropped.
class Best {
 public:
  void begin(std::size_t count) {
    count_ = count;
    kept_.clear();
    kept_.reserve(room());
    bar_ = -std::numeric_limits<float>::infinity();
  }
  float bar() const noexcept { return bar_; }
  void add(TopItem item) {
    kept_.push_back(item);
    if (kept_.size() == room()) shrink();
  }
  void shrink() {
    if (kept_.size() <= count_) return;
    const auto middle = kept_.begin() + static_cast<std::ptrdiff_t>(count_);
    std::nth_element(kept_.begin(), middle - 1, kept_.end(), before);
    kept_.erase(middle, kept_.end());
    bar_ = kept_.back().score;
    for (const TopItem& item : kept_) bar_ = std::min(bar_, item.score);
  }
  std::vector<TopItem>& kept() noexcept { return kept_; }

 private:
  std::size_t room() const noexcept { return 4 * count_ + 64; }
  std::size_t count_ = 0;
  std::vector<TopItem> kept_;
  float bar_ = 0.0F;
};

// One worker's best of the items it has met. The bars lie side by side, so that a score is compared with vectors.
struct Worker {
  std::vector<Best> best = std::vector<Best>(kGroupUsers);
  std::vector<float> bars = std::vector<float>(kGroupUsers);
  std::vector<float> scores = std::vector<float>(kTileItems * kGroupUsers);
};

constexpr std::size_t kLookItems = 16;  // looked through together: most hold nothing that beats a bar
static_assert(kGroupUsers == 2 * VectorLanes<float>::kCount && kTileItems % kLookItems == 0);

// Whether one of `count` items beats the bar of one of the users.
bool any_above(const float* scores, std::size_t count, const float* bars) noexcept {
  using Lanes = VectorLanes<float>;
  auto low = Lanes::load(scores), high = Lanes::load(scores + Lanes::kCount);
  for (std::size_t i = 1; i < count; ++i) {
    const auto next_low = Lanes::load(scores + i * kGroupUsers);
    const auto next_high = Lanes::load(scores + i * kGroupUsers + Lanes::kCount);
    low = next_low > low ? next_low : low;
    high = next_high > high ? next_high : high;
  }
  const auto above = (low >= Lanes::load(bars)) | (high >= Lanes::load(bars + Lanes::kCount));
  std::uint64_t words[8], any = 0;
  std::memcpy(words, &above, sizeof words);
  for (const std::uint64_t word : words) any |= word;
  return any != 0;
}

// take(user, score) of those whose bar is beaten or met: an equal one may come earlier in the order of the items.
template <class Take>
void for_each_above(const float* scores, const float* bars, const Take& take) {
  std::uint8_t above[kGroupUsers];
  for (std::size_t u = 0; u < kGroupUsers; ++u) above[u] = scores[u] >= bars[u] ? 1 : 0;
  for (std::size_t first = 0; first < kGroupUsers; first += 8) {
    std::uint64_t word;
    std::memcpy(&word, above + first, sizeof word);
    for (; word != 0; word &= word - 1) {
      const std::size_t u = first + static_cast<std::size_t>(std::countr_zero(word)) / 8;
      take(u, scores[u]);
    }
  }
}

// Items [first, last).
void search(const std::vector<float>& users, const Matrix& items, std::size_t first, std::size_t last, Worker& worker) {
  const auto d = static_cast<std::size_t>(items.cols());
  for (std::size_t tile = first; tile < last; tile += kTileItems) {
    const std::size_t n = std::min(kTileItems, last - tile);
    const float* ahead = items.data() + (tile + kTilesAhead * kTileItems) * d;
    if (tile + (kTilesAhead + 1) * kTileItems <= last)
      for (std::size_t line = 0; line < kTileItems * d; line += 16) __builtin_prefetch(ahead + line, 0, 2);
    // A tile's items are the left factor, so that they are read in order and once; scores lie [item, user].
    multiply_lanes(items.data() + tile * d, d, 1, n, d, users.data(), kGroupUsers, kGroupUsers, worker.scores.data(),
                   kGroupUsers, false);
    for (std::size_t look = 0; look < n; look += kLookItems) {
      const std::size_t count = std::min(kLookItems, n - look);
      if (!any_above(worker.scores.data() + look * kGroupUsers, count, worker.bars.data())) continue;
      for (std::size_t i = look; i < look + count; ++i)
        for_each_above(&worker.scores[i * kGroupUsers], worker.bars.data(), [&](std::size_t u, float score) {
          worker.best[u].add({static_cast<std::int32_t>(tile + i), score});
          worker.bars[u] = worker.best[u].bar();
        });
    }
  }
}

}  // namespace

std::vector<TopItem> top_items(const Matrix& users, const Matrix& items, std::size_t count, int threads) {
  return top_items(users, items, {0, static_cast<std::uint32_t>(items.rows())}, count, threads);
}

std::vector<TopItem> top_items(const Matrix& users, const Matrix& items, VideoRange range, std::size_t count,
                               int threads) {
  assert(users.cols() == items.cols() && range.end <= static_cast<std::size_t>(items.rows()));
  const auto m = static_cast<std::size_t>(users.rows()), n = range.size();
  const auto d = static_cast<std::size_t>(items.cols());
  count = std::min(count, n);
  std::vector<TopItem> out(m * count);
  if (count == 0) return out;
  const std::size_t shards = (n + kShardItems - 1) / kShardItems;
  std::vector<float> turned(d * kGroupUsers);
  std::vector<Worker> workers(std::min(static_cast<std::size_t>(worker_count(threads)), shards));
  for (std::size_t group = 0; group < m; group += kGroupUsers) {
    const std::size_t rows = std::min(kGroupUsers, m - group);
    std::fill(turned.begin(), turned.end(), 0.0F);
    for (std::size_t u = 0; u < rows; ++u)
      for (std::size_t c = 0; c < d; ++c)
        turned[c * kGroupUsers + u] = users(static_cast<Eigen::Index>(group + u), static_cast<Eigen::Index>(c));
    for (Worker& worker : workers) {
      for (std::size_t u = 0; u < rows; ++u) worker.best[u].begin(count);
      std::fill(worker.bars.begin(), worker.bars.end(), std::numeric_limits<float>::infinity());
      std::fill_n(worker.bars.begin(), rows, -std::numeric_limits<float>::infinity());
    }
    // Which worker meets an item does not matter: the best of all workers' best are the same.
    parallel_for(shards, static_cast<int>(workers.size()), [&](std::size_t shard, int worker) {
      search(turned, items, range.begin + shard * kShardItems, range.begin + std::min(n, (shard + 1) * kShardItems),
             workers[static_cast<std::size_t>(worker)]);
    });
    for (std::size_t u = 0; u < rows; ++u) {
      std::vector<TopItem> all;
      for (Worker& worker : workers) {
        const std::vector<TopItem>& part = worker.best[u].kept();
        all.insert(all.end(), part.begin(), part.end());
      }
      if (all.size() < count)  // NaN beats no bar
        throw NotScored(
            "a score of the full catalogue is no number: the policy has diverged, train it again with a "
            "lower learning_rate");
      // Not std::partial_sort, a sort by heap: where most of a small catalogue is asked for, it takes three times as
      // long.
      const auto end = all.begin() + static_cast<std::ptrdiff_t>(count);
      if (end != all.end()) std::nth_element(all.begin(), end - 1, all.end(), before);
      std::sort(all.begin(), end, before);
      std::copy_n(all.begin(), count, out.begin() + static_cast<std::ptrdiff_t>((group + u) * count));
    }
  }
  return out;
}

namespace {

bool is_shown(const DecisionBatch& batch, std::uint32_t row, std::int32_t video) {
  return batch.env != nullptr && !batch.env->may_show(row, static_cast<std::uint32_t>(video));
}

// Copies the first `count` videos of `ranked` that were not shown; how many there were.
template <class Ranked>
std::size_t take_unseen(const Ranked& ranked, const DecisionBatch& batch, std::uint32_t row, std::size_t count,
                        std::int32_t* out) {
  std::size_t taken = 0;
  for (const std::int32_t video : ranked) {
    if (taken == count) break;
    if (!is_shown(batch, row, video)) out[taken++] = video;
  }
  return taken;
}

}  // namespace

std::vector<std::int32_t> best_first(std::span<const float> scores, std::size_t count) {
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](std::int32_t a, std::int32_t b) {
    const float x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  order.resize(static_cast<std::size_t>(end - order.begin()));
  return order;
}

void best_unseen(const Matrix& queries, const Matrix& items, const DecisionBatch& batch,
                 std::span<const std::uint32_t> rows, std::size_t count, std::span<std::int32_t> out) {
  // Few of the best were shown already, as a rule: rows for which a short list does not do get a longer one.
  std::vector<std::size_t> left(rows.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::vector<std::int32_t> ranked;
  const VideoRange range =
      batch.env != nullptr ? batch.env->on_offer() : VideoRange{0, static_cast<std::uint32_t>(items.rows())};
  const std::size_t videos = range.size();
  for (std::size_t list = count + 7; !left.empty(); list *= 8) {
    Matrix asked(static_cast<Eigen::Index>(left.size()), queries.cols());
    for (std::size_t i = 0; i < left.size(); ++i)
      asked.row(static_cast<Eigen::Index>(i)) = queries.row(static_cast<Eigen::Index>(left[i]));
    const std::vector<TopItem> top = top_items(asked, items, range, list, batch.threads);
    const std::size_t length = std::min(list, videos);
    std::vector<std::size_t> again;
    for (std::size_t i = 0; i < left.size(); ++i) {
      ranked.clear();
      for (std::size_t place = 0; place < length; ++place) ranked.push_back(top[i * length + place].item);
      const std::size_t taken = take_unseen(ranked, batch, rows[left[i]], count, &out[left[i] * count]);
      if (taken < count && length < videos) again.push_back(left[i]);
      if (taken < count && length == videos)
        throw InputError(fmt::format("row {} has {} of {} videos left that were not shown, a slate needs {}",
                                     rows[left[i]], taken, videos, count));
    }
    left = std::move(again);
  }
}

bool best_unseen(std::span<const std::int32_t> order, const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                 std::size_t count, std::span<std::int32_t> out) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (take_unseen(order, batch, rows[i], count, &out[i * count]) < count) return false;
  return true;
}

bool best_unseen(std::span<const float> scores, std::span<const std::int32_t> listed, const DecisionBatch& batch,
                 std::uint32_t row, std::size_t count, std::span<std::int32_t> out) {
  require_scores(scores);
  constexpr std::size_t kHead = 1024;  // videos put in order at first: more than sessions watch
  for (const std::size_t head : {kHead, scores.size()}) {
    std::vector<std::int32_t> order = best_first(scores, head);
    if (!listed.empty())
      for (std::int32_t& place : order) place = listed[static_cast<std::size_t>(place)];
    if (best_unseen(order, batch, {&row, 1}, count, out)) return true;
  }
  return false;
}

}  // namespace swipegym
