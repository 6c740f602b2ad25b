#include "policy/embedding/multi_interest_policy.h"

#include <algorithm>

#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

// What a policy file says of its interests.
struct InterestShape {
  InterestConfig interests;
  std::size_t history_length = 200;
};

template <class Visitor>
void visit_fields(Visitor& visit, InterestShape& shape) {
  visit("interests", shape.interests);
  visit("history_length", shape.history_length, between(1, 500));
}

}  // namespace

MultiInterestPolicy::MultiInterestPolicy(std::shared_ptr<const MultiInterestModel> model)
    : model_(std::move(model)), towers_(model_->towers) {}

void MultiInterestPolicy::query_vectors(const DecisionBatch& batch, QueryVectors& out) const {
  const std::size_t rows = batch.observation.rows;
  const Matrix& items = query_items();
  out.each = num_queries();
  out.count.assign(rows, 0);
  out.vectors.setZero(static_cast<Eigen::Index>(rows * out.each), items.cols());
  parallel_for(rows, batch.threads, [&](std::size_t row, int) {
    const std::vector<std::int32_t> medoids =
        choose_medoids(interests(batch.observation, row), model_->interests, query_stream(batch, row));
    for (std::size_t q = 0; q < medoids.size(); ++q)
      out.vectors.row(static_cast<Eigen::Index>(row * out.each + q)) = items.row(medoids[q]);
    out.count[row] = static_cast<std::uint32_t>(medoids.size());
  });
  if (std::find(out.count.begin(), out.count.end(), 0U) == out.count.end()) return;
  QueryVectors strangers;
  towers_.query_vectors(batch, strangers);
  for (std::size_t row = 0; row < rows; ++row) {
    if (out.count[row] > 0) continue;
    out.vectors.row(static_cast<Eigen::Index>(row * out.each)) =
        strangers.vectors.row(static_cast<Eigen::Index>(row * strangers.each));
    out.count[row] = 1;
  }
}

void MultiInterestPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  QueryVectors queries;
  query_vectors(batch, queries);
  score_by_queries(queries, query_items(), batch.observation, 1.0F / model_->towers->network_config.temperature,
                   batch.threads, scores);
}

bool MultiInterestPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows,
                                      std::size_t count, std::span<std::int32_t> out) const {
  QueryVectors all;
  query_vectors(batch, all);
  best_by_queries(of_rows(all, rows), query_items(), batch, rows, count, out);
  return true;
}

void MultiInterestPolicy::write(Hdf5Writer& file) const {
  file.write_text("interests", config_to_json(InterestShape{model_->interests, model_->history_length}).dump());
  save_towers(file, *model_->towers);
}

std::shared_ptr<const Policy> load_multi_interest_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<MultiInterestModel>();
  model->header = read_header(file);
  const auto shape = config_from_text<InterestShape>(file.read_text("interests"), file.path().string() + ": interests");
  model->interests = shape.interests;
  model->history_length = shape.history_length;
  model->towers = load_towers(file, catalogue);
  return std::make_shared<MultiInterestPolicy>(std::move(model));
}

}  // namespace swipegym
