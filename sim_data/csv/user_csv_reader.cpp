#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "core/error.h"
#include "sim_data/csv/csv_blocks.h"
#include "sim_data/csv/table_cells.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/id_map.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kUserBlockBytes = 4 << 20;
constexpr std::size_t kMostColumns = 4096;  // each is a data set of a store

// Columns that every release has; the anonymous onehot_feat* and columns we have not heard of are read where present.
constexpr std::array<std::string_view, 12> kRequired = {
    "user_active_degree", "is_lowactive_period",   "is_live_streamer", "is_video_author",
    "follow_user_num",    "follow_user_num_range", "fans_user_num",    "fans_user_num_range",
    "friend_user_num",    "friend_user_num_range", "register_days",    "register_days_range"};

bool holds_text(std::string_view name) {
  return name == "user_active_degree" || name.ends_with("_range");
}
bool holds_numbers(std::string_view name) {
  if (holds_text(name)) return false;
  return name.starts_with("onehot_feat") || std::find(kRequired.begin(), kRequired.end(), name) != kRequired.end();
}

// A column while its kind is not yet known: cells as indices into the texts met so far.
struct TextColumn {
  explicit TextColumn(std::string column) : name(std::move(column)), is_numeric(holds_numbers(name)) {}

  std::string name;
  bool is_numeric;  // whatever its cells say
  std::vector<std::uint32_t> cell;
  std::vector<std::string> texts;
  std::unordered_map<std::string, std::uint32_t> index;

  void add(std::string_view text) {
    const auto [entry, is_new] = index.try_emplace(std::string(text), static_cast<std::uint32_t>(texts.size()));
    if (is_new) texts.emplace_back(text);
    cell.push_back(entry->second);
  }
};

// Numbers where the name or all its texts say so, else categories in order of first appearance. Empty cells are NaN.
FeatureColumn finish(TextColumn&& in, TableCsvCounts& counts) {
  FeatureColumn out{.name = in.name, .value = {}, .categories = {}};
  std::vector<float> value_of(in.texts.size(), std::numeric_limits<float>::quiet_NaN());
  const bool numeric =
      in.is_numeric || (!holds_text(out.name) && std::all_of(in.texts.begin(), in.texts.end(), [](auto& text) {
        return read_number(text).kind != CellKind::kText;
      }));
  for (std::size_t i = 0; i < in.texts.size(); ++i) {
    if (numeric) {
      value_of[i] = static_cast<float>(read_number(in.texts[i]).value);
    } else if (!in.texts[i].empty()) {
      value_of[i] = static_cast<float>(out.categories.size());
      out.categories.push_back(in.texts[i]);
    }
  }
  std::uint64_t empty = 0, unknown = 0;
  out.value.reserve(in.cell.size());
  for (const std::uint32_t cell : in.cell) {
    out.value.push_back(value_of[cell]);
    empty += in.texts[cell].empty();
    unknown += numeric && value_of[cell] == static_cast<float>(kUnknownCode);
  }
  if (empty > 0) counts.noted["user_features: empty cells"] += empty;
  if (unknown > 0) counts.noted["user_features: cells with the code -124"] += unknown;
  return out;
}

class UserReader {
 public:
  UserReader(const TableCsvOptions& with, TableCsvCounts& to) : options(with), counts(to) {}

  const TableCsvOptions& options;
  TableCsvCounts& counts;
  std::vector<std::int64_t> raw_id;
  IdTexts id_text;
  IdMap seen;
  std::vector<TextColumn> columns;

  void read(const std::vector<std::filesystem::path>& paths) {
    std::vector<CsvFile> files;
    std::vector<Positions> positions;
    for (const auto& path : paths) positions.push_back(find_positions(files.emplace_back(path)));
    CsvBlocks blocks(files, kUserBlockBytes);
    CsvBlock block;
    std::size_t current_file = 0;
    std::uint64_t line_number = 1, bytes_done = 0;
    while (blocks.take(block)) {
      blocks.load(block);
      if (std::exchange(current_file, block.file) != block.file) line_number = 1;
      for (std::string_view text = block.text; !text.empty();) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        ++line_number;
        read_line(files[block.file], line, line_number, positions[block.file]);
      }
      bytes_done += block.bytes;
      report(options.progress, "reading users", bytes_done, blocks.bytes_total());
    }
  }

 private:
  // Where a file has what.
  struct Positions {
    std::size_t id = 0;
    bool is_text = false;               // of the id
    std::vector<std::size_t> features;  // of each of our columns
  };

  Positions find_positions(const CsvFile& file) {
    Positions out;
    std::tie(out.id, out.is_text) = require_id_column(file, "user_id");
    // A table of ids alone says that nothing is known of the users, as of a log of interactions.
    if (file.header().size() > 1 && !options.any_columns)
      for (const std::string_view name : kRequired) file.require_column(name);
    if (file.header().size() > kMostColumns)
      throw InputError(fmt::format("{}: has {} columns, at most {} are read", file.path().string(),
                                   file.header().size(), kMostColumns));
    if (is_first) {
      for (std::size_t i = 0; i < file.header().size(); ++i)
        if (i != out.id) columns.emplace_back(file.header()[i]);
    } else if (file.header().size() != columns.size() + 1 || out.is_text != ids_are_texts) {
      throw InputError(fmt::format("{}: has other columns than the parts before it", file.path().string()));
    }
    is_first = false;
    ids_are_texts = out.is_text;
    for (const TextColumn& column : columns) out.features.push_back(file.require_column(column.name));
    return out;
  }

  void read_line(const CsvFile& file, std::string_view line, std::uint64_t number, const Positions& position) {
    const auto bad = [&](std::size_t column, std::string_view reason, const std::string& message) {
      if (!options.skip_bad_rows) throw_at(file.path(), number, column, message);
      ++counts.skipped[fmt::format("user_features: {}", reason)];
    };
    if (!split_cells(line, cells, storage)) return bad(1, "unbalanced quotes", "a quote is not closed");
    if (cells.size() != file.header().size())
      return bad(std::max<std::size_t>(1, line.size()), "wrong number of columns",
                 fmt::format("the row has {} columns, expected {} as in the header; is the file cut short?",
                             cells.size(), file.header().size()));
    std::int64_t id = 0;
    const std::string_view text = cells[position.id];
    if (const std::string wrong = read_id(text, position.is_text, id); !wrong.empty())
      return bad(place_in(line, text), fmt::format("user_id is not {}", wrong),
                 fmt::format("user_id is '{}', expected {}", shown(text), wrong));
    if (seen.find(id) != IdMap::kNone)
      return bad(place_in(line, text), "repeated user_id", fmt::format("user_id {} appeared before", shown(text)));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string_view cell = cells[position.features[i]];
      if (columns[i].is_numeric && read_number(cell).kind == CellKind::kText)
        return bad(place_in(line, cell), shown(columns[i].name) + " is not a number",
                   fmt::format("{} is '{}', expected a number or nothing", shown(columns[i].name), shown(cell)));
    }
    seen.find_or_add(id);
    raw_id.push_back(id);
    if (position.is_text) id_text.add(text);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].add(cells[position.features[i]]);
  }

  bool is_first = true, ids_are_texts = false;
  std::vector<std::string_view> cells;  // of a line
  std::vector<std::string> storage;
};

}  // namespace

UserTable read_user_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                        TableCsvCounts& counts) {
  UserReader reader(options, counts);
  reader.read(paths);
  if (reader.raw_id.empty())
    throw InputError(fmt::format("{}: no users in it, expected a row a user", paths.front().string()));
  UserTable table;
  table.raw_id = std::move(reader.raw_id);
  table.id_text = std::move(reader.id_text);
  for (TextColumn& column : reader.columns) table.columns.push_back(finish(std::move(column), counts));
  return table;
}

}  // namespace swipegym
