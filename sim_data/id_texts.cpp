#include "sim_data/id_texts.h"

#include <algorithm>
#include <charconv>

#include "sim_data/csv/csv_file.h"
#include "sim_data/tables.h"

namespace swipegym {

void IdTexts::add(std::string_view text) {
  if (offset.empty()) offset.push_back(0);
  bytes.insert(bytes.end(), text.begin(), text.end());
  offset.push_back(bytes.size());
}

std::int64_t number_of_id(std::string_view text) noexcept {
  // FNV-1a, then a mixer: the numbers stand in files, so this must never change.
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDULL;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  hash ^= hash >> 33;
  constexpr std::uint64_t kBit = 1ULL << 58;
  return static_cast<std::int64_t>((hash & (kBit - 1)) | kBit);
}

std::string_view wrong_with_id(std::string_view text) noexcept {
  if (text.empty()) return "empty";
  if (text.size() > kMaxIdBytes) return "longer than 255 bytes";
  const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  });
  return has_control ? "not printable" : "";
}

bool parse_plain_id(std::string_view text, std::int64_t& id) noexcept {
  if (text.empty() || text.size() > 18 || text[0] < '0' || text[0] > '9' || (text[0] == '0' && text.size() > 1))
    return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc{} && end == text.data() + text.size();
}

template <class Table>
void append_id(std::string& out, const Table& table, std::size_t row) {
  if (table.id_text.empty())
    out += std::to_string(table.raw_id[row]);
  else
    append_csv_text(out, table.id_text[row]);
}
template void append_id(std::string&, const UserTable&, std::size_t);
template void append_id(std::string&, const VideoTable&, std::size_t);

}  // namespace swipegym
