#include "policy/embedding/interest_clusters.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "policy/embedding/ward.h"

namespace swipegym {
namespace {

struct WantedVideos {
  std::vector<std::int32_t> video;
  std::vector<double> weight;
  std::vector<std::uint32_t> place;  // in the history
};

WantedVideos wanted_videos(const ObservationView& observation, std::size_t row, const InterestConfig& config) {
  WantedVideos out;
  for (std::size_t at = row * observation.history_length; at < (row + 1) * observation.history_length; ++at) {
    const std::int32_t video = observation.history_video[at];
    if (video < 0 || !(observation.history_ratio[at] > config.wanted_above)) continue;
    const float days = observation.history_age_days != nullptr ? observation.history_age_days[at] : 0.0F;
    out.video.push_back(video);
    out.place.push_back(static_cast<std::uint32_t>(at - row * observation.history_length));
    out.weight.push_back(std::exp(-static_cast<double>(config.decay_per_day) * static_cast<double>(days)));
  }
  return out;
}

// Of the cluster's places in `points` the one whose squared distances to the others add up to least; the first of
// equal ones. That sum is n |e|^2 - 2 e.s and something that all places share.
std::size_t medoid_of(const std::vector<std::size_t>& places, const Matrix& points) {
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(points.cols());
  for (const std::size_t place : places) sum += points.row(static_cast<Eigen::Index>(place)).cast<double>();
  std::size_t best = places.front();
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t place : places) {
    const Eigen::RowVectorXd own = points.row(static_cast<Eigen::Index>(place)).cast<double>();
    const double total = static_cast<double>(places.size()) * own.squaredNorm() - 2.0 * own.dot(sum);
    if (total < least) least = total, best = place;
  }
  return best;
}

}  // namespace

std::vector<InterestCluster> find_interest_clusters(const ObservationView& observation, std::size_t row,
                                                    const Matrix& items, const InterestConfig& config) {
  const WantedVideos wanted = wanted_videos(observation, row, config);
  std::vector<InterestCluster> interests;
  if (wanted.video.empty()) return interests;
  Matrix points(static_cast<Eigen::Index>(wanted.video.size()), items.cols());
  for (std::size_t i = 0; i < wanted.video.size(); ++i)
    points.row(static_cast<Eigen::Index>(i)) = items.row(wanted.video[i]);
  const std::vector<std::int32_t> cluster = ward_clusters(ward_merges(points), static_cast<double>(config.merge_cost));
  std::vector<std::vector<std::size_t>> places(
      static_cast<std::size_t>(*std::max_element(cluster.begin(), cluster.end())) + 1);
  for (std::size_t i = 0; i < cluster.size(); ++i) places[static_cast<std::size_t>(cluster[i])].push_back(i);
  for (const std::vector<std::size_t>& own : places) {
    InterestCluster interest{.medoid = wanted.video[medoid_of(own, points)],
                             .importance = 0.0,
                             .size = static_cast<std::uint32_t>(own.size())};
    for (const std::size_t i : own) interest.importance += wanted.weight[i], interest.place.push_back(wanted.place[i]);
    interests.push_back(std::move(interest));
  }
  std::stable_sort(interests.begin(), interests.end(),
                   [](const InterestCluster& a, const InterestCluster& b) { return a.importance > b.importance; });
  return interests;
}

std::vector<std::size_t> choose_interests(std::span<const InterestCluster> interests, const InterestConfig& config,
                                          RandomStream random) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(config.count, interests.size());
  if (config.choice == "top") {
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(i);
    return chosen;
  }
  std::vector<bool> taken(interests.size());
  while (chosen.size() < count) {
    double left = 0.0;
    for (std::size_t i = 0; i < interests.size(); ++i)
      if (!taken[i]) left += interests[i].importance;
    left *= random.uniform_double();
    std::size_t pick = interests.size();
    for (std::size_t i = 0; i < interests.size(); ++i) {
      if (taken[i]) continue;
      pick = i;  // the last of them where rounding leaves something
      if ((left -= interests[i].importance) < 0.0) break;
    }
    taken[pick] = true;
    chosen.push_back(pick);
  }
  return chosen;
}

}  // namespace swipegym
