#pragma once

#include <string>
#include <vector>

#include "evaluation/metrics/bootstrap.h"

namespace swipegym {

/// A table in plain text: the first column aligned left, the others right, two spaces between.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  /// A figure that is no number (a cell of "nan" or "inf") is shown as "-".
  void add(std::vector<std::string> cells);
  /// Every line indented by `indent` spaces, a rule under the header.
  std::string text(std::size_t indent = 2) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "12.4", or "-" where the figure is no number.
std::string show_figure(double value, int digits);
/// "12.4 [11.9, 12.9]"; without brackets where the interval is not known.
std::string show_interval(const Interval& figure, int digits);
/// 1234567 -> "1,234,567".
std::string show_count(unsigned long long value);

}  // namespace swipegym
