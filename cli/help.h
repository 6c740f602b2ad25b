#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace swipegym::cli {

/// `swipegym --help`: every command with its line.
std::string overview_page(const std::vector<Command>& commands);
/// `swipegym COMMAND --help`. `options` holds the command's own and the common ones.
std::string command_page(const Command& command, const Options& options);
/// `swipegym data --help`: the commands that begin with this word.
std::string family_page(const std::string& word, const std::vector<Command>& commands);

}  // namespace swipegym::cli
