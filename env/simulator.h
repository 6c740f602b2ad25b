#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "env/fit_notes.h"
#include "env/user_model.h"
#include "sim_data/dataset.h"

namespace swipegym {

inline constexpr std::size_t kUserFeatures = 16;    // floats a user in the observation
inline constexpr std::size_t kVideoFeatures = 8;    // floats a candidate in the observation
inline constexpr std::size_t kContextFeatures = 8;  // floats of context in the observation

inline constexpr float kLargestFeature = 1.0e6F;  // features are of order one; files with larger ones are damaged

/// What a policy may know about videos and users, fixed when the simulator is built. Indices are the data set's.
struct Catalogue {
  std::vector<std::int64_t> raw_video_id;  // [videos]
  std::vector<std::int64_t> raw_user_id;   // [users]
  std::vector<std::int32_t>
      duration_ms;                 // [videos], > 0: the table's, else the median of the video's rows, else the pool's
  std::vector<std::uint16_t> tag;  // [videos], dense tag index; num_tags - 1 is 'none'
  std::vector<std::uint32_t> author;     // [videos], dense
  std::vector<std::uint32_t> exposures;  // [videos], rows of the fitted log that show the video
  std::vector<float> item_mean;          // [videos], shrunk mean watch ratio of the fitted rows
  std::vector<float> video_features;     // [videos, kVideoFeatures], see docs/guide/environment.md
  std::vector<float> user_features;      // [users, kUserFeatures]
  /// What filters and rules may ask beyond the features. Empty in files that were written before there were these
  /// columns, and where code that makes a catalogue leaves them out; no observation and no fingerprint has them.
  std::vector<float> hate_rate{};             // [videos], shrunk mean of is_hate
  std::vector<std::uint16_t> upload_day{};    // [videos], days since 1970-01-01; 0 where the table does not say
  std::vector<std::int8_t> visible_status{};  // [videos], KuaiRand's; -1: unknown. Empty where it is 0 for all
  std::vector<std::int64_t> raw_author_id{};  // [authors]
  std::vector<std::uint16_t> tag_code{};      // [tags], the data's code of each; VideoTable::kNoTag for 'none'
  /// Of a platform whose creators answer what they get (env/platform); empty elsewhere, and in files.
  std::vector<float> creator_uplift{};        // [videos], uploads more in the days ahead for one watch more today
  std::vector<std::uint16_t> creator_days{};  // [videos], days since the creator arrived
  std::uint32_t num_tags = 0;
  std::uint32_t num_authors = 0;
  std::int32_t until = 0;  // last day (yyyymmdd) of the rows the statistics are made of; 0: unknown

  std::size_t num_videos() const noexcept { return raw_video_id.size(); }
  std::size_t num_users() const noexcept { return raw_user_id.size(); }
  /// Throws InputError unless the columns agree and hold what they say.
  void validate() const;
};

/// Who opens the app, when and in which tab: the empirical session starts of the fitted log, and each user's most
/// recent videos, which the observation shows from the first step on.
struct Population {
  std::vector<std::uint32_t> start_user;      // [starts]
  std::vector<std::int64_t> start_time_ms;    // [starts]
  std::vector<std::uint8_t> start_tab;        // [starts]
  std::vector<std::uint64_t> history_offset;  // [users + 1]
  std::vector<std::uint32_t> history_video;   // newest last, at most 200 a user
  std::vector<float> history_ratio;           // watch ratio, clipped to [0, 5]; 0 when the duration was unknown
  std::vector<SignalBits> history_signals;    // what else the user did

  /// Throws InputError unless the columns agree and hold what they say.
  void validate(std::size_t users, std::size_t videos) const;
};

/// A world to step in: a user model with its catalogue and population. Shared and immutable.
struct Simulator {
  Catalogue catalogue;
  Population population;
  std::shared_ptr<const UserModel> model;
  std::uint64_t data_fingerprint = 0;
  FitNotes fit;       // what it was fitted or built with
  std::string truth;  // truth.json of the data it was fitted on, empty for real data

  /// Throws InputError unless catalogue, population and notes hold what they say; of the model its makers see to that.
  void validate() const;
};

}  // namespace swipegym
