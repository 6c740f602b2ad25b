#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/platform/creator_outlook.h"
#include "env/seen_videos.h"
#include "policy/policy.h"
#include "policy/stages/request_dice.h"

namespace swipegym {

/// Requests that are served together: rows of a batch of decisions, each with its dice. `slate` videos are asked for.
struct Requests {
  const DecisionBatch& batch;
  std::span<const std::uint32_t> rows;  // [n], distinct, ascending
  std::span<RequestDice> dice;          // [n]
  std::size_t slate = 1;
  std::size_t num_videos = 0;                // of the catalogue
  bool every_head = false;                   // asks for the heads without a weight too
  const CreatorOutlook* creators = nullptr;  // of a platform; null elsewhere

  std::size_t size() const noexcept { return rows.size(); }
  /// Whether the videos to choose among are given, candidates of the observation, and not the whole catalogue.
  bool offered() const noexcept { return batch.observation.candidates > 0; }
  /// The candidates of request i that may be chosen, in the order of their slots, into `out`; offered() only.
  void pool(std::size_t i, std::vector<std::int32_t>& out) const {
    const ObservationView& seen = batch.observation;
    out.clear();
    for (std::size_t at = rows[i] * seen.candidates, end = at + seen.candidates; at < end; ++at)
      if (seen.mask == nullptr || seen.mask[at] != 0) out.push_back(seen.candidate[at]);
  }
  /// Whether request i's session must not be shown `video`, again or at all; of the full catalogue.
  bool is_shown(std::size_t i, std::int32_t video) const noexcept {
    return batch.env != nullptr && !batch.env->may_show(rows[i], static_cast<std::uint32_t>(video));
  }
  /// All videos of the full catalogue that request i may be shown, ascending, into `out`.
  void unseen(std::size_t i, std::vector<std::uint32_t>& out) const {
    thread_local std::vector<std::uint8_t> shown;
    const VideoRange range = on_offer();
    shown.assign(range.size(), 0);
    if (batch.env != nullptr)
      for (const std::uint32_t video : batch.env->seen(rows[i]).videos())
        if (range.contains(video)) shown[video - range.begin] = 1;
    out.clear();
    for (std::uint32_t video = range.begin; video < range.end; ++video)
      if (shown[video - range.begin] == 0) out.push_back(video);
  }
  /// Videos of the full catalogue that may be shown to anybody.
  VideoRange on_offer() const noexcept {
    return batch.env != nullptr ? batch.env->on_offer() : VideoRange{0, static_cast<std::uint32_t>(num_videos)};
  }
};

/// Videos of several requests, one behind the other: request i has [offset[i], offset[i + 1]).
struct VideoLists {
  std::vector<std::uint32_t> offset = {0};
  std::vector<std::int32_t> video;      // distinct within a request
  std::vector<std::uint8_t> retriever;  // which of the composition's found it first

  std::size_t size() const noexcept { return offset.size() - 1; }
  std::size_t begin(std::size_t i) const noexcept { return offset[i]; }
  std::size_t count(std::size_t i) const noexcept { return offset[i + 1] - offset[i]; }
  std::span<const std::int32_t> of(std::size_t i) const noexcept { return {video.data() + offset[i], count(i)}; }
  void clear() {
    offset.assign(1, 0);
    video.clear();
    retriever.clear();
  }
};

}  // namespace swipegym
