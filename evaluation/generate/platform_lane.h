#pragma once

#include "evaluation/generate/lanes.h"
#include "evaluation/generate/logged_feed.h"

namespace swipegym {

/// A session longer than this is cut: a hazard near zero must not keep a lane busy for ever.
inline constexpr std::uint32_t kLongestSession = 1000;

/// Where a chain of sessions begins.
struct ChainStart {
  std::uint32_t user = 0;
  std::int64_t time_ms = 0;
  std::uint8_t tab = 1;
};

/// A user who is shown what the platform would show, session after session by the model's own return gaps, until
/// `end_ms`. What happens to the answers is the derived class's business.
class PlatformLane : public Lane {
 public:
  PlatformLane(const LoggedFeed& feed, const ChainStart& start, std::int64_t end_ms, RandomKey key)
      : feed_(feed), start_(start), end_ms_(end_ms), key_(key) {}

  std::optional<Shown> next(const UserModel& model, std::span<float> state, UserModel::Scratch& scratch) override;
  void answered(const Shown& shown, const Response& response) override;
  ExposureKind exposure() const noexcept override {
    return random_ ? ExposureKind::kInterventional : ExposureKind::kLogged;
  }
  RandomKey key() const noexcept override { return split(session_key_, Draw::kResponse); }
  std::uint32_t stream() const noexcept override { return position_; }

 protected:
  /// One shown video and its answer; `session` and `position` count from 0. Returns false to end the chain here.
  virtual bool record(const Shown& shown, const Response& response, std::uint32_t session, std::uint32_t position) = 0;

 private:
  void open_session();

  const LoggedFeed& feed_;
  ChainStart start_;
  std::int64_t end_ms_;
  RandomKey key_, session_key_;
  std::uint32_t session_ = 0, position_ = 0;
  std::int64_t time_ms_ = 0;
  std::uint8_t tab_ = 1;
  bool random_ = false;  // whether the last video named is a random exposure of the feed
  enum class Where : std::uint8_t { kBefore, kInside, kBetween, kOver } where_ = Where::kBefore;
};

}  // namespace swipegym
