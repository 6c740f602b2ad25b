#pragma once

#include "nn/dice.h"
#include "nn/linear.h"
#include "policy/label/label_network.h"

namespace swipegym {

/// Deep interest network (Zhou et al., KDD 2018) in the form LabelCraft's reference code has it: [video, pooled
/// history, user, statistics] -> Linear, Dice, Linear, Dice, Linear. Xavier-normal weights, zero biases.
template <class Scalar>
class DinNetworkOf final : public LabelNetworkOf<Scalar> {
 public:
  using Base = LabelNetworkOf<Scalar>;
  using typename Base::Mode;
  using typename Base::Pass;

  DinNetworkOf(const LabelNetworkConfig& config, const LabelInputs& inputs, std::size_t heads, RandomKey key);

  void forward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) override;
  void backward(std::span<const LabelRows> shards, Mode mode, int threads, Pass& pass) override;
  void predict(const LabelRows& rows, Pass& pass) const override;

  std::size_t heads() const noexcept override { return layers.back().out(); }
  void set_shards(std::size_t count) override;
  std::vector<ParameterOf<Scalar>*> parameters() override;
  std::vector<EmbeddingOf<Scalar>*> embeddings() override { return tables.all(); }
  std::vector<ParameterOf<Scalar>*> statistics() override;
  void validate() const override;
  std::unique_ptr<Base> clone() const override { return std::make_unique<DinNetworkOf>(*this); }

  LabelEmbeddingsOf<Scalar> tables;
  AttentionPoolingOf<Scalar> attention;
  std::vector<LinearOf<Scalar>> layers;
  std::vector<DiceOf<Scalar>> dice;  // after each layer but the last

 private:
  struct Work;
  Work& work(Pass& pass, std::size_t shard) const;
  void prepare(Pass& pass, std::size_t shards) const;
  void embed(const LabelRows& rows, const typename AttentionPoolingOf<Scalar>::Folded& folded, Work& work) const;
  void embed_backward(const LabelRows& rows, const typename AttentionPoolingOf<Scalar>::Folded& folded,
                      Work& work) const;
};

}  // namespace swipegym
