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
  const std::size_t equals = word.find('=');
  const bool is_named = equals != std::string::npos && !is_there(word);
  PolicyWord out{.name = is_named ? word.substr(0, equals) : word, .spec = is_named ? word.substr(equals + 1) : word};
  if (out.spec.empty())
    throw InputError(fmt::format("'{}' names no policy, expected a name, a file or NAME=PATTERN", word));
  if (!is_named && names_policy_file(word)) out.name = fs::path(word).stem().string();
  return out;
}

std::vector<std::string> expand_pattern(const std::string& pattern) {
  std::vector<std::string> files = matches(pattern);
  if (files.empty())
    throw InputError(fmt::format("no file matches '{}'; train policies first, or quote the pattern", pattern));
  return files;
}

std::vector<fs::path> files_of_word(const std::string& word) {
  const std::size_t equals = word.find('=');
  const bool is_named = equals != std::string::npos && !is_there(word);
  std::vector<fs::path> files;
  for (const std::string& file : matches(is_named ? word.substr(equals + 1) : word))
    if (is_there(file)) files.emplace_back(file);
  return files;
}

}  // namespace swipegym::cli
