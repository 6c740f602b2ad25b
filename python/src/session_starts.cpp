#include "python/src/session_starts.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/random.h"

namespace swipegym::python {

void SessionStarts::sort_by_user() {
  const std::vector<std::uint32_t>& users = simulator_->population.start_user;
  offset_.assign(simulator_->catalogue.num_users() + 1, 0);
  for (const std::uint32_t user : users) ++offset_[user + 1];
  for (std::size_t i = 1; i < offset_.size(); ++i) offset_[i] += offset_[i - 1];
  starts_.resize(users.size());
  std::vector<std::uint32_t> next(offset_.begin(), offset_.end() - 1);
  for (std::size_t i = 0; i < users.size(); ++i) starts_[next[users[i]]++] = static_cast<std::uint32_t>(i);
}

SessionStart SessionStarts::find(std::uint64_t seed, std::int64_t user, std::int64_t time_ms, std::int64_t tab) {
  const Population& population = simulator_->population;
  RandomStream random(split(split(make_key(seed), 0U), Draw::kUser));  // as the engine draws the start of episode 0
  std::size_t start = 0;
  if (user < 0) {
    start = random.below(static_cast<std::uint32_t>(population.start_user.size()));
  } else {
    const std::size_t users = simulator_->catalogue.num_users();
    if (static_cast<std::size_t>(user) >= users)
      throw InputError(fmt::format("options['user'] is {}, expected the index of a user, 0 to {}", user, users - 1));
    if (offset_.empty()) sort_by_user();
    const std::uint32_t first = offset_[static_cast<std::size_t>(user)];
    const std::uint32_t count = offset_[static_cast<std::size_t>(user) + 1] - first;
    start = count > 0 ? starts_[first + random.below(count)]
                      : random.below(static_cast<std::uint32_t>(population.start_user.size()));
  }
  return {.user = user < 0 ? population.start_user[start] : static_cast<std::uint32_t>(user),
          .time_ms = time_ms < 0 ? population.start_time_ms[start] : time_ms,
          .tab = tab < 0 ? population.start_tab[start] : static_cast<std::uint8_t>(tab)};
}

}  // namespace swipegym::python
