#include "policy/stages/network_heads.h"

#include <algorithm>

namespace swipegym {

NetworkHeads::NetworkHeads(std::shared_ptr<const Policy> policy, const Catalogue& catalogue)
    : policy_(std::move(policy)) {
  const std::vector<std::string>& all = source().head_names();
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (!source().has_head(k)) continue;
    if (all[k] == "watch") watch_ = static_cast<Eigen::Index>(names_.size());
    names_.push_back(all[k]);
    column_.push_back(static_cast<Eigen::Index>(k));
  }
  if (watch_ < 0) return;
  names_.emplace_back("watch_s");
  for (const auto duration_ms : catalogue.duration_ms) seconds_.push_back(1e-3F * static_cast<float>(duration_ms));
}

bool NetworkHeads::refresh(const CatalogueNow& now) {
  auto fresh = policy_->refreshed(now);
  if (fresh == nullptr) return false;
  policy_ = std::move(fresh);
  return true;
}

std::size_t NetworkHeads::place_of(std::size_t head) const noexcept {
  const auto found = std::find(column_.begin(), column_.end(), static_cast<Eigen::Index>(head));
  return found == column_.end() ? names_.size() : static_cast<std::size_t>(found - column_.begin());
}

std::vector<std::uint8_t> NetworkHeads::outputs_of(std::span<const std::uint8_t> wanted) const {
  if (wanted.empty()) return {};
  std::vector<std::uint8_t> outputs(source().head_names().size());
  for (std::size_t k = 0; k < column_.size(); ++k) outputs[static_cast<std::size_t>(column_[k])] = wanted[k];
  if (watch_ >= 0 && wanted.back() != 0)
    outputs[static_cast<std::size_t>(column_[static_cast<std::size_t>(watch_)])] = 1;
  return outputs;
}

void NetworkHeads::fill(const Matrix& foreseen, const VideoLists& lists, Matrix& out) const {
  for (std::size_t k = 0; k < column_.size(); ++k) out.col(static_cast<Eigen::Index>(k)) = foreseen.col(column_[k]);
  fill_seconds(lists, out);
}

void NetworkHeads::fill_seconds(const VideoLists& lists, Matrix& out) const {
  if (watch_ < 0) return;
  const auto last = static_cast<Eigen::Index>(names_.size()) - 1;
  for (Eigen::Index i = 0; i < out.rows(); ++i)
    out(i, last) = out(i, watch_) * seconds_of(lists.video[static_cast<std::size_t>(i)]);
}

}  // namespace swipegym
