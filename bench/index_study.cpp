// The index's part of docs/results/retrieval.md: how long one of ROWS vectors of WIDTH takes to make, its memory, and
// recall@100 beside microseconds a query for several breadths of the search, one query at a time on one core. All times
// are the processor's.
//
//   index_study ROWS WIDTH [LINKS EF_CONSTRUCTION [grouped|spread]]
//
// grouped: unit vectors around 2,000 centres, as videos of one taste lie; spread: all directions alike, the hardest.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/study_main.h"
#include "core/error.h"
#include "core/range.h"
#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"
#include "policy/retrieval_index.h"

namespace swipegym {
namespace {

Matrix vectors_of(std::size_t rows, std::size_t width, bool grouped, RandomKey key) {
  constexpr std::size_t kCentres = 2000;
  Matrix centres(kCentres, static_cast<Eigen::Index>(width)), out(static_cast<Eigen::Index>(rows), centres.cols()),
      unit;
  fill_normal(RandomStream(make_key(1)), {centres.data(), kCentres * width});
  for (std::size_t i = 0; i < rows; ++i) {
    RandomStream random(key, static_cast<std::uint32_t>(i));
    const auto row = static_cast<Eigen::Index>(i);
    const std::uint32_t centre = random.below(kCentres);
    fill_normal(random, {out.data() + i * width, width});
    if (grouped) out.row(row) = centres.row(centre) + 0.7F * out.row(row);
  }
  to_unit_rows<float>(out, unit);
  return unit;
}

int run(int argc, char** argv) {
  if (argc < 3) throw InputError("usage: index_study ROWS WIDTH [LINKS EF_CONSTRUCTION [grouped|spread]]");
  const auto rows = parse_number<std::size_t>("ROWS", argv[1], between(1, 100'000'000));
  const auto width = parse_number<std::size_t>("WIDTH", argv[2], between(1, 4096));
  RetrievalIndexConfig config;
  if (argc > 4) {
    config.links = parse_number<std::size_t>("LINKS", argv[3], between(2, 256));
    config.ef_construction = parse_number<std::size_t>("EF_CONSTRUCTION", argv[4], between(1, 100'000));
  }
  const bool grouped = argc <= 5 || std::string(argv[5]) == "grouped";
  const Matrix items = vectors_of(rows, width, grouped, make_key(2)),
               queries = vectors_of(1000, width, grouped, make_key(3));
  double start = core_seconds();
  const RetrievalIndex index(items, config);
  fmt::print("{} {} vectors of {}, links {}, ef_construction {}: made in {:.1f} s, {:.0f} MB\n", rows,
             grouped ? "grouped" : "spread", width, config.links, config.ef_construction, (core_seconds() - start),
             static_cast<double>(index.bytes()) / 1e6);
  start = core_seconds();
  for (Eigen::Index first = 0; first < 192; first += 32) top_items(queries.middleRows(first, 32), items, 100, 1);
  fmt::print("exact: {:.0f} us a query of 32 together\n", 1e6 * (core_seconds() - start) / 192.0);
  for (const std::size_t ef : {100, 150, 200, 300, 400, 600, 800, 1200, 1600}) {
    const double recall = index_recall(index, items, queries.topRows(500), 100, 1, ef);
    std::vector<double> lone;
    for (Eigen::Index q = 0; q < queries.rows(); ++q) {
      const Matrix one = queries.row(q);
      start = core_seconds();
      index.search(one, 100, 1, ef);
      lone.push_back(1e6 * (core_seconds() - start));
    }
    double mean = 0.0;
    for (const double us : lone) mean += us / static_cast<double>(lone.size());
    std::sort(lone.begin(), lone.end());
    fmt::print("ef {:4}: recall@100 {:.4f}, {:.0f} us a query, P99 {:.0f} us\n", ef, recall, mean,
               lone[lone.size() * 99 / 100]);
    std::fflush(stdout);
    if (recall > 0.995) break;
  }
  return 0;
}

}  // namespace
}  // namespace swipegym

int main(int argc, char** argv) {
  return swipegym::study_main(swipegym::run, argc, argv);
}
