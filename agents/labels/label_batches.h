#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/epoch_loop.h"
#include "agents/logged_states.h"
#include "agents/supervised_task.h"
#include "evaluation/metrics/ranking.h"
#include "nn/sgd.h"
#include "policy/label/label_policy.h"

namespace swipegym {

/// Logged rows as a label network's inputs, cut into shards of kShardRows.
class LabelBatches {
 public:
  static constexpr std::size_t kShardRows = 256;

  /// All must outlive this.
  LabelBatches(const Dataset& data, const Catalogue& catalogue, const LabelModel& model, int threads)
      : states_(data, catalogue, model.network_config.history_length), encoder_(model), threads_(threads) {}
  void fill(std::span<const std::uint32_t> rows, std::vector<LabelRows>& shards);

 private:
  LoggedStates states_;
  LabelEncoder encoder_;
  int threads_;
  std::vector<LoggedStates::Batch> batches_;
};

/// Everything that training changes of a label network, as a checkpoint and a message name it.
TrainedParts label_parts(LabelNetwork& network, Adam& adam);
/// A step on the gradients of what `adam` moves, by the settings' optimiser. Steps of SGD are counted in `adam` too.
template <class Config>
void step_label_parts(TrainedParts& parts, const Config& config, double sgd_decay = 0.0) {
  if (config.optimiser == "adam") {
    parts.adam->step(parts.dense, parts.tables);
  } else {
    sgd_step<float>(parts.dense, parts.tables, config.learning_rate, sgd_decay);
    parts.adam->set_steps(parts.adam->steps() + 1);
  }
}

/// A fresh model of so many heads for a task, with the header of its policy.
template <class Config>
std::shared_ptr<LabelModel> make_task_model(const SupervisedTask& task, const std::string& name, const Config& config,
                                            std::size_t heads) {
  auto model = make_label_model(name, *task.catalogue, config.network, heads, task.seed);
  model->header = header_of(task, "label", name, config, task.train.until);
  return model;
}
/// Standard rows of a known duration of these days, two at least; InputError otherwise.
std::vector<std::uint32_t> label_rows(const SupervisedTask& task, std::initializer_list<DayRange> days);

/// What the tables of label learning say of a ranking of test rows; users with more than k rows.
struct LabelFigures {
  RankedUsers ranked;
  UserFigures watch, feedback, spread;  // NWTG@k, NEG@k, DS@k
};
LabelFigures label_figures(const Dataset& data, std::span<const std::uint32_t> rows, std::span<const float> scores,
                           std::size_t k, GainMode mode = GainMode::kStandard);

}  // namespace swipegym
