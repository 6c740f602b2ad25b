#include "cli/training_log.h"

#include <fmt/chrono.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "cli/progress_bar.h"
#include "core/error.h"
#include "core/output_file.h"
#include "core/text.h"

namespace swipegym::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kLogVersion = 1;  // of the lines, under "progress" of the first
constexpr const char* kElapsed = "elapsed_s";

[[noreturn]] void throw_foreign(const fs::path& path, const std::string& why,
                                const std::string& advice = "name another folder, or remove it") {
  throw InputError(fmt::format("{}: {}; {}", path.string(), why, advice));
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

// Without the seconds, in which two runs of a training differ.
std::string comparable(Json line) {
  line.erase(kElapsed);
  return line.dump();
}

// The lines that end: a last one without an end was cut short.
std::vector<std::string> whole_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

// "epoch 3, train loss 0.213": what a line of progress tells.
std::string in_short(const std::vector<CurveColumn>& columns, const Json& line) {
  std::string text;
  for (const CurveColumn& column : columns) {
    if (column.title.empty() || !line.contains(column.name)) continue;
    const Json& figure = line[column.name];
    if (figure.is_null()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column.title,
                        figure.is_number_integer() ? std::to_string(figure.get<std::int64_t>())
                                                   : fmt::format("{:.4g}", figure.get<double>()));
  }
  return text;
}

}  // namespace

void add_log(Command& command, fs::path& folder, std::string option) {
  command.has_curve = true;
  command.options.output(std::move(option), folder, "DIR",
                         "a folder for progress.jsonl: how the training goes, a line of JSON a round or epoch as it "
                         "ends",
                         Writing::kWorkFolder, /*is_required=*/false);
}

void require_new_log(const fs::path& folder, bool resume, const std::string& advice) {
  std::error_code ignored;
  const fs::path path = folder / kTrainingLogName;
  if (folder.empty() || !fs::exists(fs::symlink_status(path, ignored))) return;
  if (!fs::is_regular_file(path, ignored)) throw_foreign(path, "is no file");
  const std::string others = "name another folder, or remove it";
  if (!resume)
    throw_foreign(path, "is the log of an earlier training",
                  advice.empty() ? others : fmt::format("go on with that by {}, {}", advice, others));
}

TrainingLog::TrainingLog(const Run& run, fs::path folder, TrainingHead head, bool resume)
    : run_(run),
      folder_(std::move(folder)),
      path_(folder_ / kTrainingLogName),
      head_(std::move(head)),
      resume_(resume) {
  if (folder_.empty()) return;
  const auto place = [](const fs::path& path) {
    std::error_code ignored;
    return fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  };
  for (const auto& [option, path] : {std::pair{"--out", head_.out}, std::pair{"--json", run.json_path}})
    if (!path.empty() && place(path) == place(path_))
      throw InputError(
          fmt::format("{} {} is where the log of the training is written; choose another", option, path.string()));
}

TrainingLog::~TrainingLog() {
  if (file_ != nullptr) std::fclose(file_);
}

CurveListener TrainingLog::listener() {
  return {
      .begin = [this](const std::vector<CurveColumn>& columns, const std::vector<Json>& done) { begin(columns, done); },
      .add = [this](const Json& line) { add(line); }};
}

Json TrainingLog::head_json(const std::vector<CurveColumn>& columns) const {
  Json meanings = Json::object();
  for (const CurveColumn& column : columns) meanings[column.name] = column.meaning;
  meanings[kElapsed] = "seconds of training so far, those before it was resumed included";
  return {{"progress", kLogVersion},
          {"command", head_.command},
          {"version", version_text()},
          {"build", build_text()},
          {"seed", head_.seed},
          {"config", head_.config},
          {"data_fingerprint", fingerprint_text(head_.data_fingerprint)},
          {"out", head_.out.string()},
          {"started", now_text()},
          {"seconds_before", earlier_s_},
          {"step", columns.front().name},
          {"columns", std::move(meanings)}};
}

// By its settings too where no line tells whether the training is the same.
void TrainingLog::require_same_training(const Json& earlier, bool by_settings) const {
  const auto require = [&](const char* key, const Json& own) {
    const Json theirs = earlier.value(key, Json());  // null where the head does not say it
    if (theirs != own)
      throw_foreign(path_, theirs.is_primitive() ? fmt::format("is the log of a training whose {} is {}, not {}", key,
                                                               theirs.dump(), own.dump())
                                                 : fmt::format("is the log of a training with another {}", key));
  };
  require("command", head_.command);
  require("seed", head_.seed);
  require("data_fingerprint", fingerprint_text(head_.data_fingerprint));
  if (by_settings) require("config", head_.config);
}

// Those of the log that is there, as far as the checkpoint knows them.
std::vector<std::string> TrainingLog::earlier_lines(const std::vector<Json>& done) const {
  require_new_log(folder_, resume_);
  std::error_code ignored;
  if (!fs::exists(path_, ignored)) return {};
  std::vector<std::string> lines = whole_lines(read_text_file(path_));
  const auto line_of = [&](std::size_t i) { return parse_json(lines[i], fmt::format("{}:{}", path_.string(), i + 1)); };
  const Json head = lines.empty() ? Json() : line_of(0);
  if (!head.is_object() || !head.contains("progress")) throw_foreign(path_, "is no log of a training");
  if (head["progress"] != kLogVersion) throw_foreign(path_, "is the log of another version of the program");
  require_same_training(head, done.empty());
  lines.resize(std::min(lines.size(), done.size() + 1));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const Json line = line_of(i);
    if (!line.is_object() || comparable(line) != done[i - 1].dump())
      throw_foreign(path_, fmt::format("line {} is not that of the training gone on with", i + 1));
  }
  lines.erase(lines.begin());
  return lines;
}

void TrainingLog::begin(const std::vector<CurveColumn>& columns, const std::vector<Json>& done) {
  has_begun_ = true;
  columns_ = columns;
  watch_ = {};
  if (folder_.empty()) return;
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error)
    throw InputError(fmt::format("{}: cannot be made: {}; choose another --log", folder_.string(), error.message()));
  lock_.emplace(folder_);
  const std::vector<std::string> kept = earlier_lines(done);
  std::string text;
  for (std::size_t i = 0; i < done.size(); ++i) {
    Json line = i < kept.size() ? Json::parse(kept[i]) : done[i];
    if (!line.contains(kElapsed)) line[kElapsed] = nullptr;  // the earlier part was trained without a log
    if (line[kElapsed].is_number()) earlier_s_ = line[kElapsed].get<double>();
    text += line.dump() + "\n";
  }
  write_file(path_, json_text(head_json(columns)) + "\n" + text);
  file_ = std::fopen(path_.c_str(), "ae");
  if (file_ == nullptr)
    throw SystemError(fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(errno)));
}

void TrainingLog::write(const std::string& line) {
  errno = 0;
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0)
    throw SystemError(fmt::format("{}: write failed: {}; the training ends here", path_.string(),
                                  std::strerror(errno == 0 ? EIO : errno)));
}

void TrainingLog::add(Json line) {
  if (run_.bar) run_.bar->tell(in_short(columns_, line));
  line[kElapsed] = earlier_s_ + watch_.seconds();
  const std::string text = line.dump();
  if (file_ != nullptr) write(text + "\n");
  if (run_.host != nullptr && run_.host->on_line) run_.host->on_line(text);
}

}  // namespace swipegym::cli
