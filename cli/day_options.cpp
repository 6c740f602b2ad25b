#include "cli/day_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/supervised_rows.h"
#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/day_text.h"

namespace swipegym::cli {
namespace {

DayRange days_after(std::int32_t last, std::int32_t until, const char* option) {
  if (until == kNoDay) return {1, 0};
  if (until <= last)
    throw InputError(
        fmt::format("{} is {}, expected a day after {}: the parts follow one another in time", option, until, last));
  return {date_of_days(days_of_date(last) + 1), until};
}

}  // namespace

void add_day_options(Options& options, DaySettings& days, DayParts parts) {
  options.date("from", days.from, "the first day that is learned from; all days when absent")
      .date("until", days.until, "the last day that is learned from", true);
  if (parts != DayParts::kWithoutHoldout)
    options.date("holdout-until", days.holdout_until,
                 "the last hold-out day: what LabelCraft chooses its label by; others learn from these days too");
  options
      .date("validate-until", days.validate_until, "the last day of those after, for tuning and early stopping",
            parts == DayParts::kWithoutHoldout)
      .date("test-until", days.test_until, "the last day of those after, for the tables",
            parts != DayParts::kTestOptional);
}

void set_days(const DaySettings& days, SupervisedTask& task) {
  task.train = {days.from, days.until};
  std::int32_t last = days.until;
  task.holdout = days_after(last, days.holdout_until, "--holdout-until");
  last = std::max(last, days.holdout_until);
  task.validate = days_after(last, days.validate_until, "--validate-until");
  last = std::max(last, days.validate_until);
  task.test = days_after(last, days.test_until, "--test-until");
}

LogTask::LogTask(const Run& run, const std::filesystem::path& path, const DaySettings& days) {
  set_days(days, task);
  loaded = load_data(run, path);
  catalogue = build_catalogue(loaded.data, days.until);
  task.data = &loaded.data, task.catalogue = &catalogue;
  task.seed = run.seed, task.threads = run.threads, task.progress = run.progress;
}

void LogTask::require_rows() const {
  const auto require = [&](const DayRange& days, const char* option) {
    if (!days.empty() && rows_of_days(*task.data, {days}).empty())
      throw InputError(fmt::format("no standard row of a known duration is dated {} to {}; choose another {}",
                                   days.from, days.until, option));
  };
  require(task.train, "--until");
  require(task.holdout, "--holdout-until");
  require(task.validate, "--validate-until");
  require(task.test, "--test-until");
}

std::string show_days(const DayRange& days) {
  return days.empty() ? "none" : days_text(days.from, days.until);
}

Json days_json(const SupervisedTask& task) {
  const auto range = [](const DayRange& days) {
    return days.empty() ? Json(nullptr) : Json::array({days.from, days.until});
  };
  return {{"train", range(task.train)},
          {"holdout", range(task.holdout)},
          {"validate", range(task.validate)},
          {"test", range(task.test)}};
}

}  // namespace swipegym::cli
