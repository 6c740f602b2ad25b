#pragma once

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/constant_user_model.h"
#include "policy/stages/staged_policy.h"

/// Compositions and what they are asked, for tests of stages.
namespace swipegym::test {

inline std::shared_ptr<const Simulator> stage_world() {
  return make_constant_simulator({.leave_after = 60}, {.num_users = 20, .num_videos = 400, .history = 30});
}

/// Sessions of some users, on the full catalogue or among ten random candidates, with keys as whoever acts gives them.
struct StageRequests {
  StageRequests(const std::shared_ptr<const Simulator>& simulator, bool full, std::size_t rows = 3,
                std::size_t slate = 1)
      : env(simulator,
            full ? std::shared_ptr<const CandidateSource>(std::make_shared<FullCatalogue>())
                 : std::make_shared<RandomCandidates>(simulator->catalogue.num_videos(), 10),
            {.num_envs = rows, .threads = 1, .history_length = 50, .max_steps = 40, .slate = slate}),
        streams(rows, 0) {
    std::vector<std::uint64_t> seeds(rows);
    std::iota(seeds.begin(), seeds.end(), std::uint64_t{11});
    for (std::size_t row = 0; row < rows; ++row) keys.push_back(make_key(row));
    env.reset(seeds);
  }
  DecisionBatch batch(std::size_t slate = 1, int threads = 1) const {
    return {.observation = env.observation(),
            .env = &env,
            .keys = keys,
            .streams = streams,
            .threads = threads,
            .slate = slate};
  }
  /// The slate of one row.
  std::vector<std::int32_t> slate_of(const Policy& policy, std::uint32_t row, std::size_t count) const {
    std::vector<std::int32_t> videos(count);
    policy.best_videos(batch(count), {&row, 1}, count, videos);
    return videos;
  }
  VectorEnv env;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
};

/// A folder of a test's own with compositions and the files they name; removed with what is in it.
class StageFolder {
 public:
  explicit StageFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("swipegym_test_" + name)) {
    std::filesystem::create_directories(path_);
  }
  ~StageFolder() { std::filesystem::remove_all(path_); }
  StageFolder(const StageFolder&) = delete;
  StageFolder& operator=(const StageFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  StagedPolicy policy(const std::string& text, const Simulator& simulator) const {
    std::ofstream(path_ / "composition.json") << text;
    return {read_composition(path_ / "composition.json", simulator.catalogue), simulator.catalogue.num_videos()};
  }
  /// What reading it is refused with; empty when it is not.
  std::string error(const std::string& text, const Simulator& simulator) const {
    try {
      policy(text, simulator);
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "";
  }

 private:
  std::filesystem::path path_;
};

}  // namespace swipegym::test
