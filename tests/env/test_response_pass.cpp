#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "env/fitted/fitted_user_model.h"
#include "env/fitted/response_pass.h"
#include "env/state_room.h"
#include "tests/env/quick_fit.h"

namespace swipegym {
namespace {

using Doubles = std::vector<double>;

Doubles row_of(const Matrix& matrix, std::size_t row) {
  Doubles out;
  for (Eigen::Index j = 0; j < matrix.cols(); ++j)
    out.push_back(static_cast<double>(matrix(static_cast<Eigen::Index>(row), j)));
  return out;
}
void add(Doubles& sum, const Doubles& other, double scale = 1.0) {
  for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += scale * other[j];
}
Doubles after(const Linear& layer, const Doubles& in, bool rectify) {
  Doubles out = row_of(layer.bias.value, 0);
  for (std::size_t k = 0; k < in.size(); ++k) add(out, row_of(layer.weight.value, k), in[k]);
  if (rectify)
    for (double& x : out) x = std::max(x, 0.0);
  return out;
}

struct Expected {
  Doubles bin, feedback;
};

/// The network as response_network.h describes it, one row at a time in double precision.
Expected plain_forward(const FittedParts& parts, const Shown& shown, const float* history, bool interventional) {
  const ResponseNetwork& network = parts.network;
  const std::size_t user = index_of(shown.user), video = index_of(shown.video);
  Doubles hidden = row_of(network.first.bias.value, 0);
  std::size_t dense = 0;
  const auto numbers = [&](const float* values, std::size_t count) {
    for (std::size_t d = 0; d < count; ++d)
      add(hidden, row_of(network.first.weight.value, dense++), static_cast<double>(values[d]));
  };
  numbers(history, kHistoryFeatures);
  numbers(&parts.encoder.features.user_dense[user * kUserDense], kUserDense);
  numbers(&parts.encoder.features.video_dense[video * kVideoDense], kVideoDense);
  numbers(&parts.item_dense[video * kItemDense], kItemDense);
  for (std::size_t c = 0; c < kUserCodes; ++c)
    add(hidden, row_of(network.table.value, parts.encoder.features.user_code[user * kUserCodes + c]));
  for (std::size_t c = 0; c < kVideoCodes; ++c)
    add(hidden, row_of(network.table.value, parts.encoder.features.video_code[video * kVideoCodes + c]));
  for (const std::uint32_t row :
       parts.encoder.features.context_rows(shown.tab, shown.time_ms, shown.duration_ms, interventional))
    add(hidden, row_of(network.table.value, row));
  for (double& x : hidden) x = std::max(x, 0.0);
  const auto border = hidden.begin() + static_cast<std::ptrdiff_t>(network.shape.watch_hidden);

  const Doubles top = after(network.watch_second, {hidden.begin(), border}, true);
  Doubles logits = after(network.watch_out, top, false);
  std::vector<float> masked(logits.size(), 0.0F);
  WatchGrid::mask_logits(shown.duration_ms, masked);
  const auto mask = [&] {
    for (std::size_t k = 0; k < logits.size(); ++k) logits[k] += static_cast<double>(masked[k]);
  };
  if (network.shape.watch_head == WatchHead::kHazard) {
    mask();
    double reached = 1.0;
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const double stop = k + 1 < logits.size() ? 1.0 / (1.0 + std::exp(-logits[k])) : 1.0;
      logits[k] = std::log(std::max(reached * stop, 1e-300));
      reached *= 1.0 - stop;
    }
  }
  if (interventional) {
    for (std::size_t k = 0; k < top.size(); ++k) add(logits, row_of(network.watch_shift, k), top[k]);
    std::array<float, kExposureTerms> terms{};
    network.effects.terms(history[0], parts.item_dense[video * kItemDense], parts.item_dense[video * kItemDense + 1],
                          parts.encoder.features.video_dense[video * kVideoDense], terms);
    for (std::size_t t = 0; t < terms.size(); ++t)
      for (std::size_t d = 0; d < kDirections; ++d)
        add(logits, row_of(exposure_directions(), d),
            static_cast<double>(terms[t]) * row_of(network.effects.weight, t)[d]);
    add(logits, row_of(network.watch_shift, top.size()));
  }
  mask();
  Expected out;
  double total = 0.0;
  for (const double x : logits) total += std::exp(x);
  for (const double x : logits) out.bin.push_back(std::exp(x) / total);
  out.feedback = after(network.feedback_out, after(network.feedback_second, {border, hidden.end()}, true), false);
  if (interventional) add(out.feedback, row_of(network.feedback_shift, 0));
  return out;
}

FittedParts parts_of(const Simulator& simulator, WatchHead head) {
  FittedParts parts = dynamic_cast<const FittedUserModel&>(*simulator.model).parts();
  parts.network.shape.watch_head = head;
  RandomStream random(make_key(17));
  parts.network.effects.centre = {0.2F, -0.1F, 0.1F, 0.3F};
  parts.network.effects.deviation = {0.7F, 0.5F, 1.2F, 0.9F};
  for (Matrix* shift : {&parts.network.watch_shift, &parts.network.feedback_shift, &parts.network.effects.weight})
    for (Eigen::Index i = 0; i < shift->size(); ++i) shift->data()[i] = 0.3F * (random.uniform() - 0.5F);
  return parts;
}

}  // namespace

TEST_CASE("a catalogue that outgrows the table of its videos is answered as before, by scratch made before", "[env]") {
  const auto simulator = testing::quick_fit();
  FittedUserModel model(dynamic_cast<const FittedUserModel&>(*simulator->model));
  const auto scratch = model.make_scratch();
  StateRoom state(1, model.state_size());
  constexpr std::int64_t kEvening = 1651400000000;
  model.begin(UserIndex{3}, kEvening, state.of(0));
  const auto answer = [&](std::uint32_t video) {
    const Shown shown{.user = UserIndex{3},
                      .video = VideoIndex{video},
                      .time_ms = kEvening,
                      .duration_ms = simulator->catalogue.duration_ms[7],
                      .tab = 1};
    const float* at = state.at(0);
    Expectation out;
    model.expect({&shown, 1}, {&at, 1}, ExposureKind::kInterventional, {&out, 1}, *scratch);
    return std::vector<float>{out.watch_s, out.signal[0], out.signal[1], out.leave};
  };
  const auto before = answer(7);
  constexpr std::uint32_t kMany = 300'001;  // more than a table is kept of
  model.make_room(kMany);
  CHECK(before[0] > 0.0F);
  CHECK(answer(7) == before);
  model.copy_video(VideoIndex{7}, VideoIndex{kMany - 1}, 0);
  CHECK(answer(kMany - 1) == before);
}

TEST_CASE("the pass of a step is the network, row by row", "[env]") {
  const auto simulator = testing::quick_fit();
  const Catalogue& catalogue = simulator->catalogue;
  for (const WatchHead head : {WatchHead::kBins, WatchHead::kHazard}) {
    const FittedParts parts = parts_of(*simulator, head);
    const ResponsePass pass(parts);
    ResponsePass::Buffers at(pass);
    RandomStream random(make_key(4));
    constexpr std::size_t kRows = 21;
    std::array<Shown, kRows> shown;
    std::array<const float*, kRows> user_half;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::uint32_t video = random.below(static_cast<std::uint32_t>(catalogue.num_videos()));
      shown[i] = {.user = UserIndex{random.below(60)},
                  .video = VideoIndex{video},
                  .time_ms = 1650000000000 + std::int64_t{random.below(86'400'000)},
                  .duration_ms = catalogue.duration_ms[video],
                  .tab = static_cast<std::uint8_t>(random.below(8))};
      user_half[i] = pass.user_half(shown[i].user, 0);
      for (std::size_t k = 0; k < kHistoryFeatures; ++k)
        at.history(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)) = random.uniform() - 0.5F;
    }
    for (const ExposureKind kind : {ExposureKind::kLogged, ExposureKind::kInterventional}) {
      pass.forward(parts, shown, user_half, kind, at);
      for (std::size_t i = 0; i < kRows; ++i) {
        const auto row = static_cast<Eigen::Index>(i);
        CAPTURE(i, static_cast<int>(head), static_cast<int>(kind));
        const Expected expected =
            plain_forward(parts, shown[i], &at.history(row, 0), kind == ExposureKind::kInterventional);
        for (std::size_t k = 0; k < WatchGrid::kBins; ++k)
          CHECK(at.probability(row, static_cast<Eigen::Index>(k)) == Approx(expected.bin[k]).margin(2e-6));
        for (std::size_t k = WatchGrid::kBins; k < ResponsePass::kBinStride; ++k)
          CHECK(at.probability(row, static_cast<Eigen::Index>(k)) == 0.0F);
        for (std::size_t s = 0; s < kNumSignals; ++s)
          CHECK(at.feedback(row, static_cast<Eigen::Index>(s)) == Approx(expected.feedback[s]).margin(2e-5));
      }
      ResponsePass::Buffers few(pass);
      few.history = at.history;
      for (const std::size_t rows : {1U, 8U, 9U}) {  // bit for bit what they are among more
        CAPTURE(rows);
        const auto n = static_cast<Eigen::Index>(rows);
        pass.forward(parts, std::span(shown).first(rows), std::span(user_half).first(rows), kind, few);
        CHECK(few.probability.topRows(n) == at.probability.topRows(n));
        CHECK(few.feedback.topRows(n) == at.feedback.topRows(n));
      }
    }
  }
}

}  // namespace swipegym
