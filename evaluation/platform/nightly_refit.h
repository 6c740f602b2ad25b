#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/range.h"
#include "env/platform/platform_world.h"
#include "policy/policy.h"
#include "policy/policy_file.h"
#include "sim_data/dataset.h"
#include "sim_data/log_row.h"

namespace swipegym {

class Hdf5Reader;
class Hdf5Writer;

/// How the networks of a season's policies go on learning from what the season shows.
struct RefitSettings {
  int every = 0;               // nights from one training to the next; 0: never, networks stay as their files have them
  int days = 3;                // whose rows are learned from, the newest ones
  std::size_t rows = 200'000;  // at most so many of these, evenly spread
  int epochs = 1;              // of a night
  double learning_rate = 5e-4;  // constant; Adam begins anew every night
};

template <class Visitor>
void visit_fields(Visitor& visit, RefitSettings& settings) {
  visit("every", settings.every, between(0, 10'000));
  visit("days", settings.days, between(1, 365));
  visit("rows", settings.rows, between(1'000, 1'000'000'000));
  visit("epochs", settings.epochs, between(1, 1'000));
  visit("learning_rate", settings.learning_rate, ranges::kLearningRate);
}

/// The learned policies of one season: read from their files once, brought to each day's catalogue, and, where settings
/// say so, trained on every so many nights. A training begins with last night's values (warm start) and learns from the
/// season's rows of the last days, as `swipegym supervised` learns from a log; the random share is history alone.
/// Two-tower and multitask networks learn, others stay as they are. Videos uploaded by then get rows of their own in
/// the tables. Statistics of videos are those of midnight; for the scorer without the row's day and later ones. Nothing
/// is calibrated.
class NightlyRefit {
 public:
  /// `base`: the simulator that the season's world was made of. `threads` never changes a result.
  NightlyRefit(const RefitSettings& settings, std::shared_ptr<const Simulator> base, std::uint32_t users, RandomKey key,
               int threads);
  ~NightlyRefit();
  NightlyRefit(const NightlyRefit&) = delete;
  NightlyRefit& operator=(const NightlyRefit&) = delete;

  /// The policy of the file at `path` for today's catalogue, as it has become; files of equal contents are one policy.
  /// InputError as load_policy() has it.
  std::shared_ptr<const Policy> policy(const std::filesystem::path& path, const Catalogue& today);

  /// Whether rows are wanted.
  bool learns() const;
  /// What the season showed, in the order of time for each user; indices of the world.
  void add(const LogRow& row) { today_.push_back(row); }
  /// After midnight: the day's rows are over, and networks learn if this is such a night.
  void end_day(const PlatformWorld& world);

  void save(Hdf5Writer& file, const std::string& group) const;
  /// Networks and rows as they were saved. InputError for what makes no sense.
  void load(const Hdf5Reader& file, const std::string& group, const PlatformWorld& world);

 private:
  struct Network {
    std::shared_ptr<const Policy> learned;  // for the catalogue that it learned among; null: not asked for yet
    std::shared_ptr<const Policy> today;    // for today's; null: not asked for yet
    bool refitted = false;
  };
  std::vector<LogRow> first_histories() const;
  void take_in_day(std::int32_t date, std::int32_t first_date);
  Dataset dataset(const Catalogue& catalogue) const;
  std::size_t history_length() const;

  RefitSettings settings_;
  std::shared_ptr<const Simulator> base_;
  std::uint32_t users_;
  RandomKey key_;
  int threads_;
  std::uint64_t contents_of(const std::filesystem::path& path);

  std::map<std::uint64_t, Network> networks_;      // by the sum of the contents of the file that each was read from
  std::map<std::string, std::uint64_t> contents_;  // by path
  bool loaded_ = false;                            // so that all networks there are are known
  std::vector<LogRow> kept_;                       // user by user, in the order of time
  std::vector<LogRow> today_;
};

}  // namespace swipegym
