#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/supervised_task.h"
#include "core/config.h"
#include "evaluation/metrics/bootstrap.h"
#include "policy/policy.h"

namespace swipegym {

/// A line of the tables: a policy, with one object a training seed, and the catalogue of the test data they were loaded
/// for: made of the rows up to the day the policy knows.
struct TabledPolicy {
  std::string name;
  std::vector<std::shared_ptr<const Policy>> seeds;
  std::shared_ptr<const Catalogue> catalogue;
};

struct SupervisedTableConfig {
  DayRange train, validate{1, 0}, test;
  float wanted_above = 0.5F;                  // the binary task: was more than this share of the video watched
  float ratio_clip = 2.0F;                    // the regression task: ratios are clipped here
  float fans = 1000.0F;                       // users with fewer fans are the one half of the popularity split
  std::vector<std::size_t> depths = {5, 10};  // k of the ranking metrics; users with more than k rows count
  float gain_threshold = 1.0F;                // a row is relevant when its watch-time gain exceeds this
  std::size_t gain_groups = 30;               // duration groups that gains are measured in
  std::size_t fairness_groups = 5;            // duration groups whose rankings are compared
  std::size_t recall_at = 100;
  std::string reference;  // a policy that the others are compared with, pair by pair; empty: none
  std::size_t resamples = 1000;
  std::uint64_t seed = 1;
  int threads = 0;
  Progress progress{};
};

/// A column.
struct TableColumn {
  std::string key, title;  // for JSON, and for people
  int digits = 4;
  std::size_t users = 0;  // whom the figures rest on: those who contribute to them
};

struct TableLine {
  std::string policy;
  std::size_t seeds = 1;
  std::vector<Interval> figure;      // [columns]; NaN where the policy has none
  std::vector<Interval> difference;  // to the reference; empty without one
  std::vector<double> p_value;       // of the difference, two-sided, Holm-corrected over the policies of a column
};

struct SupervisedTable {
  std::string key, title;
  std::string note;  // what one must know to read it
  std::vector<TableColumn> columns;
  std::vector<TableLine> lines;
};

struct SupervisedTables {
  std::size_t rows = 0, users = 0;  // of the test days
  std::vector<SupervisedTable> tables;
};

/// Scores the standard rows of the test days that have a known duration, and says how well, in the tables of the
/// papers:
///
/// - binary: AUC, GAUC, F1, recall, precision, accuracy of "more than half was watched". Scores of kBinaryHead are
///   probabilities and cut at .5; for all others, and in the column F1 tuned, the cut is the best one of the validation
///   days.
/// - ratio: root mean squared error of the watch ratio. Scores of another head than kWatchRatioHead are first brought
/// to
///   ratios by a line fitted on the validation days.
/// - fans: the binary task among users with few and with many fans.
/// - ranking: NWTG, DS, NEG of LabelCraft, in their standard form and as its code computes them.
/// - duration: nDCG of watch-time-gain relevance within each duration group, their gap, and whether it goes with
/// length.
/// - retrieval: recall of the whole catalogue, hits and NDCG of the next video, for policies that retrieve.
/// - reactions: for these, hits and NDCG of every video clicked, and of every one liked, followed or commented on.
/// - heads: AUC, GAUC, log loss and calibration of every probability that a multi-task policy tells (head_table.h).
///
/// Two lines need no model: the training mean, and the training mean of videos about as long. Intervals come from
/// resampling users (and training seeds, see bootstrap.h), the same users for every policy, so that differences are
/// paired. Throws InputError when no row is dated in the test days or `reference` is no policy.
SupervisedTables make_supervised_tables(const std::vector<TabledPolicy>& policies, const Dataset& data,
                                        const SupervisedTableConfig& config);

Json to_json(const SupervisedTables& tables);

}  // namespace swipegym
