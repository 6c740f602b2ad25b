#pragma once

#include <iterator>
#include <string>

#include "core/random.h"

namespace swipegym::fuzz {

/// A number at the edge of some type or range, as text.
inline std::string extreme_number(RandomStream& random) {
  static constexpr const char* kNumbers[] = {"0",
                                             "1",
                                             "-1",
                                             "-0",
                                             "2",
                                             "0.5",
                                             "1e-40",
                                             "1e30",
                                             "-1e30",
                                             "1e400",
                                             "-1e400",
                                             "1e-400",
                                             "127",
                                             "128",
                                             "255",
                                             "256",
                                             "32767",
                                             "32768",
                                             "65535",
                                             "65536",
                                             "2147483647",
                                             "2147483648",
                                             "-2147483648",
                                             "-2147483649",
                                             "4294967295",
                                             "4294967296",
                                             "9007199254740993",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "-9223372036854775808",
                                             "18446744073709551615",
                                             "18446744073709551616",
                                             "20220230",
                                             "20220431",
                                             "19000101",
                                             "00",
                                             "1.",
                                             ".5",
                                             "+1",
                                             "0x10",
                                             "1e",
                                             "nan",
                                             "inf",
                                             "-inf",
                                             "-124"};
  if (random.below(4) == 0) return std::to_string(random.below(100));
  return kNumbers[random.below(static_cast<std::uint32_t>(std::size(kNumbers)))];
}

}  // namespace swipegym::fuzz
