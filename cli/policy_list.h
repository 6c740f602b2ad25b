#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/brought_objects.h"
#include "evaluation/compare/compare.h"

namespace swipegym::cli {

/// Policies as people name them (see policy_word.h): a pattern ("dqn-s*.h5") stands for the files of all training seeds
/// of one policy. In an env of another simulator than
/// `made_for`, `oracle` and `oracle:K` still act by what made_for expects: what that simulator is worth as a guide.
/// Words of `brought` are the policies in memory that they stand for.
/// Throws InputError for a word that is nothing, or a pattern that matches no file.
std::vector<ComparedPolicy> read_policies(const std::vector<std::string>& words,
                                          const std::shared_ptr<const Simulator>& made_for, bool elsewhere_too,
                                          const BroughtObjects* brought = nullptr);

}  // namespace swipegym::cli
