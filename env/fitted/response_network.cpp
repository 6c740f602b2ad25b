#include "env/fitted/response_network.h"

#include <algorithm>
#include <cmath>

#include "core/hdf5_reader.h"
#include "core/validate.h"
#include "nn/fast_math.h"

namespace swipegym {

void ResponseNetwork::initialise(std::uint32_t table_rows, const NetworkShape& network_shape, RandomKey key) {
  shape = network_shape;
  table.resize(table_rows, shape.hidden());
  first = Linear(kDenseFeatures, shape.hidden(), split(key, 1), 1.0);
  watch_second = Linear(shape.watch_hidden, shape.watch_top, split(key, 2), 1.4);
  watch_out = Linear(shape.watch_top, WatchGrid::kBins, split(key, 3), 0.5);
  feedback_second = Linear(shape.feedback_hidden, shape.feedback_top, split(key, 4), 1.4);
  feedback_out = Linear(shape.feedback_top, kNumSignals, split(key, 5), 0.5);
  bin_effect.resize(kTabClasses * WatchGrid::kBins, kNumSignals);
  click_effect.resize(1, kNumSignals);
  watch_shift.setZero(static_cast<Eigen::Index>(shape.watch_top + 1), WatchGrid::kBins);
  feedback_shift.setZero(1, kNumSignals);
}

std::vector<Parameter*> ResponseNetwork::parameters() {
  std::vector<Parameter*> out = {&table};
  for (Linear* layer : {&first, &watch_second, &watch_out, &feedback_second, &feedback_out}) {
    out.push_back(&layer->weight);
    out.push_back(&layer->bias);
  }
  out.push_back(&bin_effect);
  out.push_back(&click_effect);
  return out;
}

void ResponseNetwork::save(Hdf5Writer& file) const {
  file.write("network/shape",
             std::vector<std::uint64_t>{shape.watch_hidden, shape.watch_top, shape.feedback_hidden, shape.feedback_top,
                                        static_cast<std::uint64_t>(table.value.rows()),
                                        static_cast<std::uint64_t>(shape.watch_head)});
  swipegym::save(file, "network/table", table, false);
  swipegym::save(file, "network/first", first, false);
  swipegym::save(file, "network/watch_second", watch_second, false);
  swipegym::save(file, "network/watch_out", watch_out, false);
  swipegym::save(file, "network/feedback_second", feedback_second, false);
  swipegym::save(file, "network/feedback_out", feedback_out, false);
  swipegym::save(file, "network/bin_effect", bin_effect, false);
  swipegym::save(file, "network/click_effect", click_effect, false);
  const auto write = [&](const char* name, const Matrix& matrix) {
    file.write_matrix<float>(name, {matrix.data(), static_cast<std::size_t>(matrix.size())},
                             static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols()));
  };
  write("network/watch_shift", watch_shift);
  write("network/feedback_shift", feedback_shift);
  effects.save(file);
}

void NetworkShape::validate() const {
  constexpr std::size_t kMostUnits = 65536;
  for (const std::size_t units : {watch_hidden, watch_top, feedback_hidden, feedback_top})
    require_between("network/shape", units, std::size_t{1}, kMostUnits);
  require_that("network/shape", watch_head == WatchHead::kBins || watch_head == WatchHead::kHazard,
               "0 for bins or 1 for hazard as the kind of its head");
}

ResponseNetwork ResponseNetwork::load(const Hdf5Reader& file) {
  const auto sizes = file.read_array<std::uint64_t, 6>("network/shape");
  const auto shape = file.checked(
      NetworkShape{.watch_hidden = sizes[0],
                   .watch_top = sizes[1],
                   .feedback_hidden = sizes[2],
                   .feedback_top = sizes[3],
                   .watch_head = WatchHead{static_cast<std::uint8_t>(std::min<std::uint64_t>(sizes[5], 255))}});
  // The layers are as large as the file's own before they are made.
  const std::size_t rows = sizes[4];
  file.require_shape("network/table/value", {rows, shape.hidden()});
  file.require_shape("network/first/weight/value", {kDenseFeatures, shape.hidden()});
  file.require_shape("network/watch_second/weight/value", {shape.watch_hidden, shape.watch_top});
  file.require_shape("network/feedback_second/weight/value", {shape.feedback_hidden, shape.feedback_top});
  ResponseNetwork out;
  out.initialise(static_cast<std::uint32_t>(rows), shape, make_key(0));
  swipegym::load(file, "network/table", out.table);
  swipegym::load(file, "network/first", out.first);
  swipegym::load(file, "network/watch_second", out.watch_second);
  swipegym::load(file, "network/watch_out", out.watch_out);
  swipegym::load(file, "network/feedback_second", out.feedback_second);
  swipegym::load(file, "network/feedback_out", out.feedback_out);
  swipegym::load(file, "network/bin_effect", out.bin_effect);
  swipegym::load(file, "network/click_effect", out.click_effect);
  const auto read = [&](const char* name, Matrix& matrix) {
    const std::vector<float> values =
        file.read_matrix<float>(name, static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols()));
    std::copy(values.begin(), values.end(), matrix.data());
  };
  read("network/watch_shift", out.watch_shift);
  read("network/feedback_shift", out.feedback_shift);
  out.effects = ExposureEffects::load(file);
  return file.checked(std::move(out));
}

void ResponseNetwork::validate() const {
  const auto require_weights = [](std::string_view name, const Matrix& matrix) {
    require_between<float>(name, {matrix.data(), static_cast<std::size_t>(matrix.size())}, -kLargestWeight,
                           kLargestWeight);
  };
  require_weights("network/watch_shift", watch_shift);  // the layers were looked at one by one, see nn/parameter_file
  require_weights("network/feedback_shift", feedback_shift);
}

void hazards_to_logits(std::span<float> outputs) noexcept {
  float reached = 0.0F;  // log of the probability that the play gets here
  for (std::size_t k = 0; k + 1 < outputs.size(); ++k) {
    const float pass = softplus(outputs[k]);  // -log(1 - h)
    const float stop = pass - outputs[k];     // -log h
    outputs[k] = reached - stop;
    reached -= pass;
  }
  outputs.back() = reached;
}

void forward_heads(const ResponseNetwork& network, std::span<const std::int32_t> duration_ms,
                   ResponseBuffers& buffers) {
  const auto rows = static_cast<Eigen::Index>(duration_ms.size());
  const auto watch = static_cast<Eigen::Index>(network.shape.watch_hidden);
  const auto feedback = static_cast<Eigen::Index>(network.shape.feedback_hidden);
  auto hidden = buffers.hidden.topRows(rows);
  hidden = hidden.cwiseMax(0.0F);
  network.watch_second.forward_into(hidden.leftCols(watch), buffers.watch_top.topRows(rows));
  buffers.watch_top.topRows(rows) = buffers.watch_top.topRows(rows).cwiseMax(0.0F);
  network.watch_out.forward_into(buffers.watch_top.topRows(rows), buffers.logits.topRows(rows));
  network.feedback_second.forward_into(hidden.rightCols(feedback), buffers.feedback_top.topRows(rows));
  buffers.feedback_top.topRows(rows) = buffers.feedback_top.topRows(rows).cwiseMax(0.0F);
  network.feedback_out.forward_into(buffers.feedback_top.topRows(rows), buffers.feedback.topRows(rows));
  const auto mask = [&] {
    for (Eigen::Index row = 0; row < rows; ++row)
      WatchGrid::mask_logits(duration_ms[static_cast<std::size_t>(row)], {&buffers.logits(row, 0), WatchGrid::kBins});
  };
  if (network.shape.watch_head == WatchHead::kHazard) {
    mask();  // nobody stops in a bin that the duration cannot have
    for (Eigen::Index row = 0; row < rows; ++row) hazards_to_logits({&buffers.logits(row, 0), WatchGrid::kBins});
  }
  mask();
}

float signal_probabilities(const ResponseNetwork& network, std::span<const float> bin_probability,
                           std::span<const float> feedback, std::uint8_t tab, std::int32_t duration_ms,
                           float leave_shift, std::span<float> out) noexcept {
  std::array<float, kNumSignals> sum{}, term{};
  std::copy_n(feedback.begin(), kNumSignals, term.begin());
  term[kLeaveColumn] += leave_shift;
  const WatchGrid::Segments at = WatchGrid::segments(duration_ms);
  const float* with_click = network.click_effect.value.data();
  float long_view = 0.0F, clicked = 0.0F;
  for (std::size_t k = 0; k < WatchGrid::kBins; ++k) {
    const float p = bin_probability[k];
    const float* effect = network.bin_effect.value.data() + (tab_class(tab) * WatchGrid::kBins + k) * kNumSignals;
    const float click = fast_sigmoid(term[0] + effect[0]);
    // All eight in one register, the click too, which is put right afterwards.
    for (std::size_t s = 0; s < kNumSignals; ++s) {
      const float base = term[s] + effect[s];
      sum[s] += p * (click * fast_sigmoid(base + with_click[s]) + (1.0F - click) * fast_sigmoid(base));
    }
    clicked += p * click;
    if (WatchGrid::passes_long_view(k, at, duration_ms)) long_view += p;
  }
  for (std::size_t s = 0; s < kNumSignals; ++s) out[s] = std::min(sum[s], 1.0F);
  out[0] = std::min(clicked, 1.0F);
  out[kLeaveColumn] = std::min(long_view, 1.0F);
  return std::min(sum[kLeaveColumn], 1.0F);
}

}  // namespace swipegym
