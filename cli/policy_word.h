#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace swipegym::cli {

/// A word of --policies: a known name, a policy file, or NAME=PATTERN. A word that is the path of a file is that file,
/// whatever is in its name.
struct PolicyWord {
  std::string name;  // of the table's line
  std::string spec;  // a known name, a file or a pattern of files
};
PolicyWord split_policy_word(const std::string& word);

/// The files a pattern with *, ? and [] matches, in name order; the path itself when it has none of these, or is there.
/// Throws InputError for a pattern that matches nothing.
std::vector<std::string> expand_pattern(const std::string& pattern);

/// The files a word names that are there; empty for a known name.
std::vector<std::filesystem::path> files_of_word(const std::string& word);

}  // namespace swipegym::cli
