#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swipegym {

/// Each user's rows in the order a ranker would show them.
struct RankedUsers {
  std::vector<std::uint32_t> user;    // [users], ascending
  std::vector<std::uint32_t> offset;  // [users + 1]
  std::vector<std::uint32_t> row;     // positions in the input, best score first within [offset[u], offset[u + 1])

  std::size_t size() const noexcept { return user.size(); }
  std::span<const std::uint32_t> rows_of(std::size_t u) const noexcept {
    return {row.data() + offset[u], offset[u + 1] - offset[u]};
  }
};

/// Groups rows by user and sorts each group by descending score; equal scores keep the order of the input. Users with
/// fewer than `least_rows` rows are left out. Throws InputError, as
/// every metric here does, with its name and the row of a value that is not finite, or the lengths that differ.
RankedUsers rank_users(std::span<const std::uint32_t> user, std::span<const float> score, std::size_t least_rows = 1);

/// A figure of each ranked user; NaN where it is not defined, and left out of the means.
struct UserFigures {
  std::vector<float> value;  // [users of the ranking]

  std::size_t counted() const noexcept;  // users with a value
  double mean() const noexcept;          // NaN when there is none
  /// Users weighted by their number of rows.
  double weighted_mean(const RankedUsers& ranked) const;
};

/// How the papers of label learning count their discounted gains.
enum class GainMode {
  kStandard,        // sum of gain_j / log2(1 + j) over that of the best order; users whose best is 0 are left out
  kLabelCraftCode,  // as LabelCraft's released code computes it: log2(1 + j) multiplies, so late ranks weigh more and
                    // the ratio may exceed 1; users whose "ideal" is 0 count as 1. For comparison with its tables only
};

/// DCG@k over ideal DCG@k for non-negative gains, one a row of the input. With watch seconds it is NWTG@k, with
/// explicit feedback NEG@k, with relevances nDCG@k.
UserFigures discounted_gain_ratio(const RankedUsers& ranked, std::span<const float> gain, std::size_t k,
                                  GainMode mode = GainMode::kStandard);

/// DS@k: standard deviation (n - 1) of the durations of the top k. Higher means less narrowed to one length. NaN below
/// two rows.
UserFigures duration_spread(const RankedUsers& ranked, std::span<const float> duration_s, std::size_t k);

/// Spearman's rank correlation with mid-ranks; NaN when a list is constant or shorter than 2.
double spearman(std::span<const float> a, std::span<const float> b);

}  // namespace swipegym
