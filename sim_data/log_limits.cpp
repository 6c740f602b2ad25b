#include "sim_data/log_limits.h"

#include <fmt/format.h>

#include <initializer_list>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {

void throw_not_allowed(const ColumnLimits& limits, std::int64_t value) {
  throw InputError(fmt::format("{} is {}, expected {}", limits.name, value, limits.expected));
}

void throw_no_propensity(float value) {
  throw InputError(fmt::format("propensity is {}, expected a probability above 0, at most 1", value));
}

void throw_not_allowed(const ColumnLimits& limits, std::size_t row, std::int64_t value) {
  throw InputError(fmt::format("{}[{}] is {}, expected {}", limits.name, row, value, limits.expected));
}

bool is_valid(const LogRow& row, std::size_t users, std::size_t videos) noexcept {
  using namespace log_limits;
  return row.user < users && row.video < videos && kTime.allow(row.time_ms) && kPlay.allow(row.play_ms) &&
         kDuration.allow(row.duration_ms) && kDate.allow(row.date) && kHourmin.allow(row.hourmin) &&
         kTab.allow(row.tab) && is_propensity(row.propensity);
}

void validate(const LogRow& row, std::size_t users, std::size_t videos) {
  using namespace log_limits;
  if (is_valid(row, users, videos)) return;
  const auto check = [](const ColumnLimits& limits, std::int64_t value) {
    if (!limits.allow(value)) throw_not_allowed(limits, value);
  };
  check(kDate, row.date), check(kHourmin, row.hourmin), check(kTime, row.time_ms), check(kPlay, row.play_ms);
  check(kDuration, row.duration_ms), check(kTab, row.tab);
  if (!is_propensity(row.propensity)) throw_no_propensity(row.propensity);
  throw InputError(fmt::format("a row is of user {} and video {}, expected indices below {} and {}", row.user,
                               row.video, users, videos));
}

void validate(const Log& log, std::size_t users, std::size_t videos) {
  using namespace log_limits;
  const std::size_t rows = log.size();
  const auto sized = [&](std::string_view name, std::size_t size) { require_size(name, size, rows); };
  sized("video", log.video.size()), sized("time_ms", log.time_ms.size()), sized("play_time_ms", log.play_ms.size());
  sized("duration_ms", log.duration_ms.size()), sized("date", log.date.size()), sized("hourmin", log.hourmin.size());
  sized("tab", log.tab.size()), sized("signals", log.signals.size()), sized("is_rand", log.is_random.size());
  sized("source_row", log.source_row.size());
  if (!log.propensity.empty()) sized("propensity", log.propensity.size());
  check_column(kDate, std::span(log.date)), check_column(kHourmin, std::span(log.hourmin));
  check_column(kTime, std::span(log.time_ms)), check_column(kPlay, std::span(log.play_ms));
  check_column(kDuration, std::span(log.duration_ms)), check_column(kRandom, std::span(log.is_random));
  check_column(kTab, std::span(log.tab));
  for (std::size_t row = 0; row < log.propensity.size(); ++row)
    if (!is_propensity(log.propensity[row]))
      throw InputError(
          fmt::format("propensity[{}] is {}, expected a probability above 0, at most 1", row, log.propensity[row]));
  check_column({"user", 0, static_cast<std::int64_t>(users) - 1, "an index of the table of users"},
               std::span(log.user));
  check_column({"video", 0, static_cast<std::int64_t>(videos) - 1, "an index of the table of videos"},
               std::span(log.video));
}

}  // namespace swipegym
