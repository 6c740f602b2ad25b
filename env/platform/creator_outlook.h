#pragma once

#include <vector>

namespace swipegym {

/// What a ranking that cares for creators may know of a platform beside its catalogue's columns, as of one midnight:
/// what uploads bring, fitted to the world's past (UploadPast), and which viewers imitate what they watch.
struct CreatorOutlook {
  std::vector<float> upload_value;  // [videos] seconds that one upload more of the video's creator is expected to bring
  float mean_value = 0.0F;          // the same of anybody's; 0 while nothing was watched yet
  std::vector<float> topic_value;   // [tags] of an upload of that tag
  std::vector<float> own_value;     // [users] of an upload of the user's own; the mean of those who are no creators
  std::vector<float> mimic_uplift;  // [users] uploads more in the days ahead for one video more that the user watches
  float topic_share = 0.0F;         // of uploads that imitate, those that take the topic of the video
};

}  // namespace swipegym
