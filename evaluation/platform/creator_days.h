#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/byte_sum.h"
#include "env/platform/platform_world.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// What creators got and did, a row a creator and day on which they were active; days in order, creators within them.
/// What a study of creators needs: reception as it stood in the morning, what the day brought, whether an upload
/// followed.
struct CreatorDays {
  std::vector<std::uint32_t> creator;
  std::vector<std::int32_t> day;
  std::vector<std::int32_t> age;      // days since the creator arrived; since day -1 for those there at the start
  std::vector<std::uint8_t> treated;  // the day's coin: videos may be drawn for the randomised share
  std::vector<float> reception;       // S of the creators' law before the day
  std::vector<std::int32_t> idle;     // days since the last upload, before the day
  std::vector<std::uint32_t> shows, random_shows, watches, likes, follows;  // of the day
  std::vector<std::uint8_t> uploads;  // whether the next morning brought an upload
  std::vector<float> uplift;          // the world's truth: uploads more in the days ahead, for one watch more
                                      // beside the day's own

  std::size_t size() const noexcept { return creator.size(); }
  static constexpr std::size_t kRowBytes = 46;  // of all columns
};

/// Collects them over a season.
class CreatorMeter {
 public:
  explicit CreatorMeter(double treated_share, RandomKey key) : treated_share_(treated_share), key_(key) {}

  /// The coin of a creator on a day, drawn by creator and day alone.
  bool treated(std::uint32_t creator, std::int32_t day) const noexcept;
  void add(const PlatformWorld& world, const ShownAnswer& answer, bool random);
  /// Before midnight: what the day brought.
  void end_day(const PlatformWorld& world);
  /// After it: who uploaded.
  void begin_day(const PlatformWorld& world);
  const CreatorDays& days() const noexcept { return days_; }

  /// Puts the days that `folder` does not have yet there, a file each, and into `file` what they are known by. So days
  /// are written once, and what a checkpoint counts is there before it is. load() throws InputError for other days.
  void save(Hdf5Writer& file, const std::string& group, const std::filesystem::path& folder);
  void load(const Hdf5Reader& file, const std::string& group, const std::filesystem::path& folder,
            std::size_t num_days);

 private:
  struct Counts {
    std::uint32_t shows = 0, random_shows = 0, watches = 0, likes = 0, follows = 0;
  };
  double treated_share_;
  RandomKey key_;
  std::vector<Counts> today_;  // [creators]
  CreatorDays days_;
  std::vector<std::size_t> first_row_ = {0};  // [days + 1]: where a day's rows begin
  std::filesystem::path kept_in_;             // by save() or load(),
  std::size_t kept_ = 0;                      // so many days,
  std::uint64_t kept_sum_ = kNoBytes;         // with this sum of their columns
};

/// creator, day and all columns, as CSV.
std::string creator_days_csv(const CreatorDays& days);

}  // namespace swipegym
