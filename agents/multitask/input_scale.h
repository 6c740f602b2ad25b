#pragma once

#include <vector>

#include "policy/multitask/multitask_network.h"

namespace swipegym {

/// Inputs brought to mean 0 and a like spread while a network learns, and the same network for inputs as they are.
/// Rates of rare answers differ by thousandths and counts by whole numbers, and Adam moves every weight at the same
/// pace. An input that does not vary among the rows measured is taken out, unless it was learned from before.
class InputScale {
 public:
  /// Of these states, [rows, state], numbers of videos, [rows, item], and cross features, [rows, cross]. `goes_on`: of
  /// a network that has learned before, whose weights of inputs that do not vary here are to outlast it.
  void measure(const Matrix& states, const Matrix& numbers, const Matrix& cross, bool goes_on = false);
  /// In place. Cross features keep their mean: there is no bias to take it.
  void apply(Matrix& states, Matrix& numbers, Matrix& cross) const;

  /// Makes a network that reads inputs as they are say the same of scaled ones: what Folded undoes. Of an input that
  /// does not vary among the rows measured, what it adds goes to the bias.
  void unfold(MultitaskNetwork& network) const;

  /// Makes a network that learned from scaled inputs say the same of inputs as they are, as long as this lives.
  class Folded {
   public:
    Folded(const InputScale& scale, MultitaskNetwork& network);
    ~Folded();
    Folded(const Folded&) = delete;
    Folded& operator=(const Folded&) = delete;
    void keep() noexcept { kept_ = true; }  // for good

   private:
    std::vector<Parameter*> parameters_;
    std::vector<Matrix> before_;
    bool kept_ = false;
  };

 private:
  struct Columns {
    std::vector<float> mean, per_spread;
    void measure(const Matrix& rows, bool centre, bool goes_on);
    void apply(Matrix& rows) const;
    void fold(std::size_t first, Matrix& weight, Matrix* bias) const;
    void unfold(std::size_t first, Matrix& weight, Matrix* bias) const;
  };
  Columns states_, numbers_, cross_;
};

}  // namespace swipegym
