#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "core/error.h"
#include "sim_data/csv_file.h"
#include "sim_data/id_map.h"
#include "sim_data/table_cells.h"
#include "sim_data/table_csv_reader.h"

namespace swipegym {

namespace {

constexpr std::uint64_t kUserBlockBytes = 4 << 20;

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
  std::string name;
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
  FeatureColumn out{.name = std::move(in.name), .value = {}, .categories = {}};
  std::vector<float> value_of(in.texts.size(), std::numeric_limits<float>::quiet_NaN());
  const bool numeric = holds_numbers(out.name) ||
                       (!holds_text(out.name) && std::all_of(in.texts.begin(), in.texts.end(), [](auto& text) {
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

struct UserReader {
  const TableCsvOptions& options;
  TableCsvCounts& counts;
  std::vector<std::int64_t> raw_id;
  IdMap seen;
  std::vector<TextColumn> columns;

  void read(const CsvFile& file) {
    const std::size_t id_column = file.require_column("user_id");
    for (const std::string_view name : kRequired) file.require_column(name);
    std::vector<std::size_t> position;  // of each of our columns in this file
    if (columns.empty())
      for (std::size_t i = 0; i < file.header().size(); ++i)
        if (i != id_column) columns.push_back({.name = file.header()[i], .cell = {}, .texts = {}, .index = {}});
    for (const TextColumn& column : columns) position.push_back(file.require_column(column.name));

    std::vector<char> buffer;
    std::vector<std::string_view> cells;
    std::vector<std::string> storage;
    std::uint64_t line_number = 1;
    for (std::uint64_t begin = file.data_begin(); begin < file.size(); begin += kUserBlockBytes) {
      std::string_view text = file.lines(begin, begin + kUserBlockBytes, buffer);
      while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        ++line_number;
        read_line(file, line, line_number, id_column, position, cells, storage);
      }
      report(options.progress, "reading users", std::min(begin + kUserBlockBytes, file.size()), file.size());
    }
  }

  void read_line(const CsvFile& file, std::string_view line, std::uint64_t number, std::size_t id_column,
                 const std::vector<std::size_t>& position, std::vector<std::string_view>& cells,
                 std::vector<std::string>& storage) {
    const auto bad = [&](std::size_t column, std::string_view reason, const std::string& message) {
      if (!options.skip_bad_rows) throw_at(file.path(), number, column, message);
      ++counts.skipped[fmt::format("user_features: {}", reason)];
    };
    if (!split_cells(line, cells, storage)) return bad(1, "unbalanced quotes", "a quote is not closed");
    if (cells.size() != file.header().size())
      return bad(std::max<std::size_t>(1, line.size()), "wrong number of columns",
                 fmt::format("the row has {} columns, expected {} as in the header; is the file cut short?",
                             cells.size(), file.header().size()));
    const auto column_of = [&](std::size_t i) {
      const std::less_equal<> before;
      const bool inside = before(line.data(), cells[i].data()) && before(cells[i].data(), line.data() + line.size());
      return inside ? static_cast<std::size_t>(cells[i].data() - line.data()) + 1 : 1;
    };
    std::int64_t id = 0;
    const std::string_view text = cells[id_column];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size() || id < 0)
      return bad(column_of(id_column), "user_id is not an integer >= 0",
                 fmt::format("user_id is '{}', expected an integer >= 0", text));
    if (seen.find(id) != IdMap::kNone)
      return bad(column_of(id_column), "repeated user_id", fmt::format("user_id {} appeared before", id));
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (holds_numbers(columns[i].name) && read_number(cells[position[i]]).kind == CellKind::kText)
        return bad(column_of(position[i]), columns[i].name + " is not a number",
                   fmt::format("{} is '{}', expected a number or nothing", columns[i].name, cells[position[i]]));
    seen.find_or_add(id);
    raw_id.push_back(id);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].add(cells[position[i]]);
  }
};

}  // namespace

UserTable read_user_csv(const std::vector<std::filesystem::path>& paths, const TableCsvOptions& options,
                        TableCsvCounts& counts) {
  UserReader reader{.options = options, .counts = counts, .raw_id = {}, .seen = {}, .columns = {}};
  for (const auto& path : paths) reader.read(CsvFile(path));
  if (reader.raw_id.empty())
    throw InputError(fmt::format("{}: no users in it, expected a row a user", paths.front().string()));
  UserTable table;
  table.raw_id = std::move(reader.raw_id);
  for (TextColumn& column : reader.columns) table.columns.push_back(finish(std::move(column), counts));
  return table;
}

}  // namespace swipegym
