#include "evaluation/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

namespace swipegym {
namespace {

/// Columns on screen: bytes that begin a UTF-8 character.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_no_number(std::string_view cell) {
  if (!cell.empty() && (cell[0] == '-' || cell[0] == '+')) cell.remove_prefix(1);
  return (cell.starts_with("nan") || cell.starts_with("inf")) && (cell.size() == 3 || cell[3] == ' ' || cell[3] == '%');
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  for (std::size_t i = 1; i < cells.size(); ++i)  // the first column holds names
    if (is_no_number(cells[i])) cells[i] = "-";
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t indent) const {
  std::vector<std::size_t> width(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < std::min(row.size(), width.size()); ++i)
      width[i] = std::max(width[i], columns_of(row[i]));
  std::string out;
  const std::string margin(indent, ' ');
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line = margin;
    for (std::size_t i = 0; i < width.size(); ++i) {
      const std::string& cell = i < rows_[r].size() ? rows_[r][i] : std::string();
      const std::string pad(width[i] - columns_of(cell), ' ');
      line += (i == 0 ? cell + pad : "  " + pad + cell);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    const std::size_t total = std::accumulate(width.begin(), width.end(), std::size_t{0}) + 2 * (width.size() - 1);
    if (r == 0) out += margin + std::string(total, '-') + "\n";
  }
  return out;
}

std::string show_figure(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string show_interval(const Interval& figure, int digits) {
  if (!std::isfinite(figure.low)) return show_figure(figure.mean, digits);
  return fmt::format("{} [{}, {}]", show_figure(figure.mean, digits), show_figure(figure.low, digits),
                     show_figure(figure.high, digits));
}

std::string show_count(unsigned long long value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

}  // namespace swipegym
