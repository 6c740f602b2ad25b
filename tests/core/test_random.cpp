#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

#include "core/random.h"
#include "core/random_words.h"

namespace swipegym {
namespace {

using Block = std::array<std::uint32_t, 4>;

// (sum of squared deviations / expectation - freedom) / sqrt(2 freedom): about N(0, 1) when the counts are uniform.
double uniformity_z(const std::vector<int>& counts, double expected) {
  double chi = 0.0;
  for (const int count : counts) chi += (count - expected) * (count - expected) / expected;
  const double freedom = static_cast<double>(counts.size() - 1);
  return (chi - freedom) / std::sqrt(2.0 * freedom);
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of its authors", "[core]") {
  // Random123's kat_vectors: zeros, ones, and the digits of pi.
  CHECK(detail::philox({0, 0, 0, 0}, 0, 0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(detail::philox({ones, ones, ones, ones}, ones, ones) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(detail::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream gives the same numbers again, and another stream or key gives others", "[core]") {
  const RandomKey key = make_key(42);
  std::set<std::uint64_t> firsts;
  for (const RandomKey k : {key, make_key(43), split(key, 0), split(key, 1), split(key, Draw::kUser)}) {
    for (std::uint32_t stream = 0; stream < 100; ++stream) {
      RandomStream a(k, stream), b(k, stream);
      const std::uint64_t first = a.next_u64();
      CHECK(first == b.next_u64());
      firsts.insert(first);
    }
  }
  CHECK(firsts.size() == 500);
}

TEST_CASE("bulk numbers are the stream's own", "[core]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomKey key = make_key(seed * seed * 977 + seed);
    const auto stream = static_cast<std::uint32_t>(seed * 0x9E3779B9U);
    RandomStream one(key, stream);
    BulkRandomStream bulk(key, stream);
    for (int i = 0; i < 200; ++i) REQUIRE(bulk.next() == one.next());
    for (std::uint32_t bound : {1U, 2U, 7583U, 0x80000001U, 0xffffffffU})
      for (int i = 0; i < 20; ++i) REQUIRE(bulk.below(bound) == one.below(bound));
  }
}

TEST_CASE("floats are uniform, at least 0 and below 1", "[core]") {
  RandomStream random(make_key(7));
  std::vector<int> counts(100);
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) {
    const float u = random.uniform();
    REQUIRE(u >= 0.0F);
    REQUIRE(u < 1.0F);
    ++counts[static_cast<std::size_t>(u * 100.0F)];
    sum += u;
    squares += static_cast<double>(u) * u;
  }
  CHECK(std::abs(uniformity_z(counts, kDraws / 100.0)) < 4.0);
  CHECK(sum / kDraws == Approx(0.5).margin(4 * 0.2887 / std::sqrt(kDraws)));
  CHECK(squares / kDraws == Approx(1.0 / 3.0).margin(4 * 0.298 / std::sqrt(kDraws)));
  CHECK(to_unit(0xffffffff) < 1.0F);
}

TEST_CASE("below() is uniform over its bound", "[core]") {
  RandomStream random(make_key(8));
  std::vector<int> counts(37);
  constexpr int kDraws = 111'000;
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(37)];
  CHECK(std::abs(uniformity_z(counts, kDraws / 37.0)) < 4.0);
  // A bound just above 2^31 rejects almost half of all words; taken modulo, the low half would come twice as often.
  constexpr std::uint32_t kBound = 0x80000001U;
  int low = 0;
  for (int i = 0; i < 20'000; ++i) low += random.below(kBound) < kBound / 2;
  CHECK(low == Approx(10'000).margin(4 * std::sqrt(5000.0)));
}

TEST_CASE("the children of a key are independent of each other and of the key's own numbers", "[core]") {
  // The first float of child i against that of child i + 1, of the parent's stream i, and of the grandchild.
  constexpr int kPairs = 100'000;
  const RandomKey parent = make_key(3);
  double next = 0.0, own = 0.0, grandchild = 0.0;
  const auto first = [](RandomKey key, std::uint32_t stream = 0) {
    return static_cast<double>(RandomStream(key, stream).uniform()) - 0.5;
  };
  for (int i = 0; i < kPairs; ++i) {
    const RandomKey child = split(parent, static_cast<std::uint64_t>(i));
    const double u = first(child);
    next += u * first(split(parent, static_cast<std::uint64_t>(i) + 1));
    own += u * first(parent, static_cast<std::uint32_t>(i));
    grandchild += u * first(split(child, Draw::kResponse));
  }
  const double margin = 4.0 / 12.0 * std::sqrt(static_cast<double>(kPairs));  // four deviations of a sum of products
  CHECK(std::abs(next) < margin);
  CHECK(std::abs(own) < margin);
  CHECK(std::abs(grandchild) < margin);
}

TEST_CASE("keys of neighbouring seeds and episodes do not collide", "[core]") {
  std::set<std::uint64_t> keys;
  for (std::uint64_t seed = 0; seed < 300; ++seed)
    for (std::uint64_t episode = 0; episode < 100; ++episode) {
      const RandomKey key = split(split(make_key(seed), episode), Draw::kResponse);
      keys.insert(std::uint64_t{key.hi} << 32 | key.lo);
    }
  CHECK(keys.size() == 30'000);
}

}  // namespace swipegym
