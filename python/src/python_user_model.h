#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "env/user_model.h"

namespace swipegym::python {

/// Users whose answers are a Python object's: it is asked with the interpreter's lock, a chunk of sessions at a time.
/// What it must be, and the checks of what it returns, are in user_models.py; this is the engine's side of them.
class PythonUserModel final : public UserModel {
 public:
  struct Parts {
    std::size_t state_size = 0;  // float32 numbers a session
    std::size_t draws = 0;       // uniform numbers an answer may use
    std::int64_t gap_ms = 0;     // until the user is back
    nanobind::object begin{};    // (user, time_ms, state [state_size]) fills the state; None: zeros
    nanobind::object respond{};  // (shown, states, uniform) -> ratio float32, leaves uint8, signals uint8, [rows] each
    nanobind::object expect{};   // (shown, states) -> [rows, 3 + kNumSignals] float32: ratio, seconds, leave, signals
  };
  explicit PythonUserModel(Parts parts) : parts_(std::move(parts)) {}
  ~PythonUserModel() override;

  std::string_view name() const noexcept override { return "python"; }
  std::size_t state_size() const noexcept override { return parts_.state_size; }
  std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<Scratch>(); }
  void begin(UserIndex user, std::int64_t time_ms, std::span<float> state) const override;
  void respond(std::span<const Shown> shown, std::span<float* const> states, ExposureKind exposure,
               std::span<const RandomKey> keys, std::span<const std::uint32_t> streams, std::span<Response> out,
               Scratch& scratch) const override;
  void expect(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
              std::span<Expectation> out, Scratch& scratch) const override;
  std::int64_t draw_return_gap(UserIndex user, std::int64_t time_ms, std::span<const float> state, RandomKey key,
                               Scratch& scratch) const override;
  /// What a session left in the state stays.
  void begin_next_session(std::int64_t time_ms, std::span<float> state) const override;

 private:
  Parts parts_;
};

}  // namespace swipegym::python
