#include "env/platform/creator_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "core/error.h"
#include "core/validate.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr std::int32_t kNoUpload = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kLeftOut = std::numeric_limits<std::uint32_t>::max();

// Days [first, last] of something, as day numbers; first > last: none.
struct DaySpan {
  std::int32_t first = kNoUpload, last = std::numeric_limits<std::int32_t>::min();

  void add(std::int32_t day) noexcept { first = std::min(first, day), last = std::max(last, day); }
  std::string text() const { return fmt::format("{} to {}", date_of_days(first), date_of_days(last)); }
};

DaySpan days_of_rows(const Log& log, std::int32_t until) {
  DaySpan dates;  // yyyymmdd first: millions of rows have few dates
  for (const std::int32_t date : log.date)
    if (date <= until) dates.add(date);
  if (dates.first > dates.last)
    throw InputError(fmt::format("no row is dated {} or earlier: creators are fitted to what their videos got", until));
  return {days_of_date(dates.first), days_of_date(dates.last)};
}

void require_upload_after_rows(const VideoTable& videos, const DaySpan& rows) {
  DaySpan uploads;
  for (const std::int32_t date : videos.upload_date) {
    if (date == 0) continue;
    const std::int32_t day = days_of_date(date);
    if (day > rows.first && day <= rows.last) return;
    uploads.add(day);
  }
  if (uploads.first > uploads.last)
    throw InputError("no video has an upload date: when creators upload cannot be seen");
  throw InputError(
      fmt::format("no upload follows a row: videos were uploaded {}, rows are dated {}; how creators answer what their "
                  "videos get cannot be seen in this log",
                  uploads.text(), rows.text()));
}

// Days between which an author uploads, of those up to `last`.
std::vector<DaySpan> uploads_of_authors(const VideoTable& videos, const DaySpan& rows, CreatorPanelReport& report) {
  std::vector<DaySpan> out(videos.num_authors());
  for (std::size_t v = 0; v < videos.size(); ++v) {
    if (videos.upload_date[v] == 0) {
      ++report.undated_videos;
      continue;
    }
    const std::int32_t day = days_of_date(videos.upload_date[v]);
    if (day > rows.last) continue;
    DaySpan& span = out[videos.author[v]];
    // What is asked of the last day is how long ago it was when the log begins.
    span.first = std::min(span.first, day);
    if (day < rows.first) span.last = std::max(span.last, day);
  }
  return out;
}

// Leaves out those who have uploaded before the rows begin, and counts them.
void keep_newcomers(std::vector<DaySpan>& uploads, const DaySpan& rows, CreatorPanelReport& report) {
  for (DaySpan& span : uploads) {
    if (span.first >= rows.first) continue;
    ++report.earlier_authors;
    span = {};
  }
}

// Authors of the panel in the table's order; at most `most`, drawn by their own keys.
std::vector<std::uint32_t> chosen_authors(const std::vector<DaySpan>& uploads, const CreatorPanelOptions& options) {
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t author = 0; author < uploads.size(); ++author)
    if (uploads[author].first != kNoUpload) chosen.push_back(author);
  if (chosen.size() <= options.most_creators) return chosen;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> drawn;
  for (const std::uint32_t author : chosen)
    drawn.emplace_back(RandomStream(split(options.key, author)).next_u64(), author);
  const auto end = drawn.begin() + static_cast<std::ptrdiff_t>(options.most_creators);
  std::nth_element(drawn.begin(), end, drawn.end());
  drawn.erase(end, drawn.end());
  chosen.clear();
  for (const auto& [number, author] : drawn) chosen.push_back(author);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::uint8_t watch_bits(const std::string& watch) {
  if (watch == "row") return 0;
  if (watch == "click") return bit(Signal::kClick);
  if (watch == "long_view") return bit(Signal::kLongView);
  throw InputError(fmt::format("what counts as a watch is '{}', expected row, click or long_view", watch));
}

}  // namespace

std::uint64_t CreatorPanel::later_uploads() const noexcept {
  std::uint64_t uploads = 0;
  for (std::size_t c = 0; c < size(); ++c)
    for (std::uint64_t day = offset[c] + 1; day < offset[c + 1]; ++day) uploads += uploaded[day];
  return uploads;
}

void CreatorPanel::validate() const {
  require_size("panel.arrival", arrival.size(), size());
  require_size("panel.idle_before", idle_before.size(), size());
  require_between("panel.idle_before", std::span(idle_before), 0, 1'000'000);
  require_size("panel.was_there", was_there.size(), size());
  require_between("panel.was_there", std::span(was_there), std::uint8_t{0}, std::uint8_t{1});
  require_offsets("panel.offset", std::span(offset), size(), days());
  for (std::size_t c = 0; c < size(); ++c)
    if (offset[c + 1] == offset[c])
      throw InputError(
          fmt::format("creator {} of the panel has no days, expected at least that of arrival", creator[c]));
  for (const auto& [name, column] :
       {std::pair("panel.watches", &watches), {"panel.likes", &likes}, {"panel.follows", &follows}}) {
    require_size(name, column->size(), days());
    require_between(name, std::span(*column), 0.0F, 1e12F);
  }
  require_between("panel.uploaded", std::span(uploaded), std::uint8_t{0}, std::uint8_t{1});
}

LoadedCreatorPanel panel_of(const Dataset& data, const CreatorPanelOptions& options) {
  const std::uint8_t watch = watch_bits(options.watch);
  const VideoTable& videos = data.videos;
  const DaySpan rows = days_of_rows(data.log, options.until);
  require_upload_after_rows(videos, rows);

  LoadedCreatorPanel out;
  CreatorPanel& panel = out.panel;
  out.report.first_date = date_of_days(rows.first), out.report.last_date = date_of_days(rows.last);
  out.report.authors = videos.num_authors();
  std::vector<DaySpan> uploads = uploads_of_authors(videos, rows, out.report);
  out.report.later_authors = static_cast<std::uint64_t>(
      std::count_if(uploads.begin(), uploads.end(), [](const DaySpan& span) { return span.first == kNoUpload; }));
  if (options.newcomers) keep_newcomers(uploads, rows, out.report);
  std::vector<std::uint32_t> place(uploads.size(), kLeftOut);  // of an author in the panel
  panel.offset.push_back(0);
  for (const std::uint32_t author : chosen_authors(uploads, options)) {
    const DaySpan& span = uploads[author];
    place[author] = static_cast<std::uint32_t>(panel.size());
    panel.creator.push_back(videos.author_raw_id[author]);
    panel.arrival.push_back(std::max(span.first, rows.first));
    panel.was_there.push_back(span.first < rows.first ? 1 : 0);
    panel.idle_before.push_back(span.first < rows.first ? rows.first - span.last : 0);
    panel.offset.push_back(panel.offset.back() + static_cast<std::uint64_t>(rows.last - panel.arrival.back() + 1));
  }

  const std::size_t days = panel.offset.back();
  for (std::vector<float>* column : {&panel.watches, &panel.likes, &panel.follows}) column->assign(days, 0.0F);
  panel.uploaded.assign(days, 0);
  // Where an author's day is in the columns; `days` where it is in none.
  const auto at = [&](std::uint32_t author, std::int32_t day) {
    const std::uint32_t c = place[author];
    if (c == kLeftOut || day < panel.arrival[c] || day > rows.last) return days;
    return static_cast<std::size_t>(panel.offset[c]) + static_cast<std::size_t>(day - panel.arrival[c]);
  };
  for (std::size_t v = 0; v < videos.size(); ++v)
    if (videos.upload_date[v] != 0)
      if (const std::size_t cell = at(videos.author[v], days_of_date(videos.upload_date[v])); cell < days)
        panel.uploaded[cell] = 1;
  const Log& log = data.log;
  for (std::size_t row = 0; row < log.size(); ++row) {
    const std::size_t cell = at(videos.author[index_of(log.video[row])], days_of_date(log.date[row]));
    if (cell >= days) continue;
    ++out.report.rows;
    panel.watches[cell] += watch == 0 || (log.signals[row] & watch) != 0 ? 1.0F : 0.0F;
    panel.likes[cell] += has(log.signals[row], Signal::kLike) ? 1.0F : 0.0F;
    panel.follows[cell] += has(log.signals[row], Signal::kFollow) ? 1.0F : 0.0F;
  }
  panel.validate();
  return out;
}

}  // namespace swipegym
