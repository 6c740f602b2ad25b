#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/random.h"
#include "env/platform/creators.h"
#include "env/simulator.h"

namespace swipegym {

/// What a catalogue says of an upload.
struct UploadedVideo {
  std::int32_t duration_ms = 0;
  std::uint16_t tag = 0;     // dense
  float upload_type = 0.0F;  // VideoFeature kVideoUploadType
  float is_ad = 0.0F;
};

/// Makes uploads known to a world's user model, which is a copy of a simulator's with room at its end. How this is done
/// depends on the kind of the model: the truth makes the video itself; a fitted model, which knows fitted videos alone,
/// lets it be answered as a fitted video of its author or tag is: its template.
class UploadMaker {
 public:
  virtual ~UploadMaker() = default;
  virtual std::shared_ptr<const UserModel> model() const = 0;
  /// The tag code that creators answer by when they imitate a video (Creators::watched); 0: none.
  virtual std::uint16_t tag_code(std::uint32_t video) const = 0;
  /// Video `video`, the next one of the catalogue, becomes what an author (dense; `raw_author` in the data's ids)
  /// uploads on a day of the season.
  virtual UploadedVideo make(std::uint32_t video, const Upload& upload, std::uint32_t author, std::int64_t raw_author,
                             std::int32_t day) = 0;
  /// The truth.json of a world whose videos are the base's and what was uploaded so far; empty where no truth is known.
  virtual std::string truth() const { return {}; }
};

/// InputError for a model that is neither the truth nor fitted.
std::unique_ptr<UploadMaker> make_upload_maker(const Simulator& base, RandomKey world);

}  // namespace swipegym
