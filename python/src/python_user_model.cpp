#include "python/src/python_user_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "python/src/bindings.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

template <class T>
using Answers = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

template <class T, class Of>
nb::object shown_column(std::span<const Shown> shown, const Of& of) {
  std::vector<T> values(shown.size());
  std::transform(shown.begin(), shown.end(), values.begin(), of);
  return owned_column(std::move(values));
}

nb::dict shown_columns(std::span<const Shown> shown) {
  nb::dict out;
  out["user"] = shown_column<std::int64_t>(shown, [](const Shown& s) { return std::int64_t{index_of(s.user)}; });
  out["video"] = shown_column<std::int64_t>(shown, [](const Shown& s) { return std::int64_t{index_of(s.video)}; });
  out["time_ms"] = shown_column<std::int64_t>(shown, [](const Shown& s) { return s.time_ms; });
  out["duration_ms"] = shown_column<std::int64_t>(shown, [](const Shown& s) { return std::int64_t{s.duration_ms}; });
  out["tab"] = shown_column<std::int64_t>(shown, [](const Shown& s) { return std::int64_t{s.tab}; });
  return out;
}

// An array that Python may write into, which lives as long as Python holds it; `values` is its memory.
nb::object table(std::size_t rows, std::size_t columns, float*& values) {
  auto* kept = new std::vector<float>(rows * columns);
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  values = kept->data();
  return nb::cast(nb::ndarray<nb::numpy, float>(values, {rows, columns}, owner));
}

template <class Pointer>
nb::object states_table(std::span<Pointer> states, std::size_t size, float*& values) {
  nb::object out = table(states.size(), size, values);
  for (std::size_t i = 0; i < states.size(); ++i) std::copy_n(states[i], size, values + i * size);
  return out;
}

template <class T>
Answers<T> answers(nb::handle value, std::size_t size) {
  Answers<T> out;
  if (!nb::try_cast(value, out, false) || out.size() != size)
    throw InputError("a user model's answers have another shape or type than user_models.py promises");
  return out;
}

}  // namespace

PythonUserModel::~PythonUserModel() {
  const nb::gil_scoped_acquire locked;  // whichever thread lets the last session go
  parts_ = {};
}

void PythonUserModel::begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const {
  std::fill(state.begin(), state.end(), 0.0F);
  const nb::gil_scoped_acquire locked;
  if (parts_.begin.is_none()) return;
  float* values = nullptr;
  const nb::object filled = table(1, state.size(), values);
  parts_.begin(index_of(user), time_ms, filled);
  std::copy_n(values, state.size(), state.begin());
}

void PythonUserModel::respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind,
                              std::span<const RandomKey> keys, std::span<const std::uint32_t> streams,
                              std::span<Response> out, Scratch&) const {
  const std::size_t n = shown.size(), size = parts_.state_size;
  const nb::gil_scoped_acquire locked;
  float *state = nullptr, *uniform = nullptr;
  const nb::object now = states_table(states, size, state), drawn = table(n, parts_.draws, uniform);
  for (std::size_t i = 0; i < n; ++i) {
    RandomStream random(keys[i], streams[i]);
    std::generate_n(uniform + i * parts_.draws, parts_.draws, [&] { return random.uniform(); });
  }
  const nb::tuple said = nb::cast<nb::tuple>(parts_.respond(shown_columns(shown), now, drawn));
  const auto ratio = answers<float>(said[0], n);
  const auto leaves = answers<std::uint8_t>(said[1], n), signals = answers<std::uint8_t>(said[2], n);
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(state + i * size, size, states[i]);
    const double play_ms = static_cast<double>(ratio.data()[i]) * shown[i].duration_ms;
    out[i] = {.watch_ratio = ratio.data()[i],
              .play_ms = static_cast<std::int32_t>(std::lround(play_ms)),
              .signals = signals.data()[i],
              .leaves = leaves.data()[i] != 0};
  }
}

void PythonUserModel::expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind,
                             std::span<Expectation> out, Scratch&) const {
  constexpr std::size_t kColumns = 3 + kNumSignals;
  const nb::gil_scoped_acquire locked;
  float* state = nullptr;
  const nb::object now = states_table(states, parts_.state_size, state);
  const nb::object said = parts_.expect(shown_columns(shown), now);
  const auto expected = answers<float>(said, shown.size() * kColumns);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const float* row = expected.data() + i * kColumns;
    out[i].watch_ratio = row[0], out[i].watch_s = row[1], out[i].leave = row[2];
    std::copy_n(row + 3, kNumSignals, out[i].signal);
  }
}

std::int64_t PythonUserModel::draw_return_gap(UserIndex, std::int64_t, std::span<const float>, RandomKey,
                                              Scratch&) const {
  return parts_.gap_ms;
}

void PythonUserModel::begin_next_session(std::int64_t, std::span<float>) const {}

}  // namespace swipegym::python
