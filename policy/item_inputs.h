#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "env/simulator.h"
#include "nn/matrix.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// Columns of ItemInputs::derived: how long a video is watched. Seconds are a product of two features, which a network
/// learns slowly from the seconds of single plays (on synthetic `pure` they vary by 23 s around expectations that vary
/// by 4 s), so the product is given to it.
enum DerivedItemFeature : std::size_t {
  kItemMeanSeconds,  // mean watch ratio * duration in s, / 20
  kItemClickRoot,    // click rate * sqrt(duration in s), / 4: less swayed by a few long plays
  kDerivedItemFeatures
};

/// What a learned policy knows of the videos, by the video indices of the simulator it runs in. Rows of embedding
/// tables are fixed when the policy is first made; -1 stands for a video, tag or author it has never met.
struct ItemInputs {
  std::vector<std::int64_t> raw_id;                          // [videos]
  Matrix features;                                           // [videos, kVideoFeatures]
  Matrix derived;                                            // [videos, kDerivedItemFeatures], from features
  std::vector<std::int32_t> tag;                             // [videos], in [0, num_tags)
  std::vector<std::int32_t> author;                          // [videos], in [0, num_authors)
  std::vector<std::int32_t> id;                              // [videos], in [0, num_ids)
  std::uint32_t num_tags = 0, num_authors = 0, num_ids = 0;  // sizes of the tables

  std::size_t num_videos() const noexcept { return raw_id.size(); }
  void validate() const;
};

/// Tables of at most `max_authors` and `max_ids` rows: beyond that several authors or videos share one, so that memory
/// stays bounded on a catalogue of millions.
ItemInputs make_item_inputs(const Catalogue& catalogue, std::uint32_t max_authors = 65536,
                            std::uint32_t max_ids = 65536);

/// The same knowledge by the indices of another catalogue, matched by raw video id. A video that `own` does not know
/// gets its features from that catalogue and no tag, author or id.
ItemInputs match_item_inputs(const ItemInputs& own, const Catalogue& catalogue);

/// out[i] = column[videos[i]], of a column of one value a video.
inline void gather_column(const std::vector<std::int32_t>& column, const std::vector<std::int32_t>& videos,
                          std::vector<std::int32_t>& out) {
  out.resize(videos.size());
  for (std::size_t i = 0; i < videos.size(); ++i) out[i] = column[static_cast<std::size_t>(videos[i])];
}

void save(Hdf5Writer& file, const std::string& name, const ItemInputs& items);
ItemInputs load_item_inputs(const Hdf5Reader& file, const std::string& name);

}  // namespace swipegym
