#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/random.h"
#include "sim_data/dataset.h"

namespace swipegym {

/// What creators got and did, day by day: creator c has the days [offset[c], offset[c + 1]) of the columns, the first
/// of which is the day of arrival, on which the creator is known to be there.
struct CreatorPanel {
  std::vector<std::int64_t> creator;           // raw id
  std::vector<std::int32_t> arrival;           // day number of the first day (sim_data/calendar.h)
  std::vector<std::int32_t> idle_before;       // days from the last upload before the first day to it; 0: none
  std::vector<std::uint8_t> was_there;         // 1: since before the panel began, and S with it
  std::vector<std::uint64_t> offset;           // [creators + 1]
  std::vector<float> watches, likes, follows;  // what the creator's videos got on the day
  std::vector<std::uint8_t> uploaded;          // 1: one upload or more on the day

  std::size_t size() const noexcept { return creator.size(); }
  std::size_t days() const noexcept { return uploaded.size(); }
  /// Days with an upload, those of arrival aside: the ones a law of creators explains.
  std::uint64_t later_uploads() const noexcept;
  /// InputError for columns of different sizes, a creator without days, and counts that are negative or no numbers.
  void validate() const;
};

/// Which rows of a log make a panel.
struct CreatorPanelOptions {
  std::int32_t until = 99999999;          // yyyymmdd, the last day; that of the last row at the latest
  std::string watch = "click";            // what counts as a watch: "row" (any), "click" or "long_view"
  bool newcomers = false;                 // only authors whose first upload falls on the log's first day or later
  std::uint64_t most_creators = 100'000;  // if there are more, as many of them are drawn
  RandomKey key{};                        // of that draw
};

/// What a panel was made of.
struct CreatorPanelReport {
  std::int32_t first_date = 0, last_date = 0;  // yyyymmdd
  std::uint64_t authors = 0;                   // of the table
  std::uint64_t later_authors = 0;             // left out: no dated upload up to the last day
  std::uint64_t earlier_authors = 0;           // left out: had uploaded before, and only newcomers were asked for
  std::uint64_t undated_videos = 0;            // left out: without a day of upload
  std::uint64_t rows = 0;                      // that count for a creator of the panel
};

struct LoadedCreatorPanel {
  CreatorPanel panel;
  CreatorPanelReport report;
};

/// The authors of a log's videos as creators. A creator arrives on the day of the first upload, or on the log's first
/// day if that upload is earlier, and has days until the last one; uploads come from the video table, what videos got
/// from rows of both logs. InputError that says the days of both where no upload falls on a day after the first row's,
/// as in KuaiRand-Pure, whose videos are all older than its rows: nothing that creators did can then follow anything
/// they got.
///
/// A log that is a sample of what was shown has a sample of what creators got, and only the uploads that were shown to
/// its users: what is fitted to it is an association, not the effect of attention.
LoadedCreatorPanel panel_of(const Dataset& data, const CreatorPanelOptions& options = {});

}  // namespace swipegym
