#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace swipegym::test {

struct Outcome {
  int code = 0;  // exit code, or 128 + signal
  std::string out, err;
};

/// Where a process is run: by default as the tests themselves are.
struct Surroundings {
  std::chrono::milliseconds interrupt_after{0};  // > 0: sends a signal then
  int interrupt_by = SIGINT;
  std::chrono::milliseconds kill_after{0};  // > 0: sends SIGKILL then
  long long file_size_limit = -1;           // bytes; writes beyond it fail, as on a full disk
};

/// Runs the program built beside the tests and waits for it.
Outcome run_program(const std::vector<std::string>& words, const Surroundings& surroundings = {});

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);
/// Hidden or temporary entries left in a folder.
std::vector<std::string> leftovers(const std::filesystem::path& folder);

/// Holds when the program failed as documented: the code, and as the last line of stderr one that begins with
/// "swipegym: " and contains every part.
bool fails_with(const Outcome& outcome, int code, const std::vector<std::string>& parts);

}  // namespace swipegym::test
