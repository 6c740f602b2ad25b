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

/// "evaluation/metrics" for "evaluation/metrics/auc.h", "env" for "env/user_model.h".
std::string folder_of(const fs::path& path) {
  return path.parent_path().generic_string();
}

struct Include {
  std::string from, what;
};

std::vector<Include> includes_below(const std::string& folder) {
  static const std::regex pattern(R"(^\s*#\s*include\s*\"([^\"]+)\")");
  std::vector<Include> includes;
  for (const auto& entry : fs::directory_iterator(fs::path(SWIPEGYM_SOURCE_DIR) / folder)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; std::getline(file, line);)
      if (std::regex_search(line, match, pattern))
        includes.push_back({folder + "/" + entry.path().filename().string(), match[1]});
  }
  return includes;
}

TEST_CASE("includes point one way through the folders and are written from the root", "[house]") {
  for (const auto& [folder, allowed] : kMayInclude) {
    const std::set<std::string> reachable = reachable_from(folder);
    for (const Include& include : includes_below(folder)) {
      CAPTURE(include.from, include.what);
      CHECK(reachable.count(folder_of(include.what)) == 1);
    }
  }
}

TEST_CASE("the include check sees the includes there are", "[house]") {
  CHECK(includes_below("cli").size() > 10);
  CHECK(reachable_from("env").count("core") == 1);
  CHECK(reachable_from("env").count("policy") == 0);
  CHECK(reachable_from("replay").count("policy") == 0);
}

TEST_CASE("randomness comes from core/random.h only", "[house]") {
  static const std::regex forbidden(
      R"(std::(mt19937|minstd_rand|random_device|shuffle|sample|\w+_distribution)\b|\brand\(\)|\bsrand\()");
  for (const auto& [folder, ignored] : kMayInclude)
    for (const auto& entry : fs::directory_iterator(fs::path(SWIPEGYM_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        const std::string code = line.substr(0, line.find("//"));
        CAPTURE(entry.path().string(), line);
        CHECK_FALSE(std::regex_search(code, forbidden));
      }
    }
}

}  // namespace
