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

// What the user tower is asked: rows of a batch, with histories of the length it learned with.
class TowerRequests {
 public:
  TowerRequests(const DecisionBatch& batch, std::size_t length) : batch_(batch), length_(length) {}

  /// Row `row` as if the videos at these places of its history, which ascend, had been watched last.
  void add(std::size_t row, const std::vector<std::uint32_t>& last, RandomKey key) {
    const ObservationView& from = batch_.observation;
    user_.push_back(from.user[row]);
    features_.insert(features_.end(), from.user_features + row * kUserFeatures,
                     from.user_features + (row + 1) * kUserFeatures);
    context_.insert(context_.end(), from.context + row * kContextFeatures, from.context + (row + 1) * kContextFeatures);
    keys_.push_back(key);
    streams_.push_back(batch_.streams.empty() ? 0 : batch_.streams[row]);
    std::size_t free = length_;
    const std::size_t base = video_.size(), length = from.history_length;
    video_.resize(base + length_, -1), ratio_.resize(base + length_, 0.0F);
    const auto put = [&](std::size_t at) {
      if (free == 0) return;
      --free;
      video_[base + free] = from.history_video[row * length + at];
      ratio_[base + free] = from.history_ratio[row * length + at];
    };
    for (std::size_t i = last.size(); i-- > 0;) put(last[i]);
    for (std::size_t at = length; at-- > 0 && from.history_video[row * length + at] >= 0;)  // padding lies in front
      if (!std::binary_search(last.begin(), last.end(), at)) put(at);
  }
  bool empty() const noexcept { return user_.empty(); }
  DecisionBatch batch() const {
    DecisionBatch out{.observation = {}, .keys = keys_, .streams = streams_, .threads = batch_.threads};
    if (batch_.keys.empty()) out.keys = {};
    out.observation.rows = user_.size(), out.observation.history_length = length_;
    out.observation.user = user_.data(), out.observation.user_features = features_.data();
    out.observation.history_video = video_.data(), out.observation.history_ratio = ratio_.data();
    out.observation.context = context_.data();
    return out;
  }

 private:
  const DecisionBatch& batch_;
  std::size_t length_;
  std::vector<std::uint32_t> user_, streams_;
  std::vector<float> features_, context_, ratio_;
  std::vector<std::int32_t> video_;
  std::vector<RandomKey> keys_;
};

}  // namespace

MultiInterestPolicy::MultiInterestPolicy(std::shared_ptr<const MultiInterestModel> model)
    : model_(std::move(model)), towers_(model_->towers) {}

void MultiInterestPolicy::query_vectors(const DecisionBatch& batch, QueryVectors& out) const {
  const std::size_t rows = batch.observation.rows;
  const Matrix& items = query_items();
  std::vector<std::vector<InterestCluster>> own(rows);
  std::vector<std::vector<std::size_t>> chosen(rows);
  parallel_for(rows, batch.threads, [&](std::size_t row, int) {
    own[row] = interests(batch.observation, row);
    chosen[row] = choose_interests(own[row], model_->interests, query_stream(batch, row));
  });
  out.each = num_queries();
  out.count.assign(rows, 1);
  out.vectors.setZero(static_cast<Eigen::Index>(rows * out.each), items.cols());
  const bool by_medoids = model_->interests.query == "medoid";
  TowerRequests requests(batch, model_->towers->history_length);
  std::vector<std::size_t> places;  // of `out` that the requests are for
  for (std::size_t row = 0; row < rows; ++row) {
    const RandomKey key = batch.keys.empty() ? RandomKey{} : batch.keys[row];
    if (chosen[row].empty()) requests.add(row, {}, key), places.push_back(row * out.each);
    for (std::size_t q = 0; q < chosen[row].size(); ++q) {
      const std::size_t place = row * out.each + q, one = chosen[row][q];
      if (by_medoids)
        out.vectors.row(static_cast<Eigen::Index>(place)) = items.row(own[row][one].medoid);
      else
        requests.add(row, own[row][one].place, split(key, 1 + q)), places.push_back(place);
    }
    out.count[row] = static_cast<std::uint32_t>(std::max<std::size_t>(1, chosen[row].size()));
  }
  if (requests.empty()) return;
  QueryVectors answers;
  towers_.query_vectors(requests.batch(), answers);
  for (std::size_t i = 0; i < places.size(); ++i)
    out.vectors.row(static_cast<Eigen::Index>(places[i])) =
        answers.vectors.row(static_cast<Eigen::Index>(i * answers.each));
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

std::shared_ptr<const Policy> MultiInterestPolicy::refreshed(const CatalogueNow& now) const {
  auto fresh = std::make_shared<MultiInterestModel>(*model_);
  fresh->towers = refreshed_towers(*model_->towers, now);
  return std::make_shared<MultiInterestPolicy>(std::move(fresh));
}

void MultiInterestPolicy::write(Hdf5Writer& file) const {
  file.write_text("interests", config_to_json(InterestShape{model_->interests, model_->history_length}).dump());
  save_towers(file, *model_->towers);
}

std::shared_ptr<const Policy> load_multi_interest_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<MultiInterestModel>();
  model->header = read_header(file);
  InterestShape before;  // files that say nothing of what asks were made when medoids alone did
  before.interests.query = "medoid";
  const auto shape =
      config_from_text<InterestShape>(file.read_text("interests"), file.path().string() + ": interests", before);
  model->interests = shape.interests;
  model->history_length = shape.history_length;
  model->towers = load_towers(file, catalogue);
  return std::make_shared<MultiInterestPolicy>(std::move(model));
}

}  // namespace swipegym
