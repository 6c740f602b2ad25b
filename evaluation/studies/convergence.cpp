#include "evaluation/studies/convergence.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/output_file.h"
#include "evaluation/studies/convergence_figures.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"

namespace swipegym {
namespace {

// Files of a study: each is written whole, with what made it, so that a resumed study knows its own.
class CellFolder {
 public:
  CellFolder(const ConvergenceStudy& study, const Simulator& simulator)
      : folder_(study.folder / "cells"),
        identity_({{"config", config_to_json(study.config)}, {"data_fingerprint", simulator.data_fingerprint}}) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
      throw InputError(fmt::format("{}: {}; name a folder that can be made", folder_.string(), error.message()));
  }

  /// What make() returns, or what it returned in an earlier run.
  template <class Make>
  Json get(const std::string& name, const Make& make) const {
    const std::filesystem::path path = folder_ / (name + ".json");
    if (std::filesystem::exists(path)) {
      Json stored = read_json(path);
      if (!stored.is_object() || !stored.contains("made_with") || !stored.contains("result"))
        throw InputError(fmt::format("{}: is no result of a convergence study; remove it", path.string()));
      Json made_with = stored["made_with"];
      if (made_with.is_object() && made_with.contains("config"))
        made_with["config"] = settings_of_today<ConvergenceConfig>(made_with["config"]);
      if (made_with != identity_)
        throw InputError(
            fmt::format("{}: was made in another simulator or with other settings; name another folder, or remove it",
                        path.string()));
      return stored["result"];
    }
    Json result = make();
    write_file(path, Json{{"made_with", identity_}, {"result", result}}.dump(1) + "\n");
    return result;
  }

 private:
  std::filesystem::path folder_;
  Json identity_;
};

std::string size_word(std::size_t size, std::size_t num_videos) {
  return size >= num_videos ? "all" : fmt::format("m{}", size);
}

// Progress of one training among many.
Progress part_of(const Progress& whole, std::size_t index, std::size_t count, const std::string& what) {
  return [&whole, index, count, what](std::string_view, std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kParts = 1000;
    const std::uint64_t here = total == 0 ? 0 : done * kParts / total;
    report(whole, what, index * kParts + here, count * kParts);
  };
}

// Above this many videos the oracle asks about a shortlist.
constexpr std::size_t kAskedVideos = 100'000;

Json measure(const std::shared_ptr<const Simulator>& simulator, const ConvergenceStudy& study, std::size_t size,
             const Baseline& one) {
  const bool oracle = one.name == "oracle";
  const std::size_t sessions = oracle ? study.config.oracle_sessions : study.config.sessions;
  std::shared_ptr<const Policy> policy = one.policy;
  Json recall = nullptr;
  if (oracle && size >= simulator->catalogue.num_videos() && size > kAskedVideos) {
    const auto listed = std::make_shared<ShortlistOracle>(
        simulator, baseline_env(study.config, size, simulator->catalogue.num_videos(), study.threads),
        ShortlistOracle::Settings{.seed = study.config.session_seed}, study.progress);
    recall = listed->recall();
    policy = listed;
  }
  return {{"rewards", baseline(simulator, study.config, size, *policy, sessions, study.threads)}, {"recall", recall}};
}

MeasuredBaseline baseline_from_json(const std::string& name, const Json& json) {
  MeasuredBaseline one{.name = name, .rewards = json.at("rewards").get<std::vector<float>>()};
  if (!json.at("recall").is_null()) one.recall = json.at("recall").get<double>();
  return one;
}

}  // namespace

ConvergenceReport run_convergence(std::shared_ptr<const Simulator> simulator, const ConvergenceStudy& study,
                                  const std::vector<Baseline>& baselines) {
  check(study.config);
  const std::size_t videos = simulator->catalogue.num_videos();
  if (study.sizes.empty() || study.seeds == 0)
    throw InputError("a convergence study needs at least one size and one seed");
  std::vector<Cell> cells;
  for (const std::size_t size : study.sizes)
    for (const std::string& agent : study.agents)
      for (std::uint64_t seed = 1; seed <= study.seeds; ++seed)
        if (size >= videos || !find_convergence_variant(agent).retrieves()) cells.push_back({size, agent, seed});
  if (cells.empty()) throw InputError("these agents choose among what is retrieved of all videos: --sizes needs 'all'");
  for (const Cell& cell : cells) cell_agent(study.config, cell, videos);  // settings are refused before hours of work

  std::vector<Baseline> all = {{"random", std::make_shared<RandomPolicy>()},
                               {"popularity", make_popularity_policy(simulator->catalogue)},
                               {"oracle", std::make_shared<OneStepOracle>()}};
  all.insert(all.end(), baselines.begin(), baselines.end());
  const CellFolder folder(study, *simulator);
  const std::size_t work = cells.size() + study.sizes.size();
  std::size_t done = 0;
  ConvergenceMeasurements measured{.config = study.config, .num_videos = videos};
  for (const std::size_t size : study.sizes) {
    const std::string word = size_word(size, videos);
    report(study.progress, word + " baselines", done * 1000, work * 1000);
    for (const Baseline& one : all) {
      const Json json = folder.get(word + "-" + one.name, [&] { return measure(simulator, study, size, one); });
      measured.baselines[size].push_back(baseline_from_json(one.name, json));
    }
    ++done;
    for (const Cell& cell : cells) {
      if (cell.size != size) continue;
      const std::string name = fmt::format("{}-{}-s{}", word, cell.agent, cell.seed);
      const Json json = folder.get(name, [&] {
        return to_json(
            run_cell(simulator, study.config, cell, study.threads, part_of(study.progress, done, work, name)));
      });
      measured.cells.emplace_back(cell, cell_from_json(json));
      ++done;
    }
  }
  report(study.progress, "tables", work * 1000, work * 1000);
  ConvergenceReport out = convergence_figures(measured, study.agents, study.threads);
  const std::string tables[] = {curves_csv(measured), table_csv(out), baselines_csv(out), slopes_csv(out)};
  for (std::size_t i = 0; i < std::size(tables); ++i) write_file(study.folder / kConvergenceTables[i], tables[i]);
  return out;
}

}  // namespace swipegym
