#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "policy/stages/creator_terms.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// A recommender of four stages, as its file puts it together (docs/guide/staged.md).
struct Composition {
  struct Retrieval {
    std::shared_ptr<const Retriever> retriever;
    std::size_t count = 100;
  };
  /// A step of multi-stage ranking: of what is left, the `keep` videos that score best go on.
  struct Prune {
    std::shared_ptr<const Scorer> scorer;  // its first head counts
    std::size_t keep = 100;
  };
  std::string name;  // of its file
  std::vector<Retrieval> retrieve;
  std::vector<std::shared_ptr<const Filter>> filter;
  std::vector<Prune> prune;
  std::shared_ptr<const Scorer> score;  // null: what is retrieved stays in its order
  std::vector<float> weight;            // [heads]
  CreatorTerms creators;                // what the value has beside the heads
  bool product = false;                 // the value is prod head^weight, not sum weight * head
  std::vector<std::shared_ptr<const Orderer>> order;
  std::vector<std::int32_t> fallback;  // videos best first, for a request that the filters leave too few
  std::size_t most_outcomes = 256;     // probabilities are sums over so many outcomes at most,
  std::size_t draws = 1'000;           // and shares of so many draws where there are more
};

/// The most exposed of the videos on offer, best first.
std::vector<std::int32_t> fallback_videos(const CatalogueNow& now);

/// Reads a composition. Throws InputError with line and column for what no composition may say: an unknown stage, head
/// or file, and whatever its stages refuse.
Composition read_composition(const std::filesystem::path& path, const Catalogue& catalogue,
                             const PolicySource& policies = policy_files());
/// The same of a text; `name` stands for the file in messages, and files are looked for in the working folder.
Composition parse_composition(std::string text, const std::string& name, const Catalogue& catalogue,
                              const PolicySource& policies = policy_files());

}  // namespace swipegym
