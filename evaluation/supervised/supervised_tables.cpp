#include "evaluation/supervised/supervised_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "agents/catalogue_ranking.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "evaluation/json_number.h"
#include "evaluation/metrics/binary_score.h"
#include "evaluation/metrics/ranking.h"
#include "evaluation/supervised/head_table.h"
#include "evaluation/supervised/scored_rows.h"
#include "evaluation/supervised/table_figures.h"
#include "evaluation/supervised/table_resamples.h"
#include "sim_data/day_text.h"
#include "sim_data/duration_groups.h"
#include "sim_data/labels.h"

namespace swipegym {
namespace {

using Kind = TableFigure::Kind;

// Logged rows as the tables look at them.
struct Rows {
  std::vector<std::uint32_t> row, user;  // position in the log; dense number of its user among these rows
  std::vector<float> watch_s, duration_s, ratio, gain, feedback;  // ratio is clipped; gain and feedback are 0 or 1
  std::vector<std::uint8_t> positive, many_fans, clicked;
  std::vector<std::uint32_t> group;      // for fairness
  std::vector<std::uint32_t> data_user;  // [users]
  std::size_t users() const noexcept { return data_user.size(); }
};

// What a line of the tables says of those rows.
struct Scores {
  std::string_view head;
  std::vector<float> test, validate;
};

// Where the whole catalogue, ranked before each row that the user reacted to, has its video.
struct Reactions {
  std::vector<std::size_t> place;   // among the rows
  std::vector<std::uint32_t> rank;  // from 0
};

constexpr std::uint32_t kNextDepth = 10;        // of hits and NDCG of single videos
constexpr std::size_t kMostReactions = 15'000;  // where there are more, a part of them spread evenly

struct RowMeasures {
  std::optional<DurationGroups> gains, fairness;
  std::vector<float> mean_of_group;  // clipped ratio by group of `gains`
  float mean = 0.0F;
};

RowMeasures make_measures(const Dataset& data, const SupervisedTableConfig& config) {
  const std::vector<std::uint32_t> rows = rows_of_days(data, {config.train});
  const std::vector<std::uint64_t> training(rows.begin(), rows.end());
  if (rows.empty())
    throw InputError(fmt::format("no standard row of a known duration is dated {}: give other training days",
                                 days_text(config.train.from, config.train.until)));
  RowMeasures measures;
  measures.gains.emplace(data.log, training, DurationGroupConfig{.groups = config.gain_groups});
  measures.fairness.emplace(data.log, training, DurationGroupConfig{.groups = config.fairness_groups});
  std::vector<double> sum(measures.gains->size(), 0.0), count(sum);
  for (const std::uint32_t row : rows) {
    const std::size_t group = measures.gains->group_of(data.log.duration_ms[row]);
    sum[group] += std::min(watch_ratio(data.log.play_ms[row], data.log.duration_ms[row]), config.ratio_clip);
    count[group] += 1.0;
  }
  measures.mean = static_cast<float>(std::accumulate(sum.begin(), sum.end(), 0.0) / static_cast<double>(rows.size()));
  for (std::size_t g = 0; g < sum.size(); ++g)
    measures.mean_of_group.push_back(count[g] > 0 ? static_cast<float>(sum[g] / count[g]) : measures.mean);
  return measures;
}

Rows make_rows(const Dataset& data, const DayRange& days, const RowMeasures& measures,
               const SupervisedTableConfig& config) {
  const Log& log = data.log;
  const FeatureColumn* fans = data.users.find("fans_user_num");
  Rows rows;
  rows.row = rows_of_days(data, {days});
  for (const std::uint32_t row : rows.row) {
    const std::uint32_t user = index_of(log.user[row]);
    if (rows.data_user.empty() || rows.data_user.back() != user) rows.data_user.push_back(user);
    const std::int32_t play = log.play_ms[row], duration = log.duration_ms[row];
    rows.user.push_back(static_cast<std::uint32_t>(rows.users() - 1));
    rows.watch_s.push_back(1e-3F * static_cast<float>(play));
    rows.duration_s.push_back(1e-3F * static_cast<float>(duration));
    rows.ratio.push_back(std::min(watch_ratio(play, duration), config.ratio_clip));
    rows.positive.push_back(is_wanted(log, row, config.wanted_above));
    rows.gain.push_back(measures.gains->watch_time_gain(play, duration) > config.gain_threshold ? 1.0F : 0.0F);
    rows.feedback.push_back(has_explicit_feedback(log.signals[row]) ? 1.0F : 0.0F);
    rows.clicked.push_back(has(log.signals[row], Signal::kClick));
    rows.many_fans.push_back(fans != nullptr && fans->value[user] >= config.fans);
    rows.group.push_back(static_cast<std::uint32_t>(measures.fairness->group_of(duration)));
  }
  return rows;
}

Reactions rank_reactions(const Policy& policy, const Rows& rows, const Dataset& data, const Catalogue& catalogue,
                         int threads) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < rows.row.size(); ++i)
    if (rows.clicked[i] || rows.feedback[i] > 0.0F) all.push_back(i);
  Reactions reactions;
  std::vector<std::uint32_t> asked;
  const std::size_t kept = std::min(all.size(), kMostReactions);
  for (std::size_t i = 0; i < kept; ++i) {
    reactions.place.push_back(all[i * all.size() / kept]);
    asked.push_back(rows.row[reactions.place.back()]);
  }
  reactions.rank = rank_logged_rows(policy, data, catalogue, asked, threads);
  return reactions;
}

// Everything the tables show of one set of scores, in the order of their columns.
class FigureMaker {
 public:
  FigureMaker(const Rows& test, const Rows& validate, const SupervisedTableConfig& config)
      : test_(test), validate_(validate), config_(config) {}

  std::vector<TableFigure> make(const Scores& scores, const CatalogueRanking* ranking, const Reactions* reactions) {
    figures_.clear();
    const bool is_probability = scores.head == kBinaryHead;
    const bool can_tune = !scores.validate.empty();
    const float tuned = can_tune ? best_f1_cut(scores.validate, validate_.positive) : 0.0F;
    const std::optional<float> cut = is_probability ? std::optional(0.5F)
                                     : can_tune     ? std::optional(tuned)
                                                    : std::nullopt;
    const auto everyone = [](std::size_t) { return true; };
    add_area(scores, everyone);
    add_gauc(scores);
    add_cut(scores, cut, everyone, {kF1, kRecall, kPrecision, kAccuracy});
    add_cut(scores, can_tune ? std::optional(tuned) : std::nullopt, everyone, {kF1});
    add_errors(scores, can_tune);
    for (const std::uint8_t many : {0, 1}) {
      const auto inside = [&](std::size_t i) { return test_.many_fans[i] == many; };
      add_area(scores, inside);
      add_cut(scores, cut, inside, {kF1, kAccuracy});
    }
    for (const GainMode mode : {GainMode::kStandard, GainMode::kLabelCraftCode})
      for (const std::size_t k : config_.depths) add_ranking(scores, k, mode);
    add_fairness(scores);
    add_retrieval(ranking);
    add_reactions(reactions);
    return figures_;
  }

 private:
  enum CutFigure { kF1, kRecall, kPrecision, kAccuracy };

  TableFigure& add(Kind kind, std::size_t groups = 1) {
    TableFigure& figure = figures_.emplace_back();
    figure.kind = kind;
    if (kind == Kind::kAbsent) return figure;
    figure.top.assign(groups * test_.users(), 0.0F), figure.bottom.assign(groups * test_.users(), 0.0F);
    return figure;
  }

  template <class Inside>
  void add_area(const Scores& scores, Inside inside) {
    std::vector<std::uint32_t> user;
    std::vector<float> score;
    std::vector<std::uint8_t> positive;
    for (std::size_t i = 0; i < test_.row.size(); ++i) {
      if (!inside(i)) continue;
      user.push_back(test_.user[i]), score.push_back(scores.test[i]), positive.push_back(test_.positive[i]);
    }
    figures_.push_back(make_auc_figure(user, score, positive));
  }

  void add_gauc(const Scores& scores) {
    TableFigure& figure = add(Kind::kRatio);
    for (std::size_t first = 0; first < test_.row.size();) {
      std::size_t last = first;
      while (last < test_.row.size() && test_.user[last] == test_.user[first]) ++last;
      const double area = auc(std::span(scores.test).subspan(first, last - first),
                              std::span(test_.positive).subspan(first, last - first));
      if (!std::isnan(area)) {
        figure.bottom[test_.user[first]] = static_cast<float>(last - first);
        figure.top[test_.user[first]] = static_cast<float>(area) * static_cast<float>(last - first);
      }
      first = last;
    }
  }

  template <class Inside>
  void add_cut(const Scores& scores, std::optional<float> cut, Inside inside, std::initializer_list<CutFigure> wanted) {
    for (const CutFigure what : wanted) {
      TableFigure& figure = add(cut ? Kind::kRatio : Kind::kAbsent);
      if (!cut) continue;
      for (std::size_t i = 0; i < test_.row.size(); ++i) {
        if (!inside(i)) continue;
        const bool said = scores.test[i] >= *cut, is = test_.positive[i] != 0;
        float& top = figure.top[test_.user[i]];
        float& bottom = figure.bottom[test_.user[i]];
        if (what == kF1) top += 2.0F * (said && is), bottom += static_cast<float>(said) + static_cast<float>(is);
        if (what == kRecall) top += said && is, bottom += is;
        if (what == kPrecision) top += said && is, bottom += said;
        if (what == kAccuracy) top += said == is, bottom += 1.0F;
      }
    }
  }

  // Ratios as predicted, or by the line that fits the validation days best.
  void add_errors(const Scores& scores, bool can_tune) {
    const bool is_ratio = scores.head == kWatchRatioHead;
    const FittedLine line = is_ratio || !can_tune ? FittedLine{0.0, 1.0} : fit_line(scores.validate, validate_.ratio);
    TableFigure& figure = add(is_ratio || can_tune ? Kind::kRoot : Kind::kAbsent);
    if (figure.kind == Kind::kAbsent) return;
    for (std::size_t i = 0; i < test_.row.size(); ++i) {
      const double error = line.a + line.b * scores.test[i] - test_.ratio[i];
      figure.top[test_.user[i]] += static_cast<float>(error * error);
      figure.bottom[test_.user[i]] += 1.0F;
    }
  }

  void add_users(const RankedUsers& ranked, const UserFigures& values) {
    TableFigure& figure = add(Kind::kRatio);
    for (std::size_t u = 0; u < ranked.size(); ++u)
      if (!std::isnan(values.value[u]))
        figure.top[ranked.user[u]] = values.value[u], figure.bottom[ranked.user[u]] = 1.0F;
  }

  void add_ranking(const Scores& scores, std::size_t k, GainMode mode) {
    const RankedUsers ranked = rank_users(test_.user, scores.test, k + 1);
    add_users(ranked, discounted_gain_ratio(ranked, test_.watch_s, k, mode));
    if (mode == GainMode::kStandard) add_users(ranked, duration_spread(ranked, test_.duration_s, k));
    add_users(ranked, discounted_gain_ratio(ranked, test_.feedback, k, mode));
  }

  void add_fairness(const Scores& scores) {
    const std::size_t groups = config_.fairness_groups, users = test_.users(), k = config_.depths.back();
    TableFigure by_group;
    by_group.kind = Kind::kGap;
    by_group.top.assign(groups * users, 0.0F), by_group.bottom.assign(groups * users, 0.0F);
    for (std::size_t g = 0; g < groups; ++g) {
      std::vector<std::uint32_t> user;
      std::vector<float> score, gain;
      for (std::size_t i = 0; i < test_.row.size(); ++i) {
        if (test_.group[i] != g) continue;
        user.push_back(test_.user[i]), score.push_back(scores.test[i]), gain.push_back(test_.gain[i]);
      }
      constexpr std::size_t kPair = 2;  // a single row is always ranked perfectly
      const RankedUsers ranked = rank_users(user, score, kPair);
      const UserFigures values = discounted_gain_ratio(ranked, gain, k, GainMode::kStandard);
      for (std::size_t u = 0; u < ranked.size(); ++u) {
        if (std::isnan(values.value[u])) continue;
        by_group.top[g * users + ranked.user[u]] = values.value[u];
        by_group.bottom[g * users + ranked.user[u]] = 1.0F;
      }
      TableFigure& figure = add(Kind::kRatio);
      std::copy_n(by_group.top.begin() + static_cast<std::ptrdiff_t>(g * users), users, figure.top.begin());
      std::copy_n(by_group.bottom.begin() + static_cast<std::ptrdiff_t>(g * users), users, figure.bottom.begin());
    }
    figures_.push_back(by_group);
    by_group.kind = Kind::kTrend;
    figures_.push_back(std::move(by_group));
  }

  void add_retrieval(const CatalogueRanking* ranking) {
    std::array<TableFigure*, 3> figures{};
    figures_.reserve(figures_.size() + figures.size());
    for (TableFigure*& figure : figures) figure = &add(ranking == nullptr ? Kind::kAbsent : Kind::kRatio);
    if (ranking == nullptr) return;
    for (std::size_t i = 0; i < ranking->user.size(); ++i) {
      const auto at = std::lower_bound(test_.data_user.begin(), test_.data_user.end(), ranking->user[i]);
      if (at == test_.data_user.end() || *at != ranking->user[i]) continue;  // rows of unknown duration alone
      const auto user = static_cast<std::size_t>(at - test_.data_user.begin());
      const auto set = [&](std::size_t figure, double value) {
        figures[figure]->top[user] = static_cast<float>(value), figures[figure]->bottom[user] = 1.0F;
      };
      if (ranking->wanted[i] > 0) set(0, static_cast<double>(ranking->found[i]) / ranking->wanted[i]);
      const std::uint32_t rank = ranking->next[i];
      set(1, rank < kNextDepth ? 1.0 : 0.0);
      set(2, rank < kNextDepth ? 1.0 / std::log2(rank + 2.0) : 0.0);
    }
  }

  // Hits and NDCG of the rows clicked, then of those with explicit feedback.
  void add_reactions(const Reactions* reactions) {
    for (const bool explicitly : {false, true})
      for (const bool discounted : {false, true}) {
        TableFigure& figure = add(reactions == nullptr ? Kind::kAbsent : Kind::kRatio);
        if (reactions == nullptr) continue;
        for (std::size_t i = 0; i < reactions->rank.size(); ++i) {
          const std::size_t row = reactions->place[i];
          if (explicitly ? test_.feedback[row] == 0.0F : !test_.clicked[row]) continue;
          const std::uint32_t rank = reactions->rank[i];
          const double gain = rank >= kNextDepth ? 0.0 : discounted ? 1.0 / std::log2(rank + 2.0) : 1.0;
          figure.top[test_.user[row]] += static_cast<float>(gain);
          figure.bottom[test_.user[row]] += 1.0F;
        }
      }
  }

  const Rows& test_;
  const Rows& validate_;
  const SupervisedTableConfig& config_;
  std::vector<TableFigure> figures_;
};

// The tables' columns, in the order FigureMaker makes them.
class TableNames {
 public:
  // The columns that follow are of this table; `note` says what one must know to read it.
  void table(std::string key, std::string title, std::string note) {
    SupervisedTable& table = tables_.emplace_back();
    table.key = std::move(key), table.title = std::move(title), table.note = std::move(note);
  }
  void column(std::string key, std::string title, int digits = 4) {
    tables_.back().columns.push_back({.key = std::move(key), .title = std::move(title), .digits = digits});
  }
  std::vector<SupervisedTable> all() && { return std::move(tables_); }

 private:
  std::vector<SupervisedTable> tables_;
};

void name_rankings(TableNames& names, const SupervisedTableConfig& config, bool as_code) {
  const std::string prefix = as_code ? "code_" : "";
  for (const std::size_t k : config.depths) {
    names.column(fmt::format("{}nwtg_{}", prefix, k), fmt::format("NWTG@{}", k));
    if (!as_code) names.column(fmt::format("ds_{}", k), fmt::format("DS@{}", k), 2);
    names.column(fmt::format("{}neg_{}", prefix, k), fmt::format("NEG@{}", k));
  }
}

std::vector<SupervisedTable> name_tables(const SupervisedTableConfig& config) {
  TableNames names;
  names.table("binary", fmt::format("binary: is the watch ratio above {:g}?", config.wanted_above),
              "probabilities are cut at .5, other scores where F1 is best on the validation days (F1 tuned: all)");
  names.column("auc", "AUC");
  names.column("gauc", "GAUC");
  names.column("f1", "F1");
  for (const char* figure : {"recall", "precision", "accuracy"}) names.column(figure, figure);
  names.column("f1_tuned", "F1 tuned");
  names.table("ratio", "watch ratio",
              fmt::format("ratios are clipped at {:g}; scores that are no ratios are brought to them by a line fitted "
                          "on the validation days",
                          config.ratio_clip));
  names.column("rmse", "RMSE");
  names.table("fans", fmt::format("users with fewer than {:g} fans, and with more", config.fans), "");
  for (const std::string who : {"few", "many"}) {
    names.column("auc_" + who, "AUC, " + who);
    names.column("f1_" + who, "F1, " + who);
    names.column("accuracy_" + who, "accuracy, " + who);
  }
  names.table("ranking", "rankings of a user's test rows",
              "users with more than k test rows; NWTG and NEG leave out users whose best order gains nothing; DS in s");
  name_rankings(names, config, false);
  names.table("labelcraft_code", "the same as LabelCraft's released code counts it",
              "for comparison with its published tables only: late ranks weigh more, users without any gain count 1");
  name_rankings(names, config, true);
  names.table("duration", "nDCG of watch-time gain within videos about as long",
              fmt::format("{} groups of training rows from short to long; a row is relevant when its gain exceeds "
                          "{:g}; trend: Spearman's correlation with length",
                          config.fairness_groups, config.gain_threshold));
  for (std::size_t g = 1; g <= config.fairness_groups; ++g)
    names.column(fmt::format("ndcg_group_{}", g), fmt::format("group {}", g));
  names.column("ndcg_gap", "gap");
  names.column("ndcg_trend", "trend", 2);
  names.table("retrieval", "retrieval from the whole catalogue",
              "recall: of what users watch above the cut in the test days and had not watched before, which is left "
              "out; next: of the video each user watched first in them, among all videos");
  names.column(fmt::format("recall_{}", config.recall_at), fmt::format("recall@{}", config.recall_at));
  names.column("next_hit_10", "next hit@10");
  names.column("next_ndcg_10", "next NDCG@10");
  names.table("reactions", "the video that is reacted to next, among all videos",
              "of every test row that was clicked, and of every one liked, followed or commented on: is its video "
              "among the first ten before it is shown?");
  for (const std::string what : {"clicked", "feedback"}) {
    names.column(what + "_hit_10", what + " hit@10");
    names.column(what + "_ndcg_10", what + " NDCG@10");
  }
  return std::move(names).all();
}

// Two-sided: how often the resampled_figures difference is on the other side of 0, doubled.
double bootstrap_p(const std::vector<double>& differences) {
  double below = 1.0, above = 1.0;
  for (const double d : differences) {
    if (std::isnan(d)) return std::numeric_limits<double>::quiet_NaN();
    below += d <= 0.0, above += d >= 0.0;
  }
  return std::min(1.0, 2.0 * std::min(below, above) / static_cast<double>(differences.size() + 1));
}

}  // namespace

SupervisedTables make_supervised_tables(const std::vector<TabledPolicy>& policies, const Dataset& data,
                                        const SupervisedTableConfig& config) {
  const RowMeasures measures = make_measures(data, config);
  const Rows test = make_rows(data, config.test, measures, config);
  const Rows validate = make_rows(data, config.validate, measures, config);
  if (test.row.empty())
    throw InputError(fmt::format("no standard row of a known duration is dated {}: give other test days",
                                 days_text(config.test.from, config.test.until)));
  FigureMaker maker(test, validate, config);
  AllFigures all;
  std::vector<std::string> names;
  const auto baseline = [&](const char* name, auto&& score_of) {
    const auto scores_of = [&](const Rows& rows) {
      std::vector<float> scores;
      for (const std::uint32_t row : rows.row) scores.push_back(score_of(row));
      return scores;
    };
    names.emplace_back(name);
    all.push_back({maker.make({kWatchRatioHead, scores_of(test), scores_of(validate)}, nullptr, nullptr)});
  };
  baseline("(training mean)", [&](std::uint32_t) { return measures.mean; });
  baseline("(mean by duration)", [&](std::uint32_t row) {
    return measures.mean_of_group[measures.gains->group_of(data.log.duration_ms[row])];
  });
  for (const TabledPolicy& policy : policies) {
    names.push_back(policy.name);
    auto& seeds = all.emplace_back();
    for (const std::shared_ptr<const Policy>& seed : policy.seeds) {
      Scores scores{seed->head(), score_rows(*seed, data, *policy.catalogue, test.row, config.threads, config.progress),
                    score_rows(*seed, data, *policy.catalogue, validate.row, config.threads, config.progress)};
      if (!policy.seeds[0]->ranks_catalogue()) {
        seeds.push_back(maker.make(scores, nullptr, nullptr));
        continue;
      }
      const CatalogueRanking ranking = rank_catalogue(
          *seed, data, *policy.catalogue,
          {.days = config.test, .k = config.recall_at, .wanted_above = config.wanted_above}, config.threads);
      const Reactions reactions = rank_reactions(*seed, test, data, *policy.catalogue, config.threads);
      seeds.push_back(maker.make(scores, &ranking, &reactions));
    }
  }
  const auto reference =
      static_cast<std::size_t>(std::find(names.begin(), names.end(), config.reference) - names.begin());
  if (!config.reference.empty() && reference == names.size())
    throw InputError(
        fmt::format("'{}' is none of the policies compared ({})", config.reference, fmt::join(names, ", ")));

  const UserResamples resampled_figures =
      resample_users(all, test.users(), config.resamples, config.seed, config.threads);
  SupervisedTables result{.rows = test.row.size(), .users = test.users(), .tables = name_tables(config)};
  std::size_t figure = 0;
  for (SupervisedTable& table : result.tables) {
    for (std::size_t p = 0; p < names.size(); ++p)
      table.lines.push_back(
          {.policy = names[p], .seeds = all[p].size(), .figure = {}, .difference = {}, .p_value = {}});
    for (TableColumn& column : table.columns) {
      for (const auto& seeds : all) column.users = std::max(column.users, seeds[0][figure].users(test.users()));
      std::vector<double> p_values;
      for (std::size_t p = 0; p < names.size(); ++p) {
        TableLine& line = table.lines[p];
        line.figure.push_back(
            percentile_interval(mean_value(all[p], figure, test.users()), resampled_figures[p][figure]));
        if (config.reference.empty()) continue;
        const std::vector<double> gap = difference(resampled_figures[p][figure], resampled_figures[reference][figure]);
        line.difference.push_back(
            percentile_interval(line.figure.back().mean - mean_value(all[reference], figure, test.users()), gap));
        p_values.push_back(p == reference ? std::numeric_limits<double>::quiet_NaN() : bootstrap_p(gap));
      }
      const std::vector<double> corrected = holm(p_values);
      for (std::size_t p = 0; p < corrected.size(); ++p) table.lines[p].p_value.push_back(corrected[p]);
      ++figure;
    }
    std::erase_if(table.lines, [](const TableLine& line) {
      return std::all_of(line.figure.begin(), line.figure.end(), [](const Interval& i) { return std::isnan(i.mean); });
    });
  }
  result.tables.push_back(make_head_table(policies, data, config));
  std::erase_if(result.tables, [](const SupervisedTable& table) { return table.lines.empty(); });
  return result;
}

Json to_json(const SupervisedTables& tables) {
  Json all = {{"rows", tables.rows}, {"users", tables.users}, {"tables", Json::object()}};
  for (const SupervisedTable& table : tables.tables) {
    Json lines = Json::array();
    for (const TableLine& line : table.lines) {
      Json figures = Json::object();
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        Json figure = json_interval(line.figure[c]);
        if (!line.difference.empty()) {
          figure["difference"] = json_interval(line.difference[c]);
          figure["p_holm"] = json_number(line.p_value[c]);
        }
        figures[table.columns[c].key] = figure;
      }
      lines.push_back({{"policy", line.policy}, {"training_seeds", line.seeds}, {"figures", figures}});
    }
    Json users = Json::object();
    for (const TableColumn& column : table.columns) users[column.key] = column.users;
    all["tables"][table.key] = {{"users", users}, {"lines", lines}};
  }
  return all;
}

}  // namespace swipegym
