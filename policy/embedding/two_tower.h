#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "nn/adam.h"
#include "nn/embedding.h"
#include "nn/mlp.h"
#include "policy/item_inputs.h"
#include "policy/state_encoder.h"

namespace swipegym {

struct TwoTowerConfig {
  std::vector<std::size_t> user_hidden = {128};  // hidden layers of the user tower
  std::vector<std::size_t> item_hidden = {64};   // hidden layers of the video tower
  std::size_t width = 32;                        // of the vectors whose cosine says how they fit
  std::size_t tag_dim = 8, author_dim = 8, id_dim = 16;
  std::size_t history_dim = 16;  // of the vectors of watched videos that are averaged; 0: history by its features only
  float history_decay = 0.95F;   // weight of a watched video falls by this with each newer one
  float temperature = 0.07F;     // a score is cosine / temperature
};

template <class Visitor>
void visit_fields(Visitor& visit, TwoTowerConfig& config) {
  visit("user_hidden", config.user_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("item_hidden", config.item_hidden, ranges::kUnits, ranges::kLayersOrNone);
  visit("width", config.width, ranges::kUnits);
  visit("tag_dim", config.tag_dim, ranges::kUnitsOrNone);
  visit("author_dim", config.author_dim, ranges::kUnitsOrNone);
  visit("id_dim", config.id_dim, ranges::kUnitsOrNone);
  visit("history_dim", config.history_dim, ranges::kUnitsOrNone);
  visit("history_decay", config.history_decay, between(0, 1));
  visit("temperature", config.temperature, between(1e-3, 1e6));
}

/// Two towers that meet in a cosine and nowhere else, so that a video's vector can be computed once and the best of
/// millions found by it. The user tower reads the state of StateEncoder and decaying means of the vectors of watched
/// videos, plain and weighted by watch ratio; the video tower reads features, tag, author and id.
///
/// With deviations a tower gives a mean and a log variance for each number of its vector, independent normals as in
/// Kingma & Welling (ICLR 2014). To a video's log variances its id adds one number, so that how sure one is of a video
/// can follow how often it was met, whatever its features say.
class RetrievalTowers {
 public:
  /// What a tower makes of its inputs.
  struct Output {
    Matrix unit;                  // the vector brought to length 1, [n, width]
    Matrix vector, log_variance;  // with deviations: before that, and how uncertain, [n, width]
    // Of the caller, with deviations: draws from N(0, 1) where the vector is to be drawn, and not the mean, [n, width];
    // and how much each row's divergence from N(0, 1) counts in the loss, [n]. Empty: neither.
    Matrix noise;
    std::vector<float> kl_weight;
  };
  /// Room for one pass of one thread.
  struct Work {
    Matrix users, items;  // inputs, [n, user_size] and [n, item_size]
    MlpWorkspace user, item;
    Output user_out, item_out;
    StateEncoder::Histories histories;
    Matrix states;
    std::vector<std::int32_t> history, videos;  // [n, L] rows of the history table (-1: none), and [n] videos
    std::vector<float> plain, rated;            // [n, L] weights of the two means
    std::vector<float> by_id;                   // [n] what ids add to log variances
    Matrix d_user, d_item, d_users, d_items;
  };

  RetrievalTowers() = default;
  RetrievalTowers(const TwoTowerConfig& config, std::size_t state_size, const ItemInputs& items, RandomKey key,
                  bool deviations = false);

  /// The sizes of the two towers' layers, `outputs` numbers wide at the end.
  static std::vector<std::size_t> user_sizes(const TwoTowerConfig& config, std::size_t state_size, std::size_t outputs);
  static std::vector<std::size_t> item_sizes(const TwoTowerConfig& config, std::size_t outputs);

  const TwoTowerConfig& config() const noexcept { return config_; }
  bool has_deviations() const noexcept { return deviations_; }

  /// work.user_out for rows [first, first + count) of the observation; rows up to `padded` are filled with zeros, so
  /// that a row's bits do not depend on how many there are.
  void forward_users(const StateEncoder& encoder, const ItemInputs& items, const ObservationView& observation,
                     std::size_t first, std::size_t count, std::size_t padded, Work& work) const;
  /// work.item_out for work.videos.
  void forward_items(const ItemInputs& items, Work& work) const;
  /// Unit vectors of the whole catalogue, [videos, width].
  Matrix item_table(const ItemInputs& items, int threads) const;
  /// The rows of these videos in such a table.
  void renew_table(const ItemInputs& items, VideoRange videos, Matrix& table) const;
  /// With deviations, of the whole catalogue: the mean standard deviation of a video's vector, [videos] (else empty);
  /// and the vectors as they are before they are brought to length 1, [videos, width].
  std::vector<float> item_deviations(const ItemInputs& items, int threads) const;
  Matrix item_means(const ItemInputs& items, int threads) const;

  /// After both forwards: the divergences of the rows as their kl_weight has them.
  double kl(const Work& work) const;

  /// After both forwards with one video a user row: adds the gradients to `shard`, given those of the unit vectors;
  /// those of kl() are added.
  void backward(const Matrix& d_user_unit, const Matrix& d_item_unit, Work& work, std::size_t shard);
  /// Adds what the towers leave for the embeddings; one thread, in a fixed order of shards.
  void scatter(const ItemInputs& items, const Work& work);

  void set_shards(std::size_t count);
  std::vector<std::pair<std::string, Parameter*>> parameters();  // of the towers
  std::vector<std::pair<std::string, Embedding*>> embeddings();

  void save(Hdf5Writer& file, const std::string& name) const;
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  /// visit(work, first) after forward_items() of videos first, first + 1, ..., which are some of the range.
  template <class Visit>
  void for_items(const ItemInputs& items, VideoRange videos, int threads, const Visit& visit) const;

  TwoTowerConfig config_;
  std::size_t state_size_ = 0;
  bool deviations_ = false;
  Mlp user_, item_;
  VideoTables tables_;
  Embedding history_, deviation_;
};

}  // namespace swipegym
