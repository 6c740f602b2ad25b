#pragma once

#include <memory>
#include <string>

#include "policy/retrieval_index.h"
#include "policy/stages/stage_registry.h"

namespace swipegym {

/// Settings of the retriever "vectors".
struct QueryRetrieverSettings {
  std::string file;              // a policy of vectors: two-tower, variational-two-tower, multi-interest
  std::string search = "exact";  // or over an index, which is made when the composition is read
  std::string index_file;        // beside the composition, where the index is kept and read the next time
  RetrievalIndexConfig index;
};
template <class Visitor>
void visit_fields(Visitor& visit, QueryRetrieverSettings& settings) {
  visit("file", settings.file, Words({}).or_file(".h5"));
  visit("search", settings.search, one_of({"exact", "index"}));
  visit("index_file", settings.index_file, Words({""}).or_file(".h5"));
  visit("index", settings.index);
}

/// The videos nearest to a request's query vectors, the lists of several merged in turn. Drawn queries come from the
/// request's dice.
std::shared_ptr<const Retriever> make_query_retriever(const StageSettings& settings, const StageContext& context);

}  // namespace swipegym
