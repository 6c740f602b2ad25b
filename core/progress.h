#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace swipegym {

/// Long work reports through this; the program draws a bar from it, a test leaves it empty. `total` is 0 when unknown.
/// It may throw Interrupted, which the worker lets pass after it has cleaned up.
using Progress = std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

inline void report(const Progress& progress, std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (progress) progress(what, done, total);
}

}  // namespace swipegym
