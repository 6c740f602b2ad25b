#include "policy/ordering/greedy_order.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kNoVolume = 1e-10;  // squared length below which a vector lies in the others' span

void scale_relevance(std::span<const float> from, const std::string& scale, std::span<double> to) {
  std::copy(from.begin(), from.end(), to.begin());
  if (scale == "none" || to.empty()) return;
  double offset = 0.0, unit = 0.0;
  if (scale == "range") {
    const auto [low, high] = std::minmax_element(to.begin(), to.end());
    offset = *low, unit = *high - *low;
  } else {
    for (const double value : to) offset += value;
    offset /= static_cast<double>(to.size());
    for (const double value : to) unit += (value - offset) * (value - offset);
    unit = std::sqrt(unit / static_cast<double>(to.size()));
  }
  // Equal ones become 0, whatever rounding made of their deviation.
  const auto [low, high] = std::minmax_element(to.begin(), to.end());
  const double factor = *low == *high ? 0.0 : 1.0 / unit;
  for (double& value : to) value = (value - offset) * factor;
}

}  // namespace

void ScoredList::validate() const {
  const std::size_t n = size();
  require_finite("order: relevance", relevance);
  if (!vectors.empty()) {
    require_size("order: vectors", vectors.size(), n * width);
    require_finite("order: vectors", vectors);
  }
  if (!likeness.empty()) {
    require_size("order: likeness", likeness.size(), n * n);
    require_between("order: likeness", likeness, -1.001F, 1.001F);
  }
  if (!author.empty()) require_size("order: author", author.size(), n);
  if (!tag.empty()) require_size("order: tag", tag.size(), n);
}

void GreedyOrder::begin(const ScoredList& list, const OrderSettings& settings, float boost, std::size_t places) {
  list_ = &list;
  n_ = list.size();
  method_ = settings.method == "mmr"   ? Method::kMmr
            : settings.method == "dpp" ? Method::kDpp
            : settings.method == "ssd" ? Method::kSsd
                                       : Method::kValue;
  require_between("order: boost of diversity", boost, 1e-6F, 1e6F);
  relevance_.resize(n_), gain_.resize(n_);
  taken_.clear();
  rows_ = 0;
  scale_relevance(list.relevance, settings.scale, relevance_);
  gain_ = relevance_;
  if (method_ == Method::kValue || n_ == 0) return;

  if (list.vectors.empty() && list.likeness.empty())
    throw InputError("order: method '" + settings.method + "' needs vectors of the videos or their likeness");
  if (list.likeness.empty()) prepare_vectors();
  row_.resize(n_ * (method_ == Method::kSsd ? places : 1));
  if (method_ == Method::kMmr) {
    lambda_ = 1.0 - std::min(1.0, (1.0 - static_cast<double>(settings.mmr_lambda)) * static_cast<double>(boost));
    nearest_.assign(n_, 0.0);
    for (std::size_t i = 0; i < n_; ++i) gain_[i] = lambda_ * relevance_[i];
    return;
  }
  residual_.assign(n_, 1.0);
  window_ = static_cast<std::size_t>(settings.ssd_window);
  factor_.resize(n_ * (method_ == Method::kSsd ? std::min(places, window_ - 1) : places));
  if (method_ == Method::kSsd) {  // the first place: one vector of length 1 each
    gamma_ = static_cast<double>(settings.ssd_gamma) * static_cast<double>(boost);
    for (std::size_t i = 0; i < n_; ++i) gain_[i] = relevance_[i] + gamma_;
    return;
  }
  const double theta = static_cast<double>(settings.dpp_theta) / static_cast<double>(boost);
  const auto [least, best] = std::minmax_element(relevance_.begin(), relevance_.end());
  least_relevance_ = *least;
  quality_.resize(n_);
  const double top = *best;
  for (std::size_t i = 0; i < n_; ++i) quality_[i] = std::exp(2.0 * theta * (relevance_[i] - top));
  set_dpp_gains();
}

void GreedyOrder::prepare_vectors() {
  const std::size_t width = list_->width;
  turned_.resize(width * n_);
  for (std::size_t i = 0; i < n_; ++i) {
    const float* v = list_->vectors.data() + i * width;
    double squares = 0.0;
    for (std::size_t k = 0; k < width; ++k) squares += static_cast<double>(v[k]) * static_cast<double>(v[k]);
    const double factor = squares > 0.0 ? 1.0 / std::sqrt(squares) : 0.0;
    for (std::size_t k = 0; k < width; ++k) turned_[k * n_ + i] = static_cast<double>(v[k]) * factor;
  }
}

void GreedyOrder::find_likeness(std::size_t video, double* out) const {
  if (!list_->likeness.empty()) {
    std::copy_n(list_->likeness.data() + video * n_, n_, out);
    return;
  }
  std::fill_n(out, n_, 0.0);
  for (std::size_t k = 0; k < list_->width; ++k) {
    const double* column = turned_.data() + k * n_;
    const double own = column[video];
    for (std::size_t i = 0; i < n_; ++i) out[i] += own * column[i];
  }
}

// One more row of the Cholesky factor of the taken videos' likeness, extended to all videos; false when `video` lies in
// the span of those before.
bool GreedyOrder::extend_factor(std::size_t video, const double* likeness) {
  if (!(residual_[video] >= kNoVolume)) return false;
  double* out = factor_.data() + rows_ * n_;
  const double length = std::sqrt(residual_[video]);
  std::copy_n(likeness, n_, out);
  for (std::size_t r = 0; r < rows_; ++r) {
    const double* row = factor_.data() + r * n_;
    const double own = row[video];
    for (std::size_t i = 0; i < n_; ++i) out[i] -= own * row[i];
  }
  const double factor = 1.0 / length;
  for (std::size_t i = 0; i < n_; ++i) {
    out[i] *= factor;
    residual_[i] -= out[i] * out[i];
  }
  ++rows_;
  return true;
}

void GreedyOrder::take(std::size_t video) {
  if (method_ == Method::kMmr) update_mmr(video);
  if (method_ == Method::kDpp) update_dpp(video);
  if (method_ == Method::kSsd) update_ssd(video);
}

void GreedyOrder::update_mmr(std::size_t video) {
  find_likeness(video, row_.data());
  const bool first = taken_.empty();
  taken_.push_back(video);
  for (std::size_t i = 0; i < n_; ++i) {
    nearest_[i] = first ? row_[i] : std::max(nearest_[i], row_[i]);
    gain_[i] = lambda_ * relevance_[i] - (1.0 - lambda_) * nearest_[i];
  }
}

void GreedyOrder::set_dpp_gains() {
  for (std::size_t i = 0; i < n_; ++i) {
    const double gain = residual_[i] >= kNoVolume ? quality_[i] * residual_[i] : 0.0;
    gain_[i] = gain > 0.0 ? gain : -1.0 / (1.0 + (relevance_[i] - least_relevance_));
  }
}

void GreedyOrder::update_dpp(std::size_t video) {
  find_likeness(video, row_.data());
  if (extend_factor(video, row_.data())) set_dpp_gains();
}

void GreedyOrder::update_ssd(std::size_t video) {
  find_likeness(video, row_.data() + taken_.size() * n_);
  taken_.push_back(video);
  const std::size_t kept = std::min(taken_.size(), window_ - 1), first = taken_.size() - kept;
  const bool slides = first > 0;
  if (slides) {
    std::fill(residual_.begin(), residual_.end(), 1.0);
    rows_ = 0;
  }
  for (std::size_t k = slides ? first : taken_.size() - 1; k < taken_.size(); ++k)
    extend_factor(taken_[k], row_.data() + k * n_);
  // A window that holds one in the span of others has no volume, whatever comes next.
  double volume = rows_ == kept ? gamma_ : 0.0;
  for (std::size_t r = 0; r < rows_; ++r) volume *= std::abs(factor_[r * n_ + taken_[first + r]]);
  for (std::size_t i = 0; i < n_; ++i)
    gain_[i] = relevance_[i] + volume * (residual_[i] >= kNoVolume ? std::sqrt(residual_[i]) : 0.0);
}

float diversity_boost(float variance, float mean_variance, const VarianceBoost& settings) {
  require_between("order: variance", variance, 0.0F, 1e30F);
  require_between("order: mean variance", mean_variance, 0.0F, 1e30F);
  if (mean_variance == 0.0F || settings.power == 0.0F) return 1.0F;
  const double boost =
      std::pow(static_cast<double>(variance) / static_cast<double>(mean_variance), static_cast<double>(settings.power));
  const double limit = static_cast<double>(settings.limit);
  return static_cast<float>(std::clamp(boost, 1.0 / limit, limit));
}

}  // namespace swipegym
