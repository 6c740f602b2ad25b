#include "evaluation/platform/creator_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

// Calls visit(name, column) for all columns, in the order of files.
template <class Panel, class Visit>
void each_panel_column(Panel& panel, const Visit& visit) {
  visit("creator", panel.creator), visit("day", panel.day), visit("age", panel.age);
  visit("treated", panel.treated), visit("reception", panel.reception), visit("idle", panel.idle);
  visit("shows", panel.shows), visit("random_shows", panel.random_shows), visit("watches", panel.watches);
  visit("likes", panel.likes), visit("follows", panel.follows), visit("uploads", panel.uploads);
  visit("uplift", panel.uplift);
}

}  // namespace

bool PanelMeter::treated(std::uint32_t creator, std::int32_t day) const noexcept {
  return RandomStream(split(key_, creator), static_cast<std::uint32_t>(day)).uniform_double() < treated_share_;
}

void PanelMeter::add(const PlatformWorld& world, const ShownAnswer& answer, bool random) {
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

void PanelMeter::end_day(const PlatformWorld& world) {
  const Creators& creators = world.creators();
  today_.resize(creators.size());
  last_day_ = panel_.size();
  const double watch = creators.law().settings().watch_weight;
  for (std::uint32_t c = 0; c < creators.size(); ++c) {
    if (!creators.active(c)) continue;
    const Counts& counts = today_[c];
    panel_.creator.push_back(c), panel_.day.push_back(creators.day());
    panel_.age.push_back(creators.day() - creators.arrived(c));
    panel_.treated.push_back(treated(c, creators.day()) ? 1 : 0);
    panel_.reception.push_back(static_cast<float>(creators.reception(c).score));
    panel_.idle.push_back(creators.reception(c).idle);
    panel_.shows.push_back(counts.shows), panel_.random_shows.push_back(counts.random_shows);
    panel_.watches.push_back(counts.watches), panel_.likes.push_back(counts.likes);
    panel_.follows.push_back(counts.follows);
    panel_.uploads.push_back(0);
    panel_.uplift.push_back(static_cast<float>(creators.uplift(c, watch, world.settings().uplift_days)));
  }
  std::fill(today_.begin(), today_.end(), Counts{});
}

void PanelMeter::begin_day(const PlatformWorld& world) {
  std::vector<std::uint8_t> uploaded(world.creators().size(), 0);
  for (std::uint32_t video = world.on_offer().end; video-- > 0 && world.uploaded(video) == world.day();)
    uploaded[world.creator(video)] = 1;
  for (std::size_t row = last_day_; row < panel_.size(); ++row) panel_.uploads[row] = uploaded[panel_.creator[row]];
}

void PanelMeter::save(Hdf5Writer& file, const std::string& group) const {
  each_panel_column(panel_, [&](const char* name, const auto& column) { file.write(group + "/" + name, column); });
}

void PanelMeter::load(const Hdf5Reader& file, const std::string& group) {
  each_panel_column(panel_, [&](const char* name, auto& column) {
    column = file.read<typename std::decay_t<decltype(column)>::value_type>(group + "/" + name);
  });
  each_panel_column(panel_, [&](const char* name, const auto& column) {
    if (column.size() != panel_.size())
      throw InputError(fmt::format("{}: the creators' column {} has another length", file.path().string(), name));
  });
  last_day_ = panel_.size();
}

std::string panel_csv(const CreatorPanel& panel) {
  std::string out;
  each_panel_column(panel,
                    [&](const char* name, const auto&) { out += out.empty() ? name : fmt::format(",{}", name); });
  out += '\n';
  auto at = std::back_inserter(out);
  for (std::size_t row = 0; row < panel.size(); ++row) {
    bool first = true;
    each_panel_column(panel, [&](const char*, const auto& column) {
      fmt::format_to(at, "{}{}", first ? "" : ",", column[row]);
      first = false;
    });
    out += '\n';
  }
  return out;
}

}  // namespace swipegym
