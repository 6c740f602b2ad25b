#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>
#include <tuple>

#include "core/error.h"
#include "core/parallel_for.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/csv_blocks.h"
#include "sim_data/csv/table_cells.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/id_map.h"
#include "sim_data/ordered_for.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kVideoBlockBytes = 1 << 20;

struct VideoColumn {
  enum Role : std::size_t {
    kId,
    kAuthor,
    kVideoType,
    kUploadDate,
    kUploadType,
    kLength,
    kWidth,
    kHeight,
    kMusic,
    kMusicType,
    kTags,
    kVisible,  // may be missing
    kCount
  };
};
constexpr std::array<std::string_view, VideoColumn::kCount> kNames = {
    "video_id",     "author_id",     "video_type", "upload_dt",  "upload_type", "video_duration",
    "server_width", "server_height", "music_id",   "music_type", "tag",         "visible_status"};

// Texts as small codes, in order of first appearance.
struct Codes {
  std::vector<std::string> texts;
  std::uint32_t of(std::string_view text) {
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (texts[i] == text) return static_cast<std::uint32_t>(i);
    texts.emplace_back(text);
    return static_cast<std::uint32_t>(texts.size() - 1);
  }
};

struct Problem {
  std::string reason, message;
  std::size_t column = 1;
};

// The rows of one block: as VideoTable, with the block's own codes and raw authors.
struct Parsed {
  std::vector<std::int64_t> id, author, music;
  std::vector<std::uint32_t> video_type, upload_type, tag_count;
  std::vector<std::int32_t> upload_date;
  std::vector<float> duration_ms;
  std::vector<std::int16_t> width, height;
  std::vector<std::int8_t> music_type, visible;
  std::vector<std::uint16_t> tag;
  Codes video_types, upload_types;
  IdTexts id_text;
  std::uint64_t lines = 0;
  std::map<std::string, std::uint64_t> skipped, noted;
  std::optional<Problem> problem;
};

// Thrown inside a row's parsing; caught by the block's.
struct BadCell {
  std::size_t cell;
  std::string reason, message;
};

class VideoParser {
 public:
  explicit VideoParser(const CsvFile& file) : columns_(file.header().size()) {
    std::tie(position_[VideoColumn::kId], is_text_) = require_id_column(file, kNames[VideoColumn::kId]);
    for (std::size_t role = VideoColumn::kId + 1; role < VideoColumn::kVisible; ++role)
      position_[role] = file.require_column(kNames[role]);
    position_[VideoColumn::kVisible] = file.find_column(kNames[VideoColumn::kVisible]);
  }

  bool is_text() const noexcept { return is_text_; }

  Parsed parse(std::string_view text, bool skip_bad_rows) const {
    Parsed out;
    std::vector<std::string_view> cells;
    std::vector<std::string> storage;
    std::array<std::uint64_t, VideoColumn::kCount> empty{}, unknown{}, odd{};
    for (; !text.empty(); ++out.lines) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + 1);
      try {
        if (!split_cells(line, cells, storage)) throw BadCell{0, "unbalanced quotes", "a quote is not closed"};
        if (cells.size() != columns_)
          throw BadCell{cells.size() - 1, "wrong number of columns",
                        fmt::format("the row has {} columns, expected {} as in the header; is the file cut short?",
                                    cells.size(), columns_)};
        parse_row(cells, out, empty, unknown, odd);
      } catch (BadCell& bad) {
        if (!skip_bad_rows) {
          // A line that begins with an open quote has no cell yet.
          const std::size_t column = cells.empty() ? 1 : place_in(line, cells[std::min(bad.cell, cells.size() - 1)]);
          out.problem = Problem{std::move(bad.reason), std::move(bad.message), column};
          return out;
        }
        ++out.skipped["video_features_basic: " + bad.reason];
      }
    }
    const auto note = [&](const std::array<std::uint64_t, VideoColumn::kCount>& count, std::string_view what) {
      std::uint64_t total = 0;
      for (const std::uint64_t cells_of_role : count) total += cells_of_role;
      if (total > 0) out.noted[fmt::format("video_features_basic: {}", what)] += total;
    };
    note(empty, "empty cells");
    note(unknown, "cells with the code -124");
    note(odd, "sizes out of range, taken as missing");
    return out;
  }

 private:
  using Counts = std::array<std::uint64_t, VideoColumn::kCount>;

  // A number that may be missing: NaN then.
  double number(const std::vector<std::string_view>& cells, VideoColumn::Role role, Counts& empty,
                Counts& unknown) const {
    const std::string_view cell = cells[position_[role]];
    const NumberCell number = read_number(cell);
    if (number.kind == CellKind::kNumber) return number.value;
    if (number.kind == CellKind::kText)
      throw BadCell{position_[role], fmt::format("{} is not a number", kNames[role]),
                    fmt::format("{} is '{}', expected a number or nothing", kNames[role], shown(cell))};
    ++(number.kind == CellKind::kEmpty ? empty : unknown)[role];
    return std::nan("");
  }

  std::int64_t video_id(std::string_view cell) const {
    std::int64_t id = 0;
    if (is_text_ || !cell.ends_with(".0")) {
      if (const std::string wrong = read_id(cell, is_text_, id); !wrong.empty())
        throw BadCell{position_[VideoColumn::kId], fmt::format("video_id is not {}", wrong),
                      fmt::format("video_id is '{}', expected {}", shown(cell), wrong)};
      return id;
    }
    return video_id(cell.substr(0, cell.size() - 2));  // as pandas writes columns that have gaps
  }

  std::int64_t integer(const std::vector<std::string_view>& cells, VideoColumn::Role role) const {
    const std::string_view cell = cells[position_[role]];
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (std::string_view(end, static_cast<std::size_t>(cell.data() + cell.size() - end)) == ".0") end += 2;
    if (error != std::errc{} || end != cell.data() + cell.size())
      throw BadCell{position_[role], fmt::format("{} is not an integer", kNames[role]),
                    fmt::format("{} is '{}', expected an integer", kNames[role], shown(cell))};
    return value;
  }

  // A size that fits T, `missing` where it does not; such cells are counted, not errors.
  template <class T>
  static T small(double value, T missing, VideoColumn::Role role, Counts& odd) {
    if (std::isnan(value)) return missing;
    const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);  // the largest one is no double for 64 bits
    if (value >= 0.0 && value < end && value == std::floor(value)) return static_cast<T>(value);
    ++odd[role];
    return missing;
  }

  std::int32_t date(const std::vector<std::string_view>& cells, Counts& empty) const {
    const std::string_view cell = cells[position_[VideoColumn::kUploadDate]];
    if (cell.empty()) {
      ++empty[VideoColumn::kUploadDate];
      return 0;
    }
    std::int64_t value = 0;
    bool good = cell.size() == 10 && cell[4] == '-' && cell[7] == '-';
    for (std::size_t i = 0; good && i < cell.size(); ++i) {
      if (i == 4 || i == 7) continue;
      good = cell[i] >= '0' && cell[i] <= '9';
      value = value * 10 + (cell[i] - '0');
    }
    if (!good || !is_date(value))
      throw BadCell{position_[VideoColumn::kUploadDate], "upload_dt is not a date",
                    fmt::format("upload_dt is '{}', expected a date yyyy-mm-dd or nothing", shown(cell))};
    return static_cast<std::int32_t>(value);
  }

  // "12,65" and the like; returns how many were added behind `tags`.
  std::uint32_t tags(std::string_view cell, std::vector<std::uint16_t>& out, Counts& empty, Counts& unknown) const {
    if (cell.empty()) {
      ++empty[VideoColumn::kTags];
      return 0;
    }
    std::uint32_t added = 0;
    for (std::size_t begin = 0; begin <= cell.size();) {
      const std::size_t end = std::min(cell.find(',', begin), cell.size());
      const NumberCell tag = read_number(cell.substr(begin, end - begin));
      if (tag.kind == CellKind::kUnknownCode) {
        ++unknown[VideoColumn::kTags];
      } else if (tag.kind == CellKind::kNumber && tag.value >= 0 && tag.value < VideoTable::kNoTag &&
                 tag.value == std::floor(tag.value)) {
        out.push_back(static_cast<std::uint16_t>(tag.value));
        ++added;
      } else {
        out.resize(out.size() - added);
        throw BadCell{position_[VideoColumn::kTags], "tag is not a list of tags",
                      fmt::format("tag is '{}', expected integers from 0 to 65534 with commas between", shown(cell))};
      }
      begin = end + 1;
    }
    return added;
  }

  void parse_row(const std::vector<std::string_view>& cells, Parsed& out, Counts& empty, Counts& unknown,
                 Counts& odd) const {
    // Everything that may throw comes before the first push_back.
    const std::int64_t id = video_id(cells[position_[VideoColumn::kId]]);
    const std::int64_t author = integer(cells, VideoColumn::kAuthor);
    const std::int32_t upload_date = date(cells, empty);
    double duration = number(cells, VideoColumn::kLength, empty, unknown);
    const double width = number(cells, VideoColumn::kWidth, empty, unknown),
                 height = number(cells, VideoColumn::kHeight, empty, unknown);
    const double music = number(cells, VideoColumn::kMusic, empty, unknown);
    const double music_type = number(cells, VideoColumn::kMusicType, empty, unknown);
    const bool says_visible = position_[VideoColumn::kVisible] < columns_;
    const double visible = says_visible ? number(cells, VideoColumn::kVisible, empty, unknown) : 0.0;
    const std::uint32_t tag_count = tags(cells[position_[VideoColumn::kTags]], out.tag, empty, unknown);
    if (tag_count > 1) ++out.noted["video_features_basic: videos with several tags"];
    if (duration < 0.0 || duration > 1e9) {
      ++odd[VideoColumn::kLength];
      duration = std::nan("");
    }
    out.id.push_back(id);
    if (is_text_) out.id_text.add(cells[position_[VideoColumn::kId]]);
    out.author.push_back(author);
    out.video_type.push_back(out.video_types.of(cells[position_[VideoColumn::kVideoType]]));
    out.upload_date.push_back(upload_date);
    out.upload_type.push_back(out.upload_types.of(cells[position_[VideoColumn::kUploadType]]));
    out.duration_ms.push_back(static_cast<float>(duration));
    out.width.push_back(small<std::int16_t>(width, 0, VideoColumn::kWidth, odd));
    out.height.push_back(small<std::int16_t>(height, 0, VideoColumn::kHeight, odd));
    out.music.push_back(small<std::int64_t>(music, 0, VideoColumn::kMusic, odd));
    out.music_type.push_back(small<std::int8_t>(music_type, -1, VideoColumn::kMusicType, odd));
    out.visible.push_back(small<std::int8_t>(visible, -1, VideoColumn::kVisible, odd));
    out.tag_count.push_back(tag_count);
  }

  std::size_t columns_;
  bool is_text_ = false;                                     // of the ids
  std::array<std::size_t, VideoColumn::kCount> position_{};  // of each role in the file
};

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// Appends a block's codes, moved into the table's numbering.
void append_codes(std::vector<std::uint8_t>& to, const std::vector<std::uint32_t>& from, const Codes& local, Codes& all,
                  std::string_view name, const std::filesystem::path& path) {
  std::vector<std::uint8_t> moved(local.texts.size());
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const std::uint32_t code = all.of(local.texts[i]);
    if (code > 255)
      throw InputError(
          fmt::format("{}: more than 256 different values of {}; is it a text column?", path.string(), name));
    moved[i] = static_cast<std::uint8_t>(code);
  }
  for (const std::uint32_t code : from) to.push_back(moved[code]);
}

}  // namespace

VideoTable read_video_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                          TableCsvCounts& counts) {
  std::vector<CsvFile> files;
  std::vector<VideoParser> parsers;
  std::uint64_t bytes_done = 0;
  for (const auto& path : paths) {
    files.emplace_back(path);
    parsers.emplace_back(files.back());
    if (parsers.back().is_text() != parsers.front().is_text())
      throw InputError(fmt::format("{}: has other columns than the parts before it", path.string()));
  }
  CsvBlocks blocks(files, kVideoBlockBytes);
  struct Worker {
    CsvBlock block;
    Parsed parsed;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(worker_count(options.threads)));
  VideoTable table;
  table.tag_offset.push_back(0);
  Codes video_types, upload_types;
  IdMap authors;
  std::size_t current_file = 0;
  std::uint64_t file_lines = 0;  // data lines of the current file in earlier blocks

  const auto take = [&](std::size_t, int w) { return blocks.take(workers[static_cast<std::size_t>(w)].block); };
  const auto parse = [&](std::size_t, int w) {
    Worker& worker = workers[static_cast<std::size_t>(w)];
    blocks.load(worker.block);
    worker.parsed = parsers[worker.block.file].parse(worker.block.text, options.skip_bad_rows);
  };
  const auto commit = [&](std::size_t, int w) {
    const CsvBlock& block = workers[static_cast<std::size_t>(w)].block;
    const std::filesystem::path& path = files[block.file].path();
    const Parsed& parsed = workers[static_cast<std::size_t>(w)].parsed;
    if (block.file != current_file) {
      current_file = block.file;
      file_lines = 0;
    }
    if (parsed.problem) throw_at(path, file_lines + parsed.lines + 2, parsed.problem->column, parsed.problem->message);
    file_lines += parsed.lines;
    for (std::size_t i = 0; i < parsed.id_text.size(); ++i) table.id_text.add(parsed.id_text[i]);
    append(table.raw_id, parsed.id);
    for (const std::int64_t author : parsed.author) {
      const std::uint32_t index = authors.find_or_add(author);
      if (index == table.author_raw_id.size()) table.author_raw_id.push_back(author);
      table.author.push_back(index);
    }
    append_codes(table.video_type, parsed.video_type, parsed.video_types, video_types, "video_type", path);
    append_codes(table.upload_type, parsed.upload_type, parsed.upload_types, upload_types, "upload_type", path);
    append(table.upload_date, parsed.upload_date);
    append(table.duration_ms, parsed.duration_ms);
    append(table.width, parsed.width);
    append(table.height, parsed.height);
    append(table.music_id, parsed.music);
    append(table.music_type, parsed.music_type);
    append(table.visible_status, parsed.visible);
    append(table.tag, parsed.tag);
    for (const std::uint32_t count : parsed.tag_count) table.tag_offset.push_back(table.tag_offset.back() + count);
    for (const auto& [reason, count] : parsed.skipped) counts.skipped[reason] += count;
    for (const auto& [what, count] : parsed.noted) counts.noted[what] += count;
    bytes_done += block.bytes;
    report(options.progress, "reading videos", bytes_done, blocks.bytes_total());
  };
  ordered_stream(options.threads, take, parse, commit);
  if (table.raw_id.empty())
    throw InputError(fmt::format("{}: no videos in it, expected a row a video", paths.front().string()));
  if (std::all_of(table.visible_status.begin(), table.visible_status.end(), [](auto status) { return status == 0; }))
    table.visible_status = {};
  table.video_types = std::move(video_types.texts);
  table.upload_types = std::move(upload_types.texts);
  return table;
}

}  // namespace swipegym
