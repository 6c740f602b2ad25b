#include <fmt/format.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <stdexcept>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_for.h"
#include "policy/world.h"
#include "python/src/bindings.h"
#include "python/src/observation_arrays.h"
#include "python/src/python_candidates.h"
#include "python/src/session_starts.h"
#include "python/src/step_buffers.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

using Seeds = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Actions = nb::ndarray<const std::int32_t, nb::c_contig, nb::device::cpu>;

template <class Word>
Word choice(const char* what, const std::string& got, const std::map<std::string, Word>& known) {
  if (const auto found = known.find(got); found != known.end()) return found->second;
  std::vector<std::string> words;
  for (const auto& [word, value] : known) words.push_back(word);
  throw InputError(fmt::format("{} is '{}', expected one of {}", what, got, fmt::join(words, ", ")));
}

// A VectorEnv that says when two threads meet in it, instead of letting them tread on each other.
class GuardedEnv {
 public:
  GuardedEnv(std::shared_ptr<Simulator> simulator, const PythonWorld& world, std::size_t num_envs,
             const std::string& autoreset, const std::string& invalid_action, const std::string& rewards, int threads)
      : starts_(simulator),
        env_(simulator, world.candidates(simulator, 0, threads),
             env_config(world.config,
                        {.num_envs = num_envs,
                         .threads = threads,
                         .autoreset = choice<AutoresetMode>("autoreset_mode", autoreset,
                                                            {{"NextStep", AutoresetMode::kNextStep},
                                                             {"SameStep", AutoresetMode::kSameStep},
                                                             {"Disabled", AutoresetMode::kDisabled}}),
                         .invalid_action = choice<InvalidAction>(
                             "invalid_action", invalid_action,
                             {{"raise", InvalidAction::kRaise}, {"redraw", InvalidAction::kRedraw}}),
                         .rewards = choice<RewardKind>(
                             "rewards", rewards, {{"drawn", RewardKind::kDrawn}, {"expected", RewardKind::kExpected}}),
                         .draw_gaps = true})) {}

  // Of the rows with mask 1, those with `seeded` 1 begin the first episode of their seed, the others their next one.
  void reset(const Seeds& seeds, const Flags& seeded, const Flags& mask, StepBuffers& out) {
    const std::size_t rows = env_.config().num_envs;
    if (seeds.size() != rows || seeded.size() != rows || mask.size() != rows)
      throw InputError(fmt::format("a reset of {} sessions got {} seeds, {} and {} flags", rows, seeds.size(),
                                   seeded.size(), mask.size()));
    const std::span<const std::uint64_t> from(seeds.data(), rows);
    std::vector<std::uint8_t> first(rows), next(rows);
    bool all_first = true, any_first = false, any_next = false;
    for (std::size_t row = 0; row < rows; ++row) {
      first[row] = mask.data()[row] && seeded.data()[row], next[row] = mask.data()[row] && !seeded.data()[row];
      all_first = all_first && first[row], any_first = any_first || first[row], any_next = any_next || next[row];
    }
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    if (all_first)
      env_.reset(from);
    else if (any_first)
      env_.reset(from, first);
    if (any_next) env_.next_episode(next);
    out.take(env_.observation(), env_.config().threads);
    out.take_seen(env_);
  }
  // Of the rows with mask 1: session 0 of their seed, but of this user, at this time, in this tab; -1 leaves what it is
  // to the seed.
  void reset_at(const Seeds& seeds, const Numbers& users, const Numbers& times, const Numbers& tabs, const Flags& mask,
                StepBuffers& out) {
    const std::size_t rows = env_.config().num_envs;
    if (seeds.size() != rows || users.size() != rows || times.size() != rows || tabs.size() != rows ||
        mask.size() != rows)
      throw InputError(
          fmt::format("a reset of {} sessions got {} seeds and {} users", rows, seeds.size(), users.size()));
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    std::vector<SessionStart> starts(rows);
    std::vector<std::uint8_t> begun(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      begun[row] = mask.data()[row];
      if (begun[row])
        starts[row] = starts_.find(seeds.data()[row], users.data()[row], times.data()[row], tabs.data()[row]);
    }
    const bool all = std::find(begun.begin(), begun.end(), 0) == begun.end();
    env_.reset_at({seeds.data(), rows}, starts, all ? std::span<const std::uint8_t>{} : begun);
    out.take(env_.observation(), env_.config().threads);
    out.take_seen(env_);
  }
  // The sessions as a file, and another environment of the same settings that goes on from it.
  void save(const SystemText& path) {
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    Hdf5Writer file(path.bytes);
    file.attribute("kind", std::string_view("sessions"));
    file.attribute("schema_version", std::int64_t{1});
    env_.save(file, "sessions");
    file.commit();
  }
  void load(const SystemText& path) {
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    env_.load(Hdf5Reader(path.bytes, "sessions", 1), "sessions");
  }
  void step(const Actions& actions, StepBuffers& out) {
    const std::span<const std::int32_t> slots(actions.data(), actions.size());
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    out.take(env_.step(slots), env_.config().threads);
    out.take_seen(env_);
  }
  // Of one session and one video a step: what step() does, with less of Python around it.
  void step_one(std::int32_t action, StepBuffers& out) {
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    out.take(env_.step({&action, 1}), 1);
    out.take_seen(env_);
  }
  // Of one session: the first of a seed, or the one behind the last.
  void reset_one(std::optional<std::uint64_t> seed, StepBuffers& out) {
    nb::gil_scoped_release unlocked;
    const Turn turn(busy_);
    if (seed)
      env_.reset({&*seed, 1});
    else
      env_.next_episode();
    out.take(env_.observation(), 1);
    out.take_seen(env_);
  }
  // [rows, candidates]: what the user model expects of each slot now, as the reward counts it; no draw is made.
  nb::object expected_rewards() {
    const std::size_t rows = env_.config().num_envs, slots = env_.candidates().slots();
    std::vector<float> out(rows * slots);
    {
      nb::gil_scoped_release unlocked;
      const Turn turn(busy_);
      env_.expect_all_rewards(out);
    }
    return owned_array(std::move(out), {rows, slots});
  }
  // [rows, videos]: which videos may be shown next, where the whole catalogue is on offer.
  nb::object may_show() {
    const std::size_t rows = env_.config().num_envs, videos = env_.simulator().catalogue.num_videos();
    std::vector<std::uint8_t> out(rows * videos);
    {
      nb::gil_scoped_release unlocked;
      const Turn turn(busy_);
      parallel_for(rows, env_.config().threads, [&](std::size_t row, int) {
        for (std::size_t video = 0; video < videos; ++video)
          out[row * videos + video] = env_.may_show(row, static_cast<std::uint32_t>(video)) ? 1 : 0;
      });
    }
    return owned_array(std::move(out), {rows, videos});
  }
  const VectorEnv& env() const noexcept { return env_; }

 private:
  struct Turn {
    explicit Turn(std::atomic<bool>& flag) : busy(flag) {
      if (busy.exchange(true))
        throw std::runtime_error(
            "two threads are in one environment, or its own user model or candidate source steps it: give each an "
            "environment of its own");
    }
    ~Turn() { busy = false; }
    std::atomic<bool>& busy;
  };
  SessionStarts starts_;
  VectorEnv env_;
  std::atomic<bool> busy_ = false;
};

// A video each, or a slate of them.
template <class T>
nb::object shown_array(std::vector<T>& values, std::size_t rows, std::size_t slate, nb::handle owner) {
  return slate == 1 ? array(values, {rows}, owner) : array(values, {rows, slate}, owner);
}
// Bytes that are 0 or 1, as numpy's bool.
nb::object flags(std::vector<std::uint8_t>& values, nb::handle owner) {
  return nb::cast(nb::ndarray<nb::numpy, bool>(reinterpret_cast<bool*>(values.data()), {values.size()}, owner));
}

// Every array of the buffers, as views that keep them alive.
nb::dict step_arrays(nb::handle_t<StepBuffers> self) {
  auto& b = nb::cast<StepBuffers&>(self);
  nb::dict out;
  out["observation"] = observation_arrays(b.observation, self);
  nb::dict information = information_arrays(b.observation, self);
  if (b.seen_width > 0) information["seen"] = array(b.seen, {b.rows, b.seen_width}, self);
  out["information"] = information;
  if (b.final_observation.rows > 0) {
    out["final_observation"] = observation_arrays(b.final_observation, self);
    out["final_information"] = information_arrays(b.final_observation, self);
  }
  out["reward"] = array(b.reward, {b.rows}, self);
  out["terminated"] = flags(b.terminated, self);
  out["truncated"] = flags(b.truncated, self);
  out["autoreset"] = flags(b.autoreset, self);
  nb::dict shown;
  shown["cost"] = array(b.cost, {b.rows, b.costs}, self);
  shown["video"] = shown_array(b.video, b.rows, b.slate, self);
  shown["watch_s"] = shown_array(b.watch_s, b.rows, b.slate, self);
  shown["watch_ratio"] = shown_array(b.watch_ratio, b.rows, b.slate, self);
  shown["signals"] = shown_array(b.signals, b.rows, b.slate, self);
  shown["gap_h"] = array(b.gap_h, {b.rows}, self);
  out["shown"] = shown;
  return out;
}

}  // namespace

void bind_vector_env(nb::module_& module) {
  module.attr("SIGNAL_NAMES") = nb::cast(std::vector<std::string>(kSignalNames.begin(), kSignalNames.end()));
  module.attr("USER_FEATURES") = kUserFeatures;
  module.attr("VIDEO_FEATURES") = kVideoFeatures;
  module.attr("CONTEXT_FEATURES") = kContextFeatures;

  nb::class_<StepBuffers>(module, "StepBuffers", "Memory for what one step returns.")
      .def("__init__", [](StepBuffers* self, const GuardedEnv& env) { new (self) StepBuffers(env.env()); })
      .def("arrays", &step_arrays);

  nb::class_<GuardedEnv>(module, "VectorEnv", "N sessions stepped together; swipegym.ShortVideoVectorEnv is its face.")
      .def(nb::init<std::shared_ptr<Simulator>, const PythonWorld&, std::size_t, const std::string&, const std::string&,
                    const std::string&, int>(),
           nb::arg("simulator"), nb::arg("world"), nb::arg("num_envs"), nb::arg("autoreset_mode"),
           nb::arg("invalid_action"), nb::arg("rewards"), nb::arg("threads"), nb::call_guard<nb::gil_scoped_release>())
      .def("reset", &GuardedEnv::reset, nb::arg("seeds"), nb::arg("seeded"), nb::arg("mask"), nb::arg("out"))
      .def("reset_at", &GuardedEnv::reset_at, nb::arg("seeds"), nb::arg("users"), nb::arg("times"), nb::arg("tabs"),
           nb::arg("mask"), nb::arg("out"))
      .def("save", &GuardedEnv::save, nb::arg("path"))
      .def("load", &GuardedEnv::load, nb::arg("path"))
      .def("step", &GuardedEnv::step, nb::arg("actions"), nb::arg("out"))
      .def("step_one", &GuardedEnv::step_one, nb::arg("action"), nb::arg("out"))
      .def("reset_one", &GuardedEnv::reset_one, nb::arg("seed").none(), nb::arg("out"))
      .def("expected_rewards", &GuardedEnv::expected_rewards)
      .def("may_show", &GuardedEnv::may_show)
      .def_prop_ro("num_candidates", [](const GuardedEnv& e) { return e.env().candidates().slots(); });
}

}  // namespace swipegym::python
