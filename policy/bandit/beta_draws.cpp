#include "policy/bandit/beta_draws.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>

#include "core/random_draws.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr std::size_t kAtOnce = 64;
using DrawFloats = std::array<float, kAtOnce>;
using DrawWords = std::array<std::uint32_t, kAtOnce>;

// The first four words of each stream: those of RandomStream(key, stream), whose counters are {0, 0, stream, 0}.
void first_words(RandomKey key, const DrawWords& streams, std::array<DrawWords, 4>& word) noexcept {
  word[0].fill(0), word[1].fill(0), word[2] = streams, word[3].fill(0);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const std::uint64_t a = std::uint64_t{0xD2511F53U} * word[0][i];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * word[2][i];
      word[0][i] = static_cast<std::uint32_t>(b >> 32) ^ word[1][i] ^ key.hi;
      word[2][i] = static_cast<std::uint32_t>(a >> 32) ^ word[3][i] ^ key.lo;
      word[1][i] = static_cast<std::uint32_t>(b), word[3][i] = static_cast<std::uint32_t>(a);
    }
    key.hi += 0x9E3779B9U, key.lo += 0xBB67AE85U;
  }
}

// (0, 1]; small ones keep their bits.
float positive_unit(std::uint32_t bits) noexcept {
  return (static_cast<float>(static_cast<std::int32_t>(bits >> 1)) + 0.5F) * 0x1p-31F;
}

// Two normals of two words, by Box & Muller. cos and sin of 2 pi t are Taylor's series within an eighth of a turn of
// the nearest quarter, to 2e-7.
void normals(const DrawWords& first, const DrawWords& second, DrawFloats& x, DrawFloats& y) noexcept {
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    const float square = -2.0F * fast_log(positive_unit(first[i])), radius = square * fast_rsqrt(square);
    const float t = to_unit(second[i]), shifted = t * 4.0F + 12582912.0F;  // 1.5 * 2^23: the quarter in the low bits
    const float a = (t - (shifted - 12582912.0F) * 0.25F) * 6.28318530717958648F, b = a * a;
    const float c = 1.0F + b * (-0.5F + b * (4.1666668e-2F + b * (-1.3888889e-3F + b * 2.4801587e-5F)));
    const float s = a * (1.0F + b * (-1.6666667e-1F + b * (8.3333333e-3F + b * (-1.9841270e-4F + b * 2.7557319e-6F))));
    const std::uint32_t quarter = std::bit_cast<std::uint32_t>(shifted) & 3U;
    const float cosine = (quarter & 1U) != 0 ? s : c, sine = (quarter & 1U) != 0 ? c : s;
    x[i] = radius * (((quarter + 1U) & 2U) != 0 ? -cosine : cosine);
    y[i] = radius * ((quarter & 2U) != 0 ? -sine : sine);
  }
}

// One try of Marsaglia & Tsang's gamma of each shape of at least 1: d v. With e = n / sqrt(9 d) the logarithm of what
// accepts it is n^2 / 2 + d (1 - v + ln v) = 3 d (ln(1 + e) - e + e^2 / 2 - e^3 / 3), by its series where the terms
// would cancel. Clears `accepted` of those that are refused.
void try_gammas(const DrawFloats& shape, const DrawFloats& normal, const DrawWords& uniform, DrawFloats& value,
                DrawWords& accepted) noexcept {
  DrawFloats size, offset, root;  // d, e and 1 + e; in a loop of its own, or the compiler finds branches to make
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    size[i] = (shape[i] > 1.0F ? shape[i] : 1.0F) - 1.0F / 3.0F;
    offset[i] = normal[i] * fast_rsqrt(9.0F * size[i]);
    root[i] = 1.0F + offset[i] > 1e-6F ? 1.0F + offset[i] : 1e-6F;
    value[i] = size[i] * root[i] * root[i] * root[i];
  }
  DrawFloats bar;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    const float e = offset[i], e4 = e * e * e * e, near = e * e < 0.04F ? 1.0F : 0.0F;
    const float series =
        e4 * (-0.25F + e * (0.2F + e * (-1.0F / 6.0F + e * (1.0F / 7.0F + e * (-0.125F + e * (1.0F / 9.0F))))));
    const float direct = fast_log(root[i]) - e * (1.0F - e * (0.5F - e * (1.0F / 3.0F)));
    bar[i] = 3.0F * size[i] * (near * series + (1.0F - near) * direct);
  }
  for (std::size_t i = 0; i < kAtOnce; ++i)
    accepted[i] &= static_cast<std::uint32_t>(root[i] > 1e-6F) &
                   static_cast<std::uint32_t>(fast_log(positive_unit(uniform[i])) < bar[i]);
}

}  // namespace

void draw_betas(RandomKey key, std::span<const std::uint32_t> streams, std::span<const double> alpha,
                std::span<const double> beta, std::span<double> out) {
  assert(alpha.size() == streams.size() && beta.size() == streams.size() && out.size() == streams.size());
  const RandomKey again = split(key, 1);
  DrawWords stream{}, accepted;
  DrawFloats a, b, first_normal, second_normal, x, y;
  a.fill(1.0F), b.fill(1.0F);
  std::array<DrawWords, 4> word;
  for (std::size_t first = 0; first < streams.size(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, streams.size() - first);
    accepted.fill(1);
    for (std::size_t i = 0; i < count; ++i) {
      stream[i] = streams[first + i];
      a[i] = static_cast<float>(alpha[first + i]), b[i] = static_cast<float>(beta[first + i]);
      accepted[i] = alpha[first + i] >= 1.0 && beta[first + i] >= 1.0 ? 1 : 0;
    }
    // Always all of them, so that an element meets the same code wherever it stands.
    first_words(key, stream, word);
    normals(word[0], word[1], first_normal, second_normal);
    try_gammas(a, first_normal, word[2], x, accepted);
    try_gammas(b, second_normal, word[3], y, accepted);
    for (std::size_t i = 0; i < count; ++i) {
      // Who was refused tries again alone, by words that have not been looked at.
      RandomStream random(again, stream[i]);
      out[first + i] = accepted[i] != 0 ? static_cast<double>(x[i] / (x[i] + y[i]))
                                        : draw_beta(random, alpha[first + i], beta[first + i]);
    }
  }
}

}  // namespace swipegym
