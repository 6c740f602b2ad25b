#include "env/user_model.h"

#include <string>

#include "core/error.h"

namespace swipegym {

void UserModel::expect_watch(std::span<const Shown> shown, std::span<const float* const> states, ExposureKind exposure,
                             std::span<Expectation> out, Scratch& scratch) const {
  expect(shown, states, exposure, out, scratch);
}

void UserModel::advance(std::span<const Shown>, std::span<const Response>, std::span<float* const>, ExposureKind,
                        Scratch&) const {
  throw InputError("a user model of kind '" + std::string(name()) + "' cannot follow answers that others gave");
}

}  // namespace swipegym
