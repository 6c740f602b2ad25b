#include "evaluation/generate/synthesise.h"

#include <algorithm>
#include <numeric>

#include "core/output_folder.h"
#include "core/parallel_for.h"
#include "env/truth/truth_simulator.h"
#include "evaluation/generate/synthetic_tables.h"
#include "sim_data/csv/log_writer.h"

namespace swipegym {
namespace {

constexpr std::size_t kUserBlock = 64;  // users made at a time by one worker

/// Files are read in name order (random before standard), each in order of user and time.
void number_source_rows(Log& log) {
  std::uint32_t next = 0;
  for (const bool random : {true, false})
    for (std::size_t row = 0; row < log.size(); ++row)
      if ((log.is_random[row] != 0) == random) log.source_row[row] = next++;
}

}  // namespace

Dataset synthesise_dataset(const SynthesisOptions& options) {
  TruthModel world(options.truth, options.threads, options.progress);
  world.set_leave_shift(session_leave_shift(options.truth));
  const TruthPlatform platform(world, options.platform);
  const std::size_t all_users = world.num_users();
  const std::size_t wave = kUserBlock * 4 * static_cast<std::size_t>(worker_count(options.threads));

  Dataset data;
  data.user_offset.assign(1, 0);
  std::uint64_t standard = 0;
  std::vector<std::vector<LogRow>> months(wave);
  const auto enough = [&] { return options.standard_rows > 0 && standard >= options.standard_rows; };
  for (std::size_t first = 0; first < all_users && !enough(); first += wave) {
    const std::size_t users = std::min(wave, all_users - first);
    parallel_for(users, options.threads, [&](std::size_t i, int) {
      report(options.progress, "synthesise", first + i, all_users);  // a user of 1k has twelve thousand rows
      months[i] = synthesise_user(world, platform, UserIndex{static_cast<std::uint32_t>(first + i)});
    });
    for (std::size_t i = 0; i < users && !enough(); ++i) {
      append_rows(months[i], data.log);
      data.user_offset.push_back(data.log.size());
      standard += static_cast<std::uint64_t>(
          std::count_if(months[i].begin(), months[i].end(), [](const LogRow& row) { return row.is_random == 0; }));
    }
  }
  number_source_rows(data.log);
  data.users = synthetic_users(options.truth, static_cast<std::uint32_t>(data.user_offset.size() - 1), options.threads);
  data.videos = synthetic_videos(options.truth, options.threads, options.progress);
  data.truth = truth_json(options.truth);
  return data;
}

SynthesisReport synthesise(const SynthesisOptions& options, const std::filesystem::path& folder) {
  OutputFolder output(folder, is_release_file, options.replace);  // before the work, so that a bad path is told at once
  const Dataset data = synthesise_dataset(options);
  write_release(data, output.temporary(), preset_name(options.truth.preset), options.rows_per_part, options.progress);
  output.commit();
  return {describe_data(data, options.threads, LogPart::kStandard),
          describe_data(data, options.threads, LogPart::kRandom)};
}

}  // namespace swipegym
