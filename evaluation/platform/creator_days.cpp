#include "evaluation/platform/creator_days.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

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

constexpr std::string_view kDaysKind = "creator_days";
constexpr std::int64_t kDaysVersion = 1;

std::filesystem::path day_file(const std::filesystem::path& folder, std::size_t day) {
  return folder / fmt::format("{:05}.h5", day);
}

void make_days_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError(fmt::format("{}: {}; name a folder that can be made", folder.string(), error.message()));
}

std::uint64_t sum_of_rows(const CreatorDays& days, std::size_t begin, std::size_t end, std::uint64_t sum) {
  each_creator_column(days, [&](const char*, const auto& column) {
    sum =
        byte_sum({reinterpret_cast<const std::uint8_t*>(column.data() + begin), (end - begin) * sizeof column[0]}, sum);
  });
  return sum;
}

void append_day(const std::filesystem::path& path, CreatorDays& days) {
  const Hdf5Reader file(path, kDaysKind, kDaysVersion);
  each_creator_column(days, [&](const char* name, auto& column) {
    const auto more = file.read<typename std::decay_t<decltype(column)>::value_type>(name);
    column.insert(column.end(), more.begin(), more.end());
  });
  each_creator_column(days, [&](const char* name, const auto& column) {
    if (column.size() != days.size())
      throw InputError(fmt::format("{}: the creators' column {} has another length", path.string(), name));
  });
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
  first_row_.push_back(days_.size());
  std::fill(today_.begin(), today_.end(), Counts{});
}

void CreatorMeter::begin_day(const PlatformWorld& world) {
  std::vector<std::uint8_t> uploaded(world.creators().size(), 0);
  for (std::uint32_t video = world.on_offer().end; video-- > 0 && world.uploaded(video) == world.day();)
    uploaded[world.creator(video)] = 1;
  for (std::size_t row = first_row_[first_row_.size() - 2]; row < days_.size(); ++row)
    days_.uploads[row] = uploaded[days_.creator[row]];
}

void CreatorMeter::save(Hdf5Writer& file, const std::string& group, const std::filesystem::path& folder) {
  if (kept_in_ != folder) kept_in_ = folder, kept_ = 0, kept_sum_ = kNoBytes;
  make_days_folder(folder);
  for (; kept_ + 1 < first_row_.size(); ++kept_) {
    const std::size_t begin = first_row_[kept_], end = first_row_[kept_ + 1];
    if (begin < end) {
      Hdf5Writer day(day_file(folder, kept_));
      day.attribute("kind", kDaysKind);
      day.attribute("schema_version", kDaysVersion);
      each_creator_column(days_, [&](const char* name, const auto& column) {
        day.write(name, std::span(column).subspan(begin, end - begin));
      });
      day.commit();
    }
    kept_sum_ = sum_of_rows(days_, begin, end, kept_sum_);
  }
  file.write(group + "/first_row", std::vector<std::uint64_t>(first_row_.begin(), first_row_.end()));
  file.write(group + "/sum", std::vector<std::uint64_t>{kept_sum_});
}

void CreatorMeter::load(const Hdf5Reader& file, const std::string& group, const std::filesystem::path& folder,
                        std::size_t num_days) {
  const auto first = file.read<std::uint64_t>(group + "/first_row");
  const auto stored_sum = file.read<std::uint64_t>(group + "/sum");
  const auto refuse = [](bool holds, const std::filesystem::path& path) {
    if (!holds) throw InputError(fmt::format("{}: is damaged, or of another season", path.string()));
  };
  refuse(first.size() == num_days + 1 && first[0] == 0 && stored_sum.size() == 1, file.path());
  CreatorDays days;
  std::uint64_t sum = kNoBytes;
  for (std::size_t day = 0; day < num_days; ++day) {
    refuse(first[day] <= first[day + 1], file.path());
    if (first[day] < first[day + 1]) append_day(day_file(folder, day), days);
    refuse(days.size() == first[day + 1], day_file(folder, day));
    sum = sum_of_rows(days, first[day], first[day + 1], sum);
  }
  refuse(sum == stored_sum[0], folder);
  days_ = std::move(days), first_row_.assign(first.begin(), first.end());
  kept_in_ = folder, kept_ = num_days, kept_sum_ = sum;
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
