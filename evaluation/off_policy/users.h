#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "evaluation/off_policy/logged_choices.h"

namespace swipegym {

/// Rows' users renumbered 0, 1, ... in the order of their numbers: what sums and resamples go by.
struct DenseUsers {
  std::vector<std::uint32_t> of_row;  // [rows]
  std::size_t count = 0;
};
DenseUsers dense_users(std::span<const std::uint32_t> user);
DenseUsers dense_users(std::span<const OffPolicyRow> rows);

/// The fold in [0, folds) a user belongs to when models are fitted on other users' rows; drawn from `key`.
std::size_t fold_of_user(std::uint32_t user, std::size_t folds, RandomKey key) noexcept;

}  // namespace swipegym
