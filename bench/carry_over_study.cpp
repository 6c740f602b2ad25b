// What an earlier choice changes of later answers: a fitted simulator beside the truth behind its data.
//
//   carry_over_study SIMULATOR DATA [SESSIONS]
//
// In every session ten videos are shown by a rule (each the rule's best of ten random ones, or all of one tag), then
// ten random ones, the same after every rule. Nobody leaves. Printed is what the model expects of the later ten:
// seconds and watch ratio a video and the chance to leave after each, less the same after ten random videos. A
// simulator that takes what was seen for a cause where it only tells who is watching differs here from the truth.
#include <fmt/format.h>

#include <cmath>

#include "bench/study_main.h"
#include "core/error.h"
#include "core/range.h"
#include "env/fitted/simulator_file.h"
#include "env/truth/truth_simulator.h"
#include "sim_data/dataset.h"

namespace swipegym {
namespace {

constexpr std::size_t kBefore = 10, kAfter = 10;
constexpr std::uint32_t kOffered = 10;

enum class Rule : std::uint8_t { kRandom, kPopular, kItemMean, kShortest, kLongest, kOneTag };
constexpr std::pair<Rule, const char*> kRules[] = {{Rule::kRandom, "random"},      {Rule::kPopular, "popular"},
                                                   {Rule::kItemMean, "item-mean"}, {Rule::kShortest, "shortest"},
                                                   {Rule::kLongest, "longest"},    {Rule::kOneTag, "one tag"}};

struct Plan {
  std::array<VideoIndex, kBefore + kAfter> video;
};

double worth(Rule rule, const Catalogue& catalogue, std::uint32_t video) {
  switch (rule) {
    case Rule::kPopular:
      return catalogue.exposures[video];
    case Rule::kItemMean:
      return catalogue.item_mean[video];
    case Rule::kShortest:
      return -catalogue.duration_ms[video];
    case Rule::kLongest:
      return catalogue.duration_ms[video];
    default:
      return 0.0;
  }
}

// Videos by tag, to show one tag alone.
std::vector<std::vector<std::uint32_t>> videos_by_tag(const Catalogue& catalogue) {
  std::vector<std::vector<std::uint32_t>> out(catalogue.num_tags);
  for (std::uint32_t video = 0; video < catalogue.num_videos(); ++video) out[catalogue.tag[video]].push_back(video);
  return out;
}

Plan plan_of(Rule rule, const Catalogue& catalogue, const std::vector<std::vector<std::uint32_t>>& by_tag,
             RandomKey session) {
  const auto videos = static_cast<std::uint32_t>(catalogue.num_videos());
  Plan plan;
  RandomStream random(split(session, 1));
  std::uint32_t of_tag = random.below(videos);
  for (std::size_t t = 0; t < kBefore; ++t) {
    std::uint32_t best = random.below(videos);
    for (std::uint32_t c = 1; c < kOffered; ++c)
      if (const std::uint32_t other = random.below(videos);
          worth(rule, catalogue, other) > worth(rule, catalogue, best))
        best = other;
    if (rule == Rule::kOneTag) {
      const std::vector<std::uint32_t>& same = by_tag[catalogue.tag[of_tag]];
      best = same[random.below(static_cast<std::uint32_t>(same.size()))];
    }
    plan.video[t] = VideoIndex{best};
  }
  RandomStream later(split(session, 2));
  for (std::size_t t = kBefore; t < plan.video.size(); ++t) plan.video[t] = VideoIndex{later.below(videos)};
  return plan;
}

struct Later {
  double seconds = 0.0, ratio = 0.0, leave = 0.0;  // means over the later videos
};

// What `model` expects of the later videos of sessions [from, from + plans).
void play(const Simulator& world, const UserModel& model, std::span<const Plan> plans, std::size_t from,
          std::span<const RandomKey> keys, std::span<Later> out) {
  const std::size_t n = plans.size(), floats = model.state_size();
  const std::unique_ptr<UserModel::Scratch> scratch = model.make_scratch();
  std::vector<float> room(n * floats);
  std::vector<float*> states(n);
  std::vector<Shown> shown(n);
  std::vector<Response> responses(n);
  std::vector<Expectation> expected(n);
  std::vector<std::uint32_t> streams(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t start = (from + i) * 7919 % world.population.start_user.size();
    states[i] = room.data() + i * floats;
    shown[i].user = UserIndex{world.population.start_user[start]};
    shown[i].time_ms = world.population.start_time_ms[start], shown[i].tab = world.population.start_tab[start];
    model.begin(shown[i].user, shown[i].time_ms, {states[i], floats});
    out[i] = {};
  }
  for (std::size_t t = 0; t < kBefore + kAfter; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      shown[i].video = plans[i].video[t];
      shown[i].duration_ms = world.catalogue.duration_ms[index_of(shown[i].video)];
      streams[i] = static_cast<std::uint32_t>(t);
    }
    if (t >= kBefore) {
      const std::vector<const float*> look(states.begin(), states.end());
      model.expect(shown, look, ExposureKind::kInterventional, expected, *scratch);
      for (std::size_t i = 0; i < n; ++i) {
        out[i].seconds += static_cast<double>(expected[i].watch_s) / kAfter;
        out[i].ratio += static_cast<double>(expected[i].watch_ratio) / kAfter;
        out[i].leave += static_cast<double>(expected[i].leave) / kAfter;
      }
    }
    model.respond(shown, states, ExposureKind::kInterventional, keys, streams, responses, *scratch);
    for (std::size_t i = 0; i < n; ++i) shown[i].time_ms += responses[i].play_ms + 1000;
  }
}

std::vector<Later> sessions_after(Rule rule, const Simulator& world, const UserModel& model, std::size_t sessions) {
  const std::vector<std::vector<std::uint32_t>> by_tag = videos_by_tag(world.catalogue);
  std::vector<Later> out(sessions);
  for (std::size_t from = 0; from < sessions; from += kChunk) {
    const std::size_t n = std::min(kChunk, sessions - from);
    std::vector<Plan> plans(n);
    std::vector<RandomKey> keys(n);
    for (std::size_t i = 0; i < n; ++i) {
      keys[i] = split(make_key(11), from + i);
      plans[i] = plan_of(rule, world.catalogue, by_tag, keys[i]);
    }
    play(world, model, plans, from, keys, std::span(out).subspan(from, n));
  }
  return out;
}

// Mean of after less before and 1.96 standard errors.
template <class Field>
std::string change(const std::vector<Later>& after, const std::vector<Later>& random, Field field, int digits) {
  double sum = 0.0, squares = 0.0;
  const auto n = static_cast<double>(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const double d = after[i].*field - random[i].*field;
    sum += d, squares += d * d;
  }
  const double mean = sum / n;
  return fmt::format("{:+.{}f} +- {:.{}f}", mean, digits, 1.96 * std::sqrt((squares / n - mean * mean) / n), digits);
}

int run(int argc, char** argv) {
  if (argc < 3 || argc > 4) throw InputError("usage: carry_over_study SIMULATOR DATA [SESSIONS]");
  const auto sessions = parse_number<std::uint64_t>("SESSIONS", argc > 3 ? argv[3] : "4096", between(64, 1'000'000));
  const Simulator fitted = load_simulator(argv[1], Clock::kLog);
  if (fitted.truth.empty()) throw InputError(std::string(argv[1]) + ": its data is not synthetic, so has no truth");
  const LoadedDataset loaded = load_dataset(argv[2]);
  const std::shared_ptr<const TruthModel> truth = make_truth_model(fitted.truth, loaded.data, fitted.catalogue.until);
  const std::pair<const char*, const UserModel*> models[] = {{"fitted", fitted.model.get()}, {"truth", truth.get()}};
  fmt::print("{:<10} {:<8} {:>18} {:>18} {:>18}\n", "before", "model", "s a video", "watch ratio", "P(leave)");
  std::vector<Later> random[2];
  for (const auto& [rule, name] : kRules)
    for (std::size_t m = 0; m < 2; ++m) {
      const std::vector<Later> after = sessions_after(rule, fitted, *models[m].second, sessions);
      if (rule == Rule::kRandom) {
        random[m] = after;
        Later mean;
        for (const Later& one : after) mean.seconds += one.seconds, mean.ratio += one.ratio, mean.leave += one.leave;
        const auto n = static_cast<double>(after.size());
        fmt::print("{:<10} {:<8} {:>18.3f} {:>18.4f} {:>18.4f}\n", name, models[m].first, mean.seconds / n,
                   mean.ratio / n, mean.leave / n);
        continue;
      }
      fmt::print("{:<10} {:<8} {:>18} {:>18} {:>18}\n", name, models[m].first,
                 change(after, random[m], &Later::seconds, 3), change(after, random[m], &Later::ratio, 4),
                 change(after, random[m], &Later::leave, 4));
    }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
