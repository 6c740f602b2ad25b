#pragma once

#include <algorithm>
#include <cassert>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agents/policy_gradient/actor_network.h"
#include "agents/training_memory.h"
#include "core/parallel_pieces.h"

namespace swipegym {

/// The ActorNetwork of a model, whose passes `Passes` makes. It has
///   Model, ModelPolicy                     what is trained, with a header, and the Policy of it
///   Shard                                  room for a pass over some states, with their scores and d_scores [rows, m]
///   forward(model, rollout, rows, shard)   writes the scores
///   backward(model, rollout, rows, shard, index)  from d_scores into gradient shard `index`; called after forward()
///   scatter(model, shards, threads)        adds what backward() left in all of them, in order
/// and begin(), observe(), restart(), save() and load() of an ActorNetwork, the last two given the model.
///
/// A batch is cut into shards of fixed size whose gradients are added in order, so that the number of threads never
/// changes a bit.
template <class Passes>
class ScoringActor final : public ActorNetwork {
 public:
  using Model = typename Passes::Model;
  using ModelPolicy = typename Passes::ModelPolicy;

  /// `anchored`: held near the policy that `model` is now.
  ScoringActor(std::shared_ptr<Model> model, Passes passes, const Settings& settings, bool anchored = false)
      : model_(std::move(model)),
        anchor_(anchored ? std::make_shared<Model>(*model_) : nullptr),
        policy_(model_),
        passes_(std::move(passes)),
        settings_(settings),
        adam_(settings.adam),
        shards_((settings.most_rows + settings.shard_rows - 1) / settings.shard_rows),
        parameters_(model_->network.parameters()),
        embeddings_(model_->network.embeddings()) {
    model_->network.set_shards(shards_.size());
  }

  const Policy& policy() const noexcept override { return policy_; }
  std::shared_ptr<const Policy> snapshot(std::span<const float> parameters) const override {
    auto model = std::make_shared<Model>(*model_);
    model->network.set_shards(1);
    if (!parameters.empty()) write_to(model->network, parameters);
    model->header.temperature = 1.0F;
    return std::make_shared<ModelPolicy>(std::move(model));
  }
  const ItemInputs& items() const noexcept override { return Passes::items(*model_); }
  void begin(const ObservationView& first) override { passes_.begin(first); }
  void observe(const ObservationView& next) override { passes_.observe(next); }
  void restart() override { passes_.restart(); }
  void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) const override {
    score_by(*model_, rollout, rows, out);
  }
  bool anchor_score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) const override {
    if (anchor_) score_by(*anchor_, rollout, rows, out);
    return anchor_ != nullptr;
  }
  Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss) override {
    Step out;
    out.loss = accumulate(rollout, rows, loss, 0, 1.0F / static_cast<float>(rows.size()));
    out.gradient_norm = adam_.step(parameters_, embeddings_, settings_.threads);
    return out;
  }
  double gradient(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss,
                  std::span<float> out) override {
    const float share = 1.0F / static_cast<float>(rows.size());
    double mean = 0.0;
    for (std::size_t first = 0; first < rows.size(); first += settings_.most_rows)
      mean += accumulate(rollout, rows.subspan(first, std::min(settings_.most_rows, rows.size() - first)), loss, first,
                         share);
    take_gradient(out);
    return mean;
  }
  std::size_t size() const noexcept override {
    std::size_t all = 0;
    for (const Parameter* one : parameters_) all += static_cast<std::size_t>(one->value.size());
    for (const Embedding* one : embeddings_) all += static_cast<std::size_t>(one->table.value.size());
    return all;
  }
  void read(std::span<float> parameters) const override {
    float* at = parameters.data();
    for (const Parameter* one : parameters_) at = std::copy_n(one->value.data(), one->value.size(), at);
    for (const Embedding* one : embeddings_) at = std::copy_n(one->table.value.data(), one->table.value.size(), at);
  }
  void write(std::span<const float> parameters) override { write_to(model_->network, parameters); }
  Adam& adam() noexcept override { return adam_; }
  std::size_t bytes() const override { return bytes_of(parameters_, embeddings_); }
  void save(Hdf5Writer& file, const std::string& name) const override { Passes::save(file, name, *model_); }
  void load(const Hdf5Reader& file, const std::string& name) override { Passes::load(file, name, *model_); }

 private:
  template <class Network>
  static void write_to(Network& network, std::span<const float> parameters) {
    const float* at = parameters.data();
    const auto fill = [&](Matrix& value) {
      std::copy_n(at, value.size(), value.data());
      at += value.size();
    };
    for (Parameter* one : network.parameters()) fill(one->value);
    for (Embedding* one : network.embeddings()) fill(one->table.value);
  }
  // Moves the gradients of all shards and tables to `out` and leaves none behind.
  void take_gradient(std::span<float> out) {
    std::fill(out.begin(), out.end(), 0.0F);
    float* at = out.data();
    for (Parameter* one : parameters_) {
      one->reduce_gradient();
      at = std::copy_n(one->gradient().data(), one->gradient().size(), at);
      one->zero_gradient();
    }
    for (Embedding* one : embeddings_) {
      const std::size_t dim = one->dim();
      for (std::size_t i = 0; i < one->touched().size(); ++i)
        std::copy_n(one->touched_gradient().data() + i * dim, dim,
                    at + static_cast<std::size_t>(one->touched()[i]) * dim);
      at += one->table.value.size();
      one->zero_gradient();
    }
  }
  // Adds the gradient of `share` times the losses of these rows, at most a step's, to the shards and tables; returns
  // that sum. `first_row`: what `loss` calls the first of them.
  double accumulate(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss,
                    std::size_t first_row, float share) {
    const std::size_t m = rollout.shape().slots, piece = settings_.shard_rows, used = (rows.size() + piece - 1) / piece;
    assert(used <= shards_.size());
    std::vector<double> losses(used, 0.0);
    parallel_pieces(rows.size(), piece, settings_.threads,
                    [&](std::size_t index, std::size_t first, std::size_t count) {
                      typename Passes::Shard& shard = shards_[index];
                      const std::span<const std::uint32_t> own = rows.subspan(first, count);
                      passes_.forward(*model_, rollout, own, shard);
                      shard.d_scores.resize(own.size() * m);
                      for (std::size_t i = 0; i < own.size(); ++i)
                        losses[index] += loss(first_row + first + i, std::span(shard.scores).subspan(i * m, m),
                                              std::span(shard.d_scores).subspan(i * m, m));
                      for (float& d : shard.d_scores) d *= share;
                      passes_.backward(*model_, rollout, own, shard, index);
                    });
    Passes::scatter(*model_, std::span(shards_).first(used), settings_.threads);
    double sum = 0.0;
    for (const double one : losses) sum += one * static_cast<double>(share);
    return sum;
  }
  void score_by(const Model& model, const Rollout& rollout, std::span<const std::uint32_t> rows,
                std::span<float> out) const {
    const std::size_t m = rollout.shape().slots;
    parallel_pieces(
        rows.size(), settings_.shard_rows, settings_.threads, [&](std::size_t, std::size_t first, std::size_t count) {
          thread_local typename Passes::Shard shard;
          passes_.forward(model, rollout, rows.subspan(first, count), shard);
          std::copy(shard.scores.begin(), shard.scores.end(), out.begin() + static_cast<std::ptrdiff_t>(first * m));
        });
  }

  std::shared_ptr<Model> model_, anchor_;  // anchor_: where it started; null without
  ModelPolicy policy_;
  Passes passes_;
  Settings settings_;
  Adam adam_;
  std::vector<typename Passes::Shard> shards_;
  std::vector<Parameter*> parameters_;
  std::vector<Embedding*> embeddings_;
};

}  // namespace swipegym
