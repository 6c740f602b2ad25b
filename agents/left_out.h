#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "env/simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// A catalogue's statistics as they are without the rows around one that is learned from. That row stands in the very
/// means of its user and its video, and rows to be foreseen do not: of a user of five rows the mean is to a fifteenth
/// the very answer. The other rows of its day tell much of the answer too, for a user has good days and bad ones, and
/// rows to be foreseen are of later days. On KuaiRand-Pure's slice the mean ratio of users correlates with a training
/// row's ratio by .48, without the row by .22, without its day by .20, and with the next days' ratios by .19.
class LeftOut {
 public:
  /// Of build_catalogue(data, until); `data` must outlive this. `what`: "nothing", "row" or "day", which is all of the
  /// row's user on the row's date for the user's statistics, and all of its video on that date for the video's.
  LeftOut(const Dataset& data, std::int32_t until, const std::string& what);
  /// Of a catalogue that counts earlier rows too, and whose users' statistics stay as they were: a platform's. What all
  /// rows of a video sum up to is taken from the catalogue. There "day" leaves out the days behind it too: what a
  /// platform shows then answers what it saw on that day, so that later counts would tell the row's own answer.
  LeftOut(const Dataset& data, const Catalogue& catalogue, const std::string& what);

  /// Writes the statistics of log row `row`'s user, among [kUserFeatures], and of its video, among [kVideoFeatures] and
  /// [kDerivedItemFeatures]. Nothing changes for a row that is not among those they were made of. The means of the
  /// whole log that they are shrunk to stay as they are.
  void apply(std::size_t row, float* user, float* video, float* derived) const noexcept;

 private:
  struct Sums {
    double ratio = 0, timed = 0, clicks = 0, likes = 0, rows = 0;  // timed: rows of a known duration
    void add(const Sums& other, double times) noexcept;
  };
  /// Of users, or of videos: in all, and on each date.
  struct Tallies {
    std::vector<Sums> all, day;
    std::vector<std::uint64_t> day_key;  // ascending; of `day`
  };
  static std::uint64_t key_of(std::uint32_t who, std::int32_t date) noexcept;
  Sums of_row(std::size_t row) const noexcept;
  void tally(Tallies& tallies, const std::vector<std::uint32_t>& who, std::size_t size) const;
  void sum_catalogue(const Catalogue& catalogue);
  Sums without(const Tallies& tallies, std::uint32_t who, std::size_t row) const noexcept;

  const Dataset& data_;
  std::int32_t until_;
  bool nothing_, day_, users_stay_ = false, answers_back_ = false;
  Tallies users_, videos_;
  Sums log_;
};

}  // namespace swipegym
