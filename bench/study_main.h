#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace swipegym {

/// What a study's main() returns: that of `run`, or 2 after one line that says what was wrong.
inline int study_main(int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}

}  // namespace swipegym
