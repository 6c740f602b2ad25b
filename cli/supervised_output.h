#pragma once

#include <string>
#include <vector>

#include "agents/supervised_task.h"
#include "cli/command.h"
#include "core/config.h"
#include "evaluation/supervised/supervised_tables.h"

namespace swipegym::cli {

/// The options of the tables that `supervised` and `tables` share.
struct TableSettings {
  std::size_t resamples = 1000;
  float wanted_above = 0.5F, ratio_clip = 2.0F;
  std::size_t fairness_groups = 5, recall_at = 100;
  std::vector<std::string> depths = {"5", "10"};
};
void add_table_options(Options& options, TableSettings& settings);
/// Throws InputError for a depth that is no number.
SupervisedTableConfig table_config(const TableSettings& settings, const Run& run);

/// Every table with its notes, whom it rests on and, where there is a reference, the differences to it.
std::string text_of(const SupervisedTables& tables, const std::string& reference = "");
/// One line an epoch.
std::string text_of(const std::vector<EpochReport>& epochs);
Json epochs_json(const std::vector<EpochReport>& epochs);

}  // namespace swipegym::cli
