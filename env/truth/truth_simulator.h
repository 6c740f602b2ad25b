#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "env/simulator.h"
#include "env/truth/truth_model.h"

namespace swipegym {

inline constexpr std::int32_t kNoDateLimit = 99999999;

/// The truth of `data`, whose raw ids are those of the synthetic world that `truth_json` describes; indices are the
/// data set's. Users begin as the data's rows with date <= until_date left them. Throws InputError when truth_json is
/// not one, or belongs to other data.
std::shared_ptr<const TruthModel> make_truth_model(std::string_view truth_json, const Dataset& data,
                                                   std::int32_t until_date = kNoDateLimit, int threads = 0);

/// A whole world to step in, with the truth as its user model: catalogue and population as a fit to the rows with
/// date <= until_date would have them, so that policies see the same features in both. Throws as make_truth_model does.
Simulator make_truth_simulator(std::string_view truth_json, const Dataset& data, std::int32_t until_date = kNoDateLimit,
                               int threads = 0);

/// Called before each row moves the state on. `shown` carries the duration the truth used, which differs from the
/// row's where that is 0.
using TruthRowVisitor = std::function<void(std::size_t row, const Shown& shown, const float* state)>;

/// Walks the rows of one user with date <= until_date in order, moving `state` (model.state_size() floats) on by what
/// each row says, as if the truth had answered so. model.law() of the visited state is the law the row was drawn from;
/// no fitted simulator can beat it on held-out rows.
void replay_user(const TruthModel& model, const Dataset& data, std::uint32_t user, std::int32_t until_date,
                 std::span<float> state, const TruthRowVisitor& visit = {});

}  // namespace swipegym
