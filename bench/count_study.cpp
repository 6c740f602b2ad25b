// The part of docs/results/retrieval.md about counts: how well a video's posterior foresees of how many rows of later
// days more than half will be watched, and how its deviation goes with rows.
//
//   count_study DATA
//
// Train to 20220502, test 20220505 to 20220506, standard rows. A video's rate has the prior that fits all videos of the
// training days (fit_beta_likelihood()), so what is foreseen is beta-binomial. Days are the slice's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/catalogue_ranking.h"
#include "bench/study_main.h"
#include "core/error.h"
#include "core/random.h"
#include "evaluation/metrics/ranking.h"
#include "policy/bandit/beta_prior.h"
#include "sim_data/dataset.h"
#include "sim_data/time_split.h"

namespace swipegym {
namespace {

constexpr double kInside = 0.90;  // of what is foreseen an interval holds
constexpr std::size_t kParts = 10;

struct VideoCounts {
  std::vector<double> wanted, rows;  // [videos]
};

VideoCounts count_rows(const Dataset& data, const DayRange& days, std::size_t videos) {
  VideoCounts out{std::vector<double>(videos), std::vector<double>(videos)};
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    if (data.log.is_random[row] != 0 || !days.contains(data.log.date[row])) continue;
    const std::size_t video = index_of(data.log.video[row]);
    out.rows[video] += 1.0, out.wanted[video] += is_wanted(data.log, row, 0.5F) ? 1.0 : 0.0;
  }
  return out;
}

// P(0), ..., P(rows) of a beta-binomial.
std::vector<double> foreseen(const BetaPrior& posterior, std::size_t rows) {
  const double a = posterior.alpha, b = posterior.beta, n = static_cast<double>(rows);
  const double own =
      std::lgamma(n + 1.0) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) - std::lgamma(a + b + n);
  std::vector<double> chance;
  for (double k = 0.0; k <= n; k += 1.0)
    chance.push_back(
        std::exp(own - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) + std::lgamma(a + k) + std::lgamma(b + n - k)));
  return chance;
}

struct Foreseen {
  std::size_t rows = 0, rows_before = 0;
  bool whole = false, exact = false;  // inside the interval of whole numbers, and of one whose ends are drawn
  double says = 0.0;                  // the chance that the interval of whole numbers says it has
};

Foreseen look(const BetaPrior& posterior, std::size_t wanted, std::size_t rows, double draw) {
  const std::vector<double> chance = foreseen(posterior, rows);
  constexpr double kTail = 0.5 * (1.0 - kInside);
  Foreseen out{.rows = rows};
  double below = 0.0;
  for (std::size_t k = 0; k <= rows; below += chance[k], ++k) {
    // Central: as many whole numbers as keep kTail or less outside on each side.
    const bool inside = below + chance[k] > kTail && below < 1.0 - kTail;
    out.says += inside ? chance[k] : 0.0;
    if (k != wanted) continue;
    out.whole = inside;
    const double place = below + draw * chance[k];  // uniform when what is foreseen is true
    out.exact = place >= kTail && place <= 1.0 - kTail;
  }
  return out;
}

void print_parts(std::vector<Foreseen> all, std::size_t Foreseen::*by, const char* name) {
  std::stable_sort(all.begin(), all.end(), [by](const Foreseen& a, const Foreseen& b) { return a.*by < b.*by; });
  fmt::print("\n| {} | videos | inside, ends drawn | inside, whole numbers | what these say |\n", name);
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::size_t first = part < kParts ? part * all.size() / kParts : 0;
    const std::size_t last = part < kParts ? (part + 1) * all.size() / kParts : all.size();
    double exact = 0.0, whole = 0.0, says = 0.0;
    for (std::size_t i = first; i < last; ++i) exact += all[i].exact, whole += all[i].whole, says += all[i].says;
    const auto n = static_cast<double>(last - first);
    fmt::print("| {}-{} | {} | {:.3f} | {:.3f} | {:.3f} |\n", all[first].*by, all[last - 1].*by, last - first,
               exact / n, whole / n, says / n);
  }
}

int run(int argc, char** argv) {
  if (argc != 2) throw InputError("usage: count_study DATA, see its source");
  const Dataset data = load_dataset(argv[1]).data;
  const std::size_t videos = data.videos.size();
  const VideoCounts before = count_rows(data, {0, 20220502}, videos),
                    after = count_rows(data, {20220505, 20220506}, videos);
  const BetaPrior prior = fit_beta_likelihood(before.wanted, before.rows);
  fmt::print("prior Beta({:.3f}, {:.3f}), mean {:.3f}\n", prior.alpha, prior.beta, prior.mean());
  std::vector<Foreseen> all;
  std::vector<float> deviation, fewer;
  for (std::size_t v = 0; v < videos; ++v) {
    const BetaPrior posterior{prior.alpha + before.wanted[v], prior.beta + before.rows[v] - before.wanted[v]};
    if (before.rows[v] > 0.0) {
      deviation.push_back(static_cast<float>(posterior.deviation()));
      fewer.push_back(-static_cast<float>(std::log(before.rows[v])));
    }
    if (after.rows[v] == 0.0) continue;
    const double draw = RandomStream(make_key(1), static_cast<std::uint32_t>(v)).uniform_double();
    all.push_back(
        look(posterior, static_cast<std::size_t>(after.wanted[v]), static_cast<std::size_t>(after.rows[v]), draw));
    all.back().rows_before = static_cast<std::size_t>(before.rows[v]);
  }
  print_parts(all, &Foreseen::rows, "test rows");
  print_parts(all, &Foreseen::rows_before, "training rows");
  fmt::print("\nSpearman of the posterior's deviation with -ln rows: {:.3f} ({} videos)\n", spearman(deviation, fewer),
             deviation.size());
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
