#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <exception>

namespace swipegym {

/// Seconds of this process's processor time: on a machine that others use too, what its core itself took.
inline double core_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

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
