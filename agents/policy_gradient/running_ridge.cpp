#include "agents/policy_gradient/running_ridge.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cassert>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kLeastVariance = 1e-6;  // of a column; one that does not vary gets no coefficient of note
constexpr double kMostSlope = 1e30;      // that a float holds with room

using RidgeVector = Eigen::VectorXd;
using RidgeGram = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A checkpoint's sums: `size` by `size` products or `size` of them.
struct RidgeSums {
  std::size_t size;
  std::vector<double> values;
  void validate() const {
    require_size("ridge sums", values.size(), size);
    require_between("ridge sums", std::span(values), -1e30, 1e30);
  }
};

}  // namespace

RunningRidge::RunningRidge(std::size_t columns, double penalty)
    : size_(columns + 1), penalty_(penalty), gram_(size_ * size_), moment_(size_), line_(size_) {}

void RunningRidge::add(const Matrix& x, std::span<const std::uint32_t> rows, std::span<const float> y) {
  const auto size = static_cast<Eigen::Index>(size_), count = static_cast<Eigen::Index>(rows.size());
  RidgeGram z(count, size);
  RidgeVector seen(count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const std::uint32_t row = rows[static_cast<std::size_t>(i)];
    z.row(i).head(size - 1) = x.row(row).head(size - 1).cast<double>();
    z(i, size - 1) = 1.0;
    seen(i) = static_cast<double>(y[row]);
  }
  Eigen::Map<RidgeGram>(gram_.data(), size, size).noalias() += z.transpose() * z;
  Eigen::Map<RidgeVector>(moment_.data(), size).noalias() += z.transpose() * seen;
}

void RunningRidge::fit(const RunningRidge* known) {
  const auto size = static_cast<Eigen::Index>(size_);
  RidgeGram penalised = Eigen::Map<const RidgeGram>(gram_.data(), size, size);
  const double rows = penalised(size - 1, size - 1);
  if (rows <= 0.0) return;
  for (Eigen::Index i = 0; i + 1 < size; ++i) {
    const double mean = penalised(i, size - 1) / rows, variance = penalised(i, i) / rows - mean * mean;
    penalised(i, i) += penalty_ * std::max(variance, kLeastVariance);
  }
  RidgeVector moment = Eigen::Map<const RidgeVector>(moment_.data(), size);
  if (known != nullptr) {
    assert(known->size_ <= size_);
    for (std::size_t i = 0; i < known->size_; ++i) {
      const auto column = i + 1 < known->size_ ? static_cast<Eigen::Index>(i) : size - 1;
      moment -=
          static_cast<double>(known->line_[i]) * Eigen::Map<const RidgeGram>(gram_.data(), size, size).col(column);
    }
  }
  const RidgeVector line = penalised.ldlt().solve(moment);
  if (!(line.array().abs() <= kMostSlope).all()) return;  // nor where it is not finite: sums of a damaged file
  for (std::size_t i = 0; i < size_; ++i) line_[i] = static_cast<float>(line(static_cast<Eigen::Index>(i)));
}

void RunningRidge::foretell(ConstMatrixRef<float> x, std::span<float> out) const {
  assert(static_cast<std::size_t>(x.rows()) == out.size() && static_cast<std::size_t>(x.cols()) + 1 >= size_);
  const auto columns = static_cast<Eigen::Index>(size_ - 1);
  const Eigen::Map<const Eigen::VectorXf> line(line_.data(), columns);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = line_.back() + x.row(static_cast<Eigen::Index>(i)).head(columns).dot(line);
}

void RunningRidge::save(Hdf5Writer& file, const std::string& name) const {
  file.write(name + "/gram", gram_);
  file.write(name + "/moment", moment_);
}

void RunningRidge::load(const Hdf5Reader& file, const std::string& name) {
  gram_ = file.checked(RidgeSums{size_ * size_, file.read<double>(name + "/gram")}).values;
  moment_ = file.checked(RidgeSums{size_, file.read<double>(name + "/moment")}).values;
}

}  // namespace swipegym
