#include "agents/sasrec/sasrec_log_inputs.h"

#include <iterator>
#include <set>

#include "env/catalogue.h"
#include "policy/sasrec/sasrec_inputs.h"

namespace swipegym {
namespace {

// What is known of the videos before the log's first day: what does not come from answers.
Matrix features_of_nobody(const Catalogue& catalogue) {
  Matrix features = as_matrix(catalogue.video_features.data(), catalogue.num_videos(), kVideoFeatures);
  features.col(kVideoExposures).setZero();
  for (const Eigen::Index column : {kVideoMeanRatio, kVideoClickRate, kVideoLikeRate, kVideoTagPopularity})
    features.col(column).setConstant(features.col(column).mean());
  return features;
}

}  // namespace

SasrecLogInputs::SasrecLogInputs(const SupervisedTask& task, const SasrecNetworkConfig& network,
                                 const ItemInputs& items, std::int32_t last)
    : log_(task.data->log), network_(network), items_(items), states_(*task.data, *task.catalogue, network.max_length) {
  const std::set<std::int32_t> dates(log_.date.begin(), log_.date.end());
  for (const std::int32_t date : dates) {
    if (date > last) break;
    features_.emplace(date, date == *dates.begin()
                                ? features_of_nobody(*task.catalogue)
                                : Matrix(as_matrix(build_catalogue(*task.data, date - 1).video_features.data(),
                                                   task.data->videos.size(), kVideoFeatures)));
  }
}

const Matrix& SasrecLogInputs::features_on(std::int32_t date) const {
  return std::prev(features_.upper_bound(date))->second;  // a row between two others may be dated later than both
}

void SasrecLogInputs::append(std::uint64_t begin, std::uint64_t end, PackedHistories& out) const {
  const std::size_t first = out.rows(), count = end - begin;
  out.features.conservativeResize(static_cast<Eigen::Index>(first + count),
                                  static_cast<Eigen::Index>(kSasrecStepFeatures));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t row = begin + i;
    const std::uint32_t video = index_of(log_.video[row]);
    out.item.push_back(items_.id[video]);
    out.author.push_back(items_.author[video]);
    out.tag.push_back(items_.tag[video]);
    out.position.push_back(history_position(network_, i, count));
    write_step_features(network_, features_on(log_.date[row]).data() + video * kVideoFeatures, states_.ratio(row),
                        log_.signals[row], out.features.data() + (first + i) * kSasrecStepFeatures);
  }
  out.offset.push_back(static_cast<std::uint32_t>(out.rows()));
}

}  // namespace swipegym
