#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "nn/matrix.h"

namespace swipegym {

class Hdf5Writer;
class Hdf5Reader;

/// Ridge regression (Hoerl & Kennard 1970) of a number on the columns of a matrix, over all rows ever added. Columns
/// are penalised as if each had deviation 1: by `penalty` rows that say that it tells nothing. The intercept is free.
class RunningRidge {
 public:
  RunningRidge(std::size_t columns, double penalty);

  /// The first `columns` columns of these rows of x, and what was seen of them. What is foretold stays as it was.
  void add(const Matrix& x, std::span<const std::uint32_t> rows, std::span<const float> y);
  /// Fits anew to all rows added so far; or to what `known` leaves over of them, which was fitted to their first
  /// columns.
  void fit(const RunningRidge* known = nullptr);
  /// Of each row of x, as of the last fit(); 0 before the first.
  void foretell(ConstMatrixRef<float> x, std::span<float> out) const;

  void save(Hdf5Writer& file, const std::string& name) const;
  /// Foretells nothing before the next fit().
  void load(const Hdf5Reader& file, const std::string& name);

 private:
  std::size_t size_;  // columns and the intercept, which comes last
  double penalty_;
  std::vector<double> gram_, moment_;  // [size, size], [size] sums over rows
  std::vector<float> line_;            // [size]
};

}  // namespace swipegym
