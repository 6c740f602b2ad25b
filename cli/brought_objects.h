#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "env/candidate_source.h"
#include "env/simulator.h"
#include "policy/policy.h"

namespace swipegym::cli {

/// What words of a command line stand for where whoever runs it has objects in memory and no files, by the words.
struct BroughtObjects {
  std::map<std::string, std::shared_ptr<const Simulator>> simulators;
  /// Each makes its candidates for envs of the simulator.
  std::map<std::string, std::function<std::shared_ptr<const CandidateSource>(const std::shared_ptr<const Simulator>&,
                                                                             std::size_t slots)>>
      sources;
  /// Each makes its policy for envs of the simulator it is given.
  std::map<std::string, std::function<std::shared_ptr<const Policy>(const std::shared_ptr<const Simulator>&)>> policies;
};

}  // namespace swipegym::cli
