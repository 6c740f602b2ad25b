// The experiments of docs/results/retrieval.md. Not a benchmark of speed (retrieval_bench.cpp): it trains retrievers on
// a log and prints what they find of what users go on to watch.
//
//   retrieval_study recall DATA SEEDS [SETTINGS]
//
//     recall@100 by terciles of users by the entropy of their categories, and how deviations follow rows. SETTINGS is a
//     JSON file of variational-two-tower, whose towers are also the two-tower's.
//
//   retrieval_study tune DATA interests|kl
//
//     recall@100 on the validation days, one training seed: of interests for merge costs, or of the variational one for
//     weights of the divergences.
//
// Days are those of the slice: train to 20220502, validate to 20220504, test to 20220506.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "agents/catalogue_ranking.h"
#include "agents/logged_states.h"
#include "agents/retrieval/multi_interest_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "bench/study_main.h"
#include "core/config.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "core/range.h"
#include "env/catalogue.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/ranking.h"
#include "policy/best_unseen.h"
#include "policy/query_source.h"
#include "sim_data/dataset.h"

namespace swipegym {
namespace {

constexpr std::size_t kRetrieved = 100;
constexpr std::size_t kLeastHistory = 5;  // wanted rows of a user whose entropy says something
constexpr std::size_t kAskedTogether = 32;

struct RetrievalStudy {
  Dataset data;
  Catalogue catalogue;
  SupervisedTask task;
};

// A user of the days asked about.
struct AskedUser {
  std::uint32_t first_row = 0;
  std::vector<std::int32_t> watched, wanted;  // before; in the days and not watched before; sorted
  double entropy = 0.0;                       // of the tags of the rows wanted before, nats
  std::size_t history = 0;                    // of those rows
};

std::vector<AskedUser> users_of(const RetrievalStudy& study, const DayRange& days) {
  const Log& log = study.data.log;
  std::vector<AskedUser> all;
  for (std::size_t u = 0; u + 1 < study.data.user_offset.size(); ++u) {
    AskedUser user;
    bool begun = false;
    std::map<std::uint16_t, double> tags;
    for (std::size_t row = study.data.user_offset[u]; row < study.data.user_offset[u + 1]; ++row) {
      const auto video = static_cast<std::int32_t>(index_of(log.video[row]));
      const bool inside = days.contains(log.date[row]) && log.is_random[row] == 0;
      if (inside && !begun) begun = true, user.first_row = static_cast<std::uint32_t>(row);
      const bool wanted = is_wanted(log, row, 0.5F);
      if (!begun) {
        user.watched.push_back(video);
        if (wanted) ++user.history, tags[study.catalogue.tag[static_cast<std::size_t>(video)]] += 1.0;
      } else if (inside && wanted) {
        user.wanted.push_back(video);
      }
    }
    for (const auto& [tag, n] : tags) {
      const double share = n / static_cast<double>(user.history);
      user.entropy -= share * std::log(share);
    }
    std::sort(user.watched.begin(), user.watched.end());
    std::sort(user.wanted.begin(), user.wanted.end());
    user.wanted.erase(std::unique(user.wanted.begin(), user.wanted.end()), user.wanted.end());
    std::erase_if(user.wanted, [&](std::int32_t video) {
      return std::binary_search(user.watched.begin(), user.watched.end(), video);
    });
    if (!user.wanted.empty()) all.push_back(std::move(user));
  }
  return all;
}

// Of each user the share of what was wanted that is among the best hundred, lists of several queries merged in turn.
std::vector<float> recall(const RetrievalStudy& study, const Policy& policy, const std::vector<AskedUser>& users,
                          std::uint64_t seed) {
  const QuerySource& source = *policy.query_source();
  const LoggedStates states(study.data, study.catalogue, policy.history_length());
  std::vector<float> share(users.size());
  parallel_for((users.size() + kAskedTogether - 1) / kAskedTogether, study.task.threads, [&](std::size_t piece, int) {
    const std::size_t first = piece * kAskedTogether, last = std::min(users.size(), first + kAskedTogether);
    LoggedStates::Batch batch;
    std::vector<std::uint32_t> rows, streams(last - first, 0);
    std::vector<RandomKey> keys;
    std::size_t watched = 0;
    for (std::size_t i = first; i < last; ++i) {
      rows.push_back(users[i].first_row);
      keys.push_back(split(make_key(seed), users[i].first_row));
      watched = std::max(watched, users[i].watched.size());
    }
    states.fill(rows, batch);
    QueryVectors queries;
    source.query_vectors({batch.observation, nullptr, keys, streams, 1}, queries);
    const std::size_t length = std::min(kRetrieved + watched, study.catalogue.num_videos());
    const std::vector<TopItem> lists = top_items(queries.vectors, source.query_items(), length, 1);
    std::vector<std::int32_t> found(kRetrieved);
    for (std::size_t i = first; i < last; ++i) {
      const AskedUser& user = users[i];
      merge_in_turn(
          std::span(lists).subspan((i - first) * queries.each * length), queries.count[i - first], length,
          [&](std::int32_t video) { return std::binary_search(user.watched.begin(), user.watched.end(), video); },
          found);
      std::vector<std::int32_t> sorted = found;
      std::sort(sorted.begin(), sorted.end());
      const auto hits = std::count_if(user.wanted.begin(), user.wanted.end(), [&](std::int32_t video) {
        return std::binary_search(sorted.begin(), sorted.end(), video);
      });
      share[i] = static_cast<float>(hits) / static_cast<float>(user.wanted.size());
    }
  });
  return share;
}

double mean_of(const std::vector<float>& share) {
  return std::accumulate(share.begin(), share.end(), 0.0) / static_cast<double>(share.size());
}

std::shared_ptr<const Policy> with_queries(const Policy& policy, const QueryConfig& queries) {
  auto model = std::make_shared<TwoTowerModel>(dynamic_cast<const TwoTowerPolicy&>(policy).model());
  model->queries = queries;
  return std::make_shared<TwoTowerPolicy>(model);
}

std::shared_ptr<const Policy> with_interests(const Policy& towers, const InterestConfig& interests) {
  auto model = std::make_shared<MultiInterestModel>();
  model->towers = std::make_shared<TwoTowerModel>(dynamic_cast<const TwoTowerPolicy&>(towers).model());
  model->interests = interests;
  return std::make_shared<MultiInterestPolicy>(model);
}

// Which third of the users each one is in by entropy; 3 for those of short histories.
std::vector<std::size_t> thirds(const std::vector<AskedUser>& users) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < users.size(); ++i)
    if (users[i].history >= kLeastHistory) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return users[a].entropy < users[b].entropy; });
  std::vector<std::size_t> third(users.size(), 3);
  for (std::size_t place = 0; place < order.size(); ++place) third[order[place]] = 3 * place / order.size();
  return third;
}

struct Line {
  std::string name;
  std::vector<std::vector<float>> share;  // [seeds][users]
};

// Means over users and seeds with intervals, and the differences from the first line.
void print_part(const std::vector<Line>& lines, const std::vector<AskedUser>& users,
                const std::vector<std::size_t>& part, const std::string& name) {
  double entropy = 0.0, history = 0.0;
  for (const std::size_t i : part)
    entropy += users[i].entropy / static_cast<double>(part.size()),
        history += static_cast<double>(users[i].history) / static_cast<double>(part.size());
  fmt::print("\n{}: {} users, mean entropy {:.2f} nats, {:.1f} wanted rows before\n", name, part.size(), entropy,
             history);
  std::vector<Measure> measures;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    Measure measure{.seeds = lines[l].share.size(),
                    .items = part.size(),
                    .numerator = {},
                    .denominator = {},
                    .group = static_cast<std::uint32_t>(l)};
    for (const std::vector<float>& seed : lines[l].share)
      for (const std::size_t i : part) measure.numerator.push_back(seed[i]);
    measures.push_back(std::move(measure));
  }
  const auto resampled = bootstrap(measures, make_key(1));
  for (std::size_t l = 0; l < lines.size(); ++l) {
    const Interval own = percentile_interval(measures[l].value(), resampled[l]);
    const Interval less = percentile_interval(own.mean - measures[0].value(), difference(resampled[l], resampled[0]));
    fmt::print("| {:28} | {:.4f} [{:.4f}, {:.4f}] | {:+.4f} [{:+.4f}, {:+.4f}] |\n", lines[l].name, own.mean, own.low,
               own.high, less.mean, less.low, less.high);
  }
}

// How a video's mean deviation goes with its rows.
void print_deviations(const RetrievalStudy& study, const Policy& policy, std::uint64_t seed, const Json& details) {
  const std::vector<float> deviation = dynamic_cast<const TwoTowerPolicy&>(policy).video_deviations(0);
  std::vector<std::uint32_t> pairs(deviation.size()), rows(deviation.size());
  for (std::size_t row = 0; row < study.data.log.size(); ++row) {
    if (!study.task.train.contains(study.data.log.date[row]) || study.data.log.is_random[row] != 0) continue;
    const std::uint32_t video = index_of(study.data.log.video[row]);
    ++rows[video], pairs[video] += is_wanted(study.data.log, row, 0.5F);
  }
  const auto of = [&](const std::vector<std::uint32_t>& n, std::uint32_t least) {
    std::vector<float> d, fewer;
    for (std::size_t v = 0; v < n.size(); ++v)
      if (n[v] >= least) d.push_back(deviation[v]), fewer.push_back(-static_cast<float>(n[v]));
    return fmt::format("{:.3f} ({} videos)", spearman(d, fewer), d.size());
  };
  fmt::print("seed {}: Spearman of deviation with -ln pairs {}, with -ln rows {}, rows >= 0 {}; {}\n", seed,
             of(pairs, 1), of(rows, 1), of(rows, 0), details.dump());
  std::map<int, std::pair<double, int>> by_size;
  for (std::size_t v = 0; v < deviation.size(); ++v) {
    auto& [sum, n] = by_size[pairs[v] == 0 ? -1 : static_cast<int>(std::log2(pairs[v]))];
    sum += static_cast<double>(deviation[v]), ++n;
  }
  for (const auto& [size, mean] : by_size)
    fmt::print("  {} pairs: mean deviation {:.3f} of {} videos\n", size < 0 ? "no" : fmt::format("{}+", 1 << size),
               mean.first / mean.second, mean.second);
}

void run_recall(RetrievalStudy& study, std::uint64_t seeds, const VariationalTrainingConfig& config) {
  const std::vector<AskedUser> users = users_of(study, study.task.test);
  std::vector<Line> lines = {{"two-tower", {}},
                             {"variational, mean", {}},
                             {"variational, 3 uniform", {}},
                             {"variational, 3 normal", {}},
                             {"1 interest, drawn", {}},
                             {"3 interests, drawn", {}},
                             {"4 interests, drawn", {}},
                             {"3 interests, top", {}}};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    study.task.seed = seed;
    const TrainedModel plain = train_two_tower(study.task, config.towers);
    const TrainedModel varied = train_variational_two_tower(study.task, config);
    print_deviations(study, *varied.policy, seed, varied.details);
    std::vector<std::shared_ptr<const Policy>> policies = {
        plain.policy, with_queries(*varied.policy, {.draw = "none", .count = 1}),
        with_queries(*varied.policy, {.draw = "uniform", .count = 3}),
        with_queries(*varied.policy, {.draw = "normal", .count = 3})};
    for (const std::size_t count : {1, 3, 4}) {
      InterestConfig interests;
      interests.count = count;
      policies.push_back(with_interests(*plain.policy, interests));
    }
    InterestConfig top;
    top.choice = "top";
    policies.push_back(with_interests(*plain.policy, top));
    for (std::size_t l = 0; l < lines.size(); ++l) {
      lines[l].share.push_back(recall(study, *policies[l], users, seed));
      fmt::print("seed {} {}: {:.4f}\n", seed, lines[l].name, mean_of(lines[l].share.back()));
      std::fflush(stdout);
    }
  }
  const std::vector<std::size_t> third = thirds(users);
  const char* const names[] = {"narrowest third", "middle third", "widest third", "shorter histories"};
  std::vector<std::size_t> all(users.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  print_part(lines, users, all, "all");
  for (std::size_t part = 0; part < 4; ++part) {
    std::vector<std::size_t> own;
    for (const std::size_t i : all)
      if (third[i] == part) own.push_back(i);
    print_part(lines, users, own, names[part]);
  }
}

void tune_interests(RetrievalStudy& study, const std::vector<AskedUser>& users) {
  const TrainedModel plain = train_two_tower(study.task, {});
  fmt::print("two-tower: {:.4f}\n", mean_of(recall(study, *plain.policy, users, 1)));
  for (const float wanted : {0.5F, 0.1F})
    for (const float cost : {0.1F, 0.5F, 1.0F, 2.0F, 4.0F})
      for (const std::size_t count : {1, 3}) {
        InterestConfig interests;
        interests.wanted_above = wanted, interests.merge_cost = cost, interests.count = count;
        const auto policy = with_interests(*plain.policy, interests);
        fmt::print("wanted_above {} merge_cost {:4} count {}: {:.4f}\n", wanted, cost, count,
                   mean_of(recall(study, *policy, users, 1)));
      }
}

void tune_divergence(RetrievalStudy& study, const std::vector<AskedUser>& users) {
  for (const double weight : {1.0, 0.3, 0.1, 0.03, 0.01}) {
    VariationalTrainingConfig config;
    config.variation.kl_weight = weight;
    const TrainedModel varied = train_variational_two_tower(study.task, config);
    fmt::print("kl_weight {}: {:.4f}, uniform {:.4f}, normal {:.4f}; {}\n", weight,
               mean_of(recall(study, *varied.policy, users, 1)),
               mean_of(recall(study, *with_queries(*varied.policy, {.draw = "uniform", .count = 3}), users, 1)),
               mean_of(recall(study, *with_queries(*varied.policy, {.draw = "normal", .count = 3}), users, 1)),
               varied.details.dump());
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  if (argc < 4 || (part != "recall" && part != "tune"))
    throw InputError("usage: retrieval_study recall DATA SEEDS [SETTINGS] | tune DATA interests|kl, see its source");
  RetrievalStudy study;
  study.data = load_dataset(argv[2]).data;
  study.task.train = {0, 20220502}, study.task.validate = {20220503, 20220504}, study.task.test = {20220505, 20220506};
  study.catalogue = build_catalogue(study.data, study.task.train.until);
  study.task.data = &study.data, study.task.catalogue = &study.catalogue;
  if (part == "tune") {
    const std::vector<AskedUser> users = users_of(study, study.task.validate);
    study.task.seed = 1;
    if (std::string(argv[3]) == "interests")
      tune_interests(study, users);
    else
      tune_divergence(study, users);
    return 0;
  }
  VariationalTrainingConfig config;
  if (argc > 4) config = read_config<VariationalTrainingConfig>(argv[4]);
  run_recall(study, parse_number<std::uint64_t>("SEEDS", argv[3], between(1, 10'000)), config);
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
