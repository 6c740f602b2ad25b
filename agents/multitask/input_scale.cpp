#include "agents/multitask/input_scale.h"

#include <algorithm>
#include <cmath>

namespace swipegym {
namespace {

// Spreads below this count as this, or a tag that hardly anybody watches would weigh as much as time of day.
constexpr float kLeastSpread = 0.05F;
// What never varied while learning taught its weights nothing, and is left out: it may vary later.
constexpr float kNoSpread = 1e-6F;

}  // namespace

void InputScale::Columns::measure(const Matrix& rows, bool centre, bool goes_on) {
  const auto n = static_cast<double>(rows.rows());
  mean.assign(static_cast<std::size_t>(rows.cols()), 0.0F), per_spread.assign(mean.size(), 1.0F);
  for (Eigen::Index c = 0; c < rows.cols(); ++c) {
    const double m = rows.col(c).cast<double>().sum() / n;
    const double variance = (rows.col(c).cast<double>().array() - m).square().sum() / n;
    const auto spread = static_cast<float>(std::sqrt(variance));
    if (centre) mean[static_cast<std::size_t>(c)] = static_cast<float>(m);
    per_spread[static_cast<std::size_t>(c)] =
        goes_on || spread > kNoSpread ? 1.0F / std::max(spread, kLeastSpread) : 0.0F;
  }
}

void InputScale::Columns::apply(Matrix& rows) const {
  for (Eigen::Index r = 0; r < rows.rows(); ++r)
    for (std::size_t c = 0; c < mean.size(); ++c) {
      float& value = rows(r, static_cast<Eigen::Index>(c));
      value = (value - mean[c]) * per_spread[c];
    }
}

// W -> diag(per_spread) W of the rows from `first` on; what the means add goes from the bias.
void InputScale::Columns::fold(std::size_t first, Matrix& weight, Matrix* bias) const {
  for (std::size_t i = 0; i < per_spread.size(); ++i) {
    auto row = weight.row(static_cast<Eigen::Index>(first + i));
    row *= per_spread[i];
    if (bias != nullptr) bias->row(0) -= mean[i] * row;
  }
}

// And back: the bias first, by weights as they are.
void InputScale::Columns::unfold(std::size_t first, Matrix& weight, Matrix* bias) const {
  for (std::size_t i = 0; i < per_spread.size(); ++i) {
    auto row = weight.row(static_cast<Eigen::Index>(first + i));
    if (bias != nullptr) bias->row(0) += mean[i] * row;
    row *= per_spread[i] > 0.0F ? 1.0F / per_spread[i] : 0.0F;
  }
}

void InputScale::measure(const Matrix& states, const Matrix& numbers, const Matrix& cross, bool goes_on) {
  states_.measure(states, true, goes_on), numbers_.measure(numbers, true, goes_on);
  cross_.measure(cross, false, goes_on);
}

void InputScale::apply(Matrix& states, Matrix& numbers, Matrix& cross) const {
  states_.apply(states), numbers_.apply(numbers), cross_.apply(cross);
}

void InputScale::unfold(MultitaskNetwork& network) const {
  const MultitaskNetwork::InputLayers layers = network.input_layers();
  states_.unfold(0, layers.state.weight.value, &layers.state.bias.value);
  numbers_.unfold(0, layers.item.weight.value, &layers.item.bias.value);
  cross_.unfold(layers.cross_row, layers.meet.value, nullptr);
}

InputScale::Folded::Folded(const InputScale& scale, MultitaskNetwork& network) {
  const MultitaskNetwork::InputLayers layers = network.input_layers();
  parameters_ = {&layers.state.weight, &layers.state.bias, &layers.item.weight, &layers.item.bias, &layers.meet};
  for (const Parameter* parameter : parameters_) before_.push_back(parameter->value);
  scale.states_.fold(0, layers.state.weight.value, &layers.state.bias.value);
  scale.numbers_.fold(0, layers.item.weight.value, &layers.item.bias.value);
  scale.cross_.fold(layers.cross_row, layers.meet.value, nullptr);
}

InputScale::Folded::~Folded() {
  if (kept_) return;
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i]->value = before_[i];
}

}  // namespace swipegym
