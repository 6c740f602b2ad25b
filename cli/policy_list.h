#pragma once

#include <memory>
#include <string>
#include <vector>

#include "evaluation/compare.h"

namespace swipegym::cli {

/// Policies as people name them: words of --policies, each a known name, a policy file, or NAME=PATTERN, where the
/// pattern ("dqn-s*.h5") stands for the files of all training seeds of one policy. In an env of another simulator than
/// `made_for`, `oracle` still acts by what made_for expects: it is what that simulator is worth as a guide. Throws
/// InputError for a word that is nothing, or a pattern that matches no file.
std::vector<ComparedPolicy> read_policies(const std::vector<std::string>& words,
                                          const std::shared_ptr<const Simulator>& made_for, bool elsewhere_too);

/// The files a pattern with *, ? and [] matches, in name order; the path itself when it has none of these.
std::vector<std::string> expand_pattern(const std::string& pattern);

}  // namespace swipegym::cli
