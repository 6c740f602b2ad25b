#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/range.h"
#include "env/candidate_source.h"
#include "policy/policy.h"
#include "policy/retrieval_index.h"

namespace swipegym {

/// Candidate generation by a policy, the first of two stages: a retriever proposes m videos of millions, and whoever
/// chooses looks at those only. Of the slots one in kFillerShare, at least one, is random.
inline constexpr std::size_t kFillerShare = 10;

/// The videos that `retriever` puts first for each user, as it sees them when their last logged session began; frozen.
/// With `index`, those nearest to the vectors it asks by, over an index: an agent that chooses among them is what
/// Dulac-Arnold et al., "Deep reinforcement learning in large discrete action spaces" (2015), call Wolpertinger, with a
/// learned retriever's vector as the proto-action. Takes 4 * users * (2 * slots + 300) bytes, and the index. Throws
/// InputError for slots that the catalogue does not have, and for an index of a retriever that asks by no vectors.
std::shared_ptr<const CandidateSource> retrieve_candidates(std::shared_ptr<const Simulator> simulator,
                                                           const Policy& retriever, std::size_t slots, int threads,
                                                           const std::optional<RetrievalIndexConfig>& index = {});

/// Where each user's last logged session began, [users]; for those who were never seen where the newest of all did.
std::vector<SessionStart> last_starts(const Simulator& simulator);

/// The names of candidate sources, or a policy file.
Words candidate_sources();
/// Whether a source is a policy file, whose policy retrieves.
inline bool names_retriever(std::string_view source) {
  return source.ends_with(".h5");
}

/// A candidate source by name, see make_candidate_source(), or by a policy file ("mf.h5"), whose policy retrieves.
std::shared_ptr<const CandidateSource> make_candidates(const std::string& source,
                                                       std::shared_ptr<const Simulator> simulator, std::size_t slots,
                                                       std::uint64_t seed = 0, int threads = 0);

}  // namespace swipegym
