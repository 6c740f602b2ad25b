#include "evaluation/platform/nightly_refit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "agents/catalogue_ranking.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "core/config.h"
#include "core/error.h"
#include "core/file_sum.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/output_file.h"
#include "env/catalogue.h"
#include "sim_data/calendar.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeastRows = 100;  // with fewer to learn from a night is left out
constexpr std::int64_t kHistoryGapMs = 60'000;
constexpr std::uint8_t kSeasonTab = 1;

bool can_learn(const Policy* policy) {
  return dynamic_cast<const MultitaskPolicy*>(policy) != nullptr ||
         dynamic_cast<const TwoTowerPolicy*>(policy) != nullptr;
}

// Standard rows of the task's days that were watched above a ratio.
std::size_t rows_above(const SupervisedTask& task, float ratio) {
  const Log& log = task.data->log;
  std::size_t count = 0;
  for (std::size_t row = 0; row < log.size(); ++row)
    if (log.is_random[row] == 0 && task.train.contains(log.date[row]) && is_wanted(log, row, ratio)) ++count;
  return count;
}

template <class Config>
Config settings_of(const PolicyHeader& header) {
  return config_from_text<Config>(header.config, fmt::format("the settings of the policy '{}'", header.policy));
}

void learn_slowly(TwoTowerTrainingConfig& config, const RefitSettings& settings) {
  config.epochs = settings.epochs, config.patience = 0, config.learning_rate = settings.learning_rate;
}

// The policy after another training by its own settings; null where there is too little to learn from.
std::shared_ptr<const Policy> learn_again(const Policy& policy, SupervisedTask task, const RefitSettings& settings) {
  const PolicyHeader header = policy.header();
  task.start = &policy;
  if (header.model == "multitask") {
    auto config = settings_of<MultitaskConfig>(header);
    config.epochs = settings.epochs, config.patience = 0, config.rows = 1.0F;
    config.learning_rate = config.final_learning_rate = settings.learning_rate;
    return rows_above(task, -1.0F) < kLeastRows ? nullptr : train_multitask(task, config).policy;
  }
  if (header.policy == "variational-two-tower") {
    auto config = settings_of<VariationalTrainingConfig>(header);
    learn_slowly(config.towers, settings);
    config.variation.anneal = 0.0;  // vectors know their deviations by now
    return rows_above(task, config.towers.wanted_above) < kLeastRows ? nullptr
                                                                     : train_variational_two_tower(task, config).policy;
  }
  auto config = settings_of<TwoTowerTrainingConfig>(header);
  learn_slowly(config, settings);
  return rows_above(task, config.wanted_above) < kLeastRows ? nullptr : train_two_tower(task, config).policy;
}

// A policy's file as bytes; `beside` names a file of the same folder.
fs::path network_file(const fs::path& beside) {
  return beside.string() + ".network";
}
std::vector<std::uint8_t> bytes_of(const Policy& policy, const fs::path& beside) {
  const fs::path path = network_file(beside);
  policy.save(path);
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  fs::remove(path);
  return bytes;
}
// As it was when it learned, among the videos that `today` begins with.
std::shared_ptr<const Policy> policy_of(const std::vector<std::uint8_t>& bytes, const fs::path& beside,
                                        const Catalogue& today) {
  const fs::path path = network_file(beside);
  write_file(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  struct Removed {
    const fs::path& path;
    ~Removed() {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  } const removed{path};
  Catalogue then;
  then.raw_video_id = Hdf5Reader(path, kPolicyKind, kPolicyVersion).read<std::int64_t>("items/raw_id");
  const std::vector<std::int64_t>& all = today.raw_video_id;
  if (then.raw_video_id.size() > all.size() ||
      !std::equal(then.raw_video_id.begin(), then.raw_video_id.end(), all.begin()))
    throw InputError(fmt::format("{}: a network of other videos makes no sense", beside.string()));
  auto policy = load_policy(path, then);
  if (!can_learn(policy.get()))
    throw InputError(fmt::format("{}: a network of another kind makes no sense", beside.string()));
  return policy;
}

template <class Value>
std::vector<Value> column(const std::vector<LogRow>& rows, Value LogRow::*member) {
  std::vector<Value> out;
  for (const LogRow& row : rows) out.push_back(row.*member);
  return out;
}

}  // namespace

NightlyRefit::NightlyRefit(const RefitSettings& settings, std::shared_ptr<const Simulator> base, std::uint32_t users,
                           RandomKey key, int threads)
    : settings_(settings), base_(std::move(base)), users_(users), key_(key), threads_(threads) {}
NightlyRefit::~NightlyRefit() = default;

std::uint64_t NightlyRefit::contents_of(const fs::path& path) {
  const auto known = contents_.find(path.string());
  return known != contents_.end() ? known->second : contents_.emplace(path.string(), file_sum(path)).first->second;
}

std::shared_ptr<const Policy> NightlyRefit::policy(const fs::path& path, const Catalogue& today) {
  const std::uint64_t contents = contents_of(path);
  auto found = networks_.find(contents);
  if (found == networks_.end()) {
    if (loaded_)
      throw InputError(
          fmt::format("{}: is not among the networks that the season's checkpoint knows; go on with the "
                      "files that it began with",
                      path.string()));
    found = networks_.try_emplace(contents).first;
  }
  Network& network = found->second;
  if (network.learned == nullptr) network.learned = load_policy(path, base_->catalogue);
  if (network.today == nullptr) network.today = for_catalogue(*network.learned, today);
  if (network.today == nullptr) network.today = load_policy(path, today);
  return network.today;
}

bool NightlyRefit::learns() const {
  return settings_.every > 0 && std::any_of(networks_.begin(), networks_.end(),
                                            [](const auto& entry) { return can_learn(entry.second.learned.get()); });
}

std::size_t NightlyRefit::history_length() const {
  std::size_t length = 1;
  for (const auto& [contents, network] : networks_)
    if (can_learn(network.learned.get())) length = std::max(length, network.learned->history_length());
  return length;
}

// What users watched before the season, as their first requests are told: the order is known, the times are not.
std::vector<LogRow> NightlyRefit::first_histories() const {
  const Population& log = base_->population;
  const Catalogue& catalogue = base_->catalogue;
  const std::int64_t end = static_cast<std::int64_t>(days_of_date(catalogue.until)) * kDayMs - kUtcOffsetMs;
  const std::size_t length = history_length();
  std::vector<LogRow> rows;
  for (std::uint32_t user = 0; user < users_; ++user) {
    const std::size_t last = log.history_offset[user + 1];
    const std::size_t first = last - std::min<std::size_t>(length, last - log.history_offset[user]);
    for (std::size_t i = first; i < last; ++i) {
      const std::uint32_t video = log.history_video[i];
      LogRow row{.time_ms = end - static_cast<std::int64_t>(last - i) * kHistoryGapMs, .user = user, .video = video};
      row.duration_ms = catalogue.duration_ms[video];
      row.play_ms = static_cast<std::int32_t>(std::min<double>(
          log_limits::kPlay.high,
          std::lround(static_cast<double>(log.history_ratio[i]) * static_cast<double>(row.duration_ms))));
      row.date = catalogue.until, row.tab = kSeasonTab, row.signals = log.history_signals[i];
      rows.push_back(row);
    }
  }
  return rows;
}

// The day's rows go behind those that are kept; of those from before `first_date` what a history needs stays.
void NightlyRefit::take_in_day(std::int32_t date, std::int32_t first_date) {
  if (kept_.empty()) kept_ = first_histories();
  std::vector<std::size_t> end(users_ + 1, 0);
  for (const LogRow& row : today_) ++end[row.user + 1];
  for (std::uint32_t user = 0; user < users_; ++user) end[user + 1] += end[user];
  std::vector<LogRow> by_user(today_.size());
  std::vector<std::size_t> at(end.begin(), end.end() - 1);
  for (const LogRow& row : today_) by_user[at[row.user]++] = row;
  const std::size_t length = history_length();
  std::vector<LogRow> all;
  all.reserve(kept_.size() + by_user.size());
  std::size_t begin = 0;
  for (std::uint32_t user = 0; user < users_; ++user) {
    std::size_t next = begin, old = 0;
    for (; next < kept_.size() && kept_[next].user == user; ++next) old += kept_[next].date < first_date ? 1 : 0;
    begin += old > length ? old - length : 0;
    all.insert(all.end(), kept_.begin() + static_cast<std::ptrdiff_t>(begin),
               kept_.begin() + static_cast<std::ptrdiff_t>(next));
    begin = next;
    for (std::size_t i = end[user]; i < end[user + 1]; ++i) all.push_back(by_user[i]), all.back().date = date;
  }
  kept_ = std::move(all);
  today_.clear();
}

Dataset NightlyRefit::dataset(const Catalogue& catalogue) const {
  Dataset data;
  append_rows(kept_, data.log);
  data.users.raw_id = catalogue.raw_user_id;
  data.videos.raw_id = catalogue.raw_video_id;
  data.user_offset = count_offsets(data.log, catalogue.num_users());
  data.fingerprint = base_->data_fingerprint;
  return data;
}

void NightlyRefit::end_day(const PlatformWorld& world) {
  for (auto& [contents, network] : networks_) network.today = nullptr;
  if (!learns()) return;
  const Catalogue& catalogue = *world.catalogue();
  const std::int32_t yesterday = days_of_date(catalogue.until);
  const std::int32_t first = std::max(yesterday - settings_.days + 1, days_of_date(base_->catalogue.until) + 1);
  take_in_day(catalogue.until, date_of_days(first));
  if (world.day() % settings_.every != 0) return;
  const Dataset data = dataset(catalogue);
  const RandomKey seed = split(key_, static_cast<std::uint64_t>(world.day()));
  const SupervisedTask task{.data = &data,
                            .catalogue = &catalogue,
                            .train = {date_of_days(first), catalogue.until},
                            .seed = std::uint64_t{seed.hi} << 32 | seed.lo,
                            .threads = threads_,
                            .most_rows = settings_.rows,
                            .whole_log = false};
  for (auto& [contents, network] : networks_) {
    if (!can_learn(network.learned.get())) continue;
    std::shared_ptr<const Policy> learned = learn_again(*network.learned, task, settings_);
    if (learned != nullptr) network.learned = std::move(learned), network.refitted = true;
  }
}

void NightlyRefit::save(Hdf5Writer& file, const std::string& group) const {
  if (kept_.empty()) return;
  file.write(group + "/user", column(kept_, &LogRow::user));
  file.write(group + "/video", column(kept_, &LogRow::video));
  file.write(group + "/time_ms", column(kept_, &LogRow::time_ms));
  file.write(group + "/play_ms", column(kept_, &LogRow::play_ms));
  file.write(group + "/date", column(kept_, &LogRow::date));
  file.write(group + "/signals", column(kept_, &LogRow::signals));
  std::vector<std::uint8_t> random;
  for (const LogRow& row : kept_) random.push_back(row.is_random);
  file.write(group + "/is_random", random);
  std::size_t number = 0;
  for (const auto& [contents, network] : networks_) {
    const std::string name = fmt::format("{}/network_{}", group, number++);
    file.write(name + "/of", std::vector<std::uint64_t>{contents});
    if (!network.refitted) continue;  // its file is where it was
    file.write(name + "/file", bytes_of(*network.learned, file.path()));
  }
}

void NightlyRefit::load(const Hdf5Reader& file, const std::string& group, const PlatformWorld& world) {
  networks_.clear();
  if (settings_.every == 0 || !file.has(group)) return;  // of a policy without networks that learn
  const auto refuse = [&](bool holds, const char* what) {
    if (!holds) throw InputError(fmt::format("{}: {} make no sense", file.path().string(), what));
  };
  const auto user = file.read<std::uint32_t>(group + "/user"), video = file.read<std::uint32_t>(group + "/video");
  const auto time_ms = file.read<std::int64_t>(group + "/time_ms");
  const auto play_ms = file.read<std::int32_t>(group + "/play_ms"), date = file.read<std::int32_t>(group + "/date");
  const auto signals = file.read<std::uint8_t>(group + "/signals"),
             random = file.read<std::uint8_t>(group + "/is_random");
  const Catalogue& catalogue = *world.catalogue();
  const auto fits = [&](const auto&... columns) { return ((columns.size() == user.size()) && ...); };
  refuse(fits(video, time_ms, play_ms, date, signals, random), "rows to learn from");
  kept_.clear();
  for (std::size_t i = 0; i < user.size(); ++i) {
    refuse(video[i] < catalogue.num_videos() && random[i] <= 1, "rows to learn from");
    LogRow row{.time_ms = time_ms[i], .user = user[i], .video = video[i], .play_ms = play_ms[i]};
    row.duration_ms = catalogue.duration_ms[video[i]], row.date = date[i], row.tab = kSeasonTab;
    row.is_random = random[i] & 1U, row.signals = signals[i];
    refuse(is_valid(row, users_, catalogue.num_videos()) && date[i] <= catalogue.until &&
               (i == 0 || user[i] > user[i - 1] || (user[i] == user[i - 1] && time_ms[i] >= time_ms[i - 1])),
           "rows to learn from");
    kept_.push_back(row);
  }
  for (std::size_t number = 0; file.has(fmt::format("{}/network_{}", group, number)); ++number) {
    const std::string name = fmt::format("{}/network_{}", group, number);
    const auto contents = file.read<std::uint64_t>(name + "/of");
    refuse(contents.size() == 1, "its networks");
    Network& network = networks_[contents[0]];
    network.refitted = file.has(name + "/file");
    if (network.refitted) network.learned = policy_of(file.read<std::uint8_t>(name + "/file"), file.path(), catalogue);
  }
  loaded_ = true;
}

}  // namespace swipegym
