#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "core/parallel_pieces.h"
#include "env/simulator.h"
#include "env/video_range.h"
#include "nn/embedding.h"
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
/// gets its features from that catalogue, the tag and the author of most known videos that share them there, and no id.
ItemInputs match_item_inputs(const ItemInputs& own, const Catalogue& catalogue);
/// The same, with the features of all videos from that catalogue: its statistics are newer than those of `own`.
ItemInputs renew_item_inputs(const ItemInputs& own, const Catalogue& catalogue);

/// The features of these videos as `catalogue`, of the same videos, counts them now.
void renew_statistics(const Catalogue& catalogue, VideoRange videos, ItemInputs& items);

/// For a network that goes on learning among the videos of a later catalogue: all features are that catalogue's, known
/// videos keep their rows of the tables, and new videos and authors get rows behind those; beyond `max_authors` and
/// `max_ids` rows they share with others. A tag that no known video has stays unknown.
ItemInputs extend_item_inputs(const ItemInputs& own, const Catalogue& catalogue, std::uint32_t max_authors = 65536,
                              std::uint32_t max_ids = 65536);

/// For each id of `wanted` its first place in `known`; -1 where it has none.
std::vector<std::int32_t> match_ids(const std::vector<std::int64_t>& known, const std::vector<std::int64_t>& wanted);

/// out[i] = column[videos[i]], of a column of one value a video.
inline void gather_column(const std::vector<std::int32_t>& column, const std::vector<std::int32_t>& videos,
                          std::vector<std::int32_t>& out) {
  out.resize(videos.size());
  for (std::size_t i = 0; i < videos.size(); ++i) out[i] = column[static_cast<std::size_t>(videos[i])];
}

void save(Hdf5Writer& file, const std::string& name, const ItemInputs& items);
ItemInputs load_item_inputs(const Hdf5Reader& file, const std::string& name);

/// Throws InputError unless each id stands once; `name` is where they stand in the file.
void require_distinct(const Hdf5Reader& file, const std::string& name, std::vector<std::int64_t> ids);
/// Asks of a policy file whether it may serve `catalogue`: `known` are the raw ids of the videos it learned among.
/// Throws InputError where none of them is there: it was made for another catalogue. Where it knows fewer than half of
/// the videos there, a remark says so.
void require_known_videos(const Hdf5Reader& file, const std::vector<std::int64_t>& known, const Catalogue& catalogue);

/// What a tower reads of a video: its features and derived ones, then the embeddings of its tag, author and id. Small
/// ones: what has rarely been met should look average.
struct VideoTables {
  static constexpr std::size_t kNumbers = kVideoFeatures + kDerivedItemFeatures;  // in front of the embeddings

  VideoTables() = default;
  /// First values are drawn from three children of `key`, from number `first` on.
  VideoTables(const ItemInputs& items, std::size_t tag_dim, std::size_t author_dim, std::size_t id_dim, RandomKey key,
              std::uint64_t first);

  std::size_t size() const noexcept { return kNumbers + tag.dim() + author.dim() + id.dim(); }
  /// out [videos, size()].
  void gather(const ItemInputs& items, const std::vector<std::int32_t>& videos, MatrixRef<float> out) const;
  /// Adds the embeddings' part of a gradient [videos, size()]; one thread.
  void scatter(const ItemInputs& items, const std::vector<std::int32_t>& videos, ConstMatrixRef<float> gradient);

  Embedding tag, author, id;
};

/// [videos, width] of the whole catalogue, a row a video: output(videos, work) is that of some of them.
template <class Work, class Output>
Matrix table_of_videos(std::size_t num_videos, std::size_t width, int threads, const Output& output) {
  constexpr std::size_t kRows = 1024;  // a fixed cut, so that the table does not depend on threads
  Matrix table(static_cast<Eigen::Index>(num_videos), static_cast<Eigen::Index>(width));
  parallel_pieces(num_videos, kRows, threads, [&](std::size_t, std::size_t first, std::size_t count) {
    Work work;
    work.videos.resize(count);
    std::iota(work.videos.begin(), work.videos.end(), static_cast<std::int32_t>(first));
    table.middleRows(static_cast<Eigen::Index>(first), static_cast<Eigen::Index>(count)) = output(work);
  });
  return table;
}

}  // namespace swipegym
