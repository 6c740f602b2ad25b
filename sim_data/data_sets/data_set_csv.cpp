#include "sim_data/data_sets/data_set_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "sim_data/calendar.h"
#include "sim_data/csv/interaction_time.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

// A number as programs write it; "12.0" is an integer too.
template <class T>
bool read_whole(std::string_view cell, T& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc{} && !cell.empty() && end == cell.data() + cell.size();
}

std::string_view without_point_zero(std::string_view cell) {
  return cell.ends_with(".0") ? cell.substr(0, cell.size() - 2) : cell;
}

}  // namespace

DataSetCells::DataSetCells(const DataSetLayout& layout, std::vector<std::size_t> at, std::size_t count)
    : layout_(layout), at_(std::move(at)), count_(count) {}

void DataSetCells::set(std::string_view line) {
  line_ = line;
  if (!split_cells(line, layout_.separator, cells_, storage_))
    throw BadDataSetCell{1, "open quote", "a quote is not closed"};
  if (cells_.size() != count_)
    throw BadDataSetCell{std::max<std::size_t>(1, line.size()), "wrong number of columns",
                         fmt::format("the row has {} columns, expected {} as in the first line; is the file cut short?",
                                     cells_.size(), count_)};
}

bool DataSetCells::is_empty(std::size_t column) const noexcept {
  if (!has(column)) return true;
  const std::string_view cell = text(column);
  return cell.empty() || cell == "\\N" || cell == "NaN" || cell == "nan";
}

void DataSetCells::refuse(std::size_t column, const std::string& expected) const {
  throw BadDataSetCell{place_in(line_, text(column)), std::string(layout_.columns[column]),
                       fmt::format("{} is '{}', expected {}", layout_.columns[column], shown(text(column)), expected)};
}

std::int64_t DataSetCells::id(std::size_t column) const {
  std::int64_t value = 0;
  if (!read_whole(without_point_zero(text(column)), value) || value < 0 || value > kMaxRawId)
    refuse(column, "an integer of at most 18 digits");
  return value;
}

std::int64_t DataSetCells::integer(std::size_t column, std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (!read_whole(without_point_zero(text(column)), value) || value < low || value > high)
    refuse(column, fmt::format("an integer from {} to {}", low, high));
  return value;
}

double DataSetCells::number(std::size_t column, double low, double high) const {
  double value = 0.0;
  if (!read_whole(text(column), value) || !(value >= low && value <= high))
    refuse(column, fmt::format("a number from {:g} to {:g}", low, high));
  return value;
}

double DataSetCells::number_or_nan(std::size_t column, double low, double high) const {
  return is_empty(column) ? std::numeric_limits<double>::quiet_NaN() : number(column, low, high);
}

bool DataSetCells::flag(std::size_t column) const {
  const std::string_view cell = without_point_zero(text(column));
  if (cell != "0" && cell != "1") refuse(column, "0 or 1");
  return cell == "1";
}

std::int64_t DataSetCells::time_ms(std::size_t column, double unit_ms) const {
  std::int64_t value = 0;
  if (!parse_time(text(column), unit_ms, value)) refuse(column, "a time from 1970 to 2099");
  return value;
}

std::int32_t DataSetCells::date_or_none(std::size_t column) const {
  if (is_empty(column)) return 0;
  // "2023-4-2 10:00:00": the parts up to the day, however many digits they have.
  std::string_view left = text(column).substr(0, text(column).find_first_of(" T"));
  std::int32_t parts[3] = {};
  for (int i = 0; i < 3; ++i) {
    const std::size_t end = i < 2 ? left.find('-') : left.size();
    if (end == std::string_view::npos || !read_whole(left.substr(0, end), parts[i]) || parts[i] < 0 || parts[i] > 9999)
      refuse(column, "a date yyyy-mm-dd or nothing");
    left.remove_prefix(std::min(left.size(), end + 1));
  }
  const std::int64_t date = std::int64_t{parts[0]} * 10000 + parts[1] * 100 + parts[2];
  if (parts[1] > 12 || parts[2] > 31 || !is_date(date)) refuse(column, "a date yyyy-mm-dd or nothing");
  return static_cast<std::int32_t>(date);
}

DataSetFile::DataSetFile(std::filesystem::path path, DataSetLayout layout) : layout_(std::move(layout)) {
  const CsvFile& file = file_.emplace_back(
      std::move(path), layout_.has_header ? CsvFile::FirstLine::kHeader : CsvFile::FirstLine::kUnknown);
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
    if (!layout_.has_header) {
      at_.push_back(i);
      continue;
    }
    const std::size_t at = file.find_column(layout_.columns[i]);
    const bool is_there = at != file.header().size();
    at_.push_back(i < layout_.needed || is_there
                      ? file.require_column(layout_.columns[i], fmt::format("{}'s header", layout_.data_set))
                      : DataSetCells::kAbsent);
  }
  count_ = layout_.has_header ? file.header().size() : layout_.columns.size();
}

std::optional<std::filesystem::path> find_data_set_file(const std::filesystem::path& folder, std::string_view name) {
  std::optional<std::filesystem::path> found;
  for (const char* packing : {"", ".gz", ".zst"}) {
    const std::filesystem::path path = folder / fmt::format("{}{}", name, packing);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    if (found)
      throw InputError(fmt::format("{} and {} are one file; keep one of them", found->string(), path.string()));
    found = path;
  }
  return found;
}

std::filesystem::path find_data_set_folder(const std::filesystem::path& path, std::string_view data_set,
                                           std::span<const std::string_view> any_of) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    throw InputError(fmt::format("{}: is no folder, expected the one with {}'s {}", path.string(), data_set,
                                 fmt::join(any_of, " or ")));
  for (const std::filesystem::path& folder : {path, path / "data"})
    for (const std::string_view name : any_of)
      if (find_data_set_file(folder, name)) return folder;
  throw InputError(
      fmt::format("{}: holds no {}, which {} is read from", path.string(), fmt::join(any_of, " and no "), data_set));
}

}  // namespace swipegym
