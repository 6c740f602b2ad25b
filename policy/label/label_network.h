#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/range.h"
#include "nn/attention_pooling.h"
#include "nn/embedding.h"
#include "nn/matrix.h"

namespace swipegym {

/// Settings of the recommenders that labels are fitted with.
struct LabelNetworkConfig {
  std::string kind = "din";           // din, or two_tower: no attention between the history and the candidate
  std::size_t embedding = 12;         // of user, video, duration bucket and tag each
  std::size_t attention_hidden = 36;  // of DIN's attention
  std::vector<std::size_t> hidden = {200, 80};
  std::size_t history_length = 100;  // a user's newest videos
  bool duration = true;              // the duration bucket is an input; DVR's debiasing leaves it out
  bool statistics = true;            // the observation's features of user, context and video are inputs too
};

template <class Visitor>
void visit_fields(Visitor& visit, LabelNetworkConfig& config) {
  visit("kind", config.kind, one_of({"din", "two_tower"}));
  visit("embedding", config.embedding, between(1, 512));
  visit("attention_hidden", config.attention_hidden, ranges::kUnits);
  visit("hidden", config.hidden, ranges::kUnits, ranges::kLayers);
  visit("history_length", config.history_length, between(1, 500));
  visit("duration", config.duration);
  visit("statistics", config.statistics);
}

/// Throws InputError naming the first setting that makes no sense.
inline void check(const LabelNetworkConfig& config) {
  check_ranges(config);
}

/// Durations by logarithm: bucket floor(10 ln(1 + s)), at most kDurationBuckets - 1.
inline constexpr std::size_t kDurationBuckets = 92;
std::int32_t duration_bucket(double duration_s) noexcept;

/// Rows as table rows; -1 is padding or unknown and embeds to zeros. Histories lie behind each other.
struct LabelRows {
  std::vector<std::int32_t> user, video, bucket, tag;  // [rows]
  std::vector<RowRange> history;                       // [rows], of the following
  std::vector<std::int32_t> history_video, history_bucket, history_tag;
  Matrix user_statistics, video_statistics;  // [rows, n]; no columns when not used

  std::size_t size() const noexcept { return video.size(); }
};

/// Sizes of what a network looks up and reads.
struct LabelInputs {
  std::size_t users = 0, videos = 0, tags = 0;
  std::size_t user_statistics = 0, video_statistics = 0;  // columns
};

/// The tables every label network begins with: a user's vector, and a video's as [id, duration bucket, tag].
template <class Scalar>
struct LabelEmbeddingsOf {
  LabelEmbeddingsOf() = default;
  LabelEmbeddingsOf(const LabelNetworkConfig& config, const LabelInputs& inputs, RandomKey key);

  std::size_t dim() const noexcept { return user.dim(); }
  void gather_user(const LabelRows& rows, MatrixRef<Scalar> out) const { user.gather(rows.user, out); }
  void gather_video(const LabelRows& rows, MatrixRef<Scalar> out) const;    // [rows, 3 dim]
  void gather_history(const LabelRows& rows, MatrixRef<Scalar> out) const;  // [history rows, 3 dim]
  /// Adds gradients of the three; one thread.
  void scatter(const LabelRows& rows, ConstMatrixRef<Scalar> d_user, ConstMatrixRef<Scalar> d_video,
               ConstMatrixRef<Scalar> d_history);
  std::vector<EmbeddingOf<Scalar>*> all() { return {&user, &video, &bucket, &tag}; }

  EmbeddingOf<Scalar> user, video, bucket, tag;
};

/// A recommender with one output a head. A batch is a list of shards that threads work on; batch statistics are taken
/// over all of it and gradients are added in the shards' order, so the number of threads changes nothing.
template <class Scalar>
class LabelNetworkOf {
 public:
  /// Room of one shard; output and its derivative are [rows, heads].
  struct Shard {
    virtual ~Shard() = default;
    MatrixOf<Scalar> output, d_output;
  };
  struct Pass {
    std::vector<std::unique_ptr<Shard>> shards;
  };
  enum class Mode {
    kTrain,    // batch statistics, remembered
    kProbe,    // batch statistics, not remembered
    kPredict,  // running statistics: rows do not depend on each other
  };

  virtual ~LabelNetworkOf() = default;
  /// Fills pass.shards[i].output from shards[i].
  virtual void forward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) = 0;
  /// After forward() with the same shards and mode: adds the gradients of sum d_output * output.
  virtual void backward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) = 0;
  /// The outputs of one shard in mode kPredict; callable from many threads with a Pass each.
  virtual void predict(const LabelRows& rows, Pass& pass) const = 0;

  virtual std::size_t heads() const noexcept = 0;
  virtual void set_shards(std::size_t count) = 0;
  virtual std::vector<ParameterOf<Scalar>*> parameters() = 0;
  virtual std::vector<EmbeddingOf<Scalar>*> embeddings() = 0;
  virtual std::unique_ptr<LabelNetworkOf> clone() const = 0;
  /// Numbers that belong to the state and are no parameters: running statistics.
  virtual std::vector<ParameterOf<Scalar>*> statistics() = 0;
  /// What holds of numbers that were read from a file, beside being finite: no variance is negative.
  virtual void validate() const {}
};
using LabelNetwork = LabelNetworkOf<float>;

template <class Scalar>
std::unique_ptr<LabelNetworkOf<Scalar>> make_label_network(const LabelNetworkConfig& config, const LabelInputs& inputs,
                                                           std::size_t heads, RandomKey key);

/// Everything training changes, with the names that files and messages use.
struct NamedParameter {
  std::string name;
  Parameter* parameter = nullptr;
};
std::vector<NamedParameter> named_state(LabelNetwork& network);

}  // namespace swipegym
