#include "evaluation/uplift/mimic_head.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "evaluation/metrics/credibility.h"

namespace swipegym {
namespace {

// How often something followed the clicked rows of a group.
std::vector<double> rates_by_group(const MimicRows& rows, std::span<const std::uint32_t> learn,
                                   std::span<const std::uint32_t> of, std::size_t groups,
                                   const std::function<std::uint32_t(std::uint32_t row)>& group) {
  GroupedValues values;
  for (const std::uint32_t row : learn)
    if (rows.clicked(row))
      values.value.push_back(rows.followed[row]), values.weight.push_back(1.0), values.group.push_back(group(row));
  const std::vector<double> rate = credible_means(values, groups).group;
  std::vector<double> out;
  for (const std::uint32_t row : of) out.push_back(rate[group(row)]);
  return out;
}

OutcomeRows outcome_rows(const MimicRows& rows, std::span<const double> target, std::vector<std::uint32_t> learn) {
  return {.table = &rows.table, .target = target, .creator = rows.creator, .rows = std::move(learn)};
}

std::vector<std::uint32_t> rows_clicked(const MimicRows& rows, std::span<const std::uint32_t> of, bool clicked) {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t row : of)
    if (rows.clicked(row) == clicked) out.push_back(row);
  return out;
}

// What clicked rows have beyond what follows anyway.
OutcomeModel gain_of(const MimicRows& rows, const std::vector<std::uint32_t>& clicked, const OutcomeModel& anyway,
                     RandomKey key) {
  std::vector<double> beyond(rows.size(), 0.0);
  const std::vector<double> usual = anyway.predict(rows.table, clicked);
  for (std::size_t i = 0; i < clicked.size(); ++i) beyond[clicked[i]] = rows.followed[clicked[i]] - usual[i];
  return {outcome_rows(rows, beyond, clicked), {}, key};
}

}  // namespace

UpliftSettings MimicHead::usual_settings() {
  return {.base = "mlp", .loss = "cross-entropy", .hidden = {32, 16}, .epochs = 12, .patience = 2, .batch = 512};
}

MimicHead::MimicHead(const MimicRows& rows, std::span<const std::uint32_t> learn, const UpliftSettings& settings,
                     RandomKey key)
    : follows_(outcome_rows(rows, rows.followed, {learn.begin(), learn.end()}), settings, split(key, 1)),
      anyway_(outcome_rows(rows, rows.followed, rows_clicked(rows, learn, false)), settings, split(key, 2)),
      gain_(gain_of(rows, rows_clicked(rows, learn, true), anyway_, split(key, 3))) {}

std::vector<double> MimicHead::follows(const MimicRows& rows, std::span<const std::uint32_t> of) const {
  return follows_.predict(rows.table, of);
}

std::vector<double> MimicHead::mimics(const MimicRows& rows, std::span<const std::uint32_t> of) const {
  return gain_.predict(rows.table, of);
}

std::vector<double> mimic_rate_by_topic(const MimicRows& rows, std::span<const std::uint32_t> learn,
                                        std::span<const std::uint32_t> of) {
  const std::uint32_t topics = rows.topic.empty() ? 0 : *std::max_element(rows.topic.begin(), rows.topic.end()) + 1;
  return rates_by_group(rows, learn, of, topics, [&](std::uint32_t row) { return rows.topic[row]; });
}

std::vector<double> mimic_rate_by_activity(const MimicRows& rows, std::span<const std::uint32_t> learn,
                                           std::span<const std::uint32_t> of) {
  constexpr std::size_t kTenths = 10;
  std::vector<double> rate;
  for (const std::uint32_t row : learn)
    if (rows.clicked(row)) rate.push_back(rows.table.row(row)[kMimicRate]);
  std::sort(rate.begin(), rate.end());
  std::vector<double> edges;
  for (std::size_t k = 1; k < kTenths && !rate.empty(); ++k) edges.push_back(rate[k * rate.size() / kTenths]);
  return rates_by_group(rows, learn, of, kTenths, [&](std::uint32_t row) {
    const double own = rows.table.row(row)[kMimicRate];
    return static_cast<std::uint32_t>(std::upper_bound(edges.begin(), edges.end(), own) - edges.begin());
  });
}

}  // namespace swipegym
