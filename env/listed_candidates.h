#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "env/candidate_source.h"
#include "env/observation.h"

namespace swipegym {

/// Sessions that step together, as whoever lists videos for them sees them: rows [begin, end) of the columns.
struct CandidateRows {
  ObservationView now;                   // complete but for the candidates
  const SeenVideos* seen = nullptr;      // [now.rows]
  std::span<const RandomKey> keys;       // [now.rows] the sessions' candidate keys
  std::span<const std::uint32_t> steps;  // [now.rows]
  std::size_t begin = 0, end = 0;
};

/// The best unseen videos of a list that is made anew at every step, and random unseen ones behind them. Lists are made
/// for a chunk of sessions at a time, for whoever is better asked so: a program in another language, or a search.
class ListedCandidates final : public CandidateSource {
 public:
  /// Writes a list for each of the rows, best first, [rows, some length]; distinct videos of the catalogue, -1 for
  /// none. A row's list depends on its own row alone. Called from many threads.
  using Lister = std::function<void(const CandidateRows& rows, std::vector<std::int32_t>& out)>;

  /// Throws InputError unless 0 < slots <= num_videos.
  ListedCandidates(std::string name, std::size_t num_videos, std::size_t slots, Lister lister);
  std::string_view name() const noexcept override { return name_; }
  std::size_t slots() const noexcept override { return slots_; }
  void list(const CandidateRows& rows, std::vector<std::int32_t>& out) const { lister_(rows, out); }
  /// Of a session for which this is the list.
  void fill(const CandidateRequest& request, std::span<const std::int32_t> list, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const;
  /// Of one for which there is none.
  void fill(const CandidateRequest& request, std::span<std::int32_t> videos,
            std::span<std::uint8_t> mask) const override {
    fill(request, {}, videos, mask);
  }

 private:
  std::string name_;
  std::uint32_t num_videos_;
  std::size_t slots_;
  Lister lister_;
};

}  // namespace swipegym
