#include "evaluation/platform/platform_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/file_sum.h"
#include "core/folder_lock.h"
#include "core/json_text.h"
#include "core/named_files.h"
#include "core/output_file.h"
#include "core/parallel_for.h"
#include "evaluation/json_number.h"
#include "sim_data/csv/log_writer.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kReportPeriod{100};

// Files of an earlier season, which a shorter one would leave behind.
void remove_release(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (is_release_file(entry.path().filename().string())) old.push_back(entry.path());
  for (const fs::path& path : old) fs::remove(path, ignored);
}

// What is in the folder of one season: a result when it is over, a checkpoint until then.
struct SeasonFiles {
  fs::path result, checkpoint;

  fs::path sum() const { return season_days_folder(checkpoint) / "checkpoint.json"; }
  void remove_checkpoint() const {
    std::error_code ignored;
    fs::remove(checkpoint, ignored);
    fs::remove_all(season_days_folder(checkpoint), ignored);
  }
};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A policy's word; where it is a file a sum of its bytes, and of the files it names, so that another one is told apart
// wherever it lies.
std::string contents_of(const std::string& word) {
  std::error_code ignored;
  if (!fs::is_regular_file(word, ignored)) return word;
  std::uint64_t sum = file_sum(word);
  for (const std::string& name : hdf5_names_in(word)) {
    const fs::path beside = fs::path(word).parent_path() / name;
    sum = file_sum(fs::exists(beside, ignored) ? beside : fs::path(name), sum);
  }
  return fmt::format("file {:016x}", sum);
}

fs::path runs_of(const fs::path& study) {
  fs::path runs = study / "runs";
  std::error_code error;
  fs::create_directories(runs, error);
  if (error) throw InputError(fmt::format("{}: {}; name a folder that can be made", runs.string(), error.message()));
  return runs;
}

Json days_json(const std::vector<DayMeasures>& days) {
  Json out = Json::array();
  for (const DayMeasures& day : days) {
    Json row = Json::array();
    for (const MeasureInfo& info : day_measures()) row.push_back(json_number(day.*info.value));
    out.push_back(std::move(row));
  }
  return out;
}

int side_by_side_of(const PlatformStudy& study) {
  const std::size_t runs = study.policies.size() * study.seeds;
  return static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(worker_count(study.threads)), runs));
}

class Seasons {
 public:
  Seasons(std::shared_ptr<const Simulator> base, const PlatformStudy& study)
      : base_(std::move(base)),
        study_(study),
        runs_(runs_of(study.folder)),
        at_work_(runs_),
        split_(contents_of(study.split)) {
    for (const PlatformStudy::Named& policy : study.policies) contents_[policy.name] = contents_of(policy.word);
    outer_ = side_by_side_of(study_);
    inner_ = std::max(1, worker_count(study_.threads) / std::max(outer_, 1));
  }

  PlatformReport play() {
    PlatformReport report{.config = study_.config, .lines = {}, .first_seed = study_.seed};
    for (const PlatformStudy::Named& policy : study_.policies) {
      report.lines.push_back({.name = policy.name, .seed = {}, .videos = 0});
      report.lines.back().seed.resize(study_.seeds);
    }
    const std::size_t runs = study_.policies.size() * study_.seeds;
    std::vector<std::uint64_t> videos(runs, 0);
    // By worlds first, so that policies that were played so far can be compared.
    side_by_side(runs, [&](std::size_t run) {
      const std::size_t policy = run % study_.policies.size(), seed = run / study_.policies.size();
      report.lines[policy].seed[seed] = one(study_.policies[policy], study_.seed + seed, videos[run]);
    });
    for (std::size_t run = 0; run < runs; ++run) report.lines[run % study_.policies.size()].videos += videos[run];
    return report;
  }

 private:
  Json identity(const PlatformStudy::Named& policy, std::uint64_t seed) const {
    return {{"config", config_to_json(study_.config)},
            {"policy", contents_.at(policy.name)},
            {"split", split_},
            {"seed", seed},
            {"logs", study_.logged != nullptr},
            {"data_fingerprint", base_->data_fingerprint}};
  }

  // Seasons side by side, on threads of their own: one may wait for another at a file, which a pool's tasks never may.
  // This thread reports for all, for Python hears of Ctrl-C on none but its own.
  template <class Play>
  void side_by_side(std::size_t runs, const Play& play) {
    std::atomic<std::size_t> next = 0;
    std::exception_ptr failure;
    std::condition_variable ended;
    int working = outer_;
    const auto unless_it_fails = [&](const auto& work) {
      try {
        work();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (failure == nullptr) failure = std::current_exception();
        next = runs;
        stopped_ = true;
      }
    };
    tell();
    std::vector<std::thread> threads;
    for (int worker = 0; worker < outer_; ++worker)
      threads.emplace_back([&] {
        unless_it_fails([&] {
          for (std::size_t run = next++; run < runs; run = next++) play(run);
        });
        const std::lock_guard lock(mutex_);
        --working;
        ended.notify_one();
      });
    for (bool over = false; !over;) {
      unless_it_fails([&] { tell(); });
      std::unique_lock lock(mutex_);
      over = ended.wait_for(lock, kReportPeriod, [&] { return working == 0; });
    }
    for (std::thread& thread : threads) thread.join();
    if (failure != nullptr) std::rethrow_exception(failure);
    tell();
  }

  std::vector<DayMeasures> one(const PlatformStudy::Named& policy, std::uint64_t seed, std::uint64_t& videos) {
    const std::string name = fmt::format("{}-s{}", policy.name, seed);
    const SeasonFiles files{runs_ / (name + ".json"), runs_ / (name + ".h5")};
    const Json made_with = identity(policy, seed);
    if (is_there(files.result)) {
      std::vector<DayMeasures> days = read(files.result, made_with, videos);
      files.remove_checkpoint();  // of a run that was killed just after it had written the result
      return days;
    }
    Season season(base_, study_.config, season_policy(policy.word, study_.config.slate), seed, inner_);
    if (!study_.split.empty()) season.split_users(season_policy(study_.split, study_.config.slate));
    if (is_there(files.checkpoint)) go_on(season, files, made_with.dump());
    season.stop_by(stopped_);
    std::optional<SeasonLog> log;
    const fs::path logs = study_.folder / "logs" / name;
    if (study_.logged != nullptr && season.day() == 0) remove_release(logs);
    if (study_.logged != nullptr) season.log_to(&log.emplace(logs, study_.logged->users, study_.logged->videos));
    done_ += static_cast<std::uint64_t>(season.day());
    while (!season.over()) {
      season.play_day();
      season.save(files.checkpoint, made_with.dump());
      write_file(files.sum(), sum_of_checkpoint(season, files).dump() + "\n");
      ++done_;
    }
    videos = season.videos_shown();
    if (log) {
      log->finish(season.world());
      write_file(logs / "creators.csv", creator_days_csv(season.creator_days()));
    }
    write_file(files.result,
               Json{{"made_with", made_with}, {"videos", videos}, {"days", days_json(season.days())}}.dump() + "\n");
    files.remove_checkpoint();
    return season.days();
  }

  // By what a checkpoint that was damaged without becoming nonsense is told apart.
  static Json sum_of_checkpoint(const Season& season, const SeasonFiles& files) {
    return {{"day", season.day()}, {"sum", fmt::format("{:016x}", file_sum(files.checkpoint))}};
  }

  static void go_on(Season& season, const SeasonFiles& files, const std::string& made_with) {
    try {
      season.load(files.checkpoint, made_with);
      if (!is_there(files.sum())) return;
      const Json sum = read_json(files.sum()), own = sum_of_checkpoint(season, files);
      // A run that was killed between the two leaves the sum of the day before.
      if (sum != own && !(sum.is_object() && sum.contains("day") && sum["day"] == season.day() - 1))
        throw InputError(
            fmt::format("{}: is damaged: its bytes are others than were written", files.checkpoint.string()));
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}; to begin this season anew remove {} and {}", error.what(),
                                   files.checkpoint.string(), season_days_folder(files.checkpoint).string()));
    }
  }

  std::vector<DayMeasures> read(const fs::path& path, const Json& made_with, std::uint64_t& videos) {
    const Json stored = read_json(path);
    if (!stored.is_object() || !stored.contains("made_with") || !stored.contains("days") ||
        !stored["days"].is_array() || !stored.contains("videos") || !stored["videos"].is_number_unsigned())
      throw InputError(fmt::format("{}: is no result of a season; remove it", path.string()));
    if (stored["made_with"] != made_with)
      throw InputError(
          fmt::format("{}: was played in another world or with other settings; name another folder, or "
                      "remove it",
                      path.string()));
    std::vector<DayMeasures> days;
    const auto measures = day_measures();
    for (const Json& row : stored["days"]) {
      if (!row.is_array() || row.size() != measures.size())
        throw InputError(fmt::format("{}: is no result of a season; remove it", path.string()));
      DayMeasures& day = days.emplace_back();
      for (std::size_t k = 0; k < measures.size(); ++k)
        day.*measures[k].value = row[k].is_number() ? row[k].get<double>() : kUndefined;
    }
    if (days.size() != static_cast<std::size_t>(study_.config.days))
      throw InputError(
          fmt::format("{}: has {} days, expected {}; remove it", path.string(), days.size(), study_.config.days));
    videos = stored["videos"].get<std::uint64_t>();
    done_ += static_cast<std::uint64_t>(study_.config.days);
    return days;
  }

  // Seasons are played side by side: what all of them have left is what a person waits for.
  void tell() const {
    const std::uint64_t total = study_.policies.size() * study_.seeds * static_cast<std::uint64_t>(study_.config.days);
    report(study_.progress, "days of seasons", done_, total);
  }

  std::shared_ptr<const Simulator> base_;
  const PlatformStudy& study_;
  fs::path runs_;
  FolderLock at_work_;
  std::string split_;                            // its contents,
  std::map<std::string, std::string> contents_;  // and those of each policy, by name
  int outer_ = 1, inner_ = 1;
  std::mutex mutex_;
  std::atomic<std::uint64_t> done_ = 0;  // days
  std::atomic<bool> stopped_ = false;
};

}  // namespace

MemoryBudget platform_memory(const Simulator& base, const PlatformStudy& study) {
  return season_memory(base, study.config, side_by_side_of(study));
}

PlatformReport run_platform(std::shared_ptr<const Simulator> base, const PlatformStudy& study) {
  study.config.check();
  if (study.policies.empty() || study.seeds == 0) throw InputError("a platform needs at least one policy and one seed");
  std::set<std::string> names;
  for (const PlatformStudy::Named& policy : study.policies) {
    if (!names.insert(policy.name).second)
      throw InputError(fmt::format("two policies are called '{}': name them apart, NAME=FILE", policy.name));
    if (policy.name.find('/') != std::string::npos)
      throw InputError(fmt::format("policy '{}' names a file of the study: give it a name, NAME=FILE", policy.name));
    season_policy(policy.word, study.config.slate)(base->catalogue, policy_files());  // refused before hours of work
  }
  if (!study.split.empty()) season_policy(study.split, study.config.slate)(base->catalogue, policy_files());
  return Seasons(std::move(base), study).play();
}

}  // namespace swipegym
