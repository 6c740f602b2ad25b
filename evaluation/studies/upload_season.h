#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/progress.h"
#include "core/random.h"
#include "evaluation/metrics/bootstrap.h"
#include "policy/bandit/beta_prior.h"
#include "policy/bandit/bucket_flow.h"

namespace swipegym {

/// A season of uploads that come and go, without users: every day brings uploads, each lives some days and has a rate
/// of success of its own, and slates of distinct live uploads are shown one after the other. The defaults are those of
/// the prior fitted to the rates of long views of 2,306 videos of KuaiRand-Pure.
struct UploadSeasonConfig {
  int uploads_a_day = 100;
  int life_days = 20;
  int days = 60;  // the first life_days are not counted; uploads that live wholly inside the rest are looked for
  int slate = 100;
  BetaPrior prior{4.62, 8.46};  // rates are drawn from it, and policies know it
  double epsilon = 0.1;         // of epsilon-greedy: a share of every slate
  double z = 1.64;              // of bayes-ucb, and its level in bayes-quantile
  BucketFlow buckets{};         // by shows
  BucketFlow wide_buckets{.shares = {0.1, 0.2, 0.2, 0.5}};
  double best_share = 0.02;  // of the uploads: those one should find
  int found_shows = 50;      // an upload is found when it was shown as often

  void check() const;  // InputError
};

template <class Visitor>
void visit_fields(Visitor& visit, UploadSeasonConfig& config) {
  visit("uploads_a_day", config.uploads_a_day, between(1, 10'000));
  visit("life_days", config.life_days, between(1, 365));
  visit("days", config.days, between(3, 1'000));
  visit("slate", config.slate, between(1, 100'000));
  visit("prior", config.prior);
  visit("epsilon", config.epsilon, between(0, 1));
  visit("z", config.z, between(0, 10));
  visit("buckets", config.buckets);
  visit("wide_buckets", config.wide_buckets);
  visit("best_share", config.best_share, inside(0, 1));
  visit("found_shows", config.found_shows, between(1, 1'000'000'000));
}

/// uniform, greedy, epsilon-greedy, ucb1, bayes-ucb, bayes-quantile, thompson, thompson-flat (under Beta(1, 1)),
/// buckets, wide-buckets, buckets-thompson (Thompson draws inside).
const std::vector<std::string>& season_policies();
/// All but bayes-quantile, which takes twenty times as long as bayes-ucb.
std::vector<std::string> usual_season_policies();

/// What a policy made of one world.
struct SeasonResult {
  double shown = 0.0;   // mean rate of what was shown, on the days that count
  double oracle = 0.0;  // of the best live uploads
  double found = 0.0;   // share of the best uploads that were shown often enough
};

/// Plays one season. `impressions` are shown for each upload; with `daily` feedback waits for midnight, else it is
/// merged after each slate. Worlds are keyed: under one key every policy meets the same uploads, and the n-th show of
/// an upload has the same outcome.
SeasonResult play_season(const UploadSeasonConfig& config, const std::string& policy, int impressions, bool daily,
                         RandomKey world);

struct SeasonStudy {
  UploadSeasonConfig config{};
  std::vector<std::string> policies = usual_season_policies();
  std::vector<int> impressions = {10, 50, 200};  // for each upload
  bool daily = false;
  int worlds = 50;
  std::uint64_t seed = 1;
  int threads = 0;
  Progress progress{};
};

/// A policy at a number of impressions, over worlds.
struct SeasonRow {
  std::string policy;
  int impressions = 0;
  Interval value;  // (shown - prior mean) / (oracle - prior mean) of sums over worlds; the t interval of worlds
  double value_error = 0.0;  // its standard error, by the delta method; NaN with one world
  Interval found;
  double found_error = 0.0;
};

/// Every policy at every number of impressions, in this order: impressions first. Results do not depend on threads.
/// InputError for settings, policies or impressions that make no sense.
std::vector<SeasonRow> run_upload_season(const SeasonStudy& study);

/// One line a policy, value and found by impressions: at most 100 columns. And what --json writes.
std::string season_table(const std::vector<SeasonRow>& rows);
Json season_json(const std::vector<SeasonRow>& rows);

}  // namespace swipegym
