#include "env/platform/gauss_nodes.h"

#include <Eigen/Eigenvalues>
#include <cmath>

namespace swipegym {
namespace {

// Of the symmetric Jacobi matrix whose diagonal is 0.
template <class OffDiagonal>
GaussNodes nodes_of_jacobi(int n, const OffDiagonal& off_diagonal) {
  Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(n, n);
  for (int i = 1; i < n; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = off_diagonal(static_cast<double>(i));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(jacobi);
  GaussNodes nodes;
  for (int i = 0; i < n; ++i) {
    nodes.at.push_back(solver.eigenvalues()[i]);
    nodes.weight.push_back(solver.eigenvectors()(0, i) * solver.eigenvectors()(0, i));
  }
  return nodes;
}

}  // namespace

GaussNodes normal_nodes(int n) {
  return nodes_of_jacobi(n, [](double i) { return std::sqrt(i); });
}

GaussNodes uniform_nodes(int n) {
  return nodes_of_jacobi(n, [](double i) { return 0.5 * i / std::sqrt(4.0 * i * i - 1.0); });
}

}  // namespace swipegym
