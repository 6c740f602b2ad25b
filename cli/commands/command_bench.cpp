#include <algorithm>
#include <fstream>
#include <optional>

#include "cli/command.h"
#include "cli/env_options.h"
#include "cli/load.h"
#include "core/cpu_probe.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/constant_user_model.h"
#include "env/step_speed.h"
#include "evaluation/text_table.h"
#include "sim_data/fingerprint.h"

namespace swipegym::cli {
namespace {

struct BenchSettings {
  std::filesystem::path simulator;
  std::size_t envs = 1024;
  WorldConfig world;
  double seconds = 3.0;
  int hash_steps = 100;
};

struct Measured {
  int threads = 1;
  SpeedRun run;
  double gain_before = 0.0, gain_after = 0.0;  // of the plain loop; only taken around more than one thread
  bool discarded() const noexcept { return threads > 1 && std::min(gain_before, gain_after) < kHealthyGain; }
};

// Without a simulator the user model is one that answers at once, so that the figure is the engine's own share.
std::shared_ptr<const Simulator> simulator_for(const BenchSettings& settings, const Run& run) {
  if (!settings.simulator.empty()) return load_simulator_file(run, settings.simulator, settings.world.clock);
  return make_constant_simulator({.leave_after = 30}, {.num_users = 20'000, .num_videos = 7'583, .history = 200});
}

// Of every byte of the simulator's file, or of a release's truth: two figures with the same one stepped the same world.
std::uint64_t file_fingerprint(const std::filesystem::path& simulator) {
  if (simulator.empty()) return 0;
  const std::filesystem::path path = std::filesystem::is_directory(simulator) ? simulator / "truth.json" : simulator;
  std::vector<char> bytes(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw SystemError(path.string() + " cannot be read a second time");
  return hash_bytes(std::as_bytes(std::span(bytes)));
}

// The env that is hashed stays while another is timed.
void require_env_memory(const BenchSettings& settings, const Simulator& simulator, const Run& run) {
  run.require_memory(
      MemoryBudget().add(fmt::format("{} sessions side by side, twice", settings.envs),
                         product_of({2, env_bytes(simulator, settings.world, {.num_envs = settings.envs})}),
                         "--envs, --candidates or --history-length"));
}

Measured measure(const BenchSettings& settings, const std::shared_ptr<const Simulator>& simulator, int threads,
                 std::uint64_t seed) {
  Measured result{.threads = threads, .run = {}};
  VectorEnv env = make_env(simulator, settings.world, {.num_envs = settings.envs, .threads = threads}, seed);
  if (threads > 1) result.gain_before = two_thread_gain();
  result.run = measure_speed(env, seed, settings.seconds);
  if (threads > 1) result.gain_after = two_thread_gain();
  return result;
}

Json measured_json(const Measured& measured) {
  Json json{{"threads", measured.threads},
            {"steps_per_s", measured.run.steps_per_s()},
            {"steps", measured.run.steps},
            {"episodes", measured.run.episodes},
            {"seconds", measured.run.seconds}};
  if (measured.threads > 1) {
    json["plain_loop_gain_before"] = measured.gain_before;
    json["plain_loop_gain_after"] = measured.gain_after;
    json["discarded"] = measured.discarded();
  }
  return json;
}

void print_measured(const Run& run, const Measured& measured) {
  const std::string probe = measured.threads > 1
                                ? fmt::format("   (plain loop on two threads: {:.2f}x before, {:.2f}x after)",
                                              measured.gain_before, measured.gain_after)
                                : "";
  run.print("{:>2} thread{}  {:>12} steps/s{}\n", measured.threads, measured.threads > 1 ? "s" : " ",
            show_count(static_cast<unsigned long long>(measured.run.steps_per_s())), probe);
  if (measured.discarded())
    run.print("            discarded: this machine did not give two processors just now; run it again\n");
}

void bench(const BenchSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator = simulator_for(settings, run);
  const int threads = worker_count(run.threads);
  require_env_memory(settings, *simulator, run);
  VectorEnv env = make_env(simulator, settings.world, {.num_envs = settings.envs, .threads = threads}, run.seed);
  const std::uint64_t hash = steps_hash(env, run.seed, settings.hash_steps);
  run.check_interrupt();

  const Measured many = measure(settings, simulator, threads, run.seed);
  run.check_interrupt();
  std::optional<Measured> one;
  if (threads > 1) one = measure(settings, simulator, 1, run.seed);

  run.print("{} sessions, {} {} candidates of {} videos, history {}, slates of {}, user model '{}'\n", settings.envs,
            env.candidates().slots(), settings.world.source, simulator->catalogue.num_videos(),
            settings.world.history_length, settings.world.slate, simulator->model->name());
  if (settings.simulator.empty())
    run.note("No --simulator: users answer at once, so this is the engine's own share of a step.\n");
  if (one) print_measured(run, *one);
  print_measured(run, many);
  if (one)
    run.print("{} threads make {:.2f}x the steps of one\n", threads, many.run.steps_per_s() / one->run.steps_per_s());
  run.print("{} bytes written a step\n", bytes_per_step(env));
  run.print("hash {:016x} of {} steps, seed {}\n", hash, settings.hash_steps, run.seed);
  const std::string fingerprint = fingerprint_text(file_fingerprint(settings.simulator));
  if (!settings.simulator.empty())
    run.print("simulator {}, fitted to data {}\n", fingerprint, fingerprint_text(simulator->data_fingerprint));

  Json json = measured_json(many);
  json["hash"] = fmt::format("{:016x}", hash);
  json["envs"] = settings.envs;
  json["candidates"] = env.candidates().slots();
  json["bytes_per_step"] = bytes_per_step(env);
  json["simulator_fingerprint"] = fingerprint;
  json["user_model"] = std::string(simulator->model->name());
  if (one) {
    json["one_thread"] = measured_json(*one);
    json["gain_over_one_thread"] = many.run.steps_per_s() / one->run.steps_per_s();
  }
  Json used = run.options->values({"simulator", "envs", "seconds", "hash-steps"});
  used["threads"] = threads;
  used.update(config_to_json(settings.world));
  run.write_json(std::move(json), used, simulator->data_fingerprint);
}

}  // namespace

void add_bench_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<BenchSettings>();
  Command command{.name = "bench", .group = CommandGroup::kTools, .summary = "measure how fast sessions step"};
  command.about =
      "Steps sessions with uniform actions and prints the rate, the bytes written a step and a hash of all bytes "
      "that sessions write, which must not depend on --threads. A figure on two threads is discarded when a plain loop "
      "beside it "
      "does not run 1.8 times as fast on two.";
  command.next = "swipegym bench --simulator sim.h5 --envs 1024 --threads 1";
  command.examples = {"swipegym bench --simulator sim.h5 --threads 2",
                      "swipegym bench --simulator sim.h5 --candidates 100 --history-length 200 --json bench.json"};
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "a fitted simulator; without it users answer at once", false)
      .add("envs", settings->envs, ranges::kEnvs, "N", "sessions stepped together");
  add_world_options(command.options, settings->world);
  command.options.group("Measurement")
      .add("seconds", settings->seconds, above(0, 86'400), "S", "length of each timed run")
      .add("hash-steps", settings->hash_steps, between(0, 1'000'000'000), "N", "steps that go into the hash");
  command.run = [settings](Run& run) { bench(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
