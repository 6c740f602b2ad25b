#include "evaluation/platform/day_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "evaluation/metrics/sample_distance.h"
#include "evaluation/platform/season.h"

namespace swipegym {

DayMeter::DayMeter(const PlatformWorld& world, const SeasonConfig& config)
    : world_(world), users_(config.users), came_(config.users, 0) {
  views_.resize(world.catalogue()->num_videos());
  found_day_.assign(views_.size(), -1);
}

void DayMeter::begin_session(std::uint32_t user) noexcept {
  came_[user] = 1;
  sessions_ += 1.0;
}

void DayMeter::ask(const VectorEnv& sessions, std::size_t slate) {
  const std::size_t rows = sessions.config().num_envs;
  best_.resize(rows * slate);
  for (std::size_t row = 0; row < rows; ++row) {
    double sum = 0.0;
    std::size_t taken = 0;
    for (const std::uint32_t video : world_.best_on_offer()) {
      if (taken == slate) break;
      if (!sessions.may_show(row, video)) continue;
      sum += world_.click_appeal(video);
      best_[row * slate + taken++] = sum;
    }
    for (; taken < slate; ++taken) best_[row * slate + taken] = sum;
  }
}

void DayMeter::answered(std::size_t row, const StepView& view, std::size_t slate, bool other) {
  const std::uint32_t consumed = view.consumed[row];
  if (consumed == 0) return;
  double appeal = 0.0;
  for (std::size_t at = row * slate; at < row * slate + consumed; ++at) {
    const auto video = static_cast<std::uint32_t>(view.video[at]);
    appeal += world_.click_appeal(video);
    seconds_ += view.watch_s[at];
    if (other) other_seconds_ += view.watch_s[at];
    clicks_ += has(view.signals[at], Signal::kClick);
    const std::uint32_t known = world_.catalogue()->exposures[video];
    exposure_[known < 10 ? 0 : known < 100 ? 1 : 2] += 1.0;
    ++views_[video];
  }
  videos_ += consumed;
  regret_ += best_[row * slate + consumed - 1] - appeal;
}

void DayMeter::end_session(float gap_h) noexcept {
  ended_ += 1.0;
  returns_ += gap_h <= 24.0F ? 1.0 : 0.0;
}

DayMeasures DayMeter::finish_day(const PlatformWorld& world) {
  DayMeasures out;
  const auto users = static_cast<double>(users_);
  const VideoRange on_offer = world.on_offer();
  out.seconds = seconds_ / users;
  out.visitors = static_cast<double>(std::count(came_.begin(), came_.end(), 1)) / users;
  if (others_ > 0 && others_ < users_) {
    out.other_seconds = other_seconds_ / static_cast<double>(others_);
    out.own_seconds = (seconds_ - other_seconds_) / static_cast<double>(users_ - others_);
  }
  out.sessions = sessions_ / users;
  out.videos = videos_ / users;
  if (videos_ > 0.0) {
    out.clicks = clicks_ / videos_;
    out.regret = regret_ / videos_;
    out.fresh = exposure_[0] / videos_, out.rising = exposure_[1] / videos_, out.known = exposure_[2] / videos_;
  }
  if (ended_ > 0.0) out.returns = returns_ / ended_;
  out.uploads = morning_.uploads, out.arrived = morning_.arrived, out.left = morning_.left;
  out.appeal = morning_appeal_;
  out.on_offer = static_cast<double>(on_offer.size());
  double seen = 0.0;
  for (std::uint32_t video = on_offer.begin; video < on_offer.end; ++video) seen += views_[video] > 0 ? 1.0 : 0.0;
  out.shown_share = seen / out.on_offer;
  for (std::uint32_t video = on_offer.begin; video < on_offer.end; ++video)
    if (found_day_[video] < 0 && world.catalogue()->exposures[video] >= kFoundShows) found_day_[video] = world.day();
  measure_creators(world, out);
  measure_discovery(world, out);
  return out;
}

void DayMeter::measure_creators(const PlatformWorld& world, DayMeasures& out) const {
  const Creators& creators = world.creators();
  std::vector<std::uint32_t> views(creators.size(), 0);
  const VideoRange on_offer = world.on_offer();
  for (std::uint32_t video = on_offer.begin; video < on_offer.end; ++video)
    if (world.creator(video) != PlatformWorld::kNobody) views[world.creator(video)] += views_[video];
  std::vector<std::uint32_t> counted;
  double newcomers = 0.0, alive = 0.0;
  for (std::uint32_t c = 0; c < creators.size(); ++c) {
    if (creators.active(c) || views[c] > 0) counted.push_back(views[c]);
    if (creators.arrived(c) < 0 || creators.arrived(c) != world.day() - kSurvivalDays) continue;
    newcomers += 1.0, alive += creators.active(c) ? 1.0 : 0.0;
  }
  out.creators = static_cast<double>(creators.num_active());
  out.gini = gini(std::move(counted));
  if (newcomers > 0.0) out.newcomers = alive / newcomers;
}

// Of the uploads whose last day on offer this is, as far as they came one by one.
void DayMeter::measure_discovery(const PlatformWorld& world, DayMeasures& out) const {
  const std::int32_t born = world.day() - world.settings().life_days + 1;
  if (born < 1) return;
  std::vector<std::uint32_t> videos;
  const auto all = static_cast<std::uint32_t>(world.catalogue()->num_videos());
  for (std::uint32_t video = 0; video < all; ++video)
    if (world.uploaded(video) == born) videos.push_back(video);
  if (videos.empty()) return;
  const std::size_t good = (videos.size() + 9) / 10;
  std::partial_sort(videos.begin(), videos.begin() + static_cast<std::ptrdiff_t>(good), videos.end(),
                    [&](std::uint32_t a, std::uint32_t b) {
                      const double x = world.click_appeal(a), y = world.click_appeal(b);
                      return x != y ? x > y : a < b;
                    });
  double found = 0.0, days = 0.0;
  for (std::size_t i = 0; i < good; ++i)
    if (found_day_[videos[i]] >= 0) found += 1.0, days += found_day_[videos[i]] - born + 1;
  out.discovery = found / static_cast<double>(good);
  if (found > 0.0) out.found_days = days / found;
}

void DayMeter::begin_day(const PlatformWorld& world, const PlatformWorld::Night& night) {
  seconds_ = other_seconds_ = sessions_ = videos_ = clicks_ = returns_ = ended_ = regret_ = 0.0;
  std::fill(std::begin(exposure_), std::end(exposure_), 0.0);
  std::fill(came_.begin(), came_.end(), std::uint8_t{0});
  const std::size_t videos = world.catalogue()->num_videos();
  views_.assign(videos, 0);
  found_day_.resize(videos, -1);
  morning_ = night;
  morning_appeal_ = kUndefined;
  if (night.uploads == 0) return;
  double sum = 0.0;
  for (std::size_t video = videos - night.uploads; video < videos; ++video)
    sum += world.click_appeal(static_cast<std::uint32_t>(video));
  morning_appeal_ = sum / night.uploads;
}

void DayMeter::save(Hdf5Writer& file, const std::string& group) const {
  file.write(group + "/found_day", found_day_);
  file.write(group + "/morning", std::vector<std::uint32_t>{morning_.uploads, morning_.arrived, morning_.left});
}

void DayMeter::load(const Hdf5Reader& file, const std::string& group, const PlatformWorld& world) {
  const auto morning = file.read<std::uint32_t>(group + "/morning");
  const auto found = file.read<std::int32_t>(group + "/found_day");
  const std::size_t videos = world.catalogue()->num_videos();
  if (morning.size() != 3 || morning[0] > videos || found.size() != videos)
    throw InputError(fmt::format("{}: its measures make no sense", file.path().string()));
  for (const std::int32_t day : found)
    if (day < -1 || day > world.day())
      throw InputError(fmt::format("{}: its measures make no sense", file.path().string()));
  begin_day(world, {morning[0], morning[1], morning[2]});
  found_day_ = found;
}

}  // namespace swipegym
