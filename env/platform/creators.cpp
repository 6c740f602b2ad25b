#include "env/platform/creators.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/random_draws.h"

namespace swipegym {
namespace {

constexpr std::int32_t kMostSeasonDays = 1'000'000;

// Children of a world's key.
enum CreatorDraw : std::uint64_t { kTraits = 1, kDays, kArrivals, kMimicked };

}  // namespace

Creators::Creators(const CreatorSettings& settings, RandomKey world, std::uint32_t first)
    : law_(settings, split(world, kTraits)), key_(world), first_(first) {
  add(first, -1);
  for (Reception& reception : reception_) reception.score = settings.first_reception;
}

void Creators::add(std::uint32_t count, std::int32_t day) {
  for (std::uint32_t i = 0; i < count; ++i) {
    traits_.push_back(law_.traits(static_cast<std::uint32_t>(traits_.size())));
    reception_.emplace_back();
    worth_.push_back(0.0), viewed_.push_back(0), mimic_tag_.push_back(0);
    arrived_.push_back(day), left_.push_back(kStays);
  }
}

std::size_t Creators::num_active() const noexcept {
  return static_cast<std::size_t>(std::count(left_.begin(), left_.end(), kStays));
}

// Which video is answered, should one be: any of the day's alike, by a reservoir of one.
void Creators::watched(std::uint32_t creator, std::uint16_t tag) noexcept {
  const std::uint32_t count = ++viewed_[creator];
  RandomStream random(split(split(key_, kMimicked), creator),
                      static_cast<std::uint32_t>(day_) << 16 | std::min(count, 0xFFFFU));
  if (random.below(count) == 0) mimic_tag_[creator] = tag;
}

std::vector<Upload> Creators::next_day() {
  std::vector<Upload> uploads;
  const CreatorSettings& settings = law_.settings();
  const auto today = static_cast<std::uint32_t>(day_);
  const auto here = static_cast<std::uint32_t>(size());
  for (std::uint32_t c = 0; c < here; ++c) {
    if (!active(c)) continue;
    reception_[c] = law_.next_day(reception_[c], worth_[c], viewed_[c], false);
    RandomStream random(split(split(key_, kDays), c), today);
    const double leaves = random.uniform_double(), comes = random.uniform_double();
    const double mimics = random.uniform_double(), takes = random.uniform_double();
    if (leaves < law_.leave_probability(reception_[c])) {
      left_[c] = day_ + 1;
      continue;
    }
    if (comes >= law_.upload_probability(traits_[c], reception_[c])) continue;
    const bool answers = mimic_tag_[c] != 0 && mimics < law_.mimicry_share(traits_[c], reception_[c]);
    uploads.push_back({c, answers && takes < settings.mimic_topic ? mimic_tag_[c] : std::uint16_t{0}});
    reception_[c].idle = 0;
  }
  std::fill(worth_.begin(), worth_.end(), 0.0);
  std::fill(viewed_.begin(), viewed_.end(), 0U);
  ++day_;
  RandomStream random(split(key_, kArrivals), today);
  add(draw_poisson(random, settings.arrivals * first_), day_);
  for (std::uint32_t c = here; c < size(); ++c) uploads.push_back({c, 0});
  return uploads;
}

double Creators::uplift_tonight(std::uint32_t creator, double worth, int days) const noexcept {
  const Reception next = law_.next_day(reception_[creator], worth_[creator], viewed_[creator], false);
  return law_.uplift(traits_[creator], next, worth, days, law_.usual_worth(reception_[creator]));
}

double Creators::mimics_tonight(std::uint32_t creator) const noexcept {
  if (!active(creator) || mimic_tag_[creator] == 0) return 0.0;
  const CreatorTraits& traits = traits_[creator];
  const Reception next = law_.next_day(reception_[creator], worth_[creator], viewed_[creator], false);
  return (1.0 - law_.leave_probability(next)) * law_.upload_probability(traits, next) *
         law_.mimicry_share(traits, next) * law_.settings().mimic_topic;
}

void Creators::save(Hdf5Writer& file, const std::string& group) const {
  std::vector<double> score, mimicry;
  std::vector<std::int32_t> idle;
  for (const Reception& reception : reception_)
    score.push_back(reception.score), mimicry.push_back(reception.mimicry), idle.push_back(reception.idle);
  file.write(group + "/day", std::vector<std::int32_t>{day_});
  file.write(group + "/score", score);
  file.write(group + "/mimicry", mimicry);
  file.write(group + "/idle", idle);
  file.write(group + "/worth", worth_);
  file.write(group + "/viewed", viewed_);
  file.write(group + "/mimic_tag", mimic_tag_);
  file.write(group + "/arrived", arrived_);
  file.write(group + "/left", left_);
}

void Creators::load(const Hdf5Reader& file, const std::string& group) {
  const auto score = file.read<double>(group + "/score"), mimicry = file.read<double>(group + "/mimicry");
  const auto idle = file.read<std::int32_t>(group + "/idle"), day = file.read<std::int32_t>(group + "/day");
  const std::size_t count = score.size();
  const auto arrived = file.read<std::int32_t>(group + "/arrived"), left = file.read<std::int32_t>(group + "/left");
  const auto worth = file.read<double>(group + "/worth");
  const auto viewed = file.read<std::uint32_t>(group + "/viewed");
  const auto mimic_tag = file.read<std::uint16_t>(group + "/mimic_tag");
  const auto same = [count](const auto&... columns) { return ((columns.size() == count) && ...); };
  if (day.size() != 1 || day[0] < 0 || day[0] > kMostSeasonDays || count < first_ ||
      !same(mimicry, idle, arrived, left, worth, viewed, mimic_tag))
    throw InputError(fmt::format("{}: its creators make no sense: columns of other lengths, or fewer than {} creators",
                                 file.path().string(), first_));
  traits_.clear(), reception_.clear(), worth_.clear(), viewed_.clear(), mimic_tag_.clear(), arrived_.clear();
  left_.clear();
  add(static_cast<std::uint32_t>(count), -1);
  for (std::size_t c = 0; c < count; ++c) {
    constexpr double kMost = 1e15;
    const auto is_sum = [](double value) { return value >= 0.0 && value <= kMost; };  // no NaN either
    if (!is_sum(score[c]) || !is_sum(mimicry[c]) || !is_sum(worth[c]) || idle[c] < 0 || idle[c] > kMostSeasonDays)
      throw InputError(fmt::format("{}: the reception of creator {} makes no sense", file.path().string(), c));
    const bool first = c < first_;
    if ((first ? arrived[c] != -1 : arrived[c] < 1 || arrived[c] > day[0]) ||
        (left[c] != kStays && (left[c] <= arrived[c] || left[c] > day[0])))
      throw InputError(fmt::format("{}: the days of creator {} make no sense", file.path().string(), c));
    reception_[c] = {score[c], mimicry[c], idle[c]};
  }
  day_ = day[0], worth_ = worth, viewed_ = viewed, mimic_tag_ = mimic_tag, arrived_ = arrived, left_ = left;
}

}  // namespace swipegym
