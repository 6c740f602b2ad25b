#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/simulator.h"
#include "policy/policy.h"

namespace swipegym {

/// The rules of bandits as policies of a catalogue that lives, without a file: every video on offer is an arm whose
/// success is a click, and a slate is the best of them for everybody. What is counted enters by Policy::refreshed().
struct FlowPolicy {
  const char* name;
  const char* summary;
  const char* retrieve;  // the composition's retrievers, as JSON, but for "count"
};

/// uniform, greedy, epsilon-greedy, ucb1, bayes-ucb, bayes-ucb-flat, thompson, thompson-flat, flow, wide-flow,
/// flow-thompson.
const std::vector<FlowPolicy>& flow_policies();
bool names_flow_policy(std::string_view name);
/// The rule as a composition that retrieves slates of `slate` videos. InputError for a name that is none.
std::shared_ptr<const Policy> make_flow_policy(std::string_view name, const Catalogue& catalogue, std::size_t slate);

}  // namespace swipegym
