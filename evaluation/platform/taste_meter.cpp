#include "evaluation/platform/taste_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/byte_sum.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

std::array<std::uint8_t, TasteMeter::kInterests> strongest_topics(const TruthUser& user) {
  std::array<std::uint8_t, kTruthTopics> order;
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::partial_sort(order.begin(), order.begin() + TasteMeter::kInterests, order.end(),
                    [&user](std::uint8_t a, std::uint8_t b) {
                      return user.taste[a] != user.taste[b] ? user.taste[a] > user.taste[b] : a < b;
                    });
  std::array<std::uint8_t, TasteMeter::kInterests> out;
  std::copy_n(order.begin(), out.size(), out.begin());
  return out;
}

std::span<const std::uint8_t> bytes_of_states(const std::vector<float>& states) {
  return {reinterpret_cast<const std::uint8_t*>(states.data()), states.size() * sizeof(float)};
}

}  // namespace

TasteMeter::TasteMeter(const PlatformWorld& world)
    : truth_(dynamic_cast<const TruthModel*>(world.simulator()->model.get())), users_(world.users()) {
  if (truth_ == nullptr) return;
  state_.assign(users_ * kTruthStateSize, 0.0F);
  came_.assign(users_, 0), served_.assign(users_ * kInterests, 0);
  shown_.assign(users_, {});
  for (std::uint32_t user = 0; user < users_; ++user)
    topics_.push_back(strongest_topics(truth_->user(UserIndex{user})));
}

void TasteMeter::begin_session(std::uint32_t user, std::int64_t time_ms) {
  if (truth_ == nullptr) return;
  const std::span<float> state(&state_[user * kTruthStateSize], kTruthStateSize);
  if (came_[user] != 0) return truth_->begin_next_session(time_ms, state);
  truth_->begin(UserIndex{user}, time_ms, state);
  came_[user] = 1;
}

void TasteMeter::answered(std::uint32_t user, std::uint32_t video, float watch_ratio, std::int64_t time_ms) {
  if (truth_ == nullptr) return;
  const TruthVideo& what = truth_->video(VideoIndex{video});
  truth_->observe({.user = UserIndex{user}, .video = VideoIndex{video}, .time_ms = time_ms}, watch_ratio,
                  &state_[user * kTruthStateSize]);
  for (std::size_t k = 0; k < kTruthFactors; ++k) shown_[user][k] += what.factor[k];
  for (std::size_t k = 0; k < kInterests; ++k)
    if (topics_[user][k] == what.topic[0]) served_[user * kInterests + k] = 1;
  videos_ += 1.0;
}

// What the season has shifted, of a user who would come at that time: the tastes, less those that the user would have
// had the season not been. What the log had shifted fades in both.
TasteMeter::Factors TasteMeter::shift_at(std::uint32_t user, std::int64_t time_ms, std::vector<float>& room) const {
  Factors out{};
  if (came_[user] == 0) return out;
  room.resize(2 * kTruthStateSize);
  const std::span<float> now(room.data(), kTruthStateSize), anyway(room.data() + kTruthStateSize, kTruthStateSize);
  std::copy_n(&state_[user * kTruthStateSize], kTruthStateSize, now.begin());
  truth_->begin_next_session(time_ms, now);
  truth_->begin(UserIndex{user}, time_ms, anyway);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = now[kTruthDrift + k] - anyway[kTruthDrift + k];
  return out;
}

void TasteMeter::finish_day(std::int64_t midnight_ms, DayMeasures& out) {
  if (truth_ == nullptr) return;
  double drift = 0.0, echo = 0.0;
  std::array<double, kInterests> served{};
  std::vector<float> room;
  for (std::uint32_t user = 0; user < users_; ++user) {
    const Factors shifted = shift_at(user, midnight_ms, room);
    double squares = 0.0;
    for (std::size_t k = 0; k < kTruthFactors; ++k) {
      const double shift = shifted[k];
      squares += shift * shift, echo += shift * static_cast<double>(shown_[user][k]);
    }
    drift += std::sqrt(squares);
    for (std::size_t k = 0; k < kInterests; ++k) served[k] += served_[user * kInterests + k];
  }
  const auto users = static_cast<double>(users_);
  out.drift = drift / users;
  if (videos_ > 0.0) out.echo = echo / videos_;
  out.second_interest = served[1] / users, out.third_interest = served[2] / users;
  std::fill(shown_.begin(), shown_.end(), Factors{});
  videos_ = 0.0;
}

void TasteMeter::save(Hdf5Writer& file, const std::string& group) const {
  if (truth_ == nullptr) return;
  file.write(group + "/state", state_);
  // Only the truth knows what a state may hold.
  file.write(group + "/sum", std::vector<std::uint64_t>{byte_sum(bytes_of_states(state_))});
  file.write(group + "/came", came_);
  file.write(group + "/served", served_);
}

void TasteMeter::load(const Hdf5Reader& file, const std::string& group) {
  if (truth_ == nullptr) return;
  const auto state = file.read<float>(group + "/state");
  const auto sum = file.read<std::uint64_t>(group + "/sum");
  const auto came = file.read<std::uint8_t>(group + "/came"), served = file.read<std::uint8_t>(group + "/served");
  const auto flags = [](const std::vector<std::uint8_t>& column) {
    return std::all_of(column.begin(), column.end(), [](std::uint8_t flag) { return flag <= 1; });
  };
  const bool whole = state.size() == state_.size() && came.size() == came_.size() && served.size() == served_.size();
  if (!whole || !flags(came) || !flags(served) || sum.size() != 1 || sum[0] != byte_sum(bytes_of_states(state)))
    throw InputError(fmt::format("{}: the users' tastes make no sense", file.path().string()));
  state_ = state, came_ = came, served_ = served;
}

}  // namespace swipegym
