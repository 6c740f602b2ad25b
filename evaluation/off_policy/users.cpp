#include "evaluation/off_policy/users.h"

#include <algorithm>

namespace swipegym {

DenseUsers dense_users(std::span<const std::uint32_t> user) {
  std::vector<std::uint32_t> known(user.begin(), user.end());
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  DenseUsers out{.of_row = {}, .count = known.size()};
  out.of_row.reserve(user.size());
  for (const std::uint32_t u : user)
    out.of_row.push_back(static_cast<std::uint32_t>(std::lower_bound(known.begin(), known.end(), u) - known.begin()));
  return out;
}

DenseUsers dense_users(std::span<const OffPolicyRow> rows) {
  std::vector<std::uint32_t> user;
  user.reserve(rows.size());
  for (const OffPolicyRow& row : rows) user.push_back(row.user);
  return dense_users(user);
}

std::size_t fold_of_user(std::uint32_t user, std::size_t folds, RandomKey key) noexcept {
  return RandomStream(key, user).below(static_cast<std::uint32_t>(folds));
}

}  // namespace swipegym
