#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace swipegym::testing {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)  // GCC's words, and Clang's
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

/// Updates a fit in a test may take, at most: a sanitizer looks at the same code in few of them as in many, at ten
/// times the time of each.
inline constexpr std::int64_t kMostUpdates = kSanitized ? 5 : 4000;

/// Every so many of a file's mutations a test tries; all of them when SWIPEGYM_ALL_MUTANTS is set.
inline std::size_t mutant_stride() {
  if (std::getenv("SWIPEGYM_ALL_MUTANTS") != nullptr) return 1;
  return kSanitized ? 41 : 11;
}

/// True, with a word, where a test asks how well something was learned and too little is learned to ask.
inline bool skips_quality() {
  if (kSanitized) WARN("skipped: what is learned in full is judged without a sanitizer");
  return kSanitized;
}

}  // namespace swipegym::testing
