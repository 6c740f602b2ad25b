#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/head_source.h"
#include "policy/stages/request.h"

namespace swipegym {

/// The heads of a network with several (HeadSource) as scorers show them: those it has learned; and where the watch
/// ratio is one of them its seconds too, "watch_s", last: the ratio times the duration.
class NetworkHeads {
 public:
  /// `policy` has a head_source().
  NetworkHeads(std::shared_ptr<const Policy> policy, const Catalogue& catalogue);

  const Policy& policy() const noexcept { return *policy_; }
  /// The same heads of the policy as Policy::refreshed() has it; false, and nothing changed, where that is null.
  bool refresh(const CatalogueNow& now);
  const HeadSource& source() const noexcept { return *policy_->head_source(); }
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// The place among names() of the source's head of that number; names().size() when it has none.
  std::size_t place_of(std::size_t head) const noexcept;
  bool is_watch(std::size_t place) const noexcept { return watch_ >= 0 && static_cast<Eigen::Index>(place) == watch_; }
  float seconds_of(std::int32_t video) const noexcept { return seconds_[static_cast<std::size_t>(video)]; }

  /// The source's heads that `wanted` of names() are made of; empty: all.
  std::vector<std::uint8_t> outputs_of(std::span<const std::uint8_t> wanted) const;
  /// Of what the source foresees, [videos, its heads], those of names(): the first columns of `out`, a row a video.
  void fill(const Matrix& foreseen, const VideoLists& lists, Matrix& out) const;
  /// "watch_s" of such rows anew, after the ratio was changed.
  void fill_seconds(const VideoLists& lists, Matrix& out) const;

 private:
  std::shared_ptr<const Policy> policy_;
  std::vector<std::string> names_;
  std::vector<Eigen::Index> column_;  // of the source's heads, by name
  Eigen::Index watch_ = -1;           // the ratio's place; -1 when it was not learned
  std::vector<float> seconds_;        // [videos]: their durations, where there is a ratio
};

}  // namespace swipegym
