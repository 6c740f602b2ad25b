#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "env/simulator.h"
#include "policy/stages/staged_policy.h"

namespace swipegym {

/// One video that a composition considered.
struct RecommendedVideo {
  std::int64_t video_id = 0;  // raw
  std::uint32_t tag = 0, author = 0;
  float duration_s = 0.0F;
  std::string retrieved_by;
  std::string dropped_by{};    // the filter, empty where it was kept
  std::vector<float> heads{};  // of those that were scored
  float value = 0.0F;
  std::size_t value_place = 0;  // from 1, by value as it was before ordering; 0: not scored
  std::size_t place = 0;        // from 1, in the slate; 0: not in it
};

/// What became of one request, stage by stage.
struct RecommendationView {
  std::string policy;
  std::int64_t user_id = 0;  // raw
  std::int64_t time_ms = 0;
  std::uint8_t tab = 1;
  std::uint32_t no_tag = 0;  // the tag that means none
  std::vector<std::string> heads;
  std::vector<std::size_t> weighed;                            // the heads that the value looks at
  std::vector<std::pair<std::string, std::size_t>> retrieved;  // by whom, how many that nobody before had found
  std::vector<std::optional<double>> recall;                   // of those that search an index, Retriever::recall()
  std::vector<std::pair<std::string, std::size_t>> dropped;    // why, how many
  std::size_t pruned = 0;                                      // went no further than a step of pruning
  std::size_t added = 0;                                       // after the filters had left too few
  std::vector<std::string> orderers;
  std::uint32_t violations = 0;          // of the orderers' rules
  std::vector<RecommendedVideo> videos;  // the slate in its order, then the others as they were retrieved
  std::array<double, 4> milliseconds{};  // of the stages
  double first_probability = 1.0;        // of the first video, over the policy's own draws
  bool exact = true;
  std::size_t outcomes = 1;
  std::vector<ChanceShare> chances;
};

/// Serves one request of the user with this raw id: the first of a session that begins when and where their last logged
/// one did, on the full catalogue. Throws InputError for a user the simulator does not know.
RecommendationView recommend(const std::shared_ptr<const Simulator>& simulator, const StagedPolicy& policy,
                             std::int64_t user_id, std::size_t slate, std::uint64_t seed, int threads);

/// At most `most` of the videos that are not in the slate are listed.
std::string to_text(const RecommendationView& view, std::size_t most);
Json to_json(const RecommendationView& view);

}  // namespace swipegym
