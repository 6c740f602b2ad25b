#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "nn/embedding.h"
#include "nn/parameter.h"

namespace swipegym {

/// A step in the space of a network's parameters, sparse in its tables: taken from gradients, scaled, walked and walked
/// back. Walking back restores the very bits, since the values are remembered.
template <class Scalar>
class DirectionOf {
 public:
  using Parameters = std::span<ParameterOf<Scalar>* const>;
  using Embeddings = std::span<EmbeddingOf<Scalar>* const>;

  /// Takes the gradients of all shards, summed in order, and leaves zeros.
  void take_gradients(Parameters parameters, Embeddings embeddings) {
    dense_.resize(parameters.size()), tables_.resize(embeddings.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i]->reduce_gradient();
      dense_[i] = parameters[i]->gradient();
      parameters[i]->gradient().setZero();
    }
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      const auto touched = embeddings[i]->touched();
      tables_[i].rows.assign(touched.begin(), touched.end());
      tables_[i].values = embeddings[i]->touched_gradient().topRows(static_cast<Eigen::Index>(touched.size()));
      embeddings[i]->zero_gradient();
    }
  }

  /// Each element over sqrt(v) + r, with v = scale * its second moment and r the root mean square of v over the
  /// elements of its matrix that were ever moved: an adaptive optimiser's preconditioner, held constant, and damped,
  /// since an element that was hardly ever moved has a second moment that says little. It depends on the parameters
  /// alone, so two directions meet the same one. A matrix that was never moved stays.
  void precondition(Parameters parameters, Embeddings embeddings, double scale) {
    const auto damping = [scale](const MatrixOf<Scalar>& second) {
      const auto moved = (second.array() > Scalar(0)).count();
      return moved > 0 ? std::sqrt(static_cast<Scalar>(scale) * second.sum() / static_cast<Scalar>(moved)) : Scalar(0);
    };
    const auto apply = [scale](auto&& values, const auto& second, Scalar damp) {
      if (damp > Scalar(0))
        values /= (second * static_cast<Scalar>(scale)).sqrt() + damp;
      else
        values.setZero();
    };
    for (std::size_t i = 0; i < parameters.size(); ++i)
      apply(dense_[i].array(), parameters[i]->second_moment.array(), damping(parameters[i]->second_moment));
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      const MatrixOf<Scalar>& second = embeddings[i]->table.second_moment;
      const Scalar damp = damping(second);
      for (std::size_t r = 0; r < tables_[i].rows.size(); ++r)
        apply(tables_[i].values.row(static_cast<Eigen::Index>(r)).array(), second.row(tables_[i].rows[r]).array(),
              damp);
    }
  }

  double norm() const {
    double sum = 0.0;
    for (const MatrixOf<Scalar>& values : dense_) sum += static_cast<double>(values.squaredNorm());
    for (const Table& table : tables_) sum += static_cast<double>(table.values.squaredNorm());
    return std::sqrt(sum);
  }

  /// values += scale * direction; remembers what they were.
  void walk(Parameters parameters, Embeddings embeddings, double scale) {
    const auto step = static_cast<Scalar>(scale);
    before_.resize(dense_.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      before_[i] = parameters[i]->value;
      parameters[i]->value += step * dense_[i];
    }
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      Table& table = tables_[i];
      table.before.resizeLike(table.values);
      for (std::size_t r = 0; r < table.rows.size(); ++r) {
        auto value = embeddings[i]->table.value.row(table.rows[r]);
        table.before.row(static_cast<Eigen::Index>(r)) = value;
        value += step * table.values.row(static_cast<Eigen::Index>(r));
      }
    }
  }
  /// Undoes the last walk().
  void walk_back(Parameters parameters, Embeddings embeddings) {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i]->value = before_[i];
    for (std::size_t i = 0; i < embeddings.size(); ++i)
      for (std::size_t r = 0; r < tables_[i].rows.size(); ++r)
        embeddings[i]->table.value.row(tables_[i].rows[r]) = tables_[i].before.row(static_cast<Eigen::Index>(r));
  }

 private:
  struct Table {
    std::vector<std::int32_t> rows;
    MatrixOf<Scalar> values, before;  // [rows, dim]
  };
  std::vector<MatrixOf<Scalar>> dense_, before_;
  std::vector<Table> tables_;
};

}  // namespace swipegym
