#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "env/truth/truth_model.h"
#include "env/truth/truth_platform.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

constexpr std::int64_t kEveningMs = kTruthEpochMs + 20LL * 3600 * 1000;

TruthOptions tiny(bool satiation = true, double hidden = 1.0) {
  return {.preset = TruthPreset::kTiny, .seed = 3, .satiation = satiation, .hidden_signal = hidden};
}

/// Showing a video to a user as the environment does.
Shown show(const TruthModel& model, std::uint32_t user, std::uint32_t video, std::uint8_t tab = 1) {
  return {.user = UserIndex{user},
          .video = VideoIndex{video},
          .time_ms = kEveningMs,
          .duration_ms = model.video(VideoIndex{video}).duration_ms,
          .tab = tab};
}

using State = std::vector<float>;

State rested(const TruthModel& model) {
  State state(model.state_size());
  model.begin_rested(kEveningMs, state);
  return state;
}

/// A state in which the user has just seen `times` videos of this video's topics to the given ratio.
State after(const TruthModel& model, const Shown& shown, int times, float ratio) {
  State state = rested(model);
  for (int i = 0; i < times; ++i) model.observe(shown, ratio, state.data());
  return state;
}

Expectation expect_one(const TruthModel& model, const Shown& shown, const State& state, ExposureKind exposure) {
  const auto scratch = model.make_scratch();
  const float* states[] = {state.data()};
  Expectation out;
  model.expect({&shown, 1}, states, exposure, {&out, 1}, *scratch);
  return out;
}

Response respond_one(const TruthModel& model, const Shown& shown, State& state, ExposureKind exposure, RandomKey key,
                     std::uint32_t stream = 0) {
  const auto scratch = model.make_scratch();
  float* states[] = {state.data()};
  Response out;
  model.respond({&shown, 1}, states, exposure, {&key, 1}, {&stream, 1}, {&out, 1}, *scratch);
  return out;
}

/// Laws of rather different shapes: short and long videos, in the feed and in the grid, rested and bored.
std::vector<TruthWatchLaw> some_laws(const TruthModel& model) {
  std::vector<TruthWatchLaw> laws;
  for (std::uint32_t i = 0; i < 12; ++i) {
    const Shown shown = show(model, 7 * i, 11 * i, i % 3 == 0 ? 0 : 1);
    const auto exposure = i % 2 == 0 ? ExposureKind::kLogged : ExposureKind::kInterventional;
    laws.push_back(model.law(shown, after(model, shown, static_cast<int>(i), 0.4F).data(), exposure));
  }
  return laws;
}

}  // namespace

TEST_CASE("the truth's expectations are the means of its draws", "[env]") {
  const TruthModel model(tiny());
  constexpr int kDraws = 40000;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const Shown shown = show(model, 3 * i, 5 * i, i == 3 ? 0 : 1);
    const auto exposure = i % 2 == 0 ? ExposureKind::kLogged : ExposureKind::kInterventional;
    const State state = after(model, shown, static_cast<int>(i), 0.6F);
    const Expectation expected = expect_one(model, shown, state, exposure);

    double ratio = 0, square = 0, leave = 0;
    std::array<double, kNumSignals> count{};
    const auto scratch = model.make_scratch();
    for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
      State moved = state;
      const Response r = respond_one(model, shown, moved, exposure, make_key(i), draw);
      ratio += r.watch_ratio, square += r.watch_ratio * r.watch_ratio, leave += r.leaves;
      for (std::size_t s = 0; s < kNumSignals; ++s) count[s] += has(r.signals, static_cast<Signal>(s));
    }
    ratio /= kDraws;
    CAPTURE(i);
    // Four standard errors: with 60 figures one of them lies beyond that in 1 of 260 seeds; the seed is fixed.
    CHECK(std::abs(ratio - expected.watch_ratio) < 4 * std::sqrt((square / kDraws - ratio * ratio) / kDraws));
    CHECK(expected.watch_s == Approx(expected.watch_ratio * shown.duration_ms * 1e-3));
    CHECK(std::abs(leave / kDraws - expected.leave) < 4 * std::sqrt(expected.leave / kDraws));
    for (std::size_t s = 0; s < kNumSignals; ++s) {
      CAPTURE(kSignalNames[s], expected.signal[s]);
      CHECK(std::abs(count[s] / kDraws - expected.signal[s]) < 4 * std::sqrt(expected.signal[s] / kDraws) + 1e-4);
    }
  }
}

TEST_CASE("a law's mean, cut mean, quantiles and distribution function agree", "[env]") {
  const TruthModel model(tiny());
  for (const TruthWatchLaw& law : some_laws(model)) {
    // Means by parts from the distribution function: the integral of 1 - F.
    double mean = 0, up_to_one = 0;
    constexpr double kStep = 1e-4;
    for (double r = 0.5 * kStep; r < 5.0; r += kStep) {
      mean += (1.0 - law.cdf(r)) * kStep;
      if (r < 1.0) up_to_one += (1.0 - law.cdf(r)) * kStep;
    }
    CHECK(law.mean() == Approx(mean).margin(2e-5));
    CHECK(law.mean_up_to_one() == Approx(up_to_one).margin(2e-5));

    const std::vector<double> p = {0.01, 0.1, 0.5, 0.9, 0.93, 0.99};
    std::vector<double> q(p.size());
    law.quantiles(p, q);
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] <= law.zero)
        CHECK(q[i] == 0.0);
      else
        CHECK(law.cdf(q[i]) == Approx(p[i]).margin(1e-4));
    }
    CHECK(law.cdf(-1e-9) == 0.0);
    CHECK(law.cdf(0.0) == Approx(law.zero));
    CHECK(law.cdf(law.cut) == 1.0);
  }
}

TEST_CASE("draws of a law are uniform under its distribution function", "[env]") {
  const TruthModel model(tiny());
  const TruthWatchLaw law = some_laws(model)[1];
  RandomStream random(make_key(9));
  std::array<int, 10> bins{};
  constexpr int kDraws = 50000;
  int played = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float ratio = law.draw(random).ratio;
    if (ratio <= 0.0F) continue;
    const double u = (law.cdf(ratio) - law.zero) / (1.0 - law.zero);
    ++bins[static_cast<std::size_t>(std::min(u * 10.0, 9.0))], ++played;
  }
  for (const int bin : bins) CHECK(std::abs(bin - played / 10.0) < 4.0 * std::sqrt(played * 0.09));
}

TEST_CASE("the closed CRPS integral is the expected distance form", "[env]") {
  const TruthModel model(tiny());
  for (const TruthWatchLaw& law : some_laws(model)) {
    // CRPS = 2 * the mean over p of the pinball loss; 2,000 midpoints.
    std::vector<double> p, q;
    for (int i = 0; i < 2000; ++i) p.push_back((i + 0.5) / 2000);
    q.resize(p.size());
    law.quantiles(p, q);
    for (const double observed : {0.0, 0.03, 0.5, 1.02, 2.5}) {
      double sum = 0;
      for (std::size_t i = 0; i < p.size(); ++i) sum += 2 * ((observed < q[i] ? 1.0 : 0.0) - p[i]) * (q[i] - observed);
      CHECK(law.crps(observed) == Approx(sum / 2000).margin(5e-4));
    }
  }
}

TEST_CASE("feedback obeys KuaiRand's rules", "[env]") {
  const TruthModel model(tiny());
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const Shown shown = show(model, i % 500, i % 300, i % 4 == 0 ? 0 : 1);
    State state = rested(model);
    const Response r = respond_one(model, shown, state, ExposureKind::kLogged, make_key(i));
    CHECK(r.watch_ratio == static_cast<float>(r.play_ms) / static_cast<float>(shown.duration_ms));
    CHECK(has(r.signals, Signal::kLongView) == is_long_view(r.play_ms, shown.duration_ms));
    if (is_valid_play(r.play_ms, shown.duration_ms)) CHECK(has(r.signals, Signal::kClick));
  }
}

TEST_CASE("with satiation on, worn topics lose interest and make people leave", "[env]") {
  const TruthModel model(tiny());
  const Shown shown = show(model, 4, 21);
  const Expectation fresh = expect_one(model, shown, rested(model), ExposureKind::kInterventional);
  const Expectation bored = expect_one(model, shown, after(model, shown, 8, 0.3F), ExposureKind::kInterventional);
  CHECK(bored.watch_ratio < 0.9F * fresh.watch_ratio);
  CHECK(bored.leave > 1.3F * fresh.leave);

  // Satisfaction keeps people: the same videos, watched to the end or swiped away.
  const Expectation pleased = expect_one(model, shown, after(model, shown, 8, 1.0F), ExposureKind::kInterventional);
  const Expectation annoyed = expect_one(model, shown, after(model, shown, 8, 0.02F), ExposureKind::kInterventional);
  CHECK(pleased.leave < 0.6F * annoyed.leave);

  // A night's rest undoes most of it.
  State state = after(model, shown, 8, 0.3F);
  model.begin_next_session(kEveningMs + 12LL * 3600 * 1000, state);
  const float worn = after(model, shown, 8, 0.3F)[kTruthSatiation + model.video(shown.video).topic[0]];
  CHECK(state[kTruthSatiation + model.video(shown.video).topic[0]] < 0.1F * worn);
}

TEST_CASE("with satiation off, nothing that is shown or watched changes anything later", "[env]") {
  const TruthModel model(tiny(false));
  const auto scratch = model.make_scratch();
  for (std::uint32_t user = 0; user < 20; ++user) {
    // Two sessions of equal length that could not differ more.
    State loved = rested(model), hated = rested(model);
    for (std::uint32_t i = 0; i < 12; ++i) {
      model.observe(show(model, user, 5), 1.0F, loved.data());
      model.observe(show(model, user, 10 + 3 * i), 0.0F, hated.data());
    }
    for (const std::uint32_t video : {5U, 17U, 200U}) {
      const Shown next = show(model, user, video);
      for (const auto exposure : {ExposureKind::kLogged, ExposureKind::kInterventional}) {
        const Expectation a = expect_one(model, next, loved, exposure), b = expect_one(model, next, hated, exposure);
        CHECK(a.watch_ratio == b.watch_ratio);
        CHECK(a.leave == b.leave);
        for (std::size_t s = 0; s < kNumSignals; ++s) CHECK(a.signal[s] == b.signal[s]);
      }
      // The hazard knows user and position, neither the video nor how much of it was watched.
      CHECK(model.leave_probability(next, loved.data(), 0.0F) == model.leave_probability(next, hated.data(), 1.0F));
      CHECK(model.leave_probability(next, loved.data(), 0.0F) ==
            model.leave_probability(show(model, user, 1), loved.data(), 0.0F));
    }
    CHECK(model.draw_return_gap(UserIndex{user}, kEveningMs, loved, make_key(user), *scratch) ==
          model.draw_return_gap(UserIndex{user}, kEveningMs, hated, make_key(user), *scratch));
  }
}

TEST_CASE("returns listen to satisfaction as strongly as return_listens says", "[env]") {
  const auto back_in_day = [](double listens, float satisfaction) {
    TruthOptions options = tiny();
    options.return_listens = listens;
    const TruthModel model(options);
    const auto scratch = model.make_scratch();
    State state = rested(model);
    state[kTruthSatisfaction] = satisfaction;
    int back = 0;
    for (std::uint32_t i = 0; i < 2000; ++i)
      back += model.draw_return_gap(UserIndex{i % 100}, kEveningMs, state, make_key(i), *scratch) <= 86'400'000;
    return back / 2000.0;
  };
  CHECK(back_in_day(0.0, 0.6F) == back_in_day(0.0, 0.1F));
  // A Weibull chance p = 1 - exp(-x) has a slope of .7 x exp(-x) for each unit of ln scale, .26 where it is half.
  const double one = back_in_day(1.0, 0.6F) - back_in_day(1.0, 0.1F);
  CHECK(one == Approx(0.8 * 0.5 * 0.24).margin(0.03));
  CHECK(back_in_day(4.0, 0.6F) - back_in_day(4.0, 0.1F) == Approx(4.0 * one).margin(0.08));
}

TEST_CASE("what is watched moves tastes as often as taste_drift says, within bounds", "[env]") {
  TruthOptions options = tiny();
  const TruthModel one(options);
  options.taste_drift = 3.0;
  const TruthModel three(options);
  options.taste_drift = 0.0;
  const TruthModel none(options);
  const Shown shown = show(one, 4, 21);
  const State once = after(one, shown, 2, 1.0F), thrice = after(three, shown, 2, 1.0F);
  const State still = after(none, shown, 200, 1.0F), far = after(three, shown, 200, 1.0F);
  float gained = 0.0F;
  for (std::size_t k = 0; k < kTruthFactors; ++k) {
    const float factor = one.video(shown.video).factor[k];
    // Two videos watched to the end, of which everybody's satisfaction expects .3: 2 * .05 * .7, the first one fading.
    CHECK(once[kTruthDrift + k] == Approx(0.05 * 0.7 * 1.985 * factor));
    CHECK(thrice[kTruthDrift + k] == Approx(3.0F * once[kTruthDrift + k]));
    CHECK(still[kTruthDrift + k] == 0.0F);
    CHECK(std::abs(far[kTruthDrift + k]) <= Approx(0.9));
    gained += far[kTruthDrift + k] * factor;
  }
  CHECK(gained > 0.9F);
  // Users come to like what they watch; boredom is the same in both worlds.
  const auto interest = [&](const TruthModel& model, const State& state) {
    return model.law(shown, state.data(), ExposureKind::kInterventional).match;
  };
  CHECK(interest(three, far) > interest(one, after(one, shown, 200, 1.0F)));
  CHECK(interest(one, after(one, shown, 200, 1.0F)) > interest(none, still));
}

TEST_CASE("the hidden signal separates logged from interventional responses, and its switch joins them", "[env]") {
  const TruthModel on(tiny()), off(tiny(true, 0.0));
  double logged = 0, chosen = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const Shown shown = show(on, i, 2 * i);
    const State state = rested(on);
    logged += expect_one(on, shown, state, ExposureKind::kLogged).watch_ratio;
    chosen += expect_one(on, shown, state, ExposureKind::kInterventional).watch_ratio;
    CHECK(expect_one(off, shown, state, ExposureKind::kLogged).watch_ratio ==
          Approx(expect_one(off, shown, state, ExposureKind::kInterventional).watch_ratio));
  }
  CHECK(logged > 1.7 * chosen);
}

TEST_CASE("the platform's choice makes its exposures match as often as the logged law says", "[env]") {
  // Of the videos the platform retrieves, it passes match + (1 - match) * rho; among the passed the share of matches is
  // match / (match + (1 - match) * rho). Both come from the model; here they must agree with each other.
  const TruthModel model(tiny());
  for (std::uint32_t i = 0; i < 50; ++i) {
    const Shown shown = show(model, i, 3 * i);
    const State state = rested(model);
    const float match = model.law(shown, state.data(), ExposureKind::kInterventional).match;
    const float passed = model.pass_probability(shown, state.data());
    CHECK(model.law(shown, state.data(), ExposureKind::kLogged).match == Approx(match / passed));
    CHECK(passed > match);
    CHECK(passed < 1.0F);
  }
}

TEST_CASE("a truth model depends on preset, seed and options, and on nothing else", "[env]") {
  const TruthModel whole(tiny(), 1);
  const TruthModel part(tiny(), {4, 2}, {200, 100, 50}, 2);
  const State state = rested(whole);
  const Expectation a = expect_one(whole, show(whole, 2, 50), state, ExposureKind::kLogged);
  const Expectation b = expect_one(part, show(part, 1, 2), state, ExposureKind::kLogged);
  CHECK(a.watch_ratio == b.watch_ratio);
  CHECK(a.leave == b.leave);
  CHECK(a.signal[0] == b.signal[0]);

  TruthOptions other = tiny();
  other.seed = 4;
  const TruthModel another(other);
  CHECK(expect_one(another, show(another, 2, 50), state, ExposureKind::kLogged).watch_ratio != a.watch_ratio);
}

TEST_CASE("rows of a batch do not depend on each other", "[env]") {
  const TruthModel model(tiny());
  const auto scratch = model.make_scratch();
  std::vector<Shown> shown;
  std::vector<State> states(kChunk, rested(model));
  std::vector<float*> pointers;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
  for (std::uint32_t i = 0; i < kChunk; ++i) {
    shown.push_back(show(model, i, 4 * i));
    pointers.push_back(states[i].data());
    keys.push_back(make_key(i)), streams.push_back(i % 5);
  }
  std::vector<Response> out(kChunk);
  model.respond(shown, pointers, ExposureKind::kInterventional, keys, streams, out, *scratch);
  for (std::uint32_t i = 0; i < kChunk; ++i) {
    State alone = rested(model);
    const Response r = respond_one(model, shown[i], alone, ExposureKind::kInterventional, keys[i], streams[i]);
    CHECK(r.play_ms == out[i].play_ms);
    CHECK(r.signals == out[i].signals);
    CHECK(r.leaves == out[i].leaves);
    CHECK(alone == states[i]);
  }
}

TEST_CASE("every preference of an author is bounded, centred and of unit spread", "[env]") {
  double sum = 0, square = 0;
  constexpr int kDraws = 20000;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const float a = truth_affinity(make_key(i % 100), i);
    sum += a, square += a * a;
    CHECK(std::abs(a) < 3.5F);
  }
  CHECK(std::abs(sum / kDraws) < 4 / std::sqrt(kDraws));
  CHECK(square / kDraws == Approx(1.0).margin(0.05));
}

TEST_CASE("people come back after more than a session's longest pause, mostly by day", "[env]") {
  const TruthModel model(tiny());
  const auto scratch = model.make_scratch();
  const State state = rested(model);
  int night = 0;
  constexpr int kDraws = 4000;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const std::int64_t gap = model.draw_return_gap(UserIndex{i % 500}, kEveningMs, state, make_key(i), *scratch);
    CHECK(gap > 30LL * 60 * 1000);
    const float hour = local_hour(kEveningMs + gap);
    night += hour >= 2 && hour < 6;
  }
  CHECK(night < kDraws / 10);  // four hours of 24 would hold 1 in 6
}

TEST_CASE("a wanted session length is reached", "[env]") {
  TruthOptions longer = tiny();
  longer.mean_session_videos = 20;
  const float shift = session_leave_shift(longer);
  CHECK(shift < -0.3F);
  CHECK(session_leave_shift(tiny()) == 0.0F);
}

TEST_CASE("truth.json says what it was made from and refuses what it does not know", "[env]") {
  TruthOptions options = tiny(false, 0.5);
  options.seed = 12345678901234567ULL;
  const TruthOptions read = parse_truth_json(truth_json(options));
  CHECK(read.seed == options.seed);
  CHECK_FALSE(read.satiation);
  CHECK(read.hidden_signal == 0.5);
  CHECK(read.taste_drift == 1.0);
  CHECK(truth_json(options).find("taste_drift") == std::string::npos);  // as files of before
  options.taste_drift = 2.5;
  CHECK(parse_truth_json(truth_json(options)).taste_drift == 2.5);
  CHECK(truth_json(options).find("return_listens") == std::string::npos);
  options.return_listens = 4.0;
  CHECK(parse_truth_json(truth_json(options)).return_listens == 4.0);
  CHECK_THROWS_WITH(parse_truth_json(R"({"return_listens": 11})"), Catch::Contains("return_listens"));
  CHECK_THROWS_WITH(parse_truth_json(R"({"taste_drift": 11})"), Catch::Contains("taste_drift"));
  CHECK(read.preset == TruthPreset::kTiny);
  CHECK_THROWS_WITH(parse_truth_json(R"({"preset": "huge"})"), Catch::Contains("huge"));
  CHECK_THROWS_WITH(parse_truth_json(R"({"colour": 1})"), Catch::Contains("colour"));
  CHECK_THROWS_WITH(parse_truth_json(R"({"seed": -1})"), Catch::Contains("seed"));
  CHECK_THROWS_WITH(parse_truth_json(R"({"hidden_signal": 9})"), Catch::Contains("hidden_signal"));
  CHECK_THROWS_AS(parse_truth_json("not json"), InputError);
  CHECK_THROWS_WITH(TruthModel(tiny(), std::vector<std::uint32_t>{500}, {0U}),
                    Catch::Contains("500") && Catch::Contains("tiny"));
}

}  // namespace swipegym
