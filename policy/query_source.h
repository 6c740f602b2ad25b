#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/matrix.h"
#include "policy/best_unseen.h"
#include "policy/policy.h"

namespace swipegym {

/// What the rows of a batch ask a table of videos for: vectors whose products with a video's row say how well it fits.
struct QueryVectors {
  std::size_t each = 1;              // room of a row: vector q of row i is row i * each + q
  Matrix vectors;                    // [rows * each, d], of length 1; zeros behind a row's last one
  std::vector<std::uint32_t> count;  // [rows] vectors there are, in [1, each]

  std::size_t rows() const noexcept { return count.size(); }
};

/// A policy that finds videos by vectors, so that millions can be searched exactly (top_items()) or over an index
/// (RetrievalIndex). Immutable, as policies are.
class QuerySource {
 public:
  virtual ~QuerySource() = default;
  /// Vectors that a request asks by at most.
  virtual std::size_t num_queries() const noexcept = 0;
  /// Whether they are drawn; otherwise the observation alone says them.
  virtual bool draws_queries() const noexcept = 0;
  /// What is searched, by the videos' indices: rows of length 1, [videos, d].
  virtual const Matrix& query_items() const noexcept = 0;
  /// The vectors of every row of the batch. What is drawn follows from the row's key and stream alone, whoever else is
  /// in the batch; without keys all rows draw by the same one.
  virtual void query_vectors(const DecisionBatch& batch, QueryVectors& out) const = 0;
  /// How uncertain it is of each row's user: the mean standard deviation of the numbers of their vector, [rows]. False,
  /// and nothing written, where vectors have no deviations.
  virtual bool user_deviations([[maybe_unused]] const DecisionBatch& batch,
                               [[maybe_unused]] std::span<float> out) const {
    return false;
  }
  /// The mean of that over the users it learned from; 0 where it is not known.
  virtual float mean_user_deviation() const noexcept { return 0.0F; }
  /// How uncertain it is of each video, in the same unit, [videos]; empty where vectors have no deviations.
  virtual std::vector<float> video_deviations([[maybe_unused]] int threads) const { return {}; }
};

/// Those of some rows of the batch, in that order.
QueryVectors of_rows(const QueryVectors& all, std::span<const std::uint32_t> rows);

/// Policy::best_probabilities() of a policy whose score() draws from the rows' keys: the shares of kCountedDraws draws,
/// each with a standard error of up to .016.
inline constexpr std::size_t kCountedDraws = 1024;
void count_best(const Policy& policy, const DecisionBatch& batch, std::size_t row, std::span<double> out);

/// What a row's vectors draw from.
inline RandomStream query_stream(const DecisionBatch& batch, std::size_t row) noexcept {
  return RandomStream(split(batch.keys.empty() ? RandomKey{} : batch.keys[row], Draw::kQuery),
                      batch.streams.empty() ? 0 : batch.streams[row]);
}

/// Merges a row's lists in turn: the best of each query, then the second of each, and so on, without repeats and those
/// that `skip(video)` names, until `out` is full. `lists` is [count, length], as top_items() gives them; an item of -1
/// ends a list, within which nothing is repeated. Returns how many were found; the rest of `out` is -1.
template <class Skip>
std::size_t merge_in_turn(std::span<const TopItem> lists, std::size_t count, std::size_t length, const Skip& skip,
                          std::span<std::int32_t> out) {
  std::size_t taken = 0;
  for (std::size_t place = 0; place < length; ++place)
    for (std::size_t q = 0; q < count && taken < out.size(); ++q) {
      const std::int32_t video = lists[q * length + place].item;
      if (video < 0 || skip(video)) continue;
      const auto end = out.begin() + static_cast<std::ptrdiff_t>(taken);
      if (count == 1 || std::find(out.begin(), end, video) == end) out[taken++] = video;
    }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(taken), out.end(), -1);
  return taken;
}

/// Policy::score() by vectors: the largest product of a slot's video with one of the row's vectors, times `scale`.
void score_by_queries(const QueryVectors& queries, const Matrix& items, const ObservationView& observation, float scale,
                      int threads, std::span<float> scores);

/// Policy::best_videos() in the order of score_by_queries(). `queries` are of `rows` alone, in their order.
void best_by_queries(const QueryVectors& queries, const Matrix& items, const DecisionBatch& batch,
                     std::span<const std::uint32_t> rows, std::size_t count, std::span<std::int32_t> out);

}  // namespace swipegym
