#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim_data/calendar.h"
#include "sim_data/dataset.h"
#include "sim_data/fingerprint.h"
#include "sim_data/log_row.h"

namespace swipegym {

/// Which rows a caller asked for.
struct RowFilter {
  explicit RowFilter(const LoadOptions& options)
      : from(options.from),
        until(options.until),
        first_user(options.first_user),
        last_user(options.last_user),
        standard(options.standard),
        random(options.random) {}
  bool keep(const LogRow& row) const noexcept {
    return row.date >= from && row.date <= until && (row.is_random != 0 ? random : standard) &&
           row.user >= first_user && row.user <= last_user;
  }
  std::int32_t from, until;
  std::uint32_t first_user, last_user;
  bool standard, random;
};

/// What is known of a set of rows without keeping them; parts may be summed in any order.
class RowSummary {
 public:
  void add(const LogRow& row) noexcept {
    ++rows_;
    hash_ += hash_row(row);
    duration_zero_ += row.duration_ms == 0;
    if (row.date != date_) {
      date_ = row.date;
      day_ = days_of_date(row.date);
    }
    const std::int64_t local_ms = row.time_ms + kUtcOffsetMs;
    const std::int64_t hour = local_ms % kDayMs / 3'600'000;
    date_differs_ += local_ms / kDayMs != day_;
    hour_differs_ += hour != row.hourmin / 100;  // the files cut hourmin to the hour
  }
  void merge(const RowSummary& other) noexcept {
    rows_ += other.rows_;
    hash_ += other.hash_;
    duration_zero_ += other.duration_zero_;
    date_differs_ += other.date_differs_;
    hour_differs_ += other.hour_differs_;
  }
  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t hash() const noexcept { return hash_; }
  void note(std::map<std::string, std::uint64_t>& noted) const {
    if (duration_zero_ > 0) noted["duration 0"] += duration_zero_;
    if (date_differs_ > 0) noted["date differs from time_ms"] += date_differs_;
    if (hour_differs_ > 0) noted["hour differs from time_ms"] += hour_differs_;
  }

 private:
  std::uint64_t rows_ = 0, hash_ = 0, duration_zero_ = 0, date_differs_ = 0, hour_differs_ = 0;
  std::int32_t date_ = 0;
  std::int64_t day_ = 0;
};

}  // namespace swipegym
