#include "evaluation/fidelity/truth_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/parallel_for.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/shown.h"

namespace swipegym {
namespace {

constexpr std::size_t kUsersAtOnce = 512;
constexpr std::uint8_t kMainTab = 1;

TruthPrediction truth_prediction(const TruthModel& truth, const Dataset& data, std::size_t row, const Shown& shown,
                                 const float* state, UserModel::Scratch& scratch) {
  const ExposureKind exposure = data.log.is_random[row] ? ExposureKind::kInterventional : ExposureKind::kLogged;
  TruthPrediction out{.log_row = static_cast<std::uint32_t>(row)};
  std::array<double, kQuantiles> level{}, ratio{};
  for (std::size_t i = 0; i < kQuantiles; ++i) level[i] = quantile_level(i);
  truth.law(shown, state, exposure).quantiles(level, ratio);
  std::copy(ratio.begin(), ratio.end(), out.quantile.begin());
  Expectation expected;
  truth.expect({&shown, 1}, {&state, 1}, exposure, {&expected, 1}, scratch);
  std::copy(std::begin(expected.signal), std::end(expected.signal), out.probability.begin());
  out.watch_s = expected.watch_s;
  return out;
}

void add(const Expectation& one, Expectation& sum) {
  sum.watch_ratio += one.watch_ratio;
  sum.watch_s += one.watch_s;
  sum.leave += one.leave;
  for (std::size_t s = 0; s < kNumSignals; ++s) sum.signal[s] += one.signal[s];
}

// Sums of a chunk in float, of chunks in double: twenty thousand terms lose no digit that is printed.
class Asked {
 public:
  Asked(const Simulator& simulator, ExposureKind exposure)
      : model_(*simulator.model),
        exposure_(exposure),
        scratch_(model_.make_scratch()),
        states_(kChunk * model_.state_size()) {}

  void ask(std::span<const Shown> shown) {
    std::array<const float*, kChunk> state{};
    std::array<Expectation, kChunk> answer{};
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const std::span<float> mine(states_.data() + i * model_.state_size(), model_.state_size());
      model_.begin(shown[i].user, shown[i].time_ms, mine);
      state[i] = mine.data();
    }
    model_.expect(shown, {state.data(), shown.size()}, exposure_, {answer.data(), shown.size()}, *scratch_);
    Expectation sum;
    for (std::size_t i = 0; i < shown.size(); ++i) add(answer[i], sum);
    ratio_ += sum.watch_ratio, seconds_ += sum.watch_s, leave_ += sum.leave;
    for (std::size_t s = 0; s < kNumSignals; ++s) signal_[s] += sum.signal[s];
  }

  Expectation mean(std::uint64_t pairs) const {
    const auto share = [&](double sum) { return static_cast<float>(sum / static_cast<double>(pairs)); };
    Expectation out{.watch_ratio = share(ratio_), .watch_s = share(seconds_), .leave = share(leave_)};
    for (std::size_t s = 0; s < kNumSignals; ++s) out.signal[s] = share(signal_[s]);
    return out;
  }

 private:
  const UserModel& model_;
  ExposureKind exposure_;
  std::unique_ptr<UserModel::Scratch> scratch_;
  std::vector<float> states_;
  double ratio_ = 0.0, seconds_ = 0.0, leave_ = 0.0;
  std::array<double, kNumSignals> signal_{};
};

double error(const Expectation& asked, const Expectation& truth) {
  return asked.watch_ratio / truth.watch_ratio - 1.0;
}

Json expectation_json(const Expectation& e) {
  return {{"watch_ratio", e.watch_ratio},
          {"is_click", e.signal[static_cast<std::size_t>(Signal::kClick)]},
          {"long_view", e.signal[static_cast<std::size_t>(Signal::kLongView)]}};
}

}  // namespace

void predict_with_truth(std::string_view truth_json, const Dataset& data, const JudgedWindow& window, int threads,
                        const std::function<void(const TruthPrediction&)>& sink) {
  const auto truth = make_truth_model(truth_json, data, kNoDateLimit, threads);
  std::vector<std::vector<TruthPrediction>> found(kUsersAtOnce);
  for (std::size_t first = 0; first < data.users.size(); first += kUsersAtOnce) {
    const std::size_t count = std::min(kUsersAtOnce, data.users.size() - first);
    parallel_for(count, threads, [&](std::size_t i, int) {
      found[i].clear();
      const auto scratch = truth->make_scratch();
      std::vector<float> state(truth->state_size());
      replay_user(*truth, data, static_cast<std::uint32_t>(first + i), window.until, state,
                  [&](std::size_t row, const Shown& shown, const float* now) {
                    if (is_judged(data.log, row, window))
                      found[i].push_back(truth_prediction(*truth, data, row, shown, now, *scratch));
                  });
    });
    for (std::size_t i = 0; i < count; ++i)
      for (const TruthPrediction& prediction : found[i]) sink(prediction);
  }
}

UniformPairsReport ask_uniform_pairs(const Simulator& truth, const Simulator& simulator, const Simulator& naive,
                                     std::uint64_t seed, std::uint64_t pairs) {
  RandomStream random(split(make_key(seed), 0x0F41));
  Asked truth_says(truth, ExposureKind::kInterventional), ours_says(simulator, ExposureKind::kInterventional),
      naive_says(naive, ExposureKind::kLogged);
  const Population& starts = simulator.population;
  const Catalogue& catalogue = simulator.catalogue;
  std::vector<Shown> shown;
  for (std::uint64_t asked = 0; asked < pairs; asked += shown.size()) {
    shown.clear();
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(kChunk, pairs - asked); ++i) {
      // The hour is that of some session of the log, since answers depend on it.
      const std::uint32_t start = random.below(static_cast<std::uint32_t>(starts.start_user.size()));
      const std::uint32_t user = random.below(static_cast<std::uint32_t>(catalogue.num_users()));
      const std::uint32_t video = random.below(static_cast<std::uint32_t>(catalogue.num_videos()));
      shown.push_back({.user = UserIndex{user},
                       .video = VideoIndex{video},
                       .time_ms = starts.start_time_ms[start],
                       .duration_ms = catalogue.duration_ms[video],
                       .tab = kMainTab});
    }
    truth_says.ask(shown);
    ours_says.ask(shown);
    naive_says.ask(shown);
  }
  return {pairs, truth_says.mean(pairs), ours_says.mean(pairs), naive_says.mean(pairs)};
}

Json to_json(const UniformPairsReport& report) {
  return {{"pairs", report.pairs},
          {"truth", expectation_json(report.truth)},
          {"simulator", expectation_json(report.simulator)},
          {"naive", expectation_json(report.naive)},
          {"error", error(report.simulator, report.truth)},
          {"naive_error", error(report.naive, report.truth)}};
}

std::string to_text(const UniformPairsReport& report) {
  std::string text = fmt::format(
      "{} uniformly drawn (user, video) pairs in tab 1, expected answers\n\n{:<14} {:>8} "
      "{:>15} {:>24}\n",
      report.pairs, "", "truth", "interventional", "naive (logged response)");
  auto out = std::back_inserter(text);
  const auto line = [&](std::string_view name, auto value) {
    fmt::format_to(out, "{:<14} {:>8.4f} {:>15.4f} {:>24.4f}\n", name, shown(value(report.truth)),
                   shown(value(report.simulator)), shown(value(report.naive)));
  };
  line("watch ratio", [](const Expectation& e) { return e.watch_ratio; });
  for (const Signal signal : {Signal::kClick, Signal::kLongView})
    line(kSignalNames[static_cast<std::size_t>(signal)],
         [&](const Expectation& e) { return e.signal[static_cast<std::size_t>(signal)]; });
  fmt::format_to(out, "error of the mean watch ratio: interventional {:+.1f} %, naive {:+.1f} %\n",
                 shown(100.0 * error(report.simulator, report.truth)),
                 shown(100.0 * error(report.naive, report.truth)));
  return text;
}

}  // namespace swipegym
