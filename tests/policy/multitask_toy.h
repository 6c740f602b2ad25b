#pragma once

#include <numeric>
#include <vector>

#include "policy/multitask/multitask_policy.h"

/// A small multi-task network of drawn weights, for tests of whoever asks its heads.
namespace swipegym::test {

inline MultitaskNetworkConfig small_multitask_network(std::vector<std::size_t> state_hidden = {4}) {
  return {.experts = 2,
          .state_hidden = std::move(state_hidden),
          .item_hidden = {4},
          .width = 3,
          .expert = {6, 5},
          .tower = {4},
          .tag_dim = 3,
          .author_dim = 2,
          .id_dim = 3};
}

inline std::shared_ptr<MultitaskModel> small_multitask_model(const Catalogue& catalogue) {
  auto model = make_multitask_model(catalogue, small_multitask_network(), {.recent = 1}, {Head::kWatch, Head::kLike},
                                    {.edge = {0.5F, 1.0F}, .mean = {0.2F, 0.8F, 1.4F}}, 3);
  model->header.config = "{}";
  model->history_length = 5;
  return model;
}

/// Rows that such a network may have been taught by: what a head is made of, and what it should have said.
struct TaughtRows {
  Matrix layer;               // [n, d]
  std::vector<float> reward;  // [n]
};

/// Every row of the batch with each of the first videos, answered by chance about as the head has it.
inline TaughtRows taught_rows(const MultitaskPolicy& policy, const DecisionBatch& batch, std::size_t videos,
                              HeadOutput output, std::uint64_t seed) {
  std::vector<std::uint32_t> rows(batch.observation.rows), offset = {0};
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<std::int32_t> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t video = 0; video < videos; ++video) all.push_back(static_cast<std::int32_t>(video));
    offset.push_back(static_cast<std::uint32_t>(all.size()));
  }
  TaughtRows out;
  Matrix heads;
  LastLayer layer{.head = static_cast<std::size_t>(output), .values = {}};
  policy.foresee({.batch = batch, .rows = rows, .offset = offset, .videos = all, .wanted = {}}, heads, &layer);
  out.layer = layer.values;
  RandomStream random(make_key(seed));
  for (Eigen::Index i = 0; i < heads.rows(); ++i)
    out.reward.push_back(random.uniform() < heads(i, static_cast<Eigen::Index>(output)) ? 1.0F : 0.0F);
  return out;
}

inline LastLayerSums sums_of(const TaughtRows& rows) {
  LastLayerSums sums(static_cast<std::size_t>(rows.layer.cols()));
  for (std::size_t i = 0; i < rows.reward.size(); ++i) {
    const Eigen::VectorXd x = rows.layer.row(static_cast<Eigen::Index>(i)).cast<double>();
    sums.add(x.data(), static_cast<double>(rows.reward[i]));
  }
  return sums;
}

/// Gives the model sums of such rows for all its outputs. The batch is of the full catalogue or of any.
inline void teach_sums(MultitaskModel& model, const MultitaskPolicy& policy, const DecisionBatch& batch,
                       std::size_t videos) {
  model.sums.assign(kHeadOutputs, LastLayerSums());
  for (const HeadOutput output : {HeadOutput::kWatch, HeadOutput::kWatched, HeadOutput::kLike})
    model.sums[static_cast<std::size_t>(output)] =
        sums_of(taught_rows(policy, batch, videos, output, 7 + static_cast<std::uint64_t>(output)));
}

}  // namespace swipegym::test
