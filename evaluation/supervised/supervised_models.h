#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/supervised_task.h"
#include "core/config.h"
#include "core/given_settings.h"

namespace swipegym {

/// A name that `swipegym supervised` knows.
struct SupervisedModel {
  std::string name, summary;
  std::function<Json()> defaults;  // its settings, as its file in configs/ has them
  std::function<std::vector<FieldLine>()> fields;
  std::function<void(const Json& settings, const std::string& where)> check;  // InputError for what no file may say
  std::function<Json(const GivenSettings&)> read;  // its settings, with its defaults for what is not given
  /// Trains with these settings; `where` names them in messages.
  std::function<TrainedModel(const SupervisedTask&, const Json& settings, const std::string& where)> train;
};

/// All of them, in the order of the help page.
const std::vector<SupervisedModel>& supervised_models();
/// Throws InputError that lists the names there are.
const SupervisedModel& find_supervised_model(std::string_view name);
std::vector<std::string> supervised_model_names();

}  // namespace swipegym
