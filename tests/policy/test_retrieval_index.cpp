#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "nn/gaussian_rows.h"
#include "nn/unit_rows.h"
#include "policy/retrieval_index_file.h"
#include "tests/hdf5_mutants.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

constexpr std::size_t kIndexed = testing::kSanitized ? 300 : 3000;

Matrix unit_vectors(std::size_t rows, std::uint64_t seed) {
  Matrix drawn(static_cast<Eigen::Index>(rows), 16), unit;
  fill_normal(RandomStream(make_key(seed)), {drawn.data(), rows * 16});
  to_unit_rows<float>(drawn, unit);
  return unit;
}

bool equal(const std::vector<TopItem>& a, const std::vector<TopItem>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TopItem& x, const TopItem& y) { return x.item == y.item && x.score == y.score; });
}

TEST_CASE("an index finds what an exact search finds, the more the wider it looks", "[policy]") {
  const Matrix items = unit_vectors(kIndexed, 1), queries = unit_vectors(50, 2);
  const RetrievalIndex index(items, {.links = 8, .ef_construction = 60, .ef = 100});
  CHECK(index.size() == kIndexed);
  CHECK(index.dimension() == 16);
  CHECK(index.bytes() > kIndexed * (16 * 4 + 16 * 4));  // rows and their links at least
  const double narrow = index_recall(index, items, queries, 100, 1),
               wide = index_recall(index, items, queries, 100, 1, 800);
  CAPTURE(narrow, wide);
  CHECK(wide >= narrow);
  CHECK(narrow > 0.6);  // random directions are the hardest there are
  CHECK(wide > 0.98);
  // What it looks at all of it finds in the same order with the same bits.
  CHECK(equal(index.search(queries, 10, 1, kIndexed), top_items(queries, items, 10, 1)));
  CHECK(index.search(queries, 2 * kIndexed, 1).size() == 50 * kIndexed);
}

TEST_CASE("an index answers the same however often it is made and on however many threads", "[policy]") {
  const Matrix items = unit_vectors(kIndexed / 3, 3), queries = unit_vectors(70, 4);
  const RetrievalIndexConfig config{.links = 6, .ef_construction = 30, .ef = 40};
  const RetrievalIndex first(items, config), second(items, config);
  const auto found = first.search(queries, 20, 1);
  CHECK(equal(second.search(queries, 20, 1), found));
  CHECK(equal(first.search(queries, 20, 4), found));
  CHECK_FALSE(equal(RetrievalIndex(items, {.links = 2, .ef_construction = 5, .ef = 20}).search(queries, 20, 1), found));
  CHECK_THROWS_AS(RetrievalIndex(Matrix(0, 4), config), InputError);
  CHECK_THROWS_AS(RetrievalIndex(items, {.links = 1}), InputError);
}

TEST_CASE("an index comes back from its file as it was, and a damaged one is refused or finds videos that exist",
          "[policy]") {
  const Matrix items = unit_vectors(200, 5), queries = unit_vectors(20, 6);
  const RetrievalIndex index(items, {.links = 4, .ef_construction = 20, .ef = 30});
  const auto path = std::filesystem::temp_directory_path() / "swipegym_retrieval_index.h5";
  save_index_file(index, items, path);
  const auto found = index.search(queries, 10, 1);
  CHECK(equal(load_index_file(path, items, index.config()).search(queries, 10, 1), found));
  // Of fewer vectors; of others, which its graph would fit; made otherwise. How wide it looks is no part of it.
  CHECK_THROWS_AS(RetrievalIndex::load(Hdf5Reader(path, kIndexKind, kIndexVersion), "index", items.topRows(150)),
                  InputError);
  CHECK_THROWS_WITH(load_index_file(path, unit_vectors(200, 7), index.config()), Catch::Contains("other vectors"));
  CHECK_THROWS_WITH(load_index_file(path, items, {.links = 5, .ef_construction = 20}), Catch::Contains("links 4"));
  CHECK(load_index_file(path, items, {.links = 4, .ef_construction = 20, .ef = 5}).config().ef == 30);
  CHECK(equal(keep_index_file(path, items, index.config()).search(queries, 10, 1), found));
  const testing::FileImage image = testing::read_image(path);
  const auto all = testing::hdf5_mutations(image);
  std::size_t refused = 0;
  for (const testing::Hdf5Mutation& mutation : all) {
    INFO(mutation.object << ": " << mutation.change);
    const testing::MemoryFile file(testing::mutated(image, mutation));
    try {
      const auto damaged = load_index_file(file.path(), items, index.config());
      for (const TopItem& item : damaged.search(queries, 10, 1)) REQUIRE((item.item >= -1 && item.item < 200));
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(2 * refused > all.size());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace swipegym
