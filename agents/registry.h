#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.h"
#include "core/given_settings.h"

namespace swipegym {

/// An agent that learns in a simulator, by name. `train NAME`, its help, its page of settings and its command in Python
/// follow from this table, and quickstart and `converge`, which compares variants of the DQN, read it. A new
/// agent is a learner (agents/learner.h), its settings, and an entry in agents/registry.cpp.
struct AgentInfo {
  std::string name, summary;  // the summary is one line
  std::string about;          // how it learns, in a sentence or two
  std::string start{};        // what policy files it may start from, as --start says it; empty: from none
  std::vector<std::string> former_names{};
  std::string config_file{};  // its settings in configs/, where the name is not NAME.json

  std::function<std::vector<FieldLine>()> fields{};  // its settings with their defaults and ranges
  std::function<void(const Json& settings, const std::string& where)> check{};  // InputError for what no file may say
  /// With these settings, and defaults for the others.
  std::function<Agent(const GivenSettings& settings)> with{};
  /// The agent that a file of an earlier version meant by such settings of this one; empty: this one.
  std::function<std::string(const Json& settings)> means_another{};
};

/// All of them, in the order of the help page.
const std::vector<AgentInfo>& agents();
/// By its name or a former one. Throws InputError that lists the names there are.
const AgentInfo& find_agent(std::string_view name);

/// The agent with these settings, or the one that an earlier version meant by them.
Agent read_agent(const AgentInfo& info, const GivenSettings& settings);

}  // namespace swipegym
