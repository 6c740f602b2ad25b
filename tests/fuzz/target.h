#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace swipegym::fuzz {

/// What is fuzzed: a reader of one kind of input. Each source of this folder makes one executable with the targets of
/// one kind; `--target=NAME` chooses. In the asan preset libFuzzer drives them, elsewhere they replay files.
struct Target {
  std::vector<std::string> seeds;  // inputs to begin with, all valid
  /// Reads the input. Throws InputError for what is refused; anything else that is thrown, and what a sanitizer says,
  /// is a find.
  std::function<void(const std::string& input)> run;
  /// One change of an input that knows its form; an empty result asks for libFuzzer's own changes of bytes.
  std::function<std::string(const std::string& input, RandomStream& random)> mutate{};
};

/// The names of the executable's targets, and one of them. Both are the executable's to define.
std::vector<std::string> target_names();
Target make_target(const std::string& name);

}  // namespace swipegym::fuzz
