#include "cli/policy_list.h"

#include <fmt/format.h>
#include <glob.h>

#include <filesystem>

#include "core/error.h"
#include "policy/make_policy.h"
#include "policy/simulator_oracle.h"

namespace swipegym::cli {

std::vector<std::string> expand_pattern(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found = {};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  if (files.empty())
    throw InputError(fmt::format("no file matches '{}'; train policies first, or quote the pattern", pattern));
  return files;
}

std::vector<ComparedPolicy> read_policies(const std::vector<std::string>& words,
                                          const std::shared_ptr<const Simulator>& made_for, bool elsewhere_too) {
  std::vector<ComparedPolicy> policies;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    ComparedPolicy& policy = policies.emplace_back();
    const std::string spec = equals == std::string::npos ? word : word.substr(equals + 1);
    if (spec.empty())
      throw InputError(fmt::format("'{}' names no policy, expected a name, a file or NAME=PATTERN", word));
    if (equals == std::string::npos && std::filesystem::path(word).has_extension())
      policy.name = std::filesystem::path(word).stem().string();
    else
      policy.name = word.substr(0, equals);
    if (elsewhere_too && spec == "oracle") {
      policy.seeds = {std::make_shared<SimulatorOracle>(made_for)};
      continue;
    }
    for (const std::string& file : expand_pattern(spec)) policy.seeds.push_back(make_policy(file, *made_for));
  }
  return policies;
}

}  // namespace swipegym::cli
