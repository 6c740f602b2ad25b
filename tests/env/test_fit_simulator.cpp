#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/fitted_user_model.h"
#include "env/fitted/replay_log.h"
#include "env/fitted/simulator_file.h"
#include "tests/env/toy_log.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

FitConfig small_fit(int threads = 2) {
  FitConfig config;
  config.training.epochs = 6;
  config.training.max_updates = testing::kMostUpdates;
  config.training.batch = 256;
  config.training.threads = threads;
  config.training.shape = {.watch_hidden = 32, .watch_top = 16, .feedback_hidden = 32, .feedback_top = 16};
  return config;
}

const FittedUserModel& model_of(const Simulator& simulator) {
  return dynamic_cast<const FittedUserModel&>(*simulator.model);
}

std::vector<RowPrediction> answers(const Simulator& simulator, const Dataset& data, const ReplayWindow& window,
                                   int threads = 2) {
  std::vector<RowPrediction> out;
  replay_log(model_of(simulator), data, window, 5, threads, [&](const RowPrediction& one) { out.push_back(one); });
  return out;
}

// Mean quantile score of the ratio, twice the pinball loss, as everywhere in the project.
double crps(const std::array<float, 99>& quantile, double y) {
  double sum = 0;
  for (std::size_t q = 0; q < 99; ++q) {
    const double level = static_cast<double>(q + 1) / 100.0, error = y - static_cast<double>(quantile[q]);
    sum += 2.0 * std::max(level * error, (level - 1.0) * error) / 99.0;
  }
  return sum;
}

constexpr ReplayWindow kLastDay{.from = 20220428};

TEST_CASE("a fit predicts held-out rows better than the marginal does", "[fit]") {
  if (testing::skips_quality()) return;
  const Dataset data = testing::toy_log(200, 60, 60, 1);
  const FitResult fit = fit_simulator(data, 20220427, small_fit());
  const auto predictions = answers(fit.simulator, data, kLastDay);
  REQUIRE(predictions.size() > 1500);
  std::vector<float> past;
  for (std::size_t row = 0; row < data.log.size(); ++row)
    if (data.log.date[row] <= 20220427)
      past.push_back(static_cast<float>(data.log.play_ms[row]) / static_cast<float>(data.log.duration_ms[row]));
  std::sort(past.begin(), past.end());
  std::array<float, 99> marginal{};
  for (std::size_t q = 0; q < 99; ++q) marginal[q] = past[past.size() * (q + 1) / 100];
  double ours = 0, theirs = 0, p_click = 0, clicks = 0;
  for (const RowPrediction& one : predictions) {
    const double y = static_cast<double>(data.log.play_ms[one.log_row]) / data.log.duration_ms[one.log_row];
    ours += crps(one.quantile, y), theirs += crps(marginal, y);
    p_click += static_cast<double>(one.probability[0]), clicks += has(data.log.signals[one.log_row], Signal::kClick);
  }
  CHECK(ours < 0.93 * theirs);  // patient users and good videos are worth far more than that to an oracle
  CHECK(p_click / clicks == Approx(1.0).margin(0.06));
}

TEST_CASE("threads change no bit of a fit or of its answers", "[fit][threads]") {
  const Dataset data = testing::toy_log(60, 30, 30, 2);
  const FitResult one = fit_simulator(data, 20220427, small_fit(1));
  const FitResult three = fit_simulator(data, 20220427, small_fit(3));
  const auto a = answers(one.simulator, data, kLastDay, 1), b = answers(three.simulator, data, kLastDay, 3);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].quantile == b[i].quantile);
    CHECK(a[i].probability == b[i].probability);
    CHECK(a[i].draw.play_ms == b[i].draw.play_ms);
  }
}

TEST_CASE("what a user did from a row on cannot change the answer to that row", "[fit]") {
  Dataset data = testing::toy_log(80, 30, 30, 3);
  const FitResult fit = fit_simulator(data, 20220427, small_fit());
  const auto before = answers(fit.simulator, data, kLastDay);
  for (std::size_t user = 0; user < data.users.size(); ++user) {  // nonsense from each user's last row on
    const std::uint64_t row = data.user_offset[user + 1] - 1;
    data.log.play_ms[row] = 123456, data.log.signals[row] = 0xBF;
  }
  const auto after = answers(fit.simulator, data, kLastDay);
  REQUIRE(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(before[i].quantile == after[i].quantile);
    CHECK(before[i].probability == after[i].probability);
  }
}

TEST_CASE("a simulator read back from its file answers the same", "[fit]") {
  const Dataset data = testing::toy_log(60, 30, 30, 4);
  const FitResult fit = fit_simulator(data, 20220427, small_fit());
  const auto path = std::filesystem::temp_directory_path() / "swipegym_test_simulator.h5";
  save_simulator(fit.simulator, path);
  const Simulator loaded = load_simulator(path);
  std::filesystem::remove(path);
  CHECK(loaded.data_fingerprint == fit.simulator.data_fingerprint);
  CHECK(loaded.fit.all == fit.simulator.fit.all);
  const auto a = answers(fit.simulator, data, kLastDay), b = answers(loaded, data, kLastDay);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].quantile == b[i].quantile);
}

TEST_CASE("the signals drawn with a watch obey KuaiRand's rules", "[fit]") {
  const Dataset data = testing::toy_log(100, 30, 40, 5);
  const FitResult fit = fit_simulator(data, 20220427, small_fit());
  std::size_t clicks_agree = 0, rows = 0;
  for (const RowPrediction& one : answers(fit.simulator, data, kLastDay)) {
    const std::int32_t duration = data.log.duration_ms[one.log_row];
    CHECK(has(one.draw.signals, Signal::kLongView) == is_long_view(one.draw.play_ms, duration));
    clicks_agree += has(one.draw.signals, Signal::kClick) == is_valid_play(one.draw.play_ms, duration);
    ++rows;
  }
  CHECK(static_cast<double>(clicks_agree) > 0.98 * static_cast<double>(rows));  // this log's clicks are the rule
}

TEST_CASE("random exposure lowers the interventional response when the log shows that it does", "[fit]") {
  if (testing::skips_quality()) return;
  const Dataset data = testing::toy_log(200, 60, 60, 6, 0.08);
  const FitResult fit = fit_simulator(data, 20220428, small_fit());
  CHECK(fit.exposure.random_rows > 500);
  double click[2] = {}, rows[2] = {};
  for (const bool random : {false, true})
    for (const RowPrediction& one : answers(fit.simulator, data, {.from = 20220426, .random = random}))
      click[random] += static_cast<double>(one.probability[0]), rows[random] += 1;
  CHECK(click[1] / rows[1] < 0.8 * click[0] / rows[0]);
}

TEST_CASE("random rows do not drag along what standard rows are answered by", "[fit]") {
  if (testing::skips_quality()) return;
  const Dataset data = testing::toy_log(200, 60, 60, 1, 0.5);
  const FitResult fit = fit_simulator(data, kLastDay.from, small_fit());
  double said = 0.0, was = 0.0;
  for (const RowPrediction& one : answers(fit.simulator, data, {.until = kLastDay.from})) {
    said += static_cast<double>(one.probability[0]);
    was += has(data.log.signals[one.log_row], Signal::kClick) ? 1.0 : 0.0;
  }
  CHECK(said == Approx(was).epsilon(0.02));
}

TEST_CASE("the interventional response nears the random rows of the fit, however little was trained", "[fit]") {
  const Dataset data = testing::toy_log(200, 60, 60, 1, 0.5);
  FitConfig config = small_fit();
  config.training.epochs = 1;
  const FitResult fit = fit_simulator(data, kLastDay.from, config);
  const auto at = [](Signal signal) { return static_cast<std::size_t>(signal); };
  double said_click = 0, said_long = 0, click = 0, long_view = 0;
  for (const RowPrediction& one : answers(fit.simulator, data, {.until = kLastDay.from, .random = true})) {
    said_click += static_cast<double>(one.probability[at(Signal::kClick)]);
    said_long += static_cast<double>(one.probability[at(Signal::kLongView)]);
    click += has(data.log.signals[one.log_row], Signal::kClick) ? 1.0 : 0.0;
    long_view += has(data.log.signals[one.log_row], Signal::kLongView) ? 1.0 : 0.0;
  }
  // Not quite: these users differ so much that 6,000 rows of 200 of them count for 1,600, and the prior is far away.
  CHECK(said_click == Approx(click).epsilon(0.06));
  CHECK(said_long == Approx(long_view).epsilon(0.08));
}

TEST_CASE("the dense clock gives the platform's sessions the length asked for", "[fit]") {
  const Dataset data = testing::toy_log(100, 30, 40, 7);
  FitConfig config = small_fit();
  config.mean_session_videos = 12;
  const Simulator simulator = fit_simulator(data, 20220427, config).simulator;
  const UserModel& model = *simulator.model;
  const auto scratch = model.make_scratch();
  std::vector<float> state(model.state_size());
  double videos = 0;
  constexpr int kSessions = 300;
  for (int session = 0; session < kSessions; ++session) {
    const RandomKey key = split(make_key(9), static_cast<std::uint64_t>(session));
    RandomStream random(key, 77);
    const std::size_t start = random.below(static_cast<std::uint32_t>(simulator.population.start_user.size()));
    Shown shown{.user = UserIndex{simulator.population.start_user[start]},
                .time_ms = simulator.population.start_time_ms[start]};
    model.begin(shown.user, shown.time_ms, state);
    Response response;
    for (std::uint32_t step = 0; step < 300 && !response.leaves; ++step, ++videos) {
      shown.video = data.log.video[random.below(static_cast<std::uint32_t>(data.log.size()))];
      shown.duration_ms = simulator.catalogue.duration_ms[index_of(shown.video)];
      float* const at = state.data();
      model.respond({&shown, 1}, {&at, 1}, ExposureKind::kLogged, {&key, 1}, {&step, 1}, {&response, 1}, *scratch);
    }
  }
  CHECK(videos / kSessions == Approx(12.0).epsilon(0.2));
}

TEST_CASE("what a policy shows does not move what is believed of a user, whole sessions or not", "[fit]") {
  Dataset data = testing::toy_log(30, 30, 20, 7);
  for (std::size_t row = 0; row < data.log.size(); ++row)  // twenty videos in a row, a minute each
    data.log.time_ms[row] = 1650816000000 + static_cast<std::int64_t>(row % 20) * 60000;
  const Simulator simulator = fit_simulator(data, 20220428, small_fit()).simulator;
  const FittedUserModel& model = model_of(simulator);
  REQUIRE(model.parts().whole_sessions);
  const auto scratch = model.make_scratch();
  std::vector<float> state(model.state_size());
  constexpr std::size_t kDraws = 4096;
  for (const std::uint32_t video : {0U, 7U, 19U}) {
    const Shown shown{.user = UserIndex{3},
                      .video = VideoIndex{video},
                      .time_ms = 1651500000000,
                      .duration_ms = simulator.catalogue.duration_ms[video]};
    double level = 0.0, click = 0.0, squares = 0.0, believed = 0.0;
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      model.begin(shown.user, shown.time_ms, state);
      const UserHistory before = FittedUserModel::history(state.data());
      float* const at = state.data();
      const RandomKey key = split(make_key(5), i);
      const std::uint32_t stream = 0;
      Response response;
      model.respond({&shown, 1}, {&at, 1}, ExposureKind::kInterventional, {&key, 1}, {&stream, 1}, {&response, 1},
                    *scratch);
      const UserHistory& after = FittedUserModel::history(state.data());
      const auto moved = static_cast<double>(after.level - before.level);
      believed = static_cast<double>(before.level / (before.count + 5.0F));
      level += moved, squares += moved * moved;
      click += static_cast<double>(after.click - before.click - before.click / (before.count + 5.0F));
    }
    level /= kDraws, click /= kDraws;
    const double deviation = std::sqrt(std::max(squares / kDraws - level * level, 0.0) / kDraws);
    CHECK(std::abs(level - believed) < 5.0 * deviation);
    CHECK(std::abs(click) < 5.0 * 0.5 / std::sqrt(kDraws));
  }
}

TEST_CASE("time runs in a dense session when the log holds whole sessions, and stands still when it is thinned",
          "[fit]") {
  Dataset thinned = testing::toy_log(30, 30, 20, 7);
  Dataset whole = thinned;
  for (std::size_t row = 0; row < whole.log.size(); ++row)  // twenty videos in a row, a minute each
    whole.log.time_ms[row] = 1650816000000 + static_cast<std::int64_t>(row % 20) * 60000;
  for (const bool is_whole : {false, true}) {
    CAPTURE(is_whole);
    FitConfig config = small_fit();
    config.training.epochs = 1;
    const Simulator simulator = fit_simulator(is_whole ? whole : thinned, 20220428, config).simulator;
    const UserModel& model = *simulator.model;
    CHECK(model_of(simulator).parts().whole_sessions == is_whole);
    CHECK((model_of(simulator).parts().dense_leave_shift == 0.0F) == is_whole);  // no length was asked for
    const auto scratch = model.make_scratch();
    std::vector<float> state(model.state_size());
    Shown shown{.user = UserIndex{0}, .time_ms = 1651500000000, .duration_ms = simulator.catalogue.duration_ms[0]};
    model.begin(shown.user, shown.time_ms, state);
    const float before = FittedUserModel::history(state.data()).session_count;
    float* const at = state.data();
    const RandomKey key = make_key(3);
    Response response;
    for (std::uint32_t step = 0; step < 5; ++step, shown.time_ms += 20000)
      model.respond({&shown, 1}, {&at, 1}, ExposureKind::kInterventional, {&key, 1}, {&step, 1}, {&response, 1},
                    *scratch);
    const UserHistory& history = FittedUserModel::history(state.data());
    CHECK(history.session_count == (is_whole ? 5.0F : before));
  }
}

TEST_CASE("the hazard head is another family over the same bins, and predicts about as well", "[fit]") {
  if (testing::skips_quality()) return;
  std::array<float, 3> outputs = {0.0F, std::log(3.0F), 7.0F};  // stop with 1/2, then 3/4, then for sure
  hazards_to_logits(outputs);
  CHECK(std::exp(outputs[0]) == Approx(0.5F));
  CHECK(std::exp(outputs[1]) == Approx(0.375F));
  CHECK(std::exp(outputs[2]) == Approx(0.125F));

  const Dataset data = testing::toy_log(200, 60, 60, 1);
  FitConfig hazard = small_fit();
  hazard.watch_head = "hazard";
  double score[2] = {};
  for (const bool other : {false, true})
    for (const RowPrediction& one :
         answers(fit_simulator(data, 20220427, other ? hazard : small_fit()).simulator, data, kLastDay))
      score[other] +=
          crps(one.quantile, static_cast<double>(data.log.play_ms[one.log_row]) / data.log.duration_ms[one.log_row]);
  CHECK(score[1] / score[0] == Approx(1.0).margin(0.03));
  CHECK(score[1] != score[0]);
}

TEST_CASE("no row before the date asked for is an error that says so", "[fit]") {
  const Dataset data = testing::toy_log(10, 10, 10, 8);
  CHECK_THROWS_WITH(fit_simulator(data, 20200101, small_fit()), Catch::Contains("20200101"));
}

// 1,000 logged rows through the environment's path (sessions that hold a history in their state) and through respond's.
void check_step_equals_respond(const Simulator& simulator, const Dataset& data, const ReplayWindow& window) {
  const FittedUserModel& model = model_of(simulator);
  auto predictions = answers(simulator, data, window);
  REQUIRE(predictions.size() >= 500);
  predictions.resize(std::min<std::size_t>(predictions.size(), 1000));
  const auto scratch = model.make_scratch();
  std::vector<float> state(model.state_size());
  for (const RowPrediction& one : predictions) {
    const std::uint32_t user = index_of(data.log.user[one.log_row]);
    model.begin(data.log.user[one.log_row], data.log.time_ms[one.log_row], state);
    UserHistory* history = new (state.data()) UserHistory{};
    for (std::uint64_t row = data.user_offset[user]; data.log.time_ms[row] < data.log.time_ms[one.log_row]; ++row)
      history->add(model.parts().encoder.event(data.log, static_cast<std::uint32_t>(row)));
    const Shown shown{.user = data.log.user[one.log_row],
                      .video = data.log.video[one.log_row],
                      .time_ms = data.log.time_ms[one.log_row],
                      .duration_ms = data.log.duration_ms[one.log_row],
                      .tab = data.log.tab[one.log_row]};
    const UserHistory* at = history;
    Prediction prediction;
    model.predict({&shown, 1}, {&at, 1}, ExposureKind::kLogged, {&prediction, 1}, *scratch);
    std::array<float, 99> quantile{};
    model.ratio_quantiles(prediction, shown.duration_ms, quantile);
    for (std::size_t q = 0; q < 99; ++q) CHECK(quantile[q] == Approx(one.quantile[q]).margin(1e-5));
    // A draw in the environment's own step comes from that very distribution: its bin has the probability predicted.
    const RandomKey key = split(make_key(3), one.log_row);
    float* const states = state.data();
    const std::uint32_t stream = 0;
    Response response;
    const Response expected = model.draw(shown, 0, key, stream, *scratch);
    model.respond({&shown, 1}, {&states, 1}, ExposureKind::kLogged, {&key, 1}, {&stream, 1}, {&response, 1}, *scratch);
    CHECK(response.play_ms == expected.play_ms);
    CHECK(response.signals == expected.signals);
  }
}

TEST_CASE("step and respond use the same network and the same history features", "[fit]") {
  const Dataset data = testing::toy_log(100, 30, 40, 10);
  check_step_equals_respond(fit_simulator(data, 20220427, small_fit()).simulator, data, kLastDay);
}

TEST_CASE("step and respond agree on real rows", "[fit][real]") {
  if (testing::kSanitized) {
    WARN("skipped: a sanitizer needs minutes for the whole slice; the toy log takes the same path");
    return;
  }
  const char* directory = std::getenv("SWIPEGYM_DATA");
  if (directory == nullptr) {
    WARN("skipped: SWIPEGYM_DATA is not set");
    return;
  }
  const Dataset data = load_dataset(directory).data;
  FitConfig config = small_fit();
  config.training.epochs = 1;
  config.training.batch = 2048;
  check_step_equals_respond(fit_simulator(data, 20220504, config).simulator, data, {.from = 20220505});
}

}  // namespace
}  // namespace swipegym
