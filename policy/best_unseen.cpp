#include "policy/best_unseen.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "env/seen_videos.h"
#include "policy/scores.h"
#include "policy/top_items.h"

namespace swipegym {
namespace {

bool is_shown(const DecisionBatch& batch, std::uint32_t row, std::int32_t video) {
  return batch.env != nullptr && batch.env->seen(row).contains(static_cast<std::uint32_t>(video));
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
  const auto videos = static_cast<std::size_t>(items.rows());
  for (std::size_t list = count + 7; !left.empty(); list *= 8) {
    Matrix asked(static_cast<Eigen::Index>(left.size()), queries.cols());
    for (std::size_t i = 0; i < left.size(); ++i)
      asked.row(static_cast<Eigen::Index>(i)) = queries.row(static_cast<Eigen::Index>(left[i]));
    const std::vector<TopItem> top = top_items(asked, items, list, batch.threads);
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
