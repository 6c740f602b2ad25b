#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "env/platform/creator_law.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// An upload of the day that begins.
struct Upload {
  std::uint32_t creator = 0;
  std::uint16_t mimicked = 0;  // the tag whose video it answers, as Creators::watched() was told; 0: none

  bool operator==(const Upload&) const = default;
};

/// All creators of a world from its first day on, numbered by arrival. What a creator does on a day is drawn by the
/// world's key, the creator and the day: worlds in which creators get something else stay paired. Arrays by creator.
class Creators {
 public:
  /// `first` creators who have been there before day 0. InputError for settings out of range.
  Creators(const CreatorSettings& settings, RandomKey world, std::uint32_t first);

  const CreatorLaw& law() const noexcept { return law_; }
  std::size_t size() const noexcept { return reception_.size(); }
  std::int32_t day() const noexcept { return day_; }
  const CreatorTraits& traits(std::uint32_t creator) const noexcept { return traits_[creator]; }
  const Reception& reception(std::uint32_t creator) const noexcept { return reception_[creator]; }
  bool active(std::uint32_t creator) const noexcept { return left_[creator] == kStays; }
  std::int32_t arrived(std::uint32_t creator) const noexcept { return arrived_[creator]; }  // day; -1: before day 0
  std::int32_t left(std::uint32_t creator) const noexcept { return left_[creator]; }        // day, or kStays
  std::size_t num_active() const noexcept;

  /// What somebody's answers to a creator's videos were worth today (CreatorLaw::worth).
  void add_worth(std::uint32_t creator, double worth) noexcept { worth_[creator] += worth; }
  /// A creator watched a video of this tag today, as a viewer.
  void watched(std::uint32_t creator, std::uint16_t tag) noexcept;

  /// Ends day day() and begins the next: receptions move on, some leave for good, newcomers arrive, and uploads are
  /// drawn, in the order of creators.
  std::vector<Upload> next_day();
  /// By how many uploads the next `days` are expected to have more for one more `worth` today, of a creator whose
  /// videos go on getting what keeps the reception as it is.
  double uplift(std::uint32_t creator, double worth, int days) const noexcept {
    const Reception& now = reception_[creator];
    return law_.uplift(traits_[creator], now, worth, days, law_.usual_worth(now));
  }

  /// The same of today's worth as it stands, just before midnight.
  double uplift_tonight(std::uint32_t creator, double worth, int days) const noexcept;
  /// By how many uploads the next `days` are expected to have more for one more video that the creator watches as a
  /// viewer (CreatorLaw::mimic_uplift); 0 of those who left.
  double mimic_uplift(std::uint32_t creator, int days) const noexcept {
    return active(creator) ? law_.mimic_uplift(traits_[creator], reception_[creator], days) : 0.0;
  }
  /// Just before midnight: how likely next_day() has an upload of the creator that takes the topic of a video watched.
  double mimics_tonight(std::uint32_t creator) const noexcept;

  /// All that changes, as columns under `group`. load() throws InputError for a file that makes no sense.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

  static constexpr std::int32_t kStays = 0x7FFFFFFF;

 private:
  void add(std::uint32_t count, std::int32_t day);

  CreatorLaw law_;
  RandomKey key_;
  std::uint32_t first_;
  std::int32_t day_ = 0;
  std::vector<CreatorTraits> traits_;
  std::vector<Reception> reception_;
  std::vector<double> worth_;          // of the day
  std::vector<std::uint32_t> viewed_;  // of the day, as a viewer
  std::vector<std::uint16_t> mimic_tag_;
  std::vector<std::int32_t> arrived_, left_;
};

}  // namespace swipegym
