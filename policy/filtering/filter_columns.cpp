#include "policy/filtering/filter_columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <limits>

#include "core/error.h"
#include "env/catalogue.h"

namespace swipegym {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

bool always(const Catalogue&) {
  return true;
}

double feature(const Catalogue& catalogue, std::size_t video, std::size_t column) {
  return static_cast<double>(catalogue.video_features[video * kVideoFeatures + column]);
}

constexpr std::array kColumns = {
    FilterColumn{"duration_s", "seconds", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return 1e-3 * c.duration_ms[v]; }},
    FilterColumn{"exposures", "rows of the fitted log that show it", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return static_cast<double>(c.exposures[v]); }},
    FilterColumn{"mean_ratio", "shrunk mean watch ratio", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return static_cast<double>(c.item_mean[v]); }},
    FilterColumn{"click_rate", "shrunk share of rows with a click", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return feature(c, v, kVideoClickRate); }},
    FilterColumn{"like_rate", "shrunk share of rows with a like", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return 0.1 * feature(c, v, kVideoLikeRate); }},
    FilterColumn{"hate_rate", "shrunk share of rows with a hate",
                 [](const Catalogue& c) { return !c.hate_rate.empty(); },
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return static_cast<double>(c.hate_rate[v]); }},
    FilterColumn{"is_ad", "1 for an advertisement", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) { return feature(c, v, kVideoIsAd); }},
    FilterColumn{"upload_age_days", "days since its upload", [](const Catalogue& c) { return !c.upload_day.empty(); },
                 [](const Catalogue& c, std::size_t v, std::int32_t day) {
                   return c.upload_day[v] == 0 ? kNotKnown : static_cast<double>(day - c.upload_day[v]);
                 },
                 true},
    FilterColumn{"visible_status", "KuaiRand's; 0: visible", always,
                 [](const Catalogue& c, std::size_t v, std::int32_t) {
                   if (c.visible_status.empty()) return 0.0;
                   return c.visible_status[v] < 0 ? kNotKnown : static_cast<double>(c.visible_status[v]);
                 }},
    FilterColumn{"tag", "the data's code of its first tag", [](const Catalogue& c) { return !c.tag_code.empty(); },
                 [](const Catalogue& c, std::size_t v, std::int32_t) {
                   const std::uint16_t code = c.tag_code[c.tag[v]];
                   return code == VideoTable::kNoTag ? kNotKnown : static_cast<double>(code);
                 }},
    FilterColumn{"author", "the data's id of its author", [](const Catalogue& c) { return !c.raw_author_id.empty(); },
                 [](const Catalogue& c, std::size_t v, std::int32_t) {
                   return static_cast<double>(c.raw_author_id[c.author[v]]);
                 }},
    FilterColumn{
        "video", "the data's id of the video", always,
        [](const Catalogue& c, std::size_t v, std::int32_t) { return static_cast<double>(c.raw_video_id[v]); }},
};

std::vector<std::string> names_of_known(const Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const FilterColumn& column : kColumns)
    if (column.known(catalogue)) names.emplace_back(column.name);
  return names;
}

const FilterColumn& require_column(const std::string& name, const Catalogue& catalogue) {
  for (const FilterColumn& column : kColumns) {
    if (name != column.name) continue;
    if (column.known(catalogue)) return column;
    throw InputError(fmt::format("filter: this simulator's file has no column '{}', fit it again; those there are: {}",
                                 name, fmt::join(names_of_known(catalogue), ", ")));
  }
  throw InputError(fmt::format("filter: there is no column '{}'; those there are: {}", name,
                               fmt::join(names_of_known(catalogue), ", ")));
}

}  // namespace

std::span<const FilterColumn> filter_columns() {
  return kColumns;
}

std::vector<std::string> filter_column_names() {
  std::vector<std::string> names;
  for (const FilterColumn& column : kColumns) names.emplace_back(column.name);
  return names;
}

VideoConditions::Op VideoConditions::op_of(const std::string& text) {
  constexpr std::array kOps = {"<", "<=", ">", ">=", "==", "!="};
  for (std::size_t i = 0; i < kOps.size(); ++i)
    if (text == kOps[i]) return static_cast<Op>(i);
  throw InputError(fmt::format("filter: there is no comparison '{}'; those there are: {}", text, fmt::join(kOps, " ")));
}

bool VideoConditions::holds(double value, const Prepared& condition) noexcept {
  switch (condition.op) {
    case Op::kBelow:
      return value < condition.value;
    case Op::kAtMost:
      return value <= condition.value;
    case Op::kAbove:
      return value > condition.value;
    case Op::kAtLeast:
      return value >= condition.value;
    case Op::kIs:
      return value == condition.value;
    case Op::kIsNot:
      return value < condition.value || value > condition.value;  // NaN fulfils none
  }
  return false;
}

VideoConditions::VideoConditions(const Catalogue& catalogue, std::span<const Condition> conditions)
    : catalogue_(&catalogue) {
  if (conditions.size() > 255)
    throw InputError(fmt::format("filter: {} conditions, expected at most 255", conditions.size()));
  for (const Condition& condition : conditions) {
    const FilterColumn& column = require_column(condition.column, catalogue);
    conditions_.push_back({&column, op_of(condition.op), condition.value});
    changing_ |= column.changes;
  }
  if (conditions_.empty()) return;
  fixed_.assign(catalogue.num_videos(), 0);
  for (std::size_t video = 0; video < fixed_.size(); ++video)
    for (std::size_t c = 0; c < conditions_.size() && fixed_[video] == 0; ++c)
      if (!conditions_[c].column->changes && holds(conditions_[c].column->value(catalogue, video, 0), conditions_[c]))
        fixed_[video] = static_cast<std::uint8_t>(c + 1);
}

int VideoConditions::first_that_holds(std::size_t video, std::int32_t day) const {
  if (conditions_.empty()) return -1;
  const int fixed = static_cast<int>(fixed_[video]) - 1;
  if (!changing_) return fixed;
  const std::size_t last = fixed < 0 ? conditions_.size() : static_cast<std::size_t>(fixed);
  for (std::size_t c = 0; c < last; ++c)
    if (conditions_[c].column->changes && holds(conditions_[c].column->value(*catalogue_, video, day), conditions_[c]))
      return static_cast<int>(c);
  return fixed;
}

}  // namespace swipegym
