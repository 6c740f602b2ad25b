#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sim_data/csv/csv_file.h"

namespace swipegym {

/// How a file of interactions is written, as far as its first line does not tell.
struct InteractionFormat {
  std::vector<std::string> columns{};  // "user=UserId": what is where, by name or by number from 1; "play=watched:ms"
                                       // with a unit, "play=-" for a column that is not to be read
  std::string separator{};             // comma, tab, semicolon, pipe, "::", or the characters; empty: found
  bool has_header = true;
};

enum class InteractionRole : std::uint8_t { kUser, kItem, kTime, kRating, kDuration, kPlay, kRatio };
inline constexpr std::size_t kNumInteractionRoles = 7;
inline constexpr std::array<std::string_view, kNumInteractionRoles> kInteractionRoleNames = {
    "user", "item", "time", "rating", "duration", "play", "ratio"};

/// What is where in a file of interactions.
struct InteractionColumns {
  static constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();
  struct Column {
    std::size_t at = kAbsent;
    double unit_ms = 0.0;  // 0: seconds, or milliseconds where the number is too large for seconds
    std::string name;      // as the header has it
    bool is_there() const noexcept { return at != kAbsent; }
  };
  std::array<Column, kNumInteractionRoles> column;
  std::string separator = ",";
  std::size_t count = 0;
  std::vector<std::string> ignored;  // names
  std::string data_set;              // "KuaiRec" where its names say so, for units that no name tells

  const Column& operator[](InteractionRole role) const noexcept { return column[static_cast<std::size_t>(role)]; }
  Column& operator[](InteractionRole role) noexcept { return column[static_cast<std::size_t>(role)]; }
};

/// Finds the columns by the file's first line, which it skips where it is a header. Throws InputError for what is
/// missing, for two columns of one thing (naming both), and for options that name no column.
InteractionColumns find_interaction_columns(CsvFile& file, const InteractionFormat& format);

}  // namespace swipegym
