#include "sim_data/csv/id_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "core/error.h"

namespace swipegym {

std::uint32_t IdColumn::find_or_add(std::string_view id) {
  std::int64_t number = 0;
  if (!is_text_ && parse_plain_id(id, number)) {
    const std::uint32_t place = map_.find_or_add(number);
    if (place == raw_id_.size()) raw_id_.push_back(number);
    return place;
  }
  if (!is_text_) become_texts();
  return find_or_add_text(id);
}

std::uint32_t IdColumn::find_or_add_text(std::string_view id) {
  const std::int64_t number = number_of_id(id);
  const std::uint32_t place = map_.find_or_add(number);
  if (place == raw_id_.size()) {
    raw_id_.push_back(number);
    text_.add(id);
  } else if (text_[place] != id) {
    throw InputError(fmt::format("the ids '{}' and '{}' have one number; rename one of them", text_[place], id));
  }
  return place;
}

void IdColumn::become_texts() {
  is_text_ = true;
  map_ = IdMap();
  for (const std::int64_t id : std::exchange(raw_id_, {})) find_or_add_text(std::to_string(id));
}

IdColumn::Sorted IdColumn::sort() {
  std::vector<std::uint32_t> order(raw_id_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return is_text_ ? text_[a] < text_[b] : raw_id_[a] < raw_id_[b]; });
  Sorted out;
  out.row.resize(order.size());
  for (std::uint32_t row = 0; row < order.size(); ++row) {
    out.row[order[row]] = row;
    out.raw_id.push_back(raw_id_[order[row]]);
    if (is_text_) out.text.add(text_[order[row]]);
  }
  return out;
}

}  // namespace swipegym
