#pragma once

#include <cstdint>
#include <string>

#include "agents/supervised_task.h"
#include "cli/load.h"
#include "cli/options.h"
#include "core/config.h"
#include "env/catalogue.h"

namespace swipegym::cli {

inline constexpr std::int32_t kNoDay = 0;

/// The days of a command line: each part begins the day after the one before it ends.
struct DaySettings {
  std::int32_t from = 0, until = 99999999, holdout_until = kNoDay, validate_until = kNoDay, test_until = kNoDay;
};
enum class DayParts { kTestOptional, kTestRequired, kWithoutHoldout };  // the last: validation and test required
void add_day_options(Options& options, DaySettings& days, DayParts parts);

/// Throws InputError where a part does not begin after the one before it.
void set_days(const DaySettings& days, SupervisedTask& task);

/// A log and what is to be learned from its days. The task points at the other two.
struct LogTask {
  LogTask(const Run& run, const std::filesystem::path& path, const DaySettings& days);
  LogTask(const LogTask&) = delete;
  LogTask& operator=(const LogTask&) = delete;

  const Dataset& data() const noexcept { return loaded.data; }
  /// Throws InputError for a part that is named and holds no row to learn from or to judge by: before any work.
  void require_rows() const;

  SupervisedTask task;
  LoadedDataset loaded;
  Catalogue catalogue;  // of the rows up to the last day that is learned from
};

/// "20220422 to 20220502", or "none".
std::string show_days(const DayRange& days);
Json days_json(const SupervisedTask& task);

}  // namespace swipegym::cli
