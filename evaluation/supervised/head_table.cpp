#include "evaluation/supervised/head_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/multitask/head_labels.h"
#include "agents/supervised_rows.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/supervised/table_figures.h"
#include "evaluation/supervised/table_resamples.h"

namespace swipegym {
namespace {

constexpr std::size_t kCalibrationBins = 15;

// Test rows whose label is known, and what was said of them.
struct HeadRows {
  std::vector<std::uint32_t> user;  // dense
  std::vector<float> said;
  std::vector<std::uint8_t> is;
};

TableFigure sums_of(TableFigure::Kind kind, std::size_t groups, std::size_t users) {
  TableFigure figure;
  figure.kind = kind;
  figure.top.assign(groups * users, 0.0F), figure.bottom.assign(groups * users, 0.0F);
  return figure;
}

TableFigure gauc_figure(const HeadRows& rows, std::size_t users) {
  TableFigure figure = sums_of(TableFigure::Kind::kRatio, 1, users);
  for (std::size_t first = 0, last = 0; first < rows.user.size(); first = last) {
    while (last < rows.user.size() && rows.user[last] == rows.user[first]) ++last;
    const double area =
        auc(std::span(rows.said).subspan(first, last - first), std::span(rows.is).subspan(first, last - first));
    if (std::isnan(area)) continue;
    figure.bottom[rows.user[first]] = static_cast<float>(last - first);
    figure.top[rows.user[first]] = static_cast<float>(area) * static_cast<float>(last - first);
  }
  return figure;
}

TableFigure loss_figure(const HeadRows& rows, std::size_t users) {
  TableFigure figure = sums_of(TableFigure::Kind::kRatio, 1, users);
  for (std::size_t i = 0; i < rows.user.size(); ++i) {
    const double p = std::clamp<double>(rows.said[i], 1e-7, 1.0 - 1e-7);
    figure.top[rows.user[i]] -= static_cast<float>(std::log(rows.is[i] != 0 ? p : 1.0 - p));
    figure.bottom[rows.user[i]] += 1.0F;
  }
  return figure;
}

// As expected_calibration_error() cuts them; resampled users weigh more or less within the same bins.
TableFigure calibration_figure(const HeadRows& rows, std::size_t users) {
  TableFigure figure = sums_of(TableFigure::Kind::kBinError, kCalibrationBins, users);
  std::vector<std::uint32_t> order(rows.said.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return rows.said[a] < rows.said[b]; });
  const std::size_t small = order.size() / kCalibrationBins, larger = order.size() % kCalibrationBins;
  for (std::size_t bin = 0, at = 0; bin < kCalibrationBins; ++bin)
    for (const std::size_t end = at + small + (bin < larger ? 1 : 0); at < end; ++at) {
      const std::size_t i = order[at];
      figure.top[bin * users + rows.user[i]] += (rows.is[i] != 0 ? 1.0F : 0.0F) - rows.said[i];
      figure.bottom[bin * users + rows.user[i]] += 1.0F;
    }
  return figure;
}

TableFigure rate_figure(const HeadRows& rows, std::size_t users) {
  TableFigure figure = sums_of(TableFigure::Kind::kRatio, 1, users);
  for (std::size_t i = 0; i < rows.user.size(); ++i)
    figure.top[rows.user[i]] += rows.is[i], figure.bottom[rows.user[i]] += 1.0F;
  return figure;
}

}  // namespace

SupervisedTable make_head_table(const std::vector<TabledPolicy>& policies, const Dataset& data,
                                const SupervisedTableConfig& config) {
  SupervisedTable table{.key = "heads", .title = "heads", .note = {}, .columns = {}, .lines = {}};
  table.note =
      "probabilities of a multi-task policy against what was answered; ECE: mean |rate - probability| of 15 bins of "
      "equal mass";
  table.columns = {{.key = "auc", .title = "AUC"},
                   {.key = "gauc", .title = "GAUC"},
                   {.key = "log_loss", .title = "log loss"},
                   {.key = "ece", .title = "ECE"},
                   {.key = "rate", .title = "rate"}};
  const std::vector<std::uint32_t> rows = rows_of_days(data, {config.test});
  const HeadLabels labels(data, config.test.until);
  AllFigures all;
  std::vector<std::string> names;
  std::vector<std::uint32_t> user_of;
  std::size_t users = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    users += i == 0 || data.log.user[rows[i]] != data.log.user[rows[i - 1]];
    user_of.push_back(static_cast<std::uint32_t>(users - 1));
  }
  for (const TabledPolicy& policy : policies) {
    std::vector<Matrix> said;
    std::vector<const MultitaskPolicy*> seeds;
    for (const std::shared_ptr<const Policy>& seed : policy.seeds)
      if (const auto* multitask = dynamic_cast<const MultitaskPolicy*>(seed.get()); multitask != nullptr) {
        seeds.push_back(multitask);
        said.push_back(head_rows(*multitask, data, *policy.catalogue, rows, config.threads));
      }
    for (std::size_t k = 1; k < kHeadOutputs && !seeds.empty(); ++k) {
      const auto output = static_cast<HeadOutput>(k);
      if (!seeds[0]->has(output)) continue;
      names.push_back(fmt::format("{}: {}", policy.name, kHeadOutputNames[k]));
      auto& made = all.emplace_back();
      for (const Matrix& outputs : said) {
        HeadRows known;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          const float label = labels.of(rows[i], output);
          if (std::isnan(label)) continue;
          known.user.push_back(user_of[i]);
          known.said.push_back(outputs(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)));
          known.is.push_back(label > kWatchedAbove);
        }
        made.push_back({make_auc_figure(known.user, known.said, known.is), gauc_figure(known, users),
                        loss_figure(known, users), calibration_figure(known, users), rate_figure(known, users)});
      }
    }
  }
  if (all.empty()) return table;
  const UserResamples resampled = resample_users(all, users, config.resamples, config.seed, config.threads);
  for (std::size_t line = 0; line < all.size(); ++line) {
    table.lines.push_back(
        {.policy = names[line], .seeds = all[line].size(), .figure = {}, .difference = {}, .p_value = {}});
    for (std::size_t f = 0; f < table.columns.size(); ++f) {
      table.columns[f].users = std::max(table.columns[f].users, all[line][0][f].users(users));
      table.lines.back().figure.push_back(percentile_interval(mean_value(all[line], f, users), resampled[line][f]));
    }
  }
  return table;
}

}  // namespace swipegym
