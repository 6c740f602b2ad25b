#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// How often each user was shown each category over the last seven days: the filter bubble's measures.
class CategoryWeek {
 public:
  CategoryWeek(std::size_t users, std::size_t categories);
  void add(std::uint32_t user, std::uint16_t category) noexcept {
    const std::size_t at = user * categories_ + category;
    ++today_[at], ++week_[at];
  }
  void next_day();
  /// Means over users who were shown kLeast videos or more: the entropy of the categories in nats, and the share of the
  /// most shown one. NaN when there is no such user.
  void measure(double& entropy, double& top) const;

  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

  static constexpr std::size_t kDays = 7;
  static constexpr std::uint32_t kLeast = 20;

 private:
  std::size_t users_, categories_;
  std::vector<std::uint16_t> today_, week_;       // [users, categories]
  std::vector<std::vector<std::uint16_t>> past_;  // of the days before, oldest first, at most kDays - 1
};

}  // namespace swipegym
