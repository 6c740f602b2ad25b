#include "policy/query_source.h"

#include <algorithm>

#include "core/parallel_for.h"
#include "env/seen_videos.h"
#include "nn/matrix_product.h"
#include "policy/best_unseen.h"
#include "policy/row_copies.h"

namespace swipegym {
namespace {

constexpr std::size_t kQueryTile = 64;      // videos multiplied together
constexpr std::size_t kQueryColumns = 32;   // vectors multiplied together, unless one row has more
constexpr std::size_t kQueryShard = 16384;  // videos of one parallel piece

// For each of the videos the largest product with one of the row's vectors. By multiply_lanes(), as score_tiles() and
// top_items() are, so that a video's score has the same bits among candidates, among all and in a list of the best.
void best_products(const QueryVectors& queries, std::size_t row, const Matrix& items,
                   std::span<const std::int32_t> videos, std::span<float> out) {
  const auto width = static_cast<std::size_t>(items.cols());
  const std::size_t count = queries.count[row];
  thread_local std::vector<float> turned, block, products;
  turned.resize(width * count), block.resize(videos.size() * width), products.resize(videos.size() * count);
  for (std::size_t q = 0; q < count; ++q)
    for (std::size_t d = 0; d < width; ++d)
      turned[d * count + q] = queries.vectors.data()[(row * queries.each + q) * width + d];
  for (std::size_t i = 0; i < videos.size(); ++i)
    std::copy_n(items.data() + static_cast<std::size_t>(videos[i]) * width, width, block.data() + i * width);
  multiply_lanes(block.data(), width, std::size_t{1}, videos.size(), width, turned.data(), count, count,
                 products.data(), count, false);
  for (std::size_t i = 0; i < videos.size(); ++i)
    out[i] = *std::max_element(products.begin() + static_cast<std::ptrdiff_t>(i * count),
                               products.begin() + static_cast<std::ptrdiff_t>((i + 1) * count));
}

// Rows [first, last) of the batch, all videos of [from, until).
void score_tiles(const QueryVectors& queries, std::size_t first, std::size_t last, const std::vector<float>& turned,
                 std::size_t columns, const Matrix& items, std::size_t from, std::size_t until, float scale,
                 std::span<float> scores) {
  const auto width = static_cast<std::size_t>(items.cols()), videos = static_cast<std::size_t>(items.rows());
  thread_local std::vector<float> products;
  products.resize(kQueryTile * columns);
  for (std::size_t tile = from; tile < until; tile += kQueryTile) {
    const std::size_t n = std::min(kQueryTile, until - tile);
    multiply_lanes(items.data() + tile * width, width, std::size_t{1}, n, width, turned.data(), columns, columns,
                   products.data(), columns, false);
    for (std::size_t row = first; row < last; ++row) {
      const float* own = products.data() + (row - first) * queries.each;
      float* out = scores.data() + row * videos + tile;
      for (std::size_t i = 0; i < n; ++i) {
        float best = own[i * columns];
        for (std::size_t q = 1; q < queries.count[row]; ++q) best = std::max(best, own[i * columns + q]);
        out[i] = scale * best;
      }
    }
  }
}

}  // namespace

QueryVectors of_rows(const QueryVectors& all, std::span<const std::uint32_t> rows) {
  QueryVectors out;
  out.each = all.each;
  const auto each = static_cast<Eigen::Index>(all.each);
  out.vectors.resize(static_cast<Eigen::Index>(rows.size()) * each, all.vectors.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.vectors.middleRows(static_cast<Eigen::Index>(i) * each, each) =
        all.vectors.middleRows(static_cast<Eigen::Index>(rows[i]) * each, each);
    out.count.push_back(all.count[rows[i]]);
  }
  return out;
}

void score_by_queries(const QueryVectors& queries, const Matrix& items, const ObservationView& observation, float scale,
                      int threads, std::span<float> scores) {
  const auto width = static_cast<std::size_t>(items.cols()), videos = static_cast<std::size_t>(items.rows());
  if (observation.candidates > 0) {
    const std::size_t slots = observation.candidates;
    parallel_for(observation.rows, threads, [&](std::size_t row, int) {
      const std::span<float> own = scores.subspan(row * slots, slots);
      best_products(queries, row, items, {observation.candidate + row * slots, slots}, own);
      for (float& score : own) score *= scale;
    });
    return;
  }
  const std::size_t together = std::max<std::size_t>(1, kQueryColumns / queries.each);
  const std::size_t columns = std::max(kQueryColumns, queries.each);
  std::vector<float> turned(width * columns);
  for (std::size_t first = 0; first < observation.rows; first += together) {
    const std::size_t last = std::min(observation.rows, first + together);
    std::fill(turned.begin(), turned.end(), 0.0F);
    for (std::size_t at = first * queries.each; at < last * queries.each; ++at)
      for (std::size_t d = 0; d < width; ++d)
        turned[d * columns + at - first * queries.each] = queries.vectors.data()[at * width + d];
    parallel_for((videos + kQueryShard - 1) / kQueryShard, threads, [&](std::size_t shard, int) {
      score_tiles(queries, first, last, turned, columns, items, shard * kQueryShard,
                  std::min(videos, (shard + 1) * kQueryShard), scale, scores);
    });
  }
}

void best_by_queries(const QueryVectors& queries, const Matrix& items, const DecisionBatch& batch,
                     std::span<const std::uint32_t> rows, std::size_t count, std::span<std::int32_t> out) {
  if (queries.each == 1) {
    best_unseen(queries.vectors, items, batch, rows, count, out);
    return;
  }
  // The best of a row are among the best of each of its vectors.
  std::vector<std::uint32_t> asked;
  Matrix vectors(queries.vectors.rows(), queries.vectors.cols());
  Eigen::Index used = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t q = 0; q < queries.count[i]; ++q) {
      asked.push_back(rows[i]);
      vectors.row(used++) = queries.vectors.row(static_cast<Eigen::Index>(i * queries.each + q));
    }
  vectors.conservativeResize(used, Eigen::NoChange);
  std::vector<std::int32_t> lists(asked.size() * count);
  best_unseen(vectors, items, batch, asked, count, lists);
  std::size_t list = 0;
  std::vector<float> product;
  std::vector<TopItem> found;
  for (std::size_t i = 0; i < rows.size(); list += queries.count[i] * count, ++i) {
    std::vector<std::int32_t> videos(lists.begin() + static_cast<std::ptrdiff_t>(list),
                                     lists.begin() + static_cast<std::ptrdiff_t>(list + queries.count[i] * count));
    std::sort(videos.begin(), videos.end());
    videos.erase(std::unique(videos.begin(), videos.end()), videos.end());
    found.clear();
    product.resize(videos.size());
    best_products(queries, i, items, videos, product);
    for (std::size_t v = 0; v < videos.size(); ++v) found.push_back({videos[v], product[v]});
    std::stable_sort(found.begin(), found.end(), [](const TopItem& a, const TopItem& b) { return a.score > b.score; });
    for (std::size_t place = 0; place < count; ++place) out[i * count + place] = found[place].item;
  }
}

void count_best(const Policy& policy, const DecisionBatch& batch, std::size_t row, std::span<double> out) {
  constexpr std::size_t kCopies = 32;  // of the row, scored together
  static_assert(kCountedDraws % kCopies == 0);
  const std::vector<std::uint32_t> rows(kCopies, static_cast<std::uint32_t>(row));
  const RowCopies copies(batch.observation, rows);
  std::vector<RandomKey> keys(kCopies);
  const std::vector<std::uint32_t> streams(kCopies, 0);
  const DecisionBatch drawn{
      .observation = copies.observation(), .env = nullptr, .keys = keys, .streams = streams, .threads = batch.threads};
  const RandomKey key = split(split(batch.keys[row], Draw::kQuery), batch.streams[row]);
  const std::size_t slots = out.size();
  const std::uint8_t* mask = batch.observation.candidates > 0 ? copies.observation().mask : nullptr;
  const SeenVideos* seen = batch.observation.candidates == 0 && batch.env != nullptr ? &batch.env->seen(row) : nullptr;
  std::vector<std::size_t> allowed;
  for (std::size_t slot = 0; slot < slots; ++slot)
    if ((mask == nullptr || mask[slot] != 0) && (seen == nullptr || !seen->contains(static_cast<std::uint32_t>(slot))))
      allowed.push_back(slot);
  std::fill(out.begin(), out.end(), 0.0);
  std::vector<float> scores(kCopies * slots);
  for (std::size_t first = 0; first < kCountedDraws && !allowed.empty(); first += kCopies) {
    for (std::size_t i = 0; i < kCopies; ++i) keys[i] = split(key, first + i);
    policy.score(drawn, scores);
    for (std::size_t i = 0; i < kCopies; ++i) {
      const float* of_draw = scores.data() + i * slots;
      const auto best = std::max_element(allowed.begin(), allowed.end(),
                                         [&](std::size_t a, std::size_t b) { return of_draw[a] < of_draw[b]; });
      out[*best] += 1.0 / static_cast<double>(kCountedDraws);
    }
  }
}

}  // namespace swipegym
