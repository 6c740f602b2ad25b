#pragma once

#include <vector>

namespace swipegym {

/// Points and weights of an integral over a distribution: E f(X) is about sum_i weight[i] f(at[i]), and exactly that
/// for polynomials f up to degree 2 n - 1. Weights sum to 1. By the eigenvectors of the Jacobi matrix (Golub & Welsch,
/// "Calculation of Gauss quadrature rules", Mathematics of Computation 1969).
struct GaussNodes {
  std::vector<double> at, weight;  // [n], at ascending
};

/// X ~ N(0, 1) (Gauss-Hermite); n from 1.
GaussNodes normal_nodes(int n);
/// X ~ U(-1/2, 1/2) (Gauss-Legendre); n from 1.
GaussNodes uniform_nodes(int n);

}  // namespace swipegym
