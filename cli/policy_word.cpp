#include "cli/policy_word.h"

#include <fmt/format.h>
#include <glob.h>

#include "core/error.h"
#include "policy/make_policy.h"

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

PolicyWord split(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || is_there(word)) return {word, word};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

std::vector<std::string> matches(const std::string& pattern) {
  if (is_there(pattern) || pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found = {};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  return files;
}

}  // namespace

PolicyWord split_policy_word(const std::string& word) {
  PolicyWord out = split(word);
  if (out.spec.empty())
    throw InputError(fmt::format("'{}' names no policy, expected a name, a file or NAME=PATTERN", word));
  if (out.spec == word && names_policy_file(word)) out.name = fs::path(word).stem().string();
  return out;
}

std::vector<std::string> expand_pattern(const std::string& pattern) {
  std::vector<std::string> files = matches(pattern);
  if (files.empty())
    throw InputError(fmt::format("no file matches '{}'; train policies first, or quote the pattern", pattern));
  return files;
}

std::vector<fs::path> files_of_word(const std::string& word) {
  std::vector<fs::path> files;
  for (const std::string& file : matches(split(word).spec))
    if (is_there(file)) files.emplace_back(file);
  return files;
}

}  // namespace swipegym::cli
