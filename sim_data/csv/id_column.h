#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim_data/id_map.h"
#include "sim_data/id_texts.h"

namespace swipegym {

/// The ids of a column whose kind is not known before its last row: numbers while all of them are integers as they are
/// usually written (parse_plain_id), texts from the first other one on.
class IdColumn {
 public:
  /// The place of an id in order of first appearance. Throws InputError for two texts of one number.
  std::uint32_t find_or_add(std::string_view id);
  std::size_t size() const noexcept { return raw_id_.size(); }

  struct Sorted {
    std::vector<std::int64_t> raw_id;  // ascending; texts in the order of their bytes
    IdTexts text;                      // empty where ids are numbers
    std::vector<std::uint32_t> row;    // of each place
  };
  /// The ids as a table has them, whatever order the rows came in. Call it once.
  Sorted sort();

 private:
  void become_texts();
  std::uint32_t find_or_add_text(std::string_view id);

  IdMap map_;
  std::vector<std::int64_t> raw_id_;
  IdTexts text_;
  bool is_text_ = false;
};

}  // namespace swipegym
