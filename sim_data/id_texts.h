#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace swipegym {

/// The ids of a table as their source has them, where they are texts: entry i belongs to row i. The row's raw_id is
/// then number_of_id(text), which everything else goes by: equal texts have equal numbers in every file, so that what
/// is trained on one log knows the users and videos of another. Empty where ids are numbers.
struct IdTexts {
  std::vector<std::uint64_t> offset;  // [rows + 1]; text i is bytes[offset[i] .. offset[i + 1])
  std::vector<std::uint8_t> bytes;

  bool empty() const noexcept { return offset.empty(); }
  std::size_t size() const noexcept { return offset.empty() ? 0 : offset.size() - 1; }
  std::string_view operator[](std::size_t row) const noexcept {
    return {reinterpret_cast<const char*>(bytes.data()) + offset[row],
            static_cast<std::size_t>(offset[row + 1] - offset[row])};
  }
  std::string_view at_or_empty(std::size_t row) const noexcept { return empty() ? std::string_view() : (*this)[row]; }
  void add(std::string_view text);
};

/// A header's word behind the name of a column of ids that are texts ("user_id:token"), as RecBole has it.
inline constexpr std::string_view kTextIdMark = ":token";
inline constexpr std::size_t kMaxIdBytes = 255;

/// A number from 2^58 to 2^59 that stands for a text: 58 bits of a hash of it.
std::int64_t number_of_id(std::string_view text) noexcept;

/// Empty when a text may be an id, else what is wrong with it: it is empty, too long, or holds control characters.
std::string_view wrong_with_id(std::string_view text) noexcept;

/// Reads an integer id as it is usually written: digits, no sign, no leading zeros, at most 18 of them. False for any
/// other text, so that the number brings the text back.
bool parse_plain_id(std::string_view text, std::int64_t& id) noexcept;

/// Appends the id of a row of a UserTable or VideoTable as its source has it, quoted where CSV asks for that.
template <class Table>
void append_id(std::string& out, const Table& table, std::size_t row);

}  // namespace swipegym
