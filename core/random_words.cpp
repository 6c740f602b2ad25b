#include "core/random_words.h"

#ifdef __AVX512F__
// GCC 12's own header trips over its deliberately undefined registers.
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#endif

namespace swipegym {

#ifdef __AVX512F__

// Eight counters in the 64-bit lanes of a register. Only the low half of a lane is a counter word: the multiply reads
// just that half, so what a shift or xor leaves in the upper halves of words 1 and 3 does no harm.
void random_words(RandomKey key, std::uint32_t stream, std::uint32_t block,
                  std::span<std::uint32_t, kWordsAtOnce> words) noexcept {
  const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
  const __m512i low = _mm512_set1_epi64(0xFFFFFFFF);
  const __m512i multiplier0 = _mm512_set1_epi64(0xD2511F53U);
  const __m512i multiplier2 = _mm512_set1_epi64(0xCD9E8D57U);
  __m512i word0 = _mm512_add_epi64(_mm512_set1_epi64(std::int64_t{block} * 8), lanes);
  __m512i word1 = _mm512_setzero_si512();
  __m512i word2 = _mm512_set1_epi64(stream);
  __m512i word3 = _mm512_setzero_si512();
  std::uint32_t k0 = key.hi;
  std::uint32_t k1 = key.lo;
  for (int round = 0; round < 10; ++round) {
    const __m512i a = _mm512_mul_epu32(word0, multiplier0);
    const __m512i b = _mm512_mul_epu32(word2, multiplier2);
    const __m512i key0 = _mm512_set1_epi64(k0);
    const __m512i key1 = _mm512_set1_epi64(k1);
    word0 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(b, 32), word1), key0);
    word2 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(a, 32), word3), key1);
    word1 = b;
    word3 = a;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  const __m512i first = _mm512_or_si512(_mm512_and_si512(word0, low), _mm512_slli_epi64(word1, 32));
  const __m512i second = _mm512_or_si512(_mm512_and_si512(word2, low), _mm512_slli_epi64(word3, 32));
  const __m512i order = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  _mm512_storeu_si512(words.data(), _mm512_permutex2var_epi64(first, order, second));
  _mm512_storeu_si512(words.data() + kWordsAtOnce / 2,
                      _mm512_permutex2var_epi64(first, _mm512_add_epi64(order, _mm512_set1_epi64(4)), second));
}

#else

void random_words(RandomKey key, std::uint32_t stream, std::uint32_t block,
                  std::span<std::uint32_t, kWordsAtOnce> words) noexcept {
  for (std::uint32_t i = 0; i < kWordsAtOnce / 4; ++i) {
    const auto four = detail::philox({block * 8 + i, 0, stream, 0}, key.hi, key.lo);
    for (std::size_t w = 0; w < 4; ++w) words[4 * i + w] = four[w];
  }
}

#endif

}  // namespace swipegym
