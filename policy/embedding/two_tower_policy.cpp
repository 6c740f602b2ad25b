#include "policy/embedding/two_tower_policy.h"

#include <algorithm>
#include <cmath>

#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"

namespace swipegym {
namespace {

// What a policy file says of its network: enough to build one of the same shape.
struct TwoTowerShape {
  TwoTowerConfig network;
  StateEncoderConfig encoder;
  std::size_t history_length = 50;
};

template <class Visitor>
void visit_fields(Visitor& visit, TwoTowerShape& shape) {
  visit("network", shape.network);
  visit("encoder", shape.encoder);
  visit("history_length", shape.history_length, between(1, 500));
}

// The same for towers with deviations.
struct VariationalShape : TwoTowerShape {
  bool deviations = false;
  QueryConfig queries;
  float mean_user_deviation = 0.0F;
};

template <class Visitor>
void visit_fields(Visitor& visit, VariationalShape& shape) {
  visit_fields(visit, static_cast<TwoTowerShape&>(shape));
  visit("deviations", shape.deviations);
  visit("queries", shape.queries);
  visit("mean_user_deviation", shape.mean_user_deviation, between(0, 1e6));
}

// Rows are encoded so many at a time, always full, so that a row's bits do not depend on the batch.
constexpr std::size_t kUserChunk = 32;

void require_stored(const Hdf5Reader& file, const VariationalShape& shape, std::size_t state_size,
                    const ItemInputs& items) {
  const TwoTowerConfig& c = shape.network;
  const std::size_t outputs = shape.deviations ? 2 * c.width : c.width;
  require_stored(file, "the user tower", RetrievalTowers::user_sizes(c, state_size, outputs));
  require_stored(file, "the video tower", RetrievalTowers::item_sizes(c, outputs));
  require_stored(file, "the table of tags", {items.num_tags, c.tag_dim});
  require_stored(file, "the table of authors", {items.num_authors, c.author_dim});
  require_stored(file, "the table of ids", {items.num_ids, c.id_dim});
  require_stored(file, "the table of watched videos", {items.num_ids, c.history_dim});
  if (shape.deviations) require_stored(file, "the table of deviations", {items.num_ids, 1});
}

std::shared_ptr<TwoTowerModel> with_table(std::shared_ptr<TwoTowerModel> model) {
  if (model->item_table.size() == 0) model->item_table = model->network.item_table(model->items, 0);
  return model;
}

// d of one vector.
void draw_offsets(const QueryConfig& config, RandomStream& random, std::span<float> out) {
  if (config.draw == "normal")
    fill_normal(random, out);
  else
    for (float& d : out) d = random.uniform();
}

}  // namespace

TwoTowerPolicy::TwoTowerPolicy(std::shared_ptr<TwoTowerModel> model)
    : model_(with_table(std::move(model))), encoder_(model_->encoder_config, model_->items) {}

template <class Visit>
void TwoTowerPolicy::for_all_users(const DecisionBatch& batch, const Visit& visit) const {
  const std::size_t rows = batch.observation.rows, chunks = (rows + kUserChunk - 1) / kUserChunk;
  parallel_for(chunks, batch.threads, [&](std::size_t chunk, int) {
    thread_local RetrievalTowers::Work work;
    const std::size_t first = chunk * kUserChunk, count = std::min(kUserChunk, rows - first);
    model_->network.forward_users(encoder_, model_->items, batch.observation, first, count, kUserChunk, work);
    visit(work, first, count);
  });
}

bool TwoTowerPolicy::draws_queries() const noexcept {
  return model_->network.has_deviations() && model_->queries.draw != "none";
}

std::size_t TwoTowerPolicy::num_queries() const noexcept {
  return draws_queries() ? model_->queries.count : 1;
}

void TwoTowerPolicy::query_vectors(const DecisionBatch& batch, QueryVectors& out) const {
  const std::size_t rows = batch.observation.rows, width = model_->network_config.width;
  const bool drawn = draws_queries();
  out.each = num_queries();
  out.count.assign(rows, static_cast<std::uint32_t>(out.each));
  out.vectors.resize(static_cast<Eigen::Index>(rows * out.each), static_cast<Eigen::Index>(width));
  for_all_users(batch, [&](const RetrievalTowers::Work& work, std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      if (!drawn) {
        out.vectors.row(static_cast<Eigen::Index>(first + i)) = work.user_out.unit.row(row);
        continue;
      }
      Matrix queries(static_cast<Eigen::Index>(out.each), static_cast<Eigen::Index>(width)), unit;
      RandomStream random = query_stream(batch, first + i);
      draw_offsets(model_->queries, random, {queries.data(), out.each * width});
      for (Eigen::Index q = 0; q < queries.rows(); ++q)
        queries.row(q) = work.user_out.vector.row(row).array() +
                         queries.row(q).array() * (0.5F * work.user_out.log_variance.row(row).array()).exp();
      to_unit_rows<float>(queries, unit);
      out.vectors.middleRows(static_cast<Eigen::Index>((first + i) * out.each), queries.rows()) = unit;
    }
  });
}

void TwoTowerPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  QueryVectors queries;
  query_vectors(batch, queries);
  score_by_queries(queries, model_->item_table, batch.observation, 1.0F / model_->network_config.temperature,
                   batch.threads, scores);
}

bool TwoTowerPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                 std::span<std::int32_t> out) const {
  QueryVectors all;
  query_vectors(batch, all);
  best_by_queries(of_rows(all, rows), model_->item_table, batch, rows, count, out);
  return true;
}

std::shared_ptr<const Policy> TwoTowerPolicy::for_catalogue(const Catalogue& catalogue) const {
  auto model = std::make_shared<TwoTowerModel>(*model_);
  model->items = renew_item_inputs(model_->items, catalogue);
  model->item_table.resize(0, 0);
  return std::make_shared<TwoTowerPolicy>(std::move(model));
}

std::shared_ptr<TwoTowerModel> refreshed_towers(const TwoTowerModel& model, const CatalogueNow& now) {
  auto fresh = std::make_shared<TwoTowerModel>(model);
  renew_statistics(*now.catalogue, now.on_offer, fresh->items);
  fresh->network.renew_table(fresh->items, now.on_offer, fresh->item_table);
  return fresh;
}

std::shared_ptr<const Policy> TwoTowerPolicy::refreshed(const CatalogueNow& now) const {
  return std::make_shared<TwoTowerPolicy>(refreshed_towers(*model_, now));
}

std::vector<float> TwoTowerPolicy::video_deviations(int threads) const {
  return model_->network.item_deviations(model_->items, threads);
}

bool TwoTowerPolicy::user_deviations(const DecisionBatch& batch, std::span<float> out) const {
  if (!model_->network.has_deviations()) return false;
  for_all_users(batch, [&](const RetrievalTowers::Work& work, std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      out[first + i] = (0.5F * work.user_out.log_variance.row(static_cast<Eigen::Index>(i)).array()).exp().mean();
  });
  return true;
}

void save_towers(Hdf5Writer& file, const TwoTowerModel& model) {
  VariationalShape shape;
  shape.network = model.network_config, shape.encoder = model.encoder_config;
  shape.history_length = model.history_length;
  shape.deviations = model.network.has_deviations(), shape.queries = model.queries;
  shape.mean_user_deviation = model.mean_user_deviation;
  // Without deviations as earlier versions wrote it, which read it then.
  file.write_text(
      "architecture",
      (shape.deviations ? config_to_json(shape) : config_to_json(static_cast<const TwoTowerShape&>(shape))).dump());
  save(file, "items", model.items);
  model.network.save(file, "network");
}

std::shared_ptr<TwoTowerModel> load_towers(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<TwoTowerModel>();
  model->header = read_header(file);
  const auto shape = read_architecture<VariationalShape>(file);
  model->network_config = shape.network;
  model->encoder_config = shape.encoder;
  model->history_length = shape.history_length;
  model->queries = shape.queries;
  model->mean_user_deviation = shape.mean_user_deviation;
  const ItemInputs own = load_item_inputs(file, "items");
  require_known_videos(file, own.raw_id, catalogue);
  const std::size_t state_size = StateEncoder(shape.encoder, own).state_size();
  require_stored(file, shape, state_size, own);
  model->network = RetrievalTowers(shape.network, state_size, own, RandomKey{}, shape.deviations);
  model->network.load(file, "network");
  model->items = match_item_inputs(own, catalogue);
  return model;
}

void TwoTowerPolicy::write(Hdf5Writer& file) const {
  save_towers(file, *model_);
}

std::shared_ptr<const Policy> load_two_tower_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  return std::make_shared<TwoTowerPolicy>(load_towers(file, catalogue));
}

}  // namespace swipegym
