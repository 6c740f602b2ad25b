#include "policy/stages/flow_policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/json_text.h"
#include "policy/stages/composition.h"
#include "policy/stages/staged_policy.h"

namespace swipegym {
namespace {

// One bucket is a bandit; of equal videos any may come, and each place of a slate is any bucket's alike.
constexpr const char* kDrawn = R"("ties": "drawn", "places": "drawn")";
constexpr double kEpsilon = 0.1;

const FlowPolicy* find(std::string_view name) {
  const auto& all = flow_policies();
  const auto found = std::find_if(all.begin(), all.end(), [&](const FlowPolicy& flow) { return flow.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<FlowPolicy>& flow_policies() {
  static const std::vector<FlowPolicy> all = {
      {"uniform", "videos drawn uniformly", R"({"use": "random"})"},
      {"greedy", "highest posterior mean of the rate of clicks",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "mean"})"},
      {"epsilon-greedy", "a tenth of every slate drawn uniformly, the rest greedy",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "mean"})"},
      {"ucb1", "UCB1, which has no prior", R"({"use": "bucket", "edges": [], "shares": [1], "within": "ucb1"})"},
      {"bayes-ucb", "upper quantile of the posterior under a fitted prior",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb"})"},
      {"bayes-ucb-flat", "the same under Beta(1, 1)",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb", "alpha": 1, "beta": 1})"},
      {"thompson", "a draw of each posterior under a fitted prior",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "thompson"})"},
      {"thompson-flat", "the same under Beta(1, 1)",
       R"({"use": "bucket", "edges": [], "shares": [1], "within": "thompson", "alpha": 1, "beta": 1})"},
      {"flow", "bucket flows by shows: 5, 10, 15 and 70 % to below 10, 30, 100 and the rest",
       R"({"use": "bucket", "edges": [10, 30, 100], "shares": [0.05, 0.1, 0.15, 0.7], "within": "mean"})"},
      {"wide-flow", "bucket flows of 10, 20, 20 and 50 %",
       R"({"use": "bucket", "edges": [10, 30, 100], "shares": [0.1, 0.2, 0.2, 0.5], "within": "mean"})"},
      {"flow-thompson", "bucket flows of 5, 10, 15 and 70 % with Thompson draws inside",
       R"({"use": "bucket", "edges": [10, 30, 100], "shares": [0.05, 0.1, 0.15, 0.7], "within": "thompson"})"},
  };
  return all;
}

bool names_flow_policy(std::string_view name) {
  return find(name) != nullptr;
}

std::shared_ptr<const Policy> make_flow_policy(std::string_view name, const Catalogue& catalogue, std::size_t slate) {
  const FlowPolicy* flow = find(name);
  if (flow == nullptr) {
    std::vector<std::string> names;
    for (const FlowPolicy& one : flow_policies()) names.emplace_back(one.name);
    throw InputError(fmt::format("'{}' is no rule of a flow: {}", name, fmt::join(names, ", ")));
  }
  Json retrieve = parse_json(flow->retrieve, flow->name);
  retrieve["count"] = slate;
  if (retrieve["use"] == "bucket") retrieve.update(parse_json(fmt::format("{{{}}}", kDrawn), flow->name));
  Json list = Json::array({retrieve});
  if (name == "epsilon-greedy") {
    const auto explored = static_cast<std::size_t>(std::lround(kEpsilon * static_cast<double>(slate)));
    list[0]["count"] = std::max<std::size_t>(slate - explored, 1);
    if (explored > 0) list.push_back({{"use", "random"}, {"count", explored}});
  }
  return std::make_shared<StagedPolicy>(
      parse_composition(Json{{"retrieve", list}}.dump(), std::string(name), catalogue), catalogue.num_videos());
}

}  // namespace swipegym
