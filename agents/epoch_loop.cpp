#include "agents/epoch_loop.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "agents/counters.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr std::int64_t kEpochCheckpointVersion = 1;
constexpr std::string_view kEpochCheckpointKind = "checkpoint";

// What the loop itself goes by, besides the model.
struct LoopState {
  std::vector<EpochReport> reports;
  std::vector<Matrix> best;  // values of the best epoch so far; empty: none yet
  double best_metric = 0.0;
  int since_best = 0;
};

void save_epoch(const SupervisedTask& task, const EpochSettings& settings, const TrainedParts& parts,
                const LoopState& state) {
  Hdf5Writer file(task.checkpoint);
  file.attribute("kind", kEpochCheckpointKind);
  file.attribute("schema_version", kEpochCheckpointVersion);
  file.attribute("seed", static_cast<std::int64_t>(task.seed));
  file.attribute("data_fingerprint", static_cast<std::int64_t>(task.data->fingerprint));
  file.attribute("adam_steps", parts.adam->steps());
  if (parts.second_adam != nullptr) file.attribute("second_adam_steps", parts.second_adam->steps());
  file.attribute("best_metric", state.best_metric);
  file.attribute("since_best", std::int64_t{state.since_best});
  file.write_text("identity", settings.identity);
  std::vector<double> reports;
  for (const EpochReport& r : state.reports)
    reports.insert(reports.end(),
                   {static_cast<double>(r.epoch), r.train_loss, r.validation_loss, r.validation_metric, r.seconds});
  file.write_figures("epochs", reports);  // what was not validated is NaN
  for (std::size_t i = 0; i < parts.parameters.size(); ++i) {
    const auto& [name, parameter] = parts.parameters[i];
    save(file, "now/" + name, *parameter, /*moments=*/true);
    if (state.best.empty()) continue;
    Parameter best;
    best.value = state.best[i];
    save(file, "best/" + name, best, /*moments=*/false);
  }
  file.commit();
}

// Rows of numbers as save_epoch() writes them.
struct StoredEpochs {
  static constexpr std::size_t kNumbers = 5;
  std::vector<double> numbers;

  void validate() const {
    require_that("epochs", numbers.size() % kNumbers == 0, "five numbers an epoch");
    for (std::size_t i = 0; i < numbers.size(); i += kNumbers)
      require_that("epochs", numbers[i] == static_cast<double>(i / kNumbers + 1), "epochs 1, 2, ... in their order");
  }
};

// InputError when they are not epochs 1, 2, ...
std::vector<EpochReport> read_epochs(const Hdf5Reader& file, const std::string& name) {
  const std::vector<double> n = file.checked(StoredEpochs{file.read<double>(name)}).numbers;
  std::vector<EpochReport> reports;
  for (std::size_t i = 0; i < n.size(); i += StoredEpochs::kNumbers)
    reports.push_back({static_cast<int>(n[i]), n[i + 1], n[i + 2], n[i + 3], n[i + 4]});
  return reports;
}

void load_epoch(const SupervisedTask& task, const EpochSettings& settings, TrainedParts& parts, LoopState& state) {
  const Hdf5Reader file(task.checkpoint, kEpochCheckpointKind, kEpochCheckpointVersion);
  const auto refuse = [&](const char* what) {
    throw InputError(
        fmt::format("{}: is the checkpoint of a training with {}; give that, or remove the file to begin anew",
                    task.checkpoint.string(), what));
  };
  if (!file.has("identity") || file.read_text("identity") != settings.identity) refuse("another model or settings");
  if (static_cast<std::uint64_t>(file.attribute_int("seed")) != task.seed) refuse("another seed");
  if (static_cast<std::uint64_t>(file.attribute_int("data_fingerprint")) != task.data->fingerprint)
    refuse("other data");
  parts.adam->set_steps(read_counter(file, "adam_steps"));
  if (parts.second_adam != nullptr) parts.second_adam->set_steps(read_counter(file, "second_adam_steps"));
  state.best_metric = file.attribute_double("best_metric");
  state.reports = read_epochs(file, "epochs");
  state.since_best =
      static_cast<int>(std::min(read_counter(file, "since_best"), static_cast<std::int64_t>(state.reports.size())));
  for (const auto& [name, parameter] : parts.parameters) {
    load(file, "now/" + name, *parameter);
    if (!file.has("best/" + name)) continue;
    Parameter best;
    best.resize(static_cast<std::size_t>(parameter->value.rows()), static_cast<std::size_t>(parameter->value.cols()));
    load(file, "best/" + name, best);
    state.best.push_back(best.value);
  }
  require_that(file.path().string() + ": best", state.best.empty() || state.best.size() == parts.parameters.size(),
               "the values of all layers or of none; the file is damaged, remove it to begin anew");
}

// The columns of an epoch's line: name, figure, meaning, and what a reader in a hurry is told of it.
template <class Visitor>
void visit_columns(Visitor visit, const EpochReport& r) {
  visit("epoch", r.epoch, "passes over the training rows, so far", "epoch");
  visit("train_loss", r.train_loss, "mean over the training rows", "train loss");
  visit("validation_loss", r.validation_loss, "mean over the validation rows", "");
  visit("validation_metric", r.validation_metric, "what the epoch that is kept is chosen by: higher is better",
        "validation metric");
  visit("seconds", r.seconds, "of this epoch, validation included", "");
}

void begin_curve(const SupervisedTask& task, const std::vector<EpochReport>& done) {
  if (!task.curve.begin) return;
  std::vector<Json> lines;
  for (const EpochReport& report : done) lines.push_back(to_json(report));
  task.curve.begin(epoch_columns(), lines);
}

void keep_values(const TrainedParts& parts, LoopState& state) {
  state.best.clear();
  for (const TrainedParts::Named& named : parts.parameters) state.best.push_back(named.parameter->value);
}

}  // namespace

Json to_json(const EpochReport& epoch) {
  Json line = Json::object();
  visit_columns(LineWriter{line}, epoch);
  return line;
}

std::vector<CurveColumn> epoch_columns() {
  std::vector<CurveColumn> columns;
  visit_columns(ColumnLister{columns}, EpochReport{});
  return columns;
}

void begin_from(TrainedParts& parts, const TrainedParts& earlier) {
  const std::size_t count = earlier.parameters.size();
  if (parts.parameters.size() != count)
    throw InputError(fmt::format("a network of {} layers cannot begin with the values of one of {}; train it anew",
                                 parts.parameters.size(), count));
  for (std::size_t i = 0; i < count; ++i) {
    Matrix& to = parts.parameters[i].parameter->value;
    const Matrix& from = earlier.parameters[i].parameter->value;
    if (to.cols() != from.cols() || to.rows() < from.rows())
      throw InputError(
          fmt::format("layer {} has {} x {} numbers, those it should begin with are {} x {}; train it anew",
                      parts.parameters[i].name, to.rows(), to.cols(), from.rows(), from.cols()));
    to.topRows(from.rows()) = from;
  }
}

void require_finite(double loss, int epoch, std::int64_t step, const TrainedParts& parts) {
  if (std::isfinite(loss)) return;
  // The layer that holds what is not finite; where the loss overflowed first, the one with the largest number.
  std::string layer;
  float largest = -1.0F;
  for (const auto& [name, parameter] : parts.parameters) {
    bool finite = parameter->value.allFinite();
    for (const Matrix& gradient : parameter->shards) finite = finite && gradient.allFinite();
    const float most = !finite ? std::numeric_limits<float>::infinity()
                               : (parameter->value.size() > 0 ? parameter->value.cwiseAbs().maxCoeff() : 0.0F);
    if (most > largest) largest = most, layer = name;
  }
  throw SystemError(fmt::format(
      "the loss is not a finite number at step {} of epoch {}; the numbers that grew are in layer {}. Lower "
      "the learning rate; a checkpoint keeps the last good epoch",
      step, epoch, layer));
}

std::vector<EpochReport> run_epochs(const SupervisedTask& task, const EpochSettings& settings, TrainedParts& parts,
                                    const TrainEpoch& train, const std::function<Validation()>& validate) {
  LoopState state;
  if (task.resume && std::filesystem::exists(task.checkpoint)) load_epoch(task, settings, parts, state);
  begin_curve(task, state.reports);
  std::uint64_t epoch_total = 1;  // of what an epoch reports
  const auto stopped = [&] { return settings.patience > 0 && state.since_best >= settings.patience; };
  for (int epoch = static_cast<int>(state.reports.size()) + 1; epoch <= settings.epochs && !stopped(); ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    EpochReport& report = state.reports.emplace_back();
    report.epoch = epoch;
    const auto report_part = [&](std::uint64_t done, std::uint64_t total) {
      epoch_total = std::max<std::uint64_t>(total, 1);
      swipegym::report(task.progress, "training", static_cast<std::uint64_t>(epoch - 1) * epoch_total + done,
                       static_cast<std::uint64_t>(settings.epochs) * epoch_total);
    };
    report.train_loss =
        train(epoch, [&](std::string_view, std::uint64_t done, std::uint64_t total) { report_part(done, total); });
    require_finite(report.train_loss, epoch, parts.adam->steps(), parts);
    const Validation judged = validate();
    report.validation_loss = judged.loss, report.validation_metric = judged.metric;
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (std::isnan(judged.metric)) {
      state.best.clear();
    } else if (state.best.empty() || judged.metric > state.best_metric) {
      state.best_metric = judged.metric, state.since_best = 0;
      keep_values(parts, state);
    } else {
      ++state.since_best;
    }
    if (!task.checkpoint.empty()) save_epoch(task, settings, parts, state);
    report_part(epoch_total, epoch_total);
    if (task.curve.add) task.curve.add(to_json(report));
  }
  for (std::size_t i = 0; i < state.best.size(); ++i) parts.parameters[i].parameter->value = state.best[i];
  return state.reports;
}

}  // namespace swipegym
