#pragma once

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/supervised_task.h"
#include "core/hdf5_reader.h"
#include "nn/adam.h"

namespace swipegym {

/// What the loop must know of a model in training: everything that a step changes.
struct TrainedParts {
  struct Named {
    std::string name;
    Parameter* parameter = nullptr;
  };
  std::vector<Named> parameters;  // dense ones and the tables of embeddings, as a checkpoint and a message name them
  Adam* adam = nullptr;
  Adam* second_adam = nullptr;      // where two networks take turns
  std::vector<Parameter*> dense{};  // of `parameters`, what a step of `adam` moves
  std::vector<Embedding*> tables{};

  void add(std::string name, Parameter* parameter) {
    parameters.push_back({std::move(name), parameter});
    dense.push_back(parameter);
  }
  void add(std::string name, Embedding* table) {
    parameters.push_back({std::move(name), &table->table});
    tables.push_back(table);
  }
};

/// Adds every parameter and table of a network, by their place in its lists; `prefix` is what their names begin with.
template <class Network>
void add_parts(TrainedParts& parts, Network& network, const std::string& prefix) {
  std::size_t number = 0;
  for (Parameter* parameter : network.parameters())
    parts.add(prefix + "parameter_" + std::to_string(number++), parameter);
  number = 0;
  for (Embedding* table : network.embeddings()) parts.add(prefix + "table_" + std::to_string(number++), table);
}

/// Begins where another network stopped whose parts are the same ones: takes its values. Tables may have got more rows,
/// which stay as they were drawn. Throws InputError for parts of other shapes.
void begin_from(TrainedParts& parts, const TrainedParts& earlier);

struct Validation {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double loss = kNone;    // none without validation rows
  double metric = kNone;  // higher is better; none: nothing is stopped early and the last epoch is kept
};

struct EpochSettings {
  int epochs = 1;
  int patience = 0;  // stops after so many epochs without a better metric; 0: never
  /// Who is being trained on what, as JSON text: a checkpoint of anything else is refused.
  std::string identity{};
};

/// Of a trainer's settings; `model` tells its checkpoints from those of others.
template <class Config>
EpochSettings epoch_settings(const Config& config, const char* model) {
  Json identity = config_to_json(config);
  identity["model"] = model;
  return {.epochs = config.epochs, .patience = config.patience, .identity = identity.dump()};
}

/// Makes an epoch's updates and returns their mean loss, drawing every random number from the seed and the epoch alone.
/// Reports to `progress` how much of this epoch is done, of the same total in every epoch.
using TrainEpoch = std::function<double(int epoch, const Progress& progress)>;

/// Trains for epochs 1, 2, ...; `validate()` judges. Keeps the values of the best epoch. After each epoch a checkpoint
/// is written, from which the task's `resume` goes on with the same bits, and the task's curve gets a line. Throws
/// InputError for a checkpoint of another model or shape, and SystemError for a loss that is not finite, naming epoch
/// and layer; the checkpoint then still holds the last good epoch.
std::vector<EpochReport> run_epochs(const SupervisedTask& task, const EpochSettings& settings, TrainedParts& parts,
                                    const TrainEpoch& train, const std::function<Validation()>& validate);

/// Throws SystemError unless `loss` is finite: names the step and the layer with a number that is not,
/// or with the largest one.
void require_finite(double loss, int epoch, std::int64_t step, const TrainedParts& parts);

}  // namespace swipegym
