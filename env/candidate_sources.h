#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "env/candidate_source.h"

namespace swipegym {

/// `slots` distinct videos, uniform over the catalogue without those the session has seen; every slot may be chosen.
/// When fewer than `slots` unseen videos are left, the rest of the slots hold seen videos with mask 0.
class RandomCandidates final : public CandidateSource {
 public:
  /// Throws InputError unless 0 < slots <= num_videos.
  RandomCandidates(std::size_t num_videos, std::size_t slots);
  std::string_view name() const noexcept override { return "random"; }
  std::size_t slots() const noexcept override { return slots_; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override;

 private:
  std::uint32_t num_videos_;
  std::size_t slots_;
};

/// `slots` distinct unseen videos drawn one after the other with probability proportional to their exposures in the
/// fitted log (an alias table: Walker 1977, Vose 1991). Videos never exposed come only when the others run out.
class PopularityCandidates final : public CandidateSource {
 public:
  /// Throws InputError unless 0 < slots <= videos and some video was exposed.
  PopularityCandidates(const Catalogue& catalogue, std::size_t slots);
  std::string_view name() const noexcept override { return "popularity"; }
  std::size_t slots() const noexcept override { return slots_; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override;

 private:
  struct Column {
    std::uint32_t keep;   // of 2^32: the share of the column that is its own video's
    std::uint32_t alias;  // whose the rest is
  };
  std::vector<Column> columns_;  // [videos]
  std::size_t slots_;
};

/// The same videos in the same slots at every step: an action keeps its meaning. Videos watched in this session have
/// mask 0; the user's logged ones stay, or a small shelf could be empty from the start. The environment truncates a
/// session that has watched the whole shelf.
class FixedCandidates final : public CandidateSource {
 public:
  /// Throws InputError when `videos` is empty, holds one twice or holds a negative index.
  FixedCandidates(std::vector<std::int32_t> videos, std::string name = "fixed");
  std::string_view name() const noexcept override { return name_; }
  std::size_t slots() const noexcept override { return videos_.size(); }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override;

  const std::vector<std::int32_t>& videos() const noexcept { return videos_; }

 private:
  std::vector<std::int32_t> videos_;
  std::vector<std::int32_t> slot_of_;  // [largest video + 1], -1 where a video has no slot
  std::string name_;
};

/// The best unseen videos of a list of each user's own, and `fillers` random unseen ones behind them, so that no video
/// is out of reach. The lists are made once (policy/retrieval.h makes them with a policy): a generator that went on
/// learning would move what the values of an agent mean. Where a list runs out random videos take its place.
class RankedCandidates final : public CandidateSource {
 public:
  /// lists: [users, length], best first, -1 behind a list's end. Throws InputError unless 0 < slots <= num_videos,
  /// fillers <= slots, and every entry is a video.
  RankedCandidates(std::string name, std::size_t num_videos, std::size_t slots, std::size_t fillers,
                   std::vector<std::int32_t> lists, std::size_t length);
  std::string_view name() const noexcept override { return name_; }
  std::size_t slots() const noexcept override { return slots_; }
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override;

 private:
  std::string name_;
  std::uint32_t num_videos_;
  std::size_t slots_, fillers_, length_;
  std::vector<std::int32_t> lists_;  // [users, length_]
};

/// An action is a video index. The observation shows no candidates; VectorEnv::seen tells what may not be chosen.
class FullCatalogue final : public CandidateSource {
 public:
  std::string_view name() const noexcept override { return "full"; }
  std::size_t slots() const noexcept override { return 0; }
  void fill(const CandidateRequest&, std::span<std::int32_t>, std::span<std::uint8_t>) const override {}
};

/// The `count` most exposed videos, most exposed first; equal ones by index.
std::vector<std::int32_t> most_exposed(const Catalogue& catalogue, std::size_t count);
/// `count` distinct videos of [0, num_videos), uniform.
std::vector<std::int32_t> random_videos(std::size_t num_videos, std::size_t count, RandomKey key);
/// One unseen video, uniform; for invalid actions that are redrawn. Some video must be unseen.
std::int32_t draw_unseen(std::size_t num_videos, const SeenVideos& seen, RandomStream& random);

/// A source that settings and options name. A new one is a line in the table of candidate_sources.cpp: ranges, help
/// pages and the tests of all sources read it.
struct NamedSource {
  std::string_view name;
  std::string_view about;  // what is on offer, in a few words
  bool is_shelf;           // the same videos in the same slots at every step
  std::shared_ptr<const CandidateSource> (*make)(const Catalogue& catalogue, std::size_t slots, std::uint64_t seed);
};
std::span<const NamedSource> named_sources() noexcept;
/// The one of that name; null when there is none.
const NamedSource* find_source(std::string_view name) noexcept;

/// The source of that name; slots is not looked at for the full catalogue. seed: of what is drawn once. Throws
/// InputError for another name or more slots than videos.
std::shared_ptr<const CandidateSource> make_candidate_source(std::string_view name, const Catalogue& catalogue,
                                                             std::size_t slots, std::uint64_t seed = 0);

}  // namespace swipegym
