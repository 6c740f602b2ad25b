#pragma once

#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/progress.h"

namespace swipegym::testing {

/// Interrupts a training of `epochs` epochs in the one that follows `whole` of them, which its checkpoint holds then.
inline Progress interrupt_after(int whole, int epochs) {
  return [whole, epochs](std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (what == "training" && done * static_cast<std::uint64_t>(epochs) > total * static_cast<std::uint64_t>(whole))
      throw Interrupted();
  };
}

}  // namespace swipegym::testing
