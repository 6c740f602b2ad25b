#include "agents/retrieval/multi_interest_trainer.h"

#include <fmt/format.h>

#include "core/config.h"
#include "core/error.h"

namespace swipegym {
namespace {

// The towers to cluster by; `trained` keeps what their training tells.
std::shared_ptr<TwoTowerModel> towers_of(const SupervisedTask& task, const MultiInterestConfig& config,
                                         TrainedModel& trained) {
  if (config.policy == "none")
    trained = train_two_tower(task, config.towers);
  else
    trained.policy = load_policy(config.policy, *task.catalogue);
  const auto* towers = dynamic_cast<const TwoTowerPolicy*>(trained.policy.get());
  if (towers == nullptr)
    throw InputError(fmt::format("{}: a policy of the model '{}'; interests need the videos' vectors of a two_tower",
                                 config.policy, trained.policy->header().model));
  return std::make_shared<TwoTowerModel>(towers->model());
}

}  // namespace

TrainedModel train_multi_interest(const SupervisedTask& task, const MultiInterestConfig& config) {
  check_ranges(config);
  TrainedModel trained;
  auto model = std::make_shared<MultiInterestModel>();
  model->towers = towers_of(task, config, trained);
  model->header = header_of(task, "multi_interest", "multi-interest", config, task.catalogue->until);
  model->history_length = config.history_length;
  model->interests = config.interests;
  trained.policy = std::make_shared<MultiInterestPolicy>(std::move(model));
  return trained;
}

}  // namespace swipegym
