#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/json_number.h"
#include "core/json_text.h"

namespace swipegym {

/// A column of a training's curve.
struct CurveColumn {
  std::string name;     // its key in a line
  std::string meaning;  // with the unit
  std::string title{};  // what a reader in a hurry is told of it; empty: nothing
};

/// What visit(name, figure, meaning, title) of each figure of a report writes into a line of JSON.
struct LineWriter {
  Json& line;

  template <class Figure>
  void operator()(const char* name, Figure figure, const char*, const char*) const {
    if constexpr (std::is_integral_v<Figure>)
      line[name] = figure;
    else
      line[name] = json_number(figure);
  }
};

/// The same visits as columns.
struct ColumnLister {
  std::vector<CurveColumn>& columns;

  template <class Figure>
  void operator()(const char* name, Figure, const char* meaning, const char* title) const {
    columns.push_back({name, meaning, title});
  }
};

/// Hears a training's curve while it grows: a line, {column: figure}, a round, an epoch or a stretch of updates. The
/// first column counts upwards, and says how far the training is. A figure that is not defined is null.
struct CurveListener {
  /// Once, before the first line: the columns, and the lines that a resumed checkpoint has behind it. May be empty.
  std::function<void(const std::vector<CurveColumn>& columns, const std::vector<Json>& done)> begin{};
  /// May throw Interrupted: the training then ends as by Ctrl-C, and its checkpoint holds this line too. May be empty.
  std::function<void(const Json& line)> add{};
};

}  // namespace swipegym
