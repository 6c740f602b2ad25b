#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace swipegym {

/// A figure as tables for people print it: by the format's own rules where it is a number, and "-" in the same width
/// where it is none, so that no table says nan or inf.
///
///   fmt::format("{:>10.4f} {:+.1f} %", shown(crps), shown(100.0 * change));
struct ShownFigure {
  double value;
};
constexpr ShownFigure shown(double value) noexcept {
  return {value};
}

}  // namespace swipegym

template <>
struct fmt::formatter<swipegym::ShownFigure> {
  constexpr auto parse(fmt::format_parse_context& context) {
    const auto end = std::find(context.begin(), context.end(), '}');
    spec_ = std::string_view(context.begin(), static_cast<std::size_t>(end - context.begin()));
    return end;
  }
  template <class Context>
  auto format(const swipegym::ShownFigure& figure, Context& context) const {
    if (std::isfinite(figure.value))
      return fmt::vformat_to(context.out(), fmt::format("{{:{}}}", spec_), fmt::make_format_args(figure.value));
    std::string width;  // what the format says of the width: neither sign, precision nor kind
    for (const char c : spec_.substr(0, spec_.find('.')))
      if (c != '+' && c != ' ') width += c;
    const std::string_view none = "-";
    return fmt::vformat_to(context.out(), fmt::format("{{:{}}}", width), fmt::make_format_args(none));
  }

 private:
  std::string_view spec_;
};
