#pragma once

#include "nn/mlp.h"
#include "policy/label/label_network.h"

namespace swipegym {

/// A light recommender without attention: [user, mean of the history, user's statistics] and [video, its statistics]
/// each through an Mlp; a head's output is the product of its vectors / sqrt(width) plus a bias. The last size of
/// `hidden` is the width.
template <class Scalar>
class TwoTowerNetworkOf final : public LabelNetworkOf<Scalar> {
 public:
  using Base = LabelNetworkOf<Scalar>;
  using typename Base::Mode;
  using typename Base::Pass;

  TwoTowerNetworkOf(const LabelNetworkConfig& config, const LabelInputs& inputs, std::size_t heads, RandomKey key);

  void forward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) override;
  void backward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) override;
  void predict(const LabelRows& rows, Pass& pass) const override;

  std::size_t heads() const noexcept override { return static_cast<std::size_t>(bias.value.cols()); }
  void set_shards(std::size_t count) override {
    user.set_shards(count), video.set_shards(count), bias.set_shards(count);
  }
  std::vector<ParameterOf<Scalar>*> parameters() override;
  std::vector<EmbeddingOf<Scalar>*> embeddings() override { return tables.all(); }
  std::vector<ParameterOf<Scalar>*> statistics() override { return {}; }
  std::unique_ptr<Base> clone() const override { return std::make_unique<TwoTowerNetworkOf>(*this); }

  LabelEmbeddingsOf<Scalar> tables;
  MlpOf<Scalar> user, video;
  ParameterOf<Scalar> bias;  // [1, heads]

 private:
  struct Work;
  void run(const LabelRows& rows, Work& work) const;
  void run_back(const LabelRows& rows, Work& work, std::size_t shard);
};

}  // namespace swipegym
