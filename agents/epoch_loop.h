#pragma once

#include <functional>
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
  Adam* second_adam = nullptr;  // where two networks take turns
};

/// Adds every parameter and table of a network, by their place in its lists.
template <class Network>
void add_parts(TrainedParts& parts, Network& network, const std::string& name) {
  std::size_t number = 0;
  for (Parameter* parameter : network.parameters())
    parts.parameters.push_back({name + "/parameter_" + std::to_string(number++), parameter});
  number = 0;
  for (Embedding* table : network.embeddings())
    parts.parameters.push_back({name + "/table_" + std::to_string(number++), &table->table});
}

struct Validation {
  double loss = 0.0;    // NaN without validation rows
  double metric = 0.0;  // higher is better; NaN: nothing is stopped early and the last epoch is kept
};

struct EpochSettings {
  int epochs = 1;
  int patience = 0;  // stops after so many epochs without a better metric; 0: never
  /// Who is being trained on what, as JSON text: a checkpoint of anything else is refused.
  std::string identity{};
};

/// Trains for epochs 1, 2, ...: `train(epoch)` makes the epoch's updates and returns its mean loss, drawing every
/// random number from the seed and the epoch alone; `validate()` judges. Keeps the values of the best epoch. After each
/// epoch a checkpoint is written, from which the task's `resume` goes on with the same bits. Throws InputError for a
/// checkpoint of another model or shape, and SystemError for a loss that is not finite, naming epoch and layer; the
/// checkpoint then still holds the last good epoch.
std::vector<EpochReport> run_epochs(const SupervisedTask& task, const EpochSettings& settings, TrainedParts& parts,
                                    const std::function<double(int epoch)>& train,
                                    const std::function<Validation()>& validate);

/// Throws SystemError unless `loss` is finite: names the step and the layer with a number that is not,
/// or with the largest one.
void require_finite(double loss, int epoch, std::int64_t step, const TrainedParts& parts);

}  // namespace swipegym
