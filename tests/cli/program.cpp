#include "tests/cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

namespace swipegym::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

[[noreturn]] void become_program(const std::vector<std::string>& words, const Surroundings& surroundings, int out,
                                 int err) {
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
  if (surroundings.file_size_limit >= 0) {
    signal(SIGXFSZ, SIG_IGN);  // so that a write beyond the limit fails with EFBIG instead of killing
    const rlimit limit{static_cast<rlim_t>(surroundings.file_size_limit),
                       static_cast<rlim_t>(surroundings.file_size_limit)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<std::string> copy = words;
  std::vector<char*> arguments = {const_cast<char*>(SWIPEGYM_PROGRAM)};
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(SWIPEGYM_PROGRAM, arguments.data());
  _exit(127);
}

/// Empties what is ready; false at the end of the stream.
bool drain(int descriptor, std::string& into) {
  std::array<char, 4096> buffer;
  const ssize_t size = read(descriptor, buffer.data(), buffer.size());
  if (size > 0) into.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

}  // namespace

Outcome run_program(const std::vector<std::string>& words, const Surroundings& surroundings) {
  std::array<int, 2> out{}, err{};
  REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
  REQUIRE(pipe2(err.data(), O_CLOEXEC) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) become_program(words, surroundings, out[1], err[1]);
  close(out[1]);
  close(err[1]);

  Outcome outcome;
  const bool kills = surroundings.kill_after.count() > 0;
  const auto delay = kills ? surroundings.kill_after : surroundings.interrupt_after;
  const Clock::time_point signal_at = Clock::now() + delay;
  bool is_signalled = delay.count() == 0;
  std::array<pollfd, 2> streams = {pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    poll(streams.data(), streams.size(), is_signalled ? -1 : 10);
    if (!is_signalled && Clock::now() >= signal_at) {
      kill(child, kills ? SIGKILL : surroundings.interrupt_by);
      is_signalled = true;
    }
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (streams[i].revents != 0 && !drain(streams[i].fd, i == 0 ? outcome.out : outcome.err)) streams[i].fd = -1;
  }
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "swipegym_test_XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
}

std::vector<std::string> leftovers(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") || name.find(".part") != std::string::npos || name.find(".tmp") != std::string::npos)
      found.push_back(entry.path().string());
  }
  return found;
}

bool fails_with(const Outcome& outcome, int code, const std::vector<std::string>& parts) {
  UNSCOPED_INFO("exit code " << outcome.code << ", stdout '" << outcome.out << "', stderr '" << outcome.err << "'");
  // Remarks on what was read may stand before it; the last line, and only that, is the program's complaint.
  const std::size_t at = outcome.err.rfind("swipegym: ");
  const bool is_one_line = at != std::string::npos && (at == 0 || outcome.err[at - 1] == '\n') &&
                           outcome.err.find('\n', at) == outcome.err.size() - 1 && outcome.err.find("swipegym: ") == at;
  const bool has_parts = std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
    return is_one_line && outcome.err.find(part, at) != std::string::npos;
  });
  return outcome.code == code && is_one_line && has_parts;
}

}  // namespace swipegym::test
