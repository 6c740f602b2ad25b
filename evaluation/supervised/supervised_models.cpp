#include "evaluation/supervised/supervised_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/labels/labelcraft.h"
#include "agents/labels/train_label_model.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/retrieval/matrix_factorisation.h"
#include "agents/retrieval/multi_interest_trainer.h"
#include "agents/retrieval/ranker.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "agents/sasrec/train_sasrec.h"
#include "agents/sasrec/train_sqn.h"
#include "core/error.h"

namespace swipegym {
namespace {

struct NoSettings {};
template <class Visitor>
void visit_fields(Visitor&, NoSettings&) {}

// An entry whose trainer takes settings of type Config; `train` is TrainedModel(const SupervisedTask&, const Config&).
template <class Config, class Train>
SupervisedModel entry(std::string name, std::string summary, Train train, Config defaults = {}) {
  return {
      .name = std::move(name),
      .summary = std::move(summary),
      .defaults = [defaults] { return config_to_json(defaults); },
      .fields = [defaults] { return list_fields(defaults); },
      .check = [](const Json& settings, const std::string& where) { config_from_json<Config>(settings, where); },
      .read = [defaults](const GivenSettings& given) { return used_settings(given, defaults); },
      .train = [train](const SupervisedTask& task, const Json& settings,
                       const std::string& where) { return train(task, config_from_json<Config>(settings, where)); }};
}

TrainedModel craft_label(const SupervisedTask& task, const LabelCraftConfig& config) {
  return train_labelcraft(task, config);
}

TrainedModel train_popularity(const SupervisedTask& task, const NoSettings&) {
  return {.policy = std::make_shared<FactorPolicy>(make_popularity_model(*task.catalogue), *task.catalogue)};
}

// SASRec's settings when it is to learn one thing.
SasrecConfig sasrec_for(const std::string& objective) {
  SasrecConfig config;
  config.objective = objective;
  config.next_weight = objective == "next" ? 1.0 : 0.0;
  config.ratio_weight = objective == "ratio" ? 1.0 : objective == "binary" ? config.ratio_weight : 0.0;
  config.binary_weight = objective == "binary" ? 1.0 : 0.0;
  return config;
}

SqnConfig sqn_for(const std::string& method) {
  SqnConfig config;
  config.method = method;
  return config;
}

std::vector<SupervisedModel> make_supervised_models() {
  std::vector<SupervisedModel> models = {
      entry<NoSettings>("popularity", "the most exposed videos, the same for everybody", train_popularity),
      entry<MatrixFactorisationConfig>("mf", "matrix factorisation with biases", train_matrix_factorisation),
      entry<TwoTowerTrainingConfig>("two-tower", "retrieval by two towers, corrected for popularity in the batch",
                                    train_two_tower),
      entry<VariationalTrainingConfig>("variational-two-tower", "the same with a deviation of every vector",
                                       train_variational_two_tower),
      entry<MultiInterestConfig>("multi-interest",
                                 "retrieval by several interests of a user, clustered at each request",
                                 train_multi_interest),
      entry<RankerConfig>("ranker", "watch ratio from user, earlier rows and video", train_ranker),
      entry<MultitaskConfig>("multitask", "watch, click, like and six other answers by a mixture of experts",
                             train_multitask),
      entry<SasrecConfig>("sasrec", "self-attention over a user's rows: is more than half of the next video watched?",
                          train_sasrec, sasrec_for("binary")),
      entry<SasrecConfig>("sasrec-ratio", "the same for the watch ratio", train_sasrec, sasrec_for("ratio")),
      entry<SasrecConfig>("sasrec-next", "the same for which video is next", train_sasrec, sasrec_for("next")),
      entry<SqnConfig>("sasrec-clicks",
                       "SASRec for which video is clicked next: what sqn and its kin are without values", train_sqn,
                       sqn_for("none")),
      entry<SqnConfig>("sqn", "the same with a second head that learns values by double Q-learning", train_sqn,
                       sqn_for("sqn")),
      entry<SqnConfig>("sac", "self-supervised actor-critic (Xin et al. 2020): the same, then weighed by those values",
                       train_sqn, sqn_for("sac")),
      entry<SqnConfig>("snqn", "sqn that also learns what videos that were not shown are worth (Xin et al. 2022)",
                       train_sqn, sqn_for("snqn")),
      entry<SqnConfig>("sa2c", "supervised advantage actor-critic: snqn, then weighed by its advantages", train_sqn,
                       sqn_for("sa2c")),
  };
  for (const std::string& label : label_names()) {
    LabelModelConfig config;
    config.label = label;
    models.push_back(
        entry<LabelModelConfig>(label, "a recommender fitted to the label " + label, train_label_model, config));
  }
  models.push_back(
      entry<LabelCraftConfig>("labelcraft", "a recommender with the label it learns for itself", craft_label));
  for (const std::string& part : ablation_names())
    models.push_back(entry<LabelCraftConfig>("labelcraft-" + part, "LabelCraft without its part " + part, craft_label,
                                             ablate({}, part)));
  return models;
}

}  // namespace

const std::vector<SupervisedModel>& supervised_models() {
  static const std::vector<SupervisedModel> models = make_supervised_models();
  return models;
}

std::vector<std::string> supervised_model_names() {
  std::vector<std::string> names;
  for (const SupervisedModel& model : supervised_models()) names.push_back(model.name);
  return names;
}

const SupervisedModel& find_supervised_model(std::string_view name) {
  for (const SupervisedModel& model : supervised_models())
    if (model.name == name) return model;
  throw InputError(
      fmt::format("'{}' is no supervised model; there are {}", name, fmt::join(supervised_model_names(), ", ")));
}

}  // namespace swipegym
