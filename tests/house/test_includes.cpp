#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// What each folder may include besides itself and what those may include: the house's one-way order.
const std::map<std::string, std::vector<std::string>> kMayInclude = {
    {"core", {}},
    {"sim_data", {"core"}},
    {"nn", {"core"}},
    {"evaluation/metrics", {"core"}},
    {"env", {"sim_data", "nn", "evaluation/metrics"}},
    {"policy", {"env"}},
    {"replay", {"env"}},
    {"agents", {"policy", "replay"}},
    {"evaluation", {"agents"}},
    {"evaluation/off_policy", {"evaluation"}},
    {"cli", {"evaluation/off_policy"}},
};

std::set<std::string> reachable_from(const std::string& folder) {
  std::set<std::string> reached = {folder};
  for (const std::string& next : kMayInclude.at(folder)) reached.merge(reachable_from(next));
  return reached;
}

/// The folder of kMayInclude that a file lies in: "evaluation/metrics" for "evaluation/metrics/bootstrap.h", "env" for
/// "env/fitted/watch_grid.h". Empty when there is none.
std::string folder_of(const fs::path& path) {
  for (fs::path folder = path.parent_path(); !folder.empty(); folder = folder.parent_path())
    if (kMayInclude.count(folder.generic_string()) == 1) return folder.generic_string();
  return "";
}

/// The sources and headers of the tree, from its root, those of sub-folders included.
std::vector<fs::path> source_files() {
  std::set<fs::path> found;
  for (const auto& [folder, ignored] : kMayInclude)
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SWIPEGYM_SOURCE_DIR) / folder))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp")
        found.insert(fs::relative(entry.path(), SWIPEGYM_SOURCE_DIR));
  return {found.begin(), found.end()};
}

struct Include {
  fs::path from, what;
};

std::vector<Include> all_includes() {
  static const std::regex pattern(R"(^\s*#\s*include\s*\"([^\"]+)\")");
  std::vector<Include> includes;
  for (const fs::path& path : source_files()) {
    std::ifstream file(fs::path(SWIPEGYM_SOURCE_DIR) / path);
    std::smatch match;
    for (std::string line; std::getline(file, line);)
      if (std::regex_search(line, match, pattern)) includes.push_back({path, match[1].str()});
  }
  return includes;
}

TEST_CASE("includes point one way through the folders and are written from the root", "[house]") {
  std::map<std::string, std::set<std::string>> reachable;
  for (const auto& [folder, ignored] : kMayInclude) reachable[folder] = reachable_from(folder);
  for (const Include& include : all_includes()) {
    CAPTURE(include.from, include.what);
    CHECK(reachable.at(folder_of(include.from)).count(folder_of(include.what)) == 1);
    CHECK(fs::exists(fs::path(SWIPEGYM_SOURCE_DIR) / include.what));
  }
}

/// What the families in a folder's sub-folders may include of one another; those absent, nothing.
const std::map<std::string, std::map<std::string, std::vector<std::string>>> kFamilies = {
    {"agents", {}},
    {"policy", {{"policy/stages", {"policy/bandit", "policy/filtering", "policy/ordering"}}}},
    {"env", {{"env/fitted", {"env/truth"}}, {"env/platform", {"env/fitted", "env/truth"}}}},
    {"evaluation",
     {{"evaluation/fidelity", {"evaluation/compare", "evaluation/generate"}},
      {"evaluation/studies", {"evaluation/compare"}}}},
};

TEST_CASE("families of one folder do not include each other", "[house]") {
  for (const Include& include : all_includes()) {
    const std::string from = include.from.parent_path().generic_string(),
                      to = include.what.parent_path().generic_string(), folder = folder_of(include.from);
    const auto families = kFamilies.find(folder);
    // Within one family, of what they share, or across folders, which the other test judges.
    if (families == kFamilies.end() || folder_of(include.what) != folder || to == from || to == folder) continue;
    if (from == folder) {  // what names them all, such as the loader of policy files
      CAPTURE(include.from, include.what);
      CHECK(include.from.extension() == ".cpp");
      continue;
    }
    const auto allowed = families->second.find(from);
    CAPTURE(include.from, include.what);
    REQUIRE(allowed != families->second.end());
    CHECK(std::count(allowed->second.begin(), allowed->second.end(), to) == 1);
  }
}

TEST_CASE("no folder holds more than forty subjects", "[house]") {
  std::map<std::string, std::set<std::string>> subjects;
  for (const fs::path& path : source_files())
    subjects[path.parent_path().generic_string()].insert(path.stem().generic_string());
  for (const auto& [folder, names] : subjects) {
    CAPTURE(folder);
    CHECK(names.size() <= 40);
  }
}

TEST_CASE("the include check sees the includes there are", "[house]") {
  const std::vector<Include> includes = all_includes();
  const auto from = [&](const char* folder) {
    return std::count_if(includes.begin(), includes.end(),
                         [&](const Include& include) { return include.from.parent_path() == folder; });
  };
  CHECK(from("cli") > 10);
  CHECK(from("cli/commands") > 10);
  CHECK(from("env/fitted") > 10);
  CHECK(folder_of("env/fitted/watch_grid.h") == "env");
  CHECK(folder_of("evaluation/metrics/bootstrap.h") == "evaluation/metrics");
  CHECK(reachable_from("env").count("core") == 1);
  CHECK(reachable_from("env").count("policy") == 0);
  CHECK(reachable_from("replay").count("policy") == 0);
}

TEST_CASE("randomness comes from core/random.h only", "[house]") {
  static const std::regex forbidden(
      R"(std::(mt19937|minstd_rand|random_device|shuffle|sample|\w+_distribution)\b|\brand\(\)|\bsrand\()");
  for (const fs::path& path : source_files()) {
    std::ifstream file(fs::path(SWIPEGYM_SOURCE_DIR) / path);
    for (std::string line; std::getline(file, line);) {
      const std::string code = line.substr(0, line.find("//"));
      CAPTURE(path, line);
      CHECK_FALSE(std::regex_search(code, forbidden));
    }
  }
}

}  // namespace
