#pragma once

#include <filesystem>
#include <fstream>
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

/// A session of each of three users, on the full catalogue or among ten random candidates.
struct StageRequests {
  StageRequests(const std::shared_ptr<const Simulator>& simulator, bool full)
      : env(simulator,
            full ? std::shared_ptr<const CandidateSource>(std::make_shared<FullCatalogue>())
                 : std::make_shared<RandomCandidates>(simulator->catalogue.num_videos(), 10),
            {.num_envs = 3, .threads = 1, .history_length = 50, .max_steps = 20}),
        keys(3),
        streams(3, 0) {
    env.reset(std::vector<std::uint64_t>{11, 12, 13});
    for (std::size_t row = 0; row < 3; ++row) keys[row] = make_key(row);
  }
  DecisionBatch batch(std::size_t slate = 1, int threads = 1) const {
    return {.observation = env.observation(),
            .env = &env,
            .keys = keys,
            .streams = streams,
            .threads = threads,
            .slate = slate};
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
