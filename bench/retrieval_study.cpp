// The experiments of docs/results/retrieval.md. Not a benchmark of speed (retrieval_bench.cpp): it trains retrievers on
// a log and prints what they find of what users go on to watch.
//
//   retrieval_study recall DATA SEEDS FOLDER
//
//     recall@100 by terciles of users by the entropy of their categories, and how deviations follow rows.
//
//   retrieval_study asking DATA SEEDS FOLDER
//
//     recall@100 on the validation days, for ways to ask by interests.
//
//   retrieval_study niche DATA SEEDS FOLDER
//
//     what is recommended of videos with few likes, and how it was watched.
//
//   retrieval_study tune DATA
//
//     recall@100 on the validation days for weights of the divergences, one training seed.
//
// Models are trained by their defaults and kept in FOLDER, from where the next run reads them.
// Days are those of the slice: train to 20220502, validate to 20220504, test to 20220506.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "agents/catalogue_ranking.h"
#include "agents/logged_states.h"
#include "agents/retrieval/multi_interest_trainer.h"
#include "agents/retrieval/two_tower_trainer.h"
#include "bench/study_main.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "core/range.h"
#include "env/catalogue.h"
#include "evaluation/metrics/bootstrap.h"
#include "evaluation/metrics/ranking.h"
#include "policy/best_unseen.h"
#include "policy/policy_file.h"
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
  std::vector<std::uint32_t> rows;            // in the days, of videos not watched before
  double entropy = 0.0;                       // of the tags of the rows wanted before, nats
  std::size_t history = 0;                    // of those rows
};

// `all_users`: those too who wanted nothing new.
std::vector<AskedUser> users_of(const RetrievalStudy& study, const DayRange& days, bool all_users = false) {
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
      } else if (inside) {
        user.rows.push_back(static_cast<std::uint32_t>(row));
        if (wanted) user.wanted.push_back(video);
      }
    }
    for (const auto& [tag, n] : tags) {
      const double share = n / static_cast<double>(user.history);
      user.entropy -= share * std::log(share);
    }
    std::sort(user.watched.begin(), user.watched.end());
    std::sort(user.wanted.begin(), user.wanted.end());
    user.wanted.erase(std::unique(user.wanted.begin(), user.wanted.end()), user.wanted.end());
    const auto known = [&](std::int32_t video) {
      return std::binary_search(user.watched.begin(), user.watched.end(), video);
    };
    std::erase_if(user.wanted, known);
    std::erase_if(user.rows,
                  [&](std::uint32_t row) { return known(static_cast<std::int32_t>(index_of(log.video[row]))); });
    if (!user.wanted.empty() || (all_users && begun)) all.push_back(std::move(user));
  }
  return all;
}

// The best `kept` videos of each user that were not watched before, lists of several queries merged in turn, [users,
// kept].
std::vector<std::int32_t> retrieved(const RetrievalStudy& study, const Policy& policy,
                                    const std::vector<AskedUser>& users, std::uint64_t seed, std::size_t kept) {
  const QuerySource& source = *policy.query_source();
  const LoggedStates states(study.data, study.catalogue, policy.history_length());
  std::vector<std::int32_t> all(users.size() * kept);
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
    const std::size_t length = std::min(kept + watched, study.catalogue.num_videos());
    const std::vector<TopItem> lists = top_items(queries.vectors, source.query_items(), length, 1);
    for (std::size_t i = first; i < last; ++i) {
      const AskedUser& user = users[i];
      merge_in_turn(
          std::span(lists).subspan((i - first) * queries.each * length), queries.count[i - first], length,
          [&](std::int32_t video) { return std::binary_search(user.watched.begin(), user.watched.end(), video); },
          std::span(all).subspan(i * kept, kept));
    }
  });
  return all;
}

// Of each user the share of what was wanted that is among the best hundred.
std::vector<float> recall(const RetrievalStudy& study, const Policy& policy, const std::vector<AskedUser>& users,
                          std::uint64_t seed) {
  std::vector<std::int32_t> all = retrieved(study, policy, users, seed, kRetrieved);
  std::vector<float> share(users.size());
  for (std::size_t i = 0; i < users.size(); ++i) {
    const std::span<std::int32_t> own = std::span(all).subspan(i * kRetrieved, kRetrieved);
    std::sort(own.begin(), own.end());
    const auto hits = std::count_if(users[i].wanted.begin(), users[i].wanted.end(), [&](std::int32_t video) {
      return std::binary_search(own.begin(), own.end(), video);
    });
    share[i] = static_cast<float>(hits) / static_cast<float>(users[i].wanted.size());
  }
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
  std::vector<std::vector<float>> share{};  // [seeds][users]
};

// Means over users and seeds with intervals over users, and the differences from the first line.
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
    Measure measure;
    measure.items = part.size();
    for (const std::size_t i : part) {
      float sum = 0.0F;
      for (const std::vector<float>& seed : lines[l].share) sum += seed[i];
      measure.numerator.push_back(sum / static_cast<float>(lines[l].share.size()));
    }
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
void print_deviations(const RetrievalStudy& study, const Policy& policy, std::uint64_t seed) {
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
  fmt::print("seed {}: Spearman of deviation with -ln pairs {}, with -ln rows {}, rows >= 0 {}\n", seed, of(pairs, 1),
             of(rows, 1), of(rows, 0));
  std::map<int, std::pair<double, int>> by_size;
  for (std::size_t v = 0; v < deviation.size(); ++v) {
    auto& [sum, n] = by_size[pairs[v] == 0 ? -1 : static_cast<int>(std::log2(pairs[v]))];
    sum += static_cast<double>(deviation[v]), ++n;
  }
  for (const auto& [size, mean] : by_size)
    fmt::print("  {} pairs: mean deviation {:.3f} of {} videos\n", size < 0 ? "no" : fmt::format("{}+", 1 << size),
               mean.first / mean.second, mean.second);
}

// The models of a seed, of a folder where they are kept, trained first unless they are there.
struct SeedModels {
  std::shared_ptr<const Policy> plain, varied;
};

SeedModels models_of(RetrievalStudy& study, std::uint64_t seed, const std::string& folder) {
  study.task.seed = seed;
  const auto of = [&](const std::string& name, const auto& train) {
    const std::string path = fmt::format("{}/{}-{}.h5", folder, name, seed);
    if (!std::filesystem::exists(path)) train().policy->save(path);
    return load_policy(path, study.catalogue);
  };
  return {of("two-tower", [&] { return train_two_tower(study.task, {}); }),
          of("variational", [&] { return train_variational_two_tower(study.task, {}); })};
}

// The interests of the tables.
std::vector<InterestConfig> asked_interests() {
  std::vector<InterestConfig> all;
  for (const char* query : {"medoid", "tower"}) {
    for (const std::size_t count : {1, 3, 4, 3}) {
      all.emplace_back();
      all.back().query = query, all.back().count = count;
    }
    all.back().choice = "top";
  }
  return all;
}

void run_recall(RetrievalStudy& study, const std::string& folder, std::uint64_t seeds) {
  const std::vector<AskedUser> users = users_of(study, study.task.test);
  std::vector<Line> lines = {
      {"two-tower"}, {"variational, mean"}, {"variational, 3 uniform"}, {"variational, 3 normal"}};
  for (const InterestConfig& interests : asked_interests())
    lines.push_back({fmt::format("{} by {}, {}", interests.count, interests.query, interests.choice)});
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const SeedModels models = models_of(study, seed, folder);
    print_deviations(study, *models.varied, seed);
    std::vector<std::shared_ptr<const Policy>> policies = {
        models.plain, with_queries(*models.varied, {.draw = "none", .count = 1}),
        with_queries(*models.varied, {.draw = "uniform", .count = 3}),
        with_queries(*models.varied, {.draw = "normal", .count = 3})};
    for (const InterestConfig& interests : asked_interests())
      policies.push_back(with_interests(*models.plain, interests));
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

// Validation days: how interests ask the user tower best.
void tune_asking(RetrievalStudy& study, const std::string& folder, std::uint64_t seeds) {
  const std::vector<AskedUser> users = users_of(study, study.task.validate);
  const std::vector<std::size_t> third = thirds(users);
  std::vector<std::shared_ptr<const Policy>> plain;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) plain.push_back(models_of(study, seed, folder).plain);
  // Means over seeds and users: all, the three thirds, and those of shorter histories.
  const auto tell = [&](const std::string& name, const auto& policy_of) {
    std::array<double, 5> sum{}, n{};
    for (std::size_t seed = 0; seed < plain.size(); ++seed) {
      const std::vector<float> share = recall(study, *policy_of(*plain[seed]), users, seed + 1);
      for (std::size_t i = 0; i < users.size(); ++i)
        for (const std::size_t part : {third[i], std::size_t{4}}) sum[part] += static_cast<double>(share[i]), ++n[part];
    }
    fmt::print("{:36}", name);
    for (const std::size_t part : {4, 0, 1, 2, 3}) fmt::print(" {:.4f}", sum[part] / n[part]);
    fmt::print("\n");
    std::fflush(stdout);
  };
  tell("two-tower", [](const Policy& towers) { return with_queries(towers, {}); });
  for (const std::size_t count : {1, 3})
    for (const char* choice : {"top", "drawn"})
      for (const float cost : {0.1F, 0.5F, 1.0F, 2.0F}) {
        InterestConfig interests;
        interests.count = count, interests.choice = choice, interests.merge_cost = cost;
        tell(fmt::format("{} x{} merge_cost {}", choice, count, cost),
             [&](const Policy& towers) { return with_interests(towers, interests); });
      }
}

// What is recommended of videos with few likes, and how it was watched.
constexpr std::size_t kRecommended = 10;
constexpr std::uint32_t kNicheLikes = 5;

struct Niche {
  std::vector<std::uint8_t> niche;     // [videos] at most kNicheLikes in the training days
  std::vector<std::uint32_t> exposed;  // [videos] rows in the training days
};

Niche niche_of(const RetrievalStudy& study) {
  const Log& log = study.data.log;
  std::vector<std::uint32_t> likes(study.catalogue.num_videos(), 0);
  Niche out{std::vector<std::uint8_t>(likes.size()), likes};
  for (std::size_t row = 0; row < log.size(); ++row) {
    if (!study.task.train.contains(log.date[row]) || log.is_random[row] != 0) continue;
    likes[index_of(log.video[row])] += has(log.signals[row], Signal::kLike);
    ++out.exposed[index_of(log.video[row])];
  }
  for (std::size_t v = 0; v < likes.size(); ++v) out.niche[v] = likes[v] <= kNicheLikes;
  return out;
}

std::vector<std::int32_t> most_exposed(const std::vector<AskedUser>& users, const Niche& niche) {
  std::vector<std::int32_t> order(niche.exposed.size()), all;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return niche.exposed[static_cast<std::size_t>(a)] > niche.exposed[static_cast<std::size_t>(b)];
  });
  for (const AskedUser& user : users) {
    std::size_t kept = 0;
    for (std::size_t at = 0; kept < kRecommended; ++at)
      if (!std::binary_search(user.watched.begin(), user.watched.end(), order[at])) all.push_back(order[at]), ++kept;
  }
  return all;
}

// Sums over users for one way to recommend: by what, of what; [part][seeds, users].
struct NicheSums {
  std::string name;
  // 0: niche slots of slots. 1, 2: rows wanted of rows shown among what is recommended, niche and the rest. 3, 4: of
  // the wanted pairs those recommended, niche and the rest.
  std::array<Measure, 5> part;
};

void add_niche(const RetrievalStudy& study, const std::vector<AskedUser>& users, const Niche& niche,
               const std::vector<std::int32_t>& lists, NicheSums& to) {
  for (Measure& part : to.part) part.items = users.size();
  for (std::size_t i = 0; i < users.size(); ++i) {
    const std::span<const std::int32_t> own = std::span(lists).subspan(i * kRecommended, kRecommended);
    const auto recommended = [&](std::int32_t video) { return std::find(own.begin(), own.end(), video) != own.end(); };
    std::array<float, 5> above{}, below{};
    below[0] = static_cast<float>(kRecommended);
    for (const std::int32_t video : own) above[0] += niche.niche[static_cast<std::size_t>(video)];
    for (const std::uint32_t row : users[i].rows) {
      const auto video = static_cast<std::int32_t>(index_of(study.data.log.video[row]));
      if (!recommended(video)) continue;
      const std::size_t part = niche.niche[static_cast<std::size_t>(video)] != 0 ? 1 : 2;
      ++below[part], above[part] += is_wanted(study.data.log, row, 0.5F) ? 1.0F : 0.0F;
    }
    for (const std::int32_t video : users[i].wanted) {
      const std::size_t part = niche.niche[static_cast<std::size_t>(video)] != 0 ? 3 : 4;
      ++below[part], above[part] += recommended(video) ? 1.0F : 0.0F;
    }
    for (std::size_t part = 0; part < 5; ++part)
      to.part[part].numerator.push_back(above[part]), to.part[part].denominator.push_back(below[part]);
  }
}

void print_niche(const std::vector<NicheSums>& all) {
  const char* const names[] = {"niche share of what is recommended", "watched where shown, niche",
                               "watched where shown, the rest", "recall@10, niche", "recall@10, the rest"};
  for (std::size_t part = 0; part < 5; ++part) {
    fmt::print("\n{}\n", names[part]);
    for (const NicheSums& one : all) {
      const Measure& all_seeds = one.part[part];  // [seeds, users]; intervals are over users
      Measure measure;
      measure.items = all_seeds.items;
      measure.numerator.assign(measure.items, 0.0F), measure.denominator.assign(measure.items, 0.0F);
      for (std::size_t at = 0; at < all_seeds.numerator.size(); ++at) {
        measure.numerator[at % measure.items] += all_seeds.numerator[at];
        measure.denominator[at % measure.items] += all_seeds.denominator[at];
      }
      const Interval own = percentile_interval(measure.value(), bootstrap({&measure, 1}, make_key(1)).front());
      double of = 0.0;
      for (const float below : measure.denominator) of += static_cast<double>(below);
      fmt::print("| {:24} | {:.4f} [{:.4f}, {:.4f}] | of {:.1f} a seed |\n", one.name, own.mean, own.low, own.high,
                 of * static_cast<double>(measure.items) / static_cast<double>(all_seeds.numerator.size()));
    }
  }
}

void run_niche(RetrievalStudy& study, const std::string& folder, std::uint64_t seeds) {
  const std::vector<AskedUser> users = users_of(study, study.task.test, true);
  const Niche niche = niche_of(study);
  const auto count = std::count(niche.niche.begin(), niche.niche.end(), 1);
  std::array<double, 2> shown{}, wanted{};
  for (const AskedUser& user : users)
    for (const std::uint32_t row : user.rows) {
      const std::size_t kind = niche.niche[index_of(study.data.log.video[row])];
      ++shown[kind], wanted[kind] += is_wanted(study.data.log, row, 0.5F) ? 1.0 : 0.0;
    }
  fmt::print("{} users; {} of {} videos are niche; of {:.0f} rows shown {:.4f} are, watched {:.4f}, the rest {:.4f}\n",
             users.size(), count, niche.niche.size(), shown[0] + shown[1], shown[1] / (shown[0] + shown[1]),
             wanted[1] / shown[1], wanted[0] / shown[0]);
  std::vector<NicheSums> all = {{"most exposed", {}},          {"two-tower", {}},
                                {"variational, mean", {}},     {"variational, 3 normal", {}},
                                {"3 interests, by tower", {}}, {"3 interests, by medoid", {}}};
  add_niche(study, users, niche, most_exposed(users, niche), all[0]);
  InterestConfig medoids;
  medoids.query = "medoid";
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const SeedModels models = models_of(study, seed, folder);
    const std::array<std::shared_ptr<const Policy>, 5> policies = {
        models.plain, with_queries(*models.varied, {.draw = "none", .count = 1}),
        with_queries(*models.varied, {.draw = "normal", .count = 3}), with_interests(*models.plain, {}),
        with_interests(*models.plain, medoids)};
    for (std::size_t p = 0; p < policies.size(); ++p)
      add_niche(study, users, niche, retrieved(study, *policies[p], users, seed, kRecommended), all[p + 1]);
  }
  print_niche(all);
}

int run(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  const bool tunes = part == "tune";
  if (argc != (tunes ? 3 : 5) || (!tunes && part != "recall" && part != "asking" && part != "niche"))
    throw InputError("usage: retrieval_study recall|asking|niche DATA SEEDS FOLDER | tune DATA, see its source");
  RetrievalStudy study;
  study.data = load_dataset(argv[2]).data;
  study.task.train = {0, 20220502}, study.task.validate = {20220503, 20220504}, study.task.test = {20220505, 20220506};
  study.catalogue = build_catalogue(study.data, study.task.train.until);
  study.task.data = &study.data, study.task.catalogue = &study.catalogue;
  study.task.threads = 1;
  if (tunes) {
    const std::vector<AskedUser> users = users_of(study, study.task.validate);
    study.task.seed = 1;
    tune_divergence(study, users);
    return 0;
  }
  const auto seeds = parse_number<std::uint64_t>("SEEDS", argv[3], between(1, 10'000));
  if (part == "recall")
    run_recall(study, argv[4], seeds);
  else if (part == "asking")
    tune_asking(study, argv[4], seeds);
  else
    run_niche(study, argv[4], seeds);
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
