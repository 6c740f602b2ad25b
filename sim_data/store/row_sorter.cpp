#include "sim_data/store/row_sorter.h"

#include <algorithm>
#include <utility>

#include "core/parallel_for.h"

namespace swipegym {

namespace {

constexpr std::size_t kBuckets = 256;
constexpr std::size_t kPieceRows = 4096;          // 160 KiB: 256 open pieces take 40 MiB
constexpr std::uint64_t kGroupRows = 512 * 1024;  // rows sorted between two calls of the sink, 20 MiB

// Sorts by (user, time_ms, source_row) through small keys: a row is three times as wide.
void sort_rows(std::vector<LogRow>& rows) {
  const auto less = [](const LogRow& a, const LogRow& b) {
    if (a.user != b.user) return a.user < b.user;
    return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.source_row < b.source_row;
  };
  if (std::is_sorted(rows.begin(), rows.end(), less)) return;
  struct Key {
    std::uint64_t user_and_time;
    std::uint32_t source_row, position;
  };
  // time_ms stays below 2^42 (the reader's limit is the year 2100); users are counted from the bucket's first.
  const std::uint32_t first_user = std::min_element(rows.begin(), rows.end(), [](const LogRow& a, const LogRow& b) {
                                     return a.user < b.user;
                                   })->user;
  std::vector<Key> keys(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    keys[i] = {std::uint64_t{rows[i].user - first_user} << 42 | static_cast<std::uint64_t>(rows[i].time_ms),
               rows[i].source_row, static_cast<std::uint32_t>(i)};
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return a.user_and_time != b.user_and_time ? a.user_and_time < b.user_and_time : a.source_row < b.source_row;
  });
  std::vector<LogRow> sorted(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) sorted[i] = rows[keys[i].position];
  rows = std::move(sorted);
}

// Of sorted rows with one (user, video, time_ms), keeps the first. Returns how many went.
std::uint64_t drop_repeated(std::vector<LogRow>& rows) {
  std::size_t kept = 0;
  std::vector<std::pair<std::uint32_t, std::size_t>> videos;  // of a run of equal (user, time), for long runs
  std::vector<std::size_t> later_copies;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() && rows[end].time_ms == rows[begin].time_ms && rows[end].user == rows[begin].user) ++end;
    if (end - begin <= 16) {
      const std::size_t run = kept;
      for (std::size_t i = begin; i < end; ++i) {
        const bool seen = std::any_of(rows.begin() + static_cast<std::ptrdiff_t>(run),
                                      rows.begin() + static_cast<std::ptrdiff_t>(kept),
                                      [&](const LogRow& row) { return row.video == rows[i].video; });
        if (!seen) rows[kept++] = rows[i];
      }
    } else {
      videos.clear();
      later_copies.clear();
      for (std::size_t i = begin; i < end; ++i) videos.emplace_back(rows[i].video, i);
      std::sort(videos.begin(), videos.end());
      for (std::size_t i = 1; i < videos.size(); ++i)
        if (videos[i].first == videos[i - 1].first) later_copies.push_back(videos[i].second);
      std::sort(later_copies.begin(), later_copies.end());
      auto copy = later_copies.begin();
      for (std::size_t i = begin; i < end; ++i) {
        if (copy != later_copies.end() && *copy == i) {
          ++copy;
        } else {
          rows[kept++] = rows[i];
        }
      }
    }
    begin = end;
  }
  const std::uint64_t dropped = rows.size() - kept;
  rows.resize(kept);
  return dropped;
}

}  // namespace

RowSorter::RowSorter(std::size_t users, std::filesystem::path spill_folder) {
  if (!spill_folder.empty()) spill_.emplace(std::move(spill_folder));
  users_per_bucket_ = std::max<std::size_t>(1, (users + kBuckets - 1) / kBuckets);
  buckets_.resize((users + users_per_bucket_ - 1) / users_per_bucket_);
}

void RowSorter::add(std::span<const LogRow> rows) {
  for (const LogRow& row : rows) {
    Bucket& bucket = buckets_[row.user / users_per_bucket_];
    if (bucket.open.size() == kPieceRows) put_away(bucket);
    bucket.open.push_back(row);
    ++bucket.rows;
  }
  rows_ += rows.size();
}

void RowSorter::put_away(Bucket& bucket) {
  if (!spill_) {
    bucket.full.push_back(std::exchange(bucket.open, {}));
    bucket.open.reserve(kPieceRows);
    return;
  }
  bucket.spilled.push_back(spill_->append(bucket.open.data(), bucket.open.size() * sizeof(LogRow)));
  bucket.open.clear();
}

std::vector<LogRow> RowSorter::take(Bucket& bucket) {
  std::vector<LogRow> rows;
  if (bucket.full.empty() && bucket.spilled.empty()) {
    rows = std::exchange(bucket.open, {});
    return rows;
  }
  rows.resize(bucket.rows);
  auto* out = rows.data();
  for (const std::uint64_t offset : bucket.spilled) {
    spill_->read(out, kPieceRows * sizeof(LogRow), offset);
    out += kPieceRows;
  }
  for (std::vector<LogRow>& piece : bucket.full) {
    out = std::copy(piece.begin(), piece.end(), out);
    std::vector<LogRow>().swap(piece);
  }
  std::copy(bucket.open.begin(), bucket.open.end(), out);
  std::vector<LogRow>().swap(bucket.open);
  return rows;
}

RowSorter::Drained RowSorter::drain(int threads, const RowFilter& filter, const Progress& progress,
                                    const std::function<void(std::span<const LogRow>)>& sink) {
  Drained total;
  std::uint64_t done = 0;
  for (std::size_t first = 0; first < buckets_.size();) {
    // A group is a fixed number of rows, or one bucket where that holds more.
    std::size_t last = first;
    std::uint64_t group_rows = 0;
    do {
      group_rows += buckets_[last++].rows;
    } while (last < buckets_.size() && group_rows + buckets_[last].rows <= kGroupRows);
    std::vector<std::vector<LogRow>> sorted(last - first);
    std::vector<Drained> part(last - first);
    parallel_for(last - first, threads, [&](std::size_t i, int) {
      std::vector<LogRow>& rows = sorted[i];
      rows = take(buckets_[first + i]);
      sort_rows(rows);
      part[i].repeated = drop_repeated(rows);
      std::erase_if(rows, [&](const LogRow& row) { return !filter.keep(row); });
      for (const LogRow& row : rows) part[i].kept.add(row);
    });
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      sink(sorted[i]);
      std::vector<LogRow>().swap(sorted[i]);
      total.repeated += part[i].repeated;
      total.kept.merge(part[i].kept);
    }
    done += group_rows;
    report(progress, "sorting rows", done, rows_);
    first = last;
  }
  return total;
}

}  // namespace swipegym
