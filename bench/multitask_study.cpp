// The networks that bench/multitask_study.py compares. Not a benchmark of speed: it trains
// multi-task and single-task networks on a log and writes what they say of the test days.
//
//   multitask_study rows DATA OUT
//
//     OUT/{train,validate,test}.f32: what the networks read of each row, [rows, numbers] in single precision, with the
//     dense tag, author and video behind, and without what the rows of its day add to statistics; OUT/{...}.labels.f32:
//     the user, then kHeadOutputs labels (NaN: unknown).
//
//   multitask_study fit DATA OUT SEEDS TRIALS SPACE
//
//     SPACE is configs/search/multitask.json. OUT/NAME-sSEED.f32: the outputs for the test rows, [rows, kHeadOutputs];
//     OUT/NAME-sSEED.top.u32, with and without creators: the ten best of all videos for 1,000 users of the test days,
//     [users, 10]; OUT/authors.u32: each video's author and the author's exposures in the training days, [videos, 2];
//     OUT/log.csv: a line a training. What is there already is not made again. Names: multitask and the single tasks,
//     at 100, 30, 10 and 3 % of the training rows, and multitask without creators.
//
// Train: days to 20220502; validate: 20220503 and 04; test: 20220505 and 06. The test days are only written down.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "agents/catalogue_ranking.h"
#include "agents/left_out.h"
#include "agents/logged_states.h"
#include "agents/multitask/head_labels.h"
#include "agents/multitask/multitask_trainer.h"
#include "agents/supervised_rows.h"
#include "bench/study_main.h"
#include "core/config.h"
#include "core/error.h"
#include "env/catalogue.h"
#include "evaluation/studies/random_search.h"

namespace swipegym {
namespace {

namespace fs = std::filesystem;

struct MultitaskStudy {
  Dataset data;
  Catalogue catalogue;
  SupervisedTask task;
  fs::path out;
};

void set_up(MultitaskStudy& study, const fs::path& data, const fs::path& out) {
  study.data = load_dataset(data, {}).data;
  study.task.train = {0, 20220502};
  study.task.validate = {20220503, 20220504};
  study.task.test = {20220505, 20220506};
  study.task.threads = 1;
  study.catalogue = build_catalogue(study.data, study.task.train.until);
  study.task.data = &study.data, study.task.catalogue = &study.catalogue;
  study.out = out;
  fs::create_directories(out);
}

template <class Value>
void write_values(const fs::path& path, const Value* values, std::size_t count) {
  const fs::path part = fs::path(path).concat(".part");
  std::ofstream file(part, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(count * sizeof(Value)));
  file.close();
  fs::rename(part, path);
}

void write_rows(const MultitaskStudy& study) {
  const MultitaskConfig config;
  const auto model = make_multitask_model(study.catalogue, config.network, config.encoder, heads_of(config.heads),
                                          make_watch_bins({0.0F, 1.0F}, 2, 2.0F), 1);
  const StateEncoder encoder(model->encoder_config, model->items);
  const LoggedStates states(study.data, study.catalogue, config.history_length);
  const LeftOut left_out(study.data, study.catalogue.until, config.left_out);
  const std::size_t size = encoder.state_size(), item = kVideoFeatures + kDerivedItemFeatures;
  const std::size_t columns = size + item + StateEncoder::kCross + 3;
  const std::vector<std::pair<std::string, DayRange>> parts = {
      {"train", study.task.train}, {"validate", study.task.validate}, {"test", study.task.test}};
  for (const auto& [name, days] : parts) {
    const std::vector<std::uint32_t> rows = rows_of_days(study.data, {days});
    const HeadLabels labels(study.data, days.until);
    std::vector<float> out(rows.size() * columns), label;
    LoggedStates::Batch batch;
    StateEncoder::Histories histories;
    MultitaskNetwork::Work work;
    work.states.resize(1, static_cast<Eigen::Index>(size));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      states.fill(std::span(rows).subspan(i, 1), batch);
      gather_videos(model->items, batch.video, work);
      left_out.apply(rows[i], batch.user_features.data(), work.numbers.data(), work.numbers.data() + kVideoFeatures);
      encoder.encode(batch.observation, 0, 1, work.states, histories);
      float* to = std::copy_n(work.states.data(), size, out.data() + i * columns);
      to = std::copy_n(work.numbers.data(), item, to);
      encoder.cross(work.states, histories, 0, batch.video[0], to);
      to += StateEncoder::kCross;
      for (const std::int32_t id : {work.tag[0], work.author[0], batch.video[0]}) *to++ = static_cast<float>(id);
      label.push_back(static_cast<float>(index_of(study.data.log.user[rows[i]])));
      for (std::size_t k = 0; k < kHeadOutputs; ++k) label.push_back(labels.of(rows[i], static_cast<HeadOutput>(k)));
    }
    write_values(study.out / (name + ".f32"), out.data(), out.size());
    write_values(study.out / (name + ".labels.f32"), label.data(), label.size());
    fmt::print("{}: {} rows of {} numbers\n", name, rows.size(), columns);
  }
}

void write_authors(const MultitaskStudy& study) {
  const Catalogue& catalogue = study.catalogue;
  std::vector<std::uint32_t> shown(catalogue.num_authors, 0), out;
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v) shown[catalogue.author[v]] += catalogue.exposures[v];
  for (std::size_t v = 0; v < catalogue.num_videos(); ++v)
    out.insert(out.end(), {catalogue.author[v], shown[catalogue.author[v]]});
  write_values(study.out / "authors.u32", out.data(), out.size());
}

// The best videos for users of the test days, each before the first row there.
constexpr std::size_t kAskedUsers = 1000, kBestVideos = 10;
std::vector<std::uint32_t> best_videos(const MultitaskStudy& study, const Policy& policy) {
  std::vector<std::uint32_t> first;
  for (const std::uint32_t row : rows_of_days(study.data, {study.task.test}))
    if (first.empty() || study.data.log.user[first.back()] != study.data.log.user[row]) first.push_back(row);
  first = some_of(std::move(first), kAskedUsers);
  std::vector<std::uint32_t> out(first.size() * kBestVideos);
  score_catalogue(policy, study.data, study.catalogue, first, 1, [&](std::size_t i, std::span<float> scores) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::partial_sort(order.begin(), order.begin() + kBestVideos, order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    std::copy_n(order.begin(), kBestVideos, &out[i * kBestVideos]);
  });
  return out;
}

struct Kind {
  std::string name;
  std::vector<Head> heads;  // empty: all
};
const std::vector<Kind> kStudied = {{"multitask", {}},
                                    {"watch", {Head::kWatch}},
                                    {"long_view", {Head::kLongView}},
                                    {"click", {Head::kClick}},
                                    {"like", {Head::kLike}}};

MultitaskConfig base_of(const Kind& kind) {
  MultitaskConfig config;
  config.network.author_dim = 4;
  if (kind.heads.empty()) return config;
  config.heads = {};
  for (const Head head : kind.heads) config.heads.weight[static_cast<std::size_t>(head)] = 1.0F;
  config.weighting = "fixed";
  config.value.weight = {};
  config.value.weight.weight[static_cast<std::size_t>(kind.heads[0]) + (kind.heads[0] == Head::kWatch ? 0 : 1)] = 1.0F;
  return config;
}

class Trainings {
 public:
  explicit Trainings(MultitaskStudy& study) : study_(study), log_(study.out / "log.csv", std::ios::app) {}

  // The best validation metric; the policy too where it is asked for.
  double train(const std::string& name, const MultitaskConfig& config, std::uint64_t seed,
               std::shared_ptr<const Policy>* policy) {
    SupervisedTask task = study_.task;
    task.seed = seed;
    const std::clock_t start = std::clock();
    const TrainedModel trained = train_multitask(task, config);
    double best = -1.0;
    for (const EpochReport& epoch : trained.epochs) best = std::max(best, epoch.validation_metric);
    if (policy != nullptr) *policy = trained.policy;
    log_ << fmt::format("{},{},{},{:.5f},{:.1f}\n", name, seed, trained.epochs.size(), best,
                        static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC)
         << std::flush;
    return best;
  }

  Json search(const Kind& kind, const SearchSpace& space, int trials) {
    const fs::path path = study_.out / (kind.name + ".settings.json");
    if (fs::exists(path)) return read_json(path);
    Json best_settings;
    double best = -1.0;
    for (int trial = 0; trial < trials; ++trial) {
      std::vector<Json> drawn;
      const Json settings = draw_trial(space, config_to_json(base_of(kind)), 1, trial, drawn);
      const double metric = train(fmt::format("{} trial {}", kind.name, trial),
                                  config_from_json<MultitaskConfig>(settings, "the search"), 1, nullptr);
      if (metric > best) best = metric, best_settings = settings;
    }
    std::ofstream(path) << best_settings.dump(2) << "\n";
    return best_settings;
  }

  void fit(const std::string& name, const Json& settings, std::uint64_t seed, bool recommends = false) {
    const fs::path path = study_.out / fmt::format("{}-s{}.f32", name, seed);
    if (fs::exists(path)) return;
    std::shared_ptr<const Policy> policy;
    train(name, config_from_json<MultitaskConfig>(settings, name), seed, &policy);
    const std::vector<std::uint32_t> rows = rows_of_days(study_.data, {study_.task.test});
    const Matrix outputs =
        head_rows(static_cast<const MultitaskPolicy&>(*policy), study_.data, study_.catalogue, rows, 1);
    if (recommends) {
      const std::vector<std::uint32_t> best = best_videos(study_, *policy);
      write_values(study_.out / fmt::format("{}-s{}.top.u32", name, seed), best.data(), best.size());
    }
    write_values(path, outputs.data(), static_cast<std::size_t>(outputs.size()));
  }

 private:
  MultitaskStudy& study_;
  std::ofstream log_;
};

void fit_all(MultitaskStudy& study, int seeds, int trials, const fs::path& space_file) {
  Trainings trainings(study);
  const SearchSpace space = read_search_space(space_file);
  std::map<std::string, Json> chosen;
  for (const Kind& kind : kStudied) chosen[kind.name] = trainings.search(kind, space, trials);
  write_authors(study);
  const auto each_seed = [&](const std::string& name, const Json& settings, bool recommends = false) {
    for (int seed = 1; seed <= seeds; ++seed)
      trainings.fit(name, settings, static_cast<std::uint64_t>(seed), recommends);
  };
  for (const Kind& kind : kStudied) each_seed(kind.name, chosen[kind.name], kind.heads.empty());
  Json without = chosen["multitask"];
  without["network"]["creator_id"] = false;
  each_seed("multitask-no-creator", without, true);
  for (const std::string what : {"row", "nothing"}) {
    Json out = chosen["multitask"];
    out["left_out"] = what;
    each_seed("multitask-left-out-" + what, out);
  }
  for (const int percent : {30, 10, 3})
    for (const Kind& kind : kStudied) {
      Json fewer = chosen[kind.name];
      fewer["rows"] = percent / 100.0;
      // As many updates as 30 % of the rows make in the same epochs, at least.
      if (percent < 30) fewer["epochs"] = 15;
      each_seed(fmt::format("{}-{}", kind.name, percent), fewer);
    }
}

int run_study(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  MultitaskStudy study;
  if (words.size() == 3 && words[0] == "rows") {
    set_up(study, words[1], words[2]);
    write_rows(study);
  } else if (words.size() == 6 && words[0] == "fit") {
    set_up(study, words[1], words[2]);
    fit_all(study, parse_number<int>("SEEDS", words[3], between(1, 100)),
            parse_number<int>("TRIALS", words[4], between(1, 1000)), words[5]);
  } else {
    fmt::print(stderr, "multitask_study rows DATA OUT | multitask_study fit DATA OUT SEEDS TRIALS SPACE\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run_study, argc, argv);
}
