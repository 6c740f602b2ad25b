#include "evaluation/platform/season_policy.h"

#include <fmt/format.h>

#include <filesystem>
#include <mutex>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/unreadable.h"
#include "evaluation/platform/season_file_turn.h"
#include "policy/make_policy.h"
#include "policy/stages/composition.h"
#include "policy/stages/flow_policies.h"
#include "policy/stages/staged_policy.h"

namespace swipegym {
namespace {

// An index in a file is one of a catalogue that stays as it is.
void refuse_kept_index(const std::string& word) {
  if (!word.ends_with(".json")) return;
  const Json composition = read_json(word);
  if (!composition.is_object() || !composition.contains("retrieve") || !composition["retrieve"].is_array()) return;
  for (const Json& stage : composition["retrieve"])
    if (stage.is_object() && stage.contains("index_file") && stage["index_file"] != "")
      throw InputError(
          fmt::format("{}: 'index_file' keeps an index of videos that do not change, and a season's do every night; "
                      "leave it out",
                      word));
}

}  // namespace

SeasonPolicy season_policy(const std::string& word, std::size_t slate) {
  const std::string name = word == "random" ? "uniform" : word;
  if (names_flow_policy(name))
    return [name, slate](const Catalogue& catalogue, const PolicySource&) {
      return make_flow_policy(name, catalogue, slate);
    };
  if (names_policy_file(word) && !std::filesystem::exists(word)) {
    require_file_of_word(word);
    std::vector<std::string> rules;
    for (const FlowPolicy& flow : flow_policies()) rules.emplace_back(flow.name);
    throw InputError(fmt::format("'{}' is neither a rule ({}), nor another policy ({}), nor a file", word,
                                 fmt::join(rules, ", "), fmt::join(policy_names(), ", ")));
  }
  refuse_kept_index(word);
  return [word](const Catalogue& catalogue, const PolicySource& networks) {
    const std::lock_guard turn(season_file_turn());
    return make_policy(word, catalogue, networks);
  };
}

SeasonPolicy composed_policy(const std::string& json) {
  return [json](const Catalogue& catalogue, const PolicySource& networks) -> std::shared_ptr<const Policy> {
    const std::lock_guard turn(season_file_turn());
    return std::make_shared<StagedPolicy>(parse_composition(json, "composition", catalogue, networks),
                                          catalogue.num_videos());
  };
}

}  // namespace swipegym
