#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// V, what one more upload is expected to bring over its life, in seconds watched.
struct UploadValues {
  double mean = 0.0;
  std::vector<double> of_creator;  // [creators]
  std::vector<double> of_tag;      // [tags]
};

/// What uploads brought so far, counted from a world's first day on. Uploads are numbered in the order of add().
class UploadPast {
 public:
  explicit UploadPast(int life_days) : life_(life_days), by_age_(static_cast<std::size_t>(life_days), 0.0) {}

  /// The next upload, which came on day `uploaded`; below 0: before the first day.
  void add(std::uint32_t creator, std::uint16_t tag, std::int32_t uploaded) {
    uploads_.push_back({creator, tag, uploaded, 0.0});
  }
  /// Somebody watched an upload on a day. What comes after its life is not counted.
  void watched(std::uint32_t upload, std::int32_t day, double seconds) noexcept;

  /// As of the morning of day `today`. Of a life seen in part its share of the mean curve by age is known: an upload
  /// that got s seconds on days on which the mean one gets e of a whole life's g stands for s g / e, with weight e / g.
  /// Means by creator and by tag are shrunk by credible_means() to that of all. All 0 while nothing was watched.
  UploadValues values(std::int32_t today, std::size_t creators, std::size_t tags) const;

  /// What was counted; load() wants the uploads to be there. InputError for a file that makes no sense.
  void save(Hdf5Writer& file, const std::string& group) const;
  void load(const Hdf5Reader& file, const std::string& group);

 private:
  struct Counted {
    std::uint32_t creator = 0;
    std::uint16_t tag = 0;
    std::int32_t day = 0;
    double seconds = 0.0;
  };
  struct Ages {
    std::int32_t begin = 0, end = 0;  // seen of its life
  };
  Ages seen(const Counted& upload, std::int32_t today) const noexcept;

  std::int32_t life_;
  std::vector<Counted> uploads_;
  std::vector<double> by_age_;  // [days of a life] seconds
};

}  // namespace swipegym
