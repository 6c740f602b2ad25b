#include "evaluation/platform/creator_days.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// Calls visit(name, column) for all columns, in the order of files.
template <class Days, class Visit>
void each_creator_column(Days& days, const Visit& visit) {
  visit("creator", days.creator), visit("day", days.day), visit("age", days.age);
  visit("treated", days.treated), visit("reception", days.reception), visit("idle", days.idle);
  visit("shows", days.shows), visit("random_shows", days.random_shows), visit("watches", days.watches);
  visit("likes", days.likes), visit("follows", days.follows), visit("uploads", days.uploads);
  visit("uplift", days.uplift);
}

}  // namespace

bool CreatorMeter::treated(std::uint32_t creator, std::int32_t day) const noexcept {
  return RandomStream(split(key_, creator), static_cast<std::uint32_t>(day)).uniform_double() < treated_share_;
}

void CreatorMeter::add(const PlatformWorld& world, const ShownAnswer& answer, bool random) {
  const std::uint32_t creator = world.creator(answer.video);
  if (creator == PlatformWorld::kNobody) return;
  if (today_.size() <= creator) today_.resize(world.creators().size());
  Counts& counts = today_[creator];
  ++counts.shows;
  counts.random_shows += random ? 1 : 0;
  counts.watches += has(answer.signals, Signal::kClick);
  counts.likes += has(answer.signals, Signal::kLike);
  counts.follows += has(answer.signals, Signal::kFollow);
}

void CreatorMeter::end_day(const PlatformWorld& world) {
  const Creators& creators = world.creators();
  today_.resize(creators.size());
  last_day_ = days_.size();
  const double watch = creators.law().settings().watch_weight;
  for (std::uint32_t c = 0; c < creators.size(); ++c) {
    if (!creators.active(c)) continue;
    const Counts& counts = today_[c];
    days_.creator.push_back(c), days_.day.push_back(creators.day());
    days_.age.push_back(creators.day() - creators.arrived(c));
    days_.treated.push_back(treated(c, creators.day()) ? 1 : 0);
    days_.reception.push_back(static_cast<float>(creators.reception(c).score));
    days_.idle.push_back(creators.reception(c).idle);
    days_.shows.push_back(counts.shows), days_.random_shows.push_back(counts.random_shows);
    days_.watches.push_back(counts.watches), days_.likes.push_back(counts.likes);
    days_.follows.push_back(counts.follows);
    days_.uploads.push_back(0);
    days_.uplift.push_back(static_cast<float>(creators.uplift_tonight(c, watch, world.settings().uplift_days)));
  }
  std::fill(today_.begin(), today_.end(), Counts{});
}

void CreatorMeter::begin_day(const PlatformWorld& world) {
  std::vector<std::uint8_t> uploaded(world.creators().size(), 0);
  for (std::uint32_t video = world.on_offer().end; video-- > 0 && world.uploaded(video) == world.day();)
    uploaded[world.creator(video)] = 1;
  for (std::size_t row = last_day_; row < days_.size(); ++row) days_.uploads[row] = uploaded[days_.creator[row]];
}

void CreatorMeter::save(Hdf5Writer& file, const std::string& group) const {
  each_creator_column(days_, [&](const char* name, const auto& column) { file.write(group + "/" + name, column); });
}

void CreatorMeter::load(const Hdf5Reader& file, const std::string& group) {
  each_creator_column(days_, [&](const char* name, auto& column) {
    column = file.read<typename std::decay_t<decltype(column)>::value_type>(group + "/" + name);
  });
  each_creator_column(days_, [&](const char* name, const auto& column) {
    if (column.size() != days_.size())
      throw InputError(fmt::format("{}: the creators' column {} has another length", file.path().string(), name));
  });
  last_day_ = days_.size();
}

std::string creator_days_csv(const CreatorDays& days) {
  std::string out;
  each_creator_column(days,
                      [&](const char* name, const auto&) { out += out.empty() ? name : fmt::format(",{}", name); });
  out += '\n';
  auto at = std::back_inserter(out);
  for (std::size_t row = 0; row < days.size(); ++row) {
    bool first = true;
    each_creator_column(days, [&](const char*, const auto& column) {
      fmt::format_to(at, "{}{}", first ? "" : ",", column[row]);
      first = false;
    });
    out += '\n';
  }
  return out;
}

}  // namespace swipegym
