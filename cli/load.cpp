#include "cli/load.h"

#include <set>

#include "cli/brought_objects.h"
#include "cli/env_options.h"
#include "core/error.h"
#include "env/fitted/simulator_file.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

std::string counts(const char* title, const std::map<std::string, std::uint64_t>& reasons) {
  std::string out;
  for (const auto& [reason, count] : reasons)
    if (count > 0)
      out += fmt::format("{} {} {}", out.empty() ? fmt::format("; {}:", title) : ",", reason, show_count(count));
  return out;
}

// "198,895 rows read, 193,583 kept; dropped: repeated 5,312; noted: duration 0 3,101".
std::string describe(const LoadReport& report) {
  return fmt::format("{} rows read, {} kept{}{}", show_count(report.rows_read), show_count(report.rows_kept),
                     counts("dropped", report.dropped), counts("noted", report.noted));
}

// The truth that made a synthetic release, to step in as in a fitted simulator.
std::shared_ptr<const Simulator> load_truth(const Run& run, const std::filesystem::path& release) {
  const LoadedDataset loaded = load_data(run, release);
  if (loaded.data.truth.empty())
    throw InputError(
        fmt::format("{} holds logs, not a simulator; make one with 'swipegym fit --data {} --out sim.h5' (a folder "
                    "serves only when 'data synth' made it: its truth is known)",
                    release.string(), release.string()));
  return std::make_shared<const Simulator>(
      make_truth_simulator(loaded.data.truth, loaded.data, kNoDateLimit, run.threads));
}

}  // namespace

LoadedDataset load_data(const Run& run, const std::filesystem::path& path, LoadOptions options,
                        const std::filesystem::path& called) {
  options.threads = run.threads;
  options.progress = run.progress;
  LoadedDataset loaded = load_dataset(path, options);
  run.note("{}: {}", (called.empty() ? path : called).string(), describe(loaded.report));
  return loaded;
}

std::shared_ptr<const Simulator> load_simulator_file(const Run& run, const std::filesystem::path& path,
                                                     const std::string& clock) {
  run.check_interrupt();
  if (run.host != nullptr && run.host->brought != nullptr) {
    const auto& brought = run.host->brought->simulators;
    if (const auto found = brought.find(path.string()); found != brought.end()) return found->second;
  }
  if (std::filesystem::is_directory(path)) return load_truth(run, path);
  auto simulator =
      std::make_shared<const Simulator>(load_simulator(path, clock == "log" ? Clock::kLog : Clock::kDense));
  run.reads("the data behind " + path.string(), fitted_data(*simulator));
  return simulator;
}

const FittedUserModel& fitted_model(const Simulator& simulator) {
  const auto* model = dynamic_cast<const FittedUserModel*>(simulator.model.get());
  if (model == nullptr)
    throw InputError(fmt::format("this needs a fitted simulator, got one of kind '{}'", simulator.model->name()));
  return *model;
}

}  // namespace swipegym::cli
