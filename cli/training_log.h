#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/curve.h"
#include "core/folder_lock.h"
#include "core/stopwatch.h"

namespace swipegym::cli {

/// The file of a --log folder.
inline constexpr const char* kTrainingLogName = "progress.jsonl";

/// Lets a command that trains keep a log in a folder, and be listened to. `option`: its name where "log" means another
/// thing.
void add_log(Command& command, std::filesystem::path& folder, std::string option = "log");
/// Throws InputError when a training has left its log in the folder and this one does not go on with it. For before
/// long work; an empty path is no folder. `advice`: how a person would go on with it; empty where nobody can.
void require_new_log(const std::filesystem::path& folder, bool resume, const std::string& advice = "--resume");

/// What a log says of its training before the first line. It and the lines that are there must be the same for a
/// training to be gone on with.
struct TrainingHead {
  std::string command;  // "train dqn"
  std::filesystem::path out;
  std::uint64_t seed = 1, data_fingerprint = 0;
  Json config;
};

/// A training's curve while it grows, for those who look on: DIR/progress.jsonl where a folder was named, what listens
/// where the program runs inside another, and the latest figures in the lines of progress. Lines have the columns of
/// the curve and "elapsed_s", the seconds of training so far. Written as they come; where a training is resumed the
/// file is replaced by one without the lines that its checkpoint does not know.
class TrainingLog {
 public:
  /// `folder` is empty without --log.
  TrainingLog(const Run& run, std::filesystem::path folder, TrainingHead head, bool resume);
  ~TrainingLog();
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;

  /// For the training; does not outlive the log. Throws InputError for a folder that cannot be written, holds another
  /// training's log, or in which another command is at work; SystemError when the disk is full.
  CurveListener listener();
  /// False when the training had no curve: then nothing was written.
  bool has_begun() const noexcept { return has_begun_; }

 private:
  void begin(const std::vector<CurveColumn>& columns, const std::vector<Json>& done);
  void add(Json line);
  Json head_json(const std::vector<CurveColumn>& columns) const;
  std::vector<std::string> earlier_lines(const std::vector<Json>& done) const;
  void require_same_training(const Json& earlier, bool by_settings) const;
  void write(const std::string& line);

  const Run& run_;
  std::filesystem::path folder_, path_;
  TrainingHead head_;
  bool resume_, has_begun_ = false;
  std::vector<CurveColumn> columns_;
  std::optional<FolderLock> lock_;
  std::FILE* file_ = nullptr;
  Stopwatch watch_;
  double earlier_s_ = 0.0;  // of what a checkpoint has done
};

}  // namespace swipegym::cli
