#include "core/nearest_word.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace swipegym {
namespace {

constexpr std::size_t kLongestWord = 200;  // bytes; the distance takes their product

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  if (word.size() > kLongestWord) return best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const bool completes = word.size() >= 3 && candidate.starts_with(word);
    const std::size_t distance = completes ? 1 : edit_distance(word, candidate);
    if (distance < least) best = candidate, least = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known, std::string_view prefix) {
  const std::string guess = nearest_word(word, known);
  return guess.empty() ? "" : fmt::format(", did you mean '{}{}'?", prefix, guess);
}

}  // namespace swipegym
