#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/range.h"

namespace swipegym {

/// How many videos are left after each step: a list of 2,000 becomes one of 500 by a cheap score, and so on.
struct PruneSettings {
  std::vector<std::size_t> keep = {500, 100, 30};
};
template <class Visitor>
void visit_fields(Visitor& visit, PruneSettings& settings) {
  visit("keep", settings.keep, between(1, 1'000'000'000), lengths(1, 16));
}

/// Room that is kept from list to list; one a thread.
struct PruneWorkspace {
  struct Scored {
    float score = 0.0F;
    std::uint32_t place = 0;  // in the list before the step
    std::int32_t video = -1;
  };
  std::vector<float> score;  // of the last step, in the order of the list that is left
  std::vector<Scored> scored;
};

/// Scores that order a list: scores[i] of list[i], larger is better, in step `step`.
template <class Score>
concept ListScore = std::invocable<Score, std::size_t, std::span<const std::int32_t>, std::span<float>>;

/// Multi-stage ranking: in step i all that is left is scored by score(i, list, scores) and the best keep[i] go on,
/// so that each step can afford a dearer score. Videos come out by the last score, best first, at the front of `list`,
/// and are returned; equal scores keep the order they came in. What is pruned is lost for the set, however well it
/// would have gone with the rest. Throws InputError where keep rises, or a score is NaN.
template <ListScore Score>
std::span<std::int32_t> prune_stepwise(std::span<std::int32_t> list, std::span<const std::size_t> keep, Score&& score,
                                       PruneWorkspace& workspace) {
  for (std::size_t step = 0; step < keep.size(); ++step) {
    if (step > 0 && keep[step] > keep[step - 1])
      throw InputError(fmt::format("prune: step {} keeps {}, expected at most the {} of the step before", step + 1,
                                   keep[step], keep[step - 1]));
    auto& scores = workspace.score;
    auto& scored = workspace.scored;
    scores.resize(list.size()), scored.resize(list.size());
    score(step, std::span<const std::int32_t>(list), std::span<float>(scores));
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (std::isnan(scores[i]))
        throw InputError(fmt::format("prune: step {} scores video {} as nan, expected a number", step + 1, list[i]));
      scored[i] = {scores[i], static_cast<std::uint32_t>(i), list[i]};
    }
    const std::size_t left = std::min(keep[step], list.size());
    std::partial_sort(
        scored.begin(), scored.begin() + static_cast<std::ptrdiff_t>(left), scored.end(),
        [](const auto& a, const auto& b) { return a.score != b.score ? a.score > b.score : a.place < b.place; });
    list = list.first(left);
    scores.resize(left);
    for (std::size_t i = 0; i < left; ++i) list[i] = scored[i].video, scores[i] = scored[i].score;
  }
  return list;
}

}  // namespace swipegym
