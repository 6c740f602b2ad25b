#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <vector>

#include "env/fitted/fitted_user_model.h"
#include "env/fitted/simulator_file.h"
#include "env/state_room.h"
#include "tests/env/quick_fit.h"

namespace swipegym {
namespace {

constexpr std::int64_t kAskedMs = 1651400000000;
constexpr std::size_t kFittedMembers = 3, kSessionsAsked = 6;

// A small fit with members, made once.
const Simulator& fit_with_members() {
  static const Simulator simulator = [] {
    FitConfig config;
    config.members = kFittedMembers;
    config.training.epochs = 1;
    config.training.batch = 256;
    config.training.max_updates = testing::kMostUpdates;
    config.training.threads = 1;
    config.training.shape = {.watch_hidden = 16, .watch_top = 8, .feedback_hidden = 16, .feedback_top = 8};
    return fit_simulator(testing::toy_log(60, 400, 20, 3, 0.02), 20220428, config).simulator;
  }();
  return simulator;
}

const FittedUserModel& members_of(const Simulator& simulator) {
  return dynamic_cast<const FittedUserModel&>(*simulator.model);
}

// A model of that member alone.
FittedUserModel alone(const FittedUserModel& model, std::size_t member) {
  FittedParts parts = model.parts();
  parts.members = {parts.members[member]};
  return {std::move(parts), model.clock()};
}

// Sessions of some users, each about to be shown a video.
struct Sessions {
  explicit Sessions(const FittedUserModel& model_, const Simulator& simulator)
      : model(model_), room(kSessionsAsked, model.state_size()), scratch(model.make_scratch()) {
    for (std::size_t i = 0; i < kSessionsAsked; ++i) {
      const auto user = static_cast<std::uint32_t>(3 * i), video = static_cast<std::uint32_t>(7 * i + 1);
      model.begin(UserIndex{user}, kAskedMs, room.of(i));
      states.push_back(room.of(i).data());
      shown.push_back({.user = UserIndex{user},
                       .video = VideoIndex{video},
                       .time_ms = kAskedMs,
                       .duration_ms = simulator.catalogue.duration_ms[video],
                       .tab = 1});
      keys.push_back(split(make_key(5), i));
    }
  }
  std::vector<const float*> seen() const { return {states.begin(), states.end()}; }
  std::vector<Expectation> expect(ExposureKind kind = ExposureKind::kInterventional) {
    std::vector<Expectation> out(kSessionsAsked);
    model.expect(shown, seen(), kind, out, *scratch);
    return out;
  }
  std::vector<Expectation> expect_member(std::size_t member, ExposureKind kind = ExposureKind::kInterventional) {
    std::vector<Expectation> out(model.num_members() * kSessionsAsked);
    model.expect_members(ExpectedPart::kAll, shown, seen(), kind, out, *scratch);
    const auto first = out.begin() + static_cast<std::ptrdiff_t>(member * kSessionsAsked);
    return {first, first + kSessionsAsked};
  }
  // Ten answers in a row to each session: play times, signals and leaving.
  std::vector<std::int64_t> answers() {
    std::vector<std::int64_t> out;
    std::vector<Response> drawn(kSessionsAsked);
    for (std::uint32_t step = 0; step < 10; ++step) {
      const std::vector<std::uint32_t> streams(kSessionsAsked, step);
      model.respond(shown, states, ExposureKind::kInterventional, keys, streams, drawn, *scratch);
      for (const Response& one : drawn) out.push_back(one.play_ms * 1000 + one.signals * 2 + (one.leaves ? 1 : 0));
    }
    return out;
  }

  const FittedUserModel& model;
  StateRoom room;
  std::unique_ptr<UserModel::Scratch> scratch;
  std::vector<float*> states;
  std::vector<Shown> shown;
  std::vector<RandomKey> keys;
};

TEST_CASE("a session is answered by one member, as by a model of that member alone", "[fit][members]") {
  const Simulator& simulator = fit_with_members();
  const FittedUserModel& model = members_of(simulator);
  REQUIRE(model.num_members() == kFittedMembers);
  Sessions sessions(model, simulator);
  const std::vector<std::int64_t> mixed = sessions.answers();
  std::vector<std::vector<std::int64_t>> own;
  for (std::size_t member = 0; member < kFittedMembers; ++member) {
    const FittedUserModel lone = alone(model, member);
    own.push_back(Sessions(lone, simulator).answers());
  }
  std::vector<bool> used(kFittedMembers, false);
  for (std::size_t row = 0; row < kSessionsAsked; ++row) {
    const std::size_t member = model.member_of(sessions.keys[row]);
    used[member] = true;
    for (std::size_t at = row; at < mixed.size(); at += kSessionsAsked) CHECK(mixed[at] == own[member][at]);
  }
  CHECK(std::count(used.begin(), used.end(), true) > 1);
  CHECK((own[0] != own[1] && own[1] != own[2]));
}

TEST_CASE("members lie around the fit that there is without them", "[fit][members]") {
  const FittedParts& parts = members_of(fit_with_members()).parts();
  Matrix mean = Matrix::Zero(parts.network.table.value.rows(), parts.network.table.value.cols());
  double apart = 0.0;
  for (const MemberTables& member : parts.members) {
    mean += member.table / static_cast<float>(kFittedMembers);
    apart = std::max(apart, static_cast<double>((member.table - parts.network.table.value).cwiseAbs().maxCoeff()));
  }
  const double off = static_cast<double>((mean - parts.network.table.value).cwiseAbs().maxCoeff());
  UNSCOPED_INFO("a member is off by up to " << apart << ", their mean by " << off);
  CHECK(apart > 1e-3);
  CHECK(off < 1e-5 * (1.0 + apart));
  // So do the effects of a choice but for what members' own forecasts ask of them, not by the luck of few draws.
  Matrix drawn = Matrix::Zero(kExposureTerms + 1, kDirections);
  for (const MemberTables& member : parts.members) drawn += member.effects / static_cast<float>(kFittedMembers);
  float scatter = 0.0F;
  for (const MemberTables& member : parts.members) scatter += (member.effects - drawn).squaredNorm();
  drawn.topRows(kExposureTerms) -= parts.network.effects.weight;
  scatter = std::sqrt(scatter / static_cast<float>(kFittedMembers - 1));
  UNSCOPED_INFO("effects scatter by " << scatter << ", their mean is off by " << drawn.norm());
  CHECK(drawn.norm() < 0.2F * scatter);
}

TEST_CASE("what members expect is their mean", "[fit][members]") {
  const Simulator& simulator = fit_with_members();
  const FittedUserModel& model = members_of(simulator);
  Sessions sessions(model, simulator);
  const std::vector<Expectation> all = sessions.expect();
  std::vector<double> seconds(kSessionsAsked, 0.0), clicks(kSessionsAsked, 0.0), leaves(kSessionsAsked, 0.0);
  bool differ = false;
  for (std::size_t member = 0; member < kFittedMembers; ++member) {
    const std::vector<Expectation> one = sessions.expect_member(member);
    const FittedUserModel lone = alone(model, member);
    const std::vector<Expectation> same = Sessions(lone, simulator).expect();
    for (std::size_t i = 0; i < kSessionsAsked; ++i) {
      CHECK(one[i].watch_s == same[i].watch_s);
      CHECK(one[i].signal[0] == same[i].signal[0]);
      differ |= std::abs(one[i].watch_s - all[i].watch_s) > 0.01F;
      seconds[i] += static_cast<double>(one[i].watch_s), clicks[i] += static_cast<double>(one[i].signal[0]);
      leaves[i] += static_cast<double>(one[i].leave);
    }
  }
  CHECK(differ);
  for (std::size_t i = 0; i < kSessionsAsked; ++i) {
    CHECK(static_cast<double>(all[i].watch_s) == Approx(seconds[i] / kFittedMembers));
    CHECK(static_cast<double>(all[i].signal[0]) == Approx(clicks[i] / kFittedMembers));
    CHECK(static_cast<double>(all[i].leave) == Approx(leaves[i] / kFittedMembers));
  }
}

TEST_CASE("predictions of members are their mixture, and so are the draws from them", "[fit][members]") {
  const Simulator& simulator = fit_with_members();
  const FittedUserModel& model = members_of(simulator);
  Sessions sessions(model, simulator);
  std::vector<const UserHistory*> histories;
  for (const float* state : sessions.seen()) histories.push_back(&FittedUserModel::history(state));
  std::vector<Prediction> mixed(kSessionsAsked), one(kSessionsAsked);
  std::vector<std::vector<Prediction>> own;
  for (std::size_t member = 0; member < kFittedMembers; ++member) {
    const FittedUserModel lone = alone(model, member);
    const auto scratch = lone.make_scratch();
    lone.predict(sessions.shown, histories, ExposureKind::kInterventional, one, *scratch);
    own.push_back(one);
  }
  model.predict(sessions.shown, histories, ExposureKind::kInterventional, mixed, *sessions.scratch);
  constexpr int kAnswersDrawn = 4000;
  for (std::size_t i = 0; i < kSessionsAsked; ++i) {
    double click = 0.0, first = 0.0;
    for (const auto& member : own)
      click += static_cast<double>(member[i].signal[0]) / kFittedMembers,
          first += static_cast<double>(member[i].bin[0]) / kFittedMembers;
    CHECK(static_cast<double>(mixed[i].signal[0]) == Approx(click));
    CHECK(static_cast<double>(mixed[i].bin[0]) == Approx(first));
    int clicked = 0;
    for (std::uint32_t n = 0; n < kAnswersDrawn; ++n)
      clicked += has(model.draw(sessions.shown[i], i, sessions.keys[i], n, *sessions.scratch).signals, Signal::kClick);
    CHECK(std::abs(clicked / static_cast<double>(kAnswersDrawn) - click) <
          4.0 * std::sqrt(click * (1.0 - click) / kAnswersDrawn));
  }
}

// Standard rows of 60 videos in a table of 90: of the last 30, and of their authors, nothing is known.
Dataset log_of_some_videos() {
  constexpr std::uint32_t kShown = 60;
  Dataset data = testing::toy_log(100, 90, 60, 3);
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    const std::uint32_t video = index_of(data.log.video[row]) % kShown;
    data.log.video[row] = VideoIndex{video};
    data.log.duration_ms[row] = static_cast<std::int32_t>(data.videos.duration_ms[video]);
  }
  return data;
}

// The deviation over members of the seconds that users are expected to watch of these videos, as a share of the mean.
double doubt(const Simulator& simulator, std::uint32_t begin, std::uint32_t end, ExposureKind kind) {
  const FittedUserModel& model = members_of(simulator);
  Sessions sessions(model, simulator);
  double square = 0.0, count = 0.0;
  for (std::uint32_t video = begin; video < end; ++video) {
    for (Shown& shown : sessions.shown)
      shown.video = VideoIndex{video}, shown.duration_ms = simulator.catalogue.duration_ms[video];
    const std::vector<Expectation> all = sessions.expect(kind);
    for (std::size_t member = 0; member < kFittedMembers; ++member) {
      const std::vector<Expectation> one = sessions.expect_member(member, kind);
      for (std::size_t i = 0; i < kSessionsAsked; ++i) {
        const auto off = static_cast<double>(one[i].watch_ratio / all[i].watch_ratio - 1.0F);
        square += off * off, count += 1.0;
      }
    }
  }
  return std::sqrt(square / count);
}

TEST_CASE("members differ where the log is silent, and are beside the fit that there is without them",
          "[fit][members]") {
  if (testing::skips_quality()) return;
  FitConfig config;
  config.members = kFittedMembers;
  config.training.epochs = 20;
  config.training.batch = 128;
  config.training.threads = 1;
  config.training.shape = {.watch_hidden = 16, .watch_top = 8, .feedback_hidden = 16, .feedback_top = 8};
  const Dataset data = log_of_some_videos();
  const Simulator with = fit_simulator(data, 20220428, config).simulator;
  config.members = 1;
  const Simulator without = fit_simulator(data, 20220428, config).simulator;
  CHECK(members_of(with).parts().network.table.value == members_of(without).parts().network.table.value);
  const double known = doubt(with, 0, 60, ExposureKind::kLogged), silent = doubt(with, 60, 90, ExposureKind::kLogged);
  const double choice = doubt(with, 0, 60, ExposureKind::kInterventional);
  UNSCOPED_INFO("known " << known << ", silent " << silent << ", of a choice " << choice);
  CHECK(known > 0.025);  // .015 when users' rows all weigh alike
  CHECK(silent > 1.15 * known);
  CHECK(choice > 2.0 * known);  // nothing is known of random exposures
}

TEST_CASE("members are read back from a file", "[fit][members]") {
  const Simulator& simulator = fit_with_members();
  const auto path = std::filesystem::temp_directory_path() / ("swipegym-members-" + std::to_string(::getpid()) + ".h5");
  save_simulator(simulator, path);
  const Simulator read = load_simulator(path);
  std::filesystem::remove(path);
  Sessions before(members_of(simulator), simulator), after(members_of(read), read);
  CHECK(members_of(read).num_members() == kFittedMembers);
  CHECK(before.answers() == after.answers());
}

}  // namespace
}  // namespace swipegym
