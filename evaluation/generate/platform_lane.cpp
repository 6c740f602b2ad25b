#include "evaluation/generate/platform_lane.h"

namespace swipegym {

void PlatformLane::open_session() {
  session_key_ = split(key_, session_);
  position_ = 0;
  where_ = Where::kInside;
}

std::optional<Shown> PlatformLane::next(const UserModel& model, std::span<float> state, UserModel::Scratch& scratch) {
  const UserIndex user{start_.user};
  if (where_ == Where::kBefore) {
    time_ms_ = start_.time_ms;
    tab_ = start_.tab;
    model.begin(user, time_ms_, state);
    open_session();
  } else if (where_ == Where::kBetween) {
    time_ms_ += model.draw_return_gap(user, time_ms_, state, split(session_key_, Draw::kReturn), scratch);
    if (time_ms_ >= end_ms_) where_ = Where::kOver;
    if (where_ == Where::kOver) return std::nullopt;
    model.begin_next_session(time_ms_, state);
    ++session_;
    tab_ = start_.tab;  // people keep to the tab they open
    open_session();
  } else if (where_ == Where::kOver) {
    return std::nullopt;
  }
  RandomStream random(split(session_key_, Draw::kCandidates), position_);
  const LoggedFeed::Item item =
      position_ == 0 ? feed_.first(start_.user, tab_, random) : feed_.after(start_.user, tab_, random_, random);
  time_ms_ += item.pause_ms;
  random_ = item.random;
  tab_ = item.tab;
  return Shown{user, item.video, time_ms_, item.duration_ms, item.tab};
}

void PlatformLane::answered(const Shown& shown, const Response& response) {
  const bool goes_on = record(shown, response, session_, position_);
  ++position_;
  if (!goes_on)
    where_ = Where::kOver;
  else if (response.leaves || position_ >= kLongestSession)
    where_ = Where::kBetween;
}

}  // namespace swipegym
