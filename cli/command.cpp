#include "cli/command.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <new>

#include "cli/help.h"
#include "cli/progress_bar.h"
#include "core/error.h"
#include "core/memory_budget.h"
#include "core/named_files.h"
#include "core/nearest_word.h"
#include "core/output_file.h"
#include "core/text.h"

namespace swipegym::cli {
namespace {

std::atomic<int> stop_signal{0};
std::atomic<long long> stopped_at_ms{0};
static_assert(std::atomic<long long>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

constexpr long long kSamePressMs = 300;  // wrappers such as timeout(1) pass one Ctrl-C on twice

/// The first Ctrl-C asks the work to stop and clean up; a second one ends the process at once. SIGTERM (kill, a
/// shutdown) and SIGHUP (the terminal is gone) ask the same.
extern "C" void remember_signal(int signal_number) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long now_ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
  int none = 0;
  if (stop_signal.compare_exchange_strong(none, signal_number)) {
    stopped_at_ms.store(now_ms);
  } else if (now_ms - stopped_at_ms.load() > kSamePressMs) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

void watch_for_signals() {
  struct sigaction action = {}, before = {};
  action.sa_handler = remember_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // nohup(1) has it ignored, so that work goes on when the terminal is gone.
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

std::string what_stopped() {
  const int signal_number = stop_signal.load();
  return signal_number == SIGTERM ? "ended by SIGTERM" : signal_number == SIGHUP ? "ended by SIGHUP" : "interrupted";
}

/// Interrupted, with what the person may do now.
class Stopped : public Interrupted {
 public:
  explicit Stopped(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

// A word as a shell reads it back.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string resuming(const Command& command, std::vector<std::string> words) {
  if (std::find(words.begin(), words.end(), "--resume") == words.end()) words.emplace_back("--resume");
  std::string line = "swipegym " + command.name;
  for (const std::string& word : words) line += " " + shell_word(word);
  return line;
}

// The end of an interrupted run: which checkpoint it leaves, and how to go on from it.
[[noreturn]] void throw_stopped(const Command& command, const std::vector<std::string>& words, const FileUse& files) {
  std::string message = what_stopped() + "; unfinished outputs were removed, earlier ones are as they were";
  std::error_code ignored;
  for (const OutputUse& output : files.outputs)
    if (output.writing == Writing::kCheckpoint && std::filesystem::exists(output.path, ignored))
      throw Stopped(fmt::format("{}; the checkpoint {} is kept, go on with: {}", message, output.path.string(),
                                resuming(command, words)));
  for (const OutputUse& output : files.outputs)
    if (command.goes_on && output.writing == Writing::kWorkFolder)
      throw Stopped(fmt::format("{}; what is done is kept in {}, and the same command goes on from there", message,
                                output.path.string()));
  throw Stopped(message);
}

void add_settings(const Command& command, Options& options, Run& run) {
  options.input("config", run.config_path, "FILE",
                fmt::format("settings as JSON; 'swipegym settings {}' lists them", command.name), false);
  options.repeated("set", "KEY=JSON", "one setting, on top of --config: network.width=32; may be repeated",
                   [&run](const std::string& text) { run.typed.push_back(parse_typed_setting(text, "--set")); });
  options.flag("print-config", run.prints_config,
               "print the settings that would be used, as a file that --config reads, and do nothing else");
}

void add_common(const Command& command, Options& options, Run& run) {
  options.group("Common");
  options.add("threads", run.threads, between(0, 1024), "N", "worker threads, 0 for all cores; never changes a result");
  if (command.uses_seed) options.add("seed", run.seed, ranges::kAnySeed, "S", "seed of everything drawn");
  if (!command.settings.empty()) add_settings(command, options, run);
  options.output("json", run.json_path, "FILE", "also write what is printed, unrounded, as JSON", Writing::kText,
                 false);
  options.add("memory-limit", run.memory_limit, "BYTES",
              "refuse work that needs more, such as 16G; absent: what the machine has free");
  options.flag("quiet", run.quiet, "no progress and no remarks on stderr");
}

// Settings that are typed, or given in place of a file, name files too.
void add_named_in_settings(const Run& run, FileUse& use) {
  const auto add = [&use](const std::string& option, const Json& value) {
    for (std::string& name : hdf5_names_of(value)) use.inputs.push_back({.option = option, .path = std::move(name)});
  };
  add("config", run.host->config);
  for (const TypedSetting& typed : run.typed) add("--set " + typed.key, typed.value);
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& w) { return w == "--help" || w == "-h"; });
}

// Nothing begins before all that is read and written was held against each other, and nothing is replaced before all is
// done that may fail.
void run_with_files(Command& command, const std::vector<std::string>& words, Run& run) {
  run.files = run.options->files();
  add_named_in_settings(run, run.files);
  if (command.also_uses) command.also_uses(run, run.files);
  require_apart(run.files);
  OutputGroup outputs(final_outputs(run.files), [&run](const std::filesystem::path& part) {
    run.note("removed {}, which a run that was killed had left", part.string());
  });
  run.outputs = &outputs;
  require_writable(run.files);
  for (const OutputUse& output : run.files.outputs) remove_stale_parts(output.path);
  try {
    command.run(run);
    run.check_interrupt();
  } catch (const Interrupted&) {
    throw_stopped(command, words, run.files);
  }
  outputs.commit();
}

// --memory-limit holds while its command runs, and no longer where the program is part of another.
class MemoryLimit {
 public:
  explicit MemoryLimit(const std::string& text) : before_(stated_memory_limit()) {
    if (!text.empty()) set_memory_limit(parse_bytes("--memory-limit", text));
  }
  ~MemoryLimit() { set_memory_limit(before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::uint64_t before_;
};

bool was_called(const Command& command, const std::string& name) {
  return std::count(command.former_names.begin(), command.former_names.end(), name) > 0;
}

// A command without settings says so, not that it has never heard of them.
void require_settings(const Command& command, const std::vector<std::string>& words, const Host& host) {
  if (!command.settings.empty()) return;
  for (const std::string& word : words)
    for (const std::string name : {"--config", "--set", "--print-config"})
      if (word == name || word.starts_with(name + "="))
        throw InputError(fmt::format("'swipegym {}' has no settings, and so no {}; see 'swipegym {} --help'",
                                     command.name, name, command.name));
  if (!host.config.is_null())
    throw InputError(fmt::format("'swipegym {}' has no settings, and so no config", command.name));
}

void run_command(Command& command, const std::string& called, const std::vector<std::string>& words, const Host& host) {
  Run run;
  run.command = command.name;
  run.host = &host;
  if (asks_for_help(words)) return run.print_text(help_page(command));
  Options options = command.options;
  add_common(command, options, run);
  const RemarkListener remarks([&run](const std::string& text) { run.note_text(text); });
  require_settings(command, words, host);
  const bool prints_config = std::find(words.begin(), words.end(), "--print-config") != words.end();
  options.parse(words, command.name, prints_config ? Options::Missing::kAllowed : Options::Missing::kRefused);
  if (host.on_line && !command.has_curve)
    throw InputError(
        fmt::format("'{}' trains nothing in rounds or epochs: there is nothing to listen to", command.name));
  if (called != command.name) remark(renamed_text(called, command.name));
  run.options = &options;
  if (run.prints_config) return run.print_text(json_text(command.used_settings(run), 2) + "\n");
  const MemoryLimit limit(run.memory_limit);
  run.bar = std::make_shared<ProgressBar>(run.quiet);
  run.progress = [&run, bar = run.bar](std::string_view what, std::uint64_t done, std::uint64_t total) {
    run.check_interrupt();
    bar->update(what, done, total);
  };
  // Whatever way it ends, the bar must not be left standing before the shell's prompt or our message.
  const std::shared_ptr<void> clear_at_end(nullptr, [bar = run.bar](void*) { bar->clear(); });
  run_with_files(command, words, run);
}

constexpr const char* kReportIsPython =
    "'report' is a part of the Python package: \"pip install 'swipegym[report]'\" has it, and in a clone "
    "'scripts/report.sh DIR'; without Python there are 'compare --report PAGE' and the page of 'platform'";

[[noreturn]] void throw_unknown_command(const std::string& word, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    names.push_back(command.name);
    names.push_back(command.name.substr(0, command.name.find(' ')));
  }
  throw InputError(
      fmt::format("unknown command '{}'{}; 'swipegym --help' lists them", word, did_you_mean(word, names)));
}

// "help train dqn" as "train dqn --help".
std::vector<std::string> with_help(const std::vector<std::string>& words) {
  std::vector<std::string> asked(words.begin() + 1, words.end());
  asked.emplace_back("--help");
  return asked;
}

void dispatch(const std::vector<std::string>& words, const Host& host) {
  std::vector<Command> commands = make_commands();
  Run plain;
  plain.host = &host;
  if (words.empty()) throw InputError("no command given; start with 'swipegym quickstart' or 'swipegym --help'");
  if (words[0] == "help" && words.size() > 1) return dispatch(with_help(words), host);
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") return plain.print_text(overview_page(commands));
  if (words[0] == "--version") return plain.print_text(build_text() + "\n");
  for (const std::size_t length : {2U, 1U}) {
    if (words.size() < length) continue;
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    for (Command& command : commands)
      if (command.name == name || was_called(command, name))
        return run_command(command, name, {words.begin() + length, words.end()}, host);
  }
  const bool is_family = std::any_of(commands.begin(), commands.end(),
                                     [&](const Command& c) { return c.name.starts_with(words[0] + " "); });
  if (is_family && words.size() > 1 && asks_for_help(words)) return plain.print_text(family_page(words[0], commands));
  if (is_family && words.size() == 1)
    throw InputError(fmt::format("'{}' needs one more word; see 'swipegym {} --help'", words[0], words[0]));
  if (words[0] == "report") throw InputError(kReportIsPython);
  throw_unknown_command(is_family ? words[0] + " " + words[1] : words[0], commands);
}

int fail(int code, const std::string& message) {
  // One line, whatever a library put into its message.
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  fmt::print(stderr, "swipegym: {}\n", printable(line));
  return code;
}

}  // namespace

std::string fingerprint_text(std::uint64_t fingerprint) {
  return fmt::format("{:016x}", fingerprint);
}

GivenSettings Run::given_settings() const {
  GivenSettings given(Json::object(), "the defaults");
  if (host != nullptr && !host->config.is_null()) given = GivenSettings(host->config, "config");
  if (!config_path.empty()) given = GivenSettings::of_file(config_path);
  for (const TypedSetting& setting : typed) given.type(setting);
  return given;
}

void Run::print_text(const std::string& bytes) const {
  if (bar) bar->clear();
  const std::string text = printable(bytes);
  if (host != nullptr && host->print) return host->print(text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw SystemError(fmt::format("standard output: write failed: {}", std::strerror(errno)));
}

void Run::note_text(const std::string& text) const {
  if (quiet) return;
  if (bar) bar->clear();
  fmt::print(stderr, "{}\n", printable(text));
}

void Run::reads(const std::string& what, const std::filesystem::path& path) const {
  require_apart({.inputs = {{.option = what, .path = path}}, .outputs = files.outputs});
}

void Run::remove_at_end(const std::filesystem::path& checkpoint) const {
  outputs->remove_after(checkpoint);
}

void Run::require_memory(const MemoryBudget& budget) const {
  constexpr std::uint64_t kWorthAWord = 4ULL << 30;
  budget.require();
  if (budget.total() > kWorthAWord) note("This needs {} of memory.", budget.text());
}

void Run::check_interrupt() const {
  if (stop_signal.load(std::memory_order_relaxed) != 0) throw Interrupted();
  if (host != nullptr && host->check_interrupt) host->check_interrupt();
}

void Run::write_json(Json result, const Json& config, std::uint64_t data_fingerprint) const {
  if (!json_path.empty()) write_result(json_path, command, std::move(result), config, data_fingerprint);
}

void Run::write_result(const std::filesystem::path& path, const std::string& by, Json result, const Json& config,
                       std::uint64_t data_fingerprint) const {
  result["command"] = by;
  result["config"] = config;
  result["seed"] = seed;
  result["data_fingerprint"] = fingerprint_text(data_fingerprint);
  result["build"] = build_text();
  write_file(path, json_text(result, 2) + "\n");
}

std::string help_page(const Command& command) {
  Run run;
  Options options = command.options;
  add_common(command, options, run);
  return command_page(command, options);
}

void run_words(const std::vector<std::string>& words, const Host& host) {
  dispatch(words, host);
}

int run_program(const std::vector<std::string>& words) {
  watch_for_signals();
  try {
    dispatch(words, {});
    return 0;
  } catch (const Interrupted& stopped) {
    const int sent = stop_signal.load();
    return fail(128 + (sent == 0 ? SIGINT : sent), stopped.what());
  } catch (const InputError& error) {
    return fail(2, error.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory; use fewer rows, sessions or environments, or a machine with more");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
}

}  // namespace swipegym::cli
