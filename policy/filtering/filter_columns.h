#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/range.h"
#include "env/simulator.h"

namespace swipegym {

/// A column of the catalogue that a condition may look at.
struct FilterColumn {
  const char* name;
  const char* summary;
  bool (*known)(const Catalogue& catalogue);  // false in files that were written before there was such a column
  /// The value of a video on `day` (days since 1970-01-01); NaN where it is not known.
  double (*value)(const Catalogue& catalogue, std::size_t video, std::int32_t day);
  bool changes = false;  // with the day
};

/// All of them. A new one is a line there.
std::span<const FilterColumn> filter_columns();
std::vector<std::string> filter_column_names();

/// What makes a video unsuitable: "duration_s < 2", "visible_status != 0".
struct Condition {
  std::string column = "duration_s";
  std::string op = "<";
  double value = 0.0;
};
template <class Visitor>
void visit_fields(Visitor& visit, Condition& condition) {
  visit("column", condition.column, one_of(filter_column_names()));
  visit("op", condition.op, one_of({"<", "<=", ">", ">=", "==", "!="}));
  visit("value", condition.value, between(-1e18, 1e18));
}

/// Conditions on the videos of one catalogue, which must outlive them. Those that no day changes are looked up once,
/// into a byte a video.
class VideoConditions {
 public:
  VideoConditions() = default;
  /// Throws InputError for a column that is none, or that this catalogue has not, with those there are; for an unknown
  /// comparison; and for more than 255 conditions.
  VideoConditions(const Catalogue& catalogue, std::span<const Condition> conditions);

  /// The first condition that holds of a video on `day`, or -1. A value that is not known fulfils none.
  int first_that_holds(std::size_t video, std::int32_t day) const;

 private:
  enum class Op : std::uint8_t { kBelow, kAtMost, kAbove, kAtLeast, kIs, kIsNot };
  struct Prepared {
    const FilterColumn* column = nullptr;
    Op op = Op::kBelow;
    double value = 0.0;
  };
  static Op op_of(const std::string& text);
  static bool holds(double value, const Prepared& condition) noexcept;

  const Catalogue* catalogue_ = nullptr;
  std::vector<Prepared> conditions_;
  std::vector<std::uint8_t> fixed_;  // [videos] number of the first that holds of those no day changes, 0: none
  bool changing_ = false;            // one of them changes with the day
};

}  // namespace swipegym
