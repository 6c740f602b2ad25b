#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace swipegym {

/// How a cell of a feature table reads as a number.
enum class CellKind : std::uint8_t { kNumber, kEmpty, kUnknownCode, kText };

struct NumberCell {
  CellKind kind = CellKind::kEmpty;
  double value = std::numeric_limits<double>::quiet_NaN();
};

/// KuaiRand writes -124 where a feature is unknown, and leaves cells empty.
inline constexpr double kUnknownCode = -124.0;

/// Tables keep numbers as floats: a larger one would become infinite there, so it is no number here.
inline constexpr double kLargestCell = std::numeric_limits<float>::max();

inline NumberCell read_number(std::string_view cell) noexcept {
  if (cell.empty()) return {};
  // Whole numbers are by far the most frequent.
  if (cell.size() <= 15) {
    std::int64_t whole = 0;
    std::size_t i = 0;
    while (i < cell.size() && cell[i] >= '0' && cell[i] <= '9') whole = whole * 10 + (cell[i++] - '0');
    const bool point_zero = i > 0 && i + 2 == cell.size() && cell[i] == '.' && cell[i + 1] == '0';
    if (i == cell.size() || point_zero) return {CellKind::kNumber, static_cast<double>(whole)};
  }
  NumberCell out;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), out.value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !(std::abs(out.value) <= kLargestCell))
    return {CellKind::kText, out.value};
  out.kind = out.value == kUnknownCode ? CellKind::kUnknownCode : CellKind::kNumber;
  return out;
}

}  // namespace swipegym
