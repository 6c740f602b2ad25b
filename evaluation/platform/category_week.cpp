#include "evaluation/platform/category_week.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/metrics/undefined.h"

namespace swipegym {

CategoryWeek::CategoryWeek(std::size_t users, std::size_t categories)
    : users_(users), categories_(categories), today_(users * categories, 0), week_(today_) {}

void CategoryWeek::next_day() {
  past_.push_back(today_);
  if (past_.size() == kDays) {
    for (std::size_t i = 0; i < week_.size(); ++i) week_[i] = static_cast<std::uint16_t>(week_[i] - past_.front()[i]);
    past_.erase(past_.begin());
  }
  std::fill(today_.begin(), today_.end(), std::uint16_t{0});
}

void CategoryWeek::measure(double& mean_entropy, double& top) const {
  double entropies = 0.0, tops = 0.0, users = 0.0;
  std::vector<std::uint32_t> counts(categories_);
  for (std::size_t user = 0; user < users_; ++user) {
    std::uint32_t all = 0, most = 0;
    for (std::size_t k = 0; k < categories_; ++k) {
      counts[k] = week_[user * categories_ + k];
      all += counts[k], most = std::max(most, counts[k]);
    }
    if (all < kLeast) continue;
    entropies += entropy(counts), tops += static_cast<double>(most) / all, users += 1.0;
  }
  mean_entropy = users > 0.0 ? entropies / users : kUndefined;
  top = users > 0.0 ? tops / users : kUndefined;
}

void CategoryWeek::save(Hdf5Writer& file, const std::string& group) const {
  std::vector<std::uint16_t> past;
  for (const auto& day : past_) past.insert(past.end(), day.begin(), day.end());
  file.write(group + "/today", today_);
  file.write(group + "/past", past);
}

void CategoryWeek::load(const Hdf5Reader& file, const std::string& group) {
  const auto today = file.read<std::uint16_t>(group + "/today"), past = file.read<std::uint16_t>(group + "/past");
  const std::size_t size = users_ * categories_;
  if (today.size() != size || past.size() % size != 0 || past.size() / size >= kDays)
    throw InputError(fmt::format("{}: the users' categories make no sense", file.path().string()));
  today_ = week_ = today;
  past_.clear();
  for (std::size_t first = 0; first < past.size(); first += size) {
    past_.emplace_back(past.begin() + static_cast<std::ptrdiff_t>(first),
                       past.begin() + static_cast<std::ptrdiff_t>(first + size));
    for (std::size_t i = 0; i < size; ++i) week_[i] = static_cast<std::uint16_t>(week_[i] + past_.back()[i]);
  }
}

}  // namespace swipegym
