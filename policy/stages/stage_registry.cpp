#include "policy/stages/stage_registry.h"

#include "core/error.h"
#include "policy/stages/bandit_scorers.h"
#include "policy/stages/bucket_retriever.h"
#include "policy/stages/category_retriever.h"
#include "policy/stages/fresh_retriever.h"
#include "policy/stages/policy_stages.h"
#include "policy/stages/query_retriever.h"
#include "policy/stages/random_retriever.h"
#include "policy/stages/rules_filter.h"
#include "policy/stages/slate_orderer.h"

namespace swipegym {
namespace {

template <class Config, class Stage>
StageInfo<Stage> entry(const char* name, const char* summary,
                       std::shared_ptr<const Stage> (*make)(const StageSettings&, const StageContext&)) {
  return {name, summary, [] { return list_fields(Config{}); }, make};
}

}  // namespace

void StageSettings::refuse(const std::string& key, const Json& value, const std::string& expected) const {
  detail::throw_setting(source, path + "." + key, value, expected);
}

std::filesystem::path StageSettings::file(const std::string& key, const std::string& name,
                                          const StageContext& context) const {
  std::filesystem::path found = context.folder / name;
  std::error_code ignored;
  if (!std::filesystem::exists(found, ignored)) found = name;
  if (!std::filesystem::exists(found, ignored))
    refuse(key, name, "a file that is there, beside the composition or in the working folder");
  return found;
}

const std::vector<StageInfo<Retriever>>& retrievers() {
  static const std::vector<StageInfo<Retriever>> table = {
      entry<PolicyStageSettings, Retriever>("policy", "the best videos of a policy file, or of a rule by its name",
                                            make_policy_retriever),
      entry<QueryRetrieverSettings, Retriever>(
          "vectors", "the videos nearest to a request's vectors, exactly or over an index", make_query_retriever),
      entry<CategoryRetrieverSettings, Retriever>(
          "category", "the most exposed videos of the categories that the user watched most of",
          make_category_retriever),
      entry<FreshRetrieverSettings, Retriever>("fresh", "the newest videos by their day of upload",
                                               make_fresh_retriever),
      entry<BucketRetrieverSettings, Retriever>(
          "bucket", "flows: every bucket of how well a video is known has its share, in a stack or one a category",
          make_bucket_retriever),
      entry<RandomRetrieverSettings, Retriever>("random", "videos drawn uniformly", make_random_retriever),
  };
  return table;
}

const std::vector<StageInfo<Filter>>& filters() {
  static const std::vector<StageInfo<Filter>> table = {
      entry<FilterSettings, Filter>("rules", "what was watched, is unsuitable or too old, or too much of one author",
                                    make_rules_filter),
  };
  return table;
}

const std::vector<StageInfo<Scorer>>& scorers() {
  static const std::vector<StageInfo<Scorer>> table = {
      entry<PolicyStageSettings, Scorer>("multitask", "the heads of a network with several, as they are calibrated",
                                         make_multitask_scorer),
      entry<NeuralLinearScorerSettings, Scorer>(
          "neural_linear",
          "the heads of a network, one of them with a draw or the deviation of its last layer's posterior",
          make_neural_linear_scorer),
      entry<LinUcbScorerSettings, Scorer>("linucb", "the heads of a network, one of them by LinUCB over its last layer",
                                          make_linucb_scorer),
      entry<PolicyStageSettings, Scorer>("policy", "the score of a policy file as the one head", make_policy_scorer),
  };
  return table;
}

const std::vector<StageInfo<Orderer>>& orderers() {
  static const std::vector<StageInfo<Orderer>> table = {
      entry<SlateOrdererSettings, Orderer>("slate", "diversity, damping by inventory, bring-back and rules of sequence",
                                           make_slate_orderer),
  };
  return table;
}

}  // namespace swipegym
