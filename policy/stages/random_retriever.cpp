#include "policy/stages/random_retriever.h"

#include <algorithm>

namespace swipegym {
namespace {

class RandomRetriever final : public Retriever {
 public:
  std::string_view name() const noexcept override { return "random"; }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    std::vector<std::int32_t> pool;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::span<std::int32_t> list = out.subspan(i * count, count);
      if (requests.offered()) {
        requests.pool(i, pool);
        from_pool(requests.dice[i], pool, list);
      } else {
        from_catalogue(requests, i, list);
      }
    }
  }

 private:
  // A pool that is wanted whole needs no draw: all of it comes whatever the order.
  static void from_pool(RequestDice& dice, std::vector<std::int32_t>& pool, std::span<std::int32_t> list) {
    const std::size_t take = std::min(pool.size(), list.size());
    if (take < pool.size()) {
      RandomStream random = dice.stream(Chance::kFiller);
      for (std::size_t k = 0; k < take; ++k)
        std::swap(pool[k], pool[k + random.below(static_cast<std::uint32_t>(pool.size() - k))]);
    }
    std::copy_n(pool.begin(), take, list.begin());
  }

  // Draws until enough are new: a session has seen few of very many. When half the catalogue is wanted or seen, by a
  // list of what is left.
  static void from_catalogue(const Requests& requests, std::size_t i, std::span<std::int32_t> list) {
    const VideoRange range = requests.on_offer();
    const std::size_t seen = requests.batch.env == nullptr ? 0 : requests.batch.env->seen(requests.rows[i]).size();
    if (2 * (seen + list.size()) > range.size()) {
      std::vector<std::int32_t> left;
      for (std::uint32_t video = range.begin; video < range.end; ++video)
        if (!requests.is_shown(i, static_cast<std::int32_t>(video))) left.push_back(static_cast<std::int32_t>(video));
      return from_pool(requests.dice[i], left, list);
    }
    RandomStream random = requests.dice[i].stream(Chance::kFiller);
    for (std::size_t k = 0; k < list.size();) {
      const auto video =
          static_cast<std::int32_t>(range.begin + random.below(static_cast<std::uint32_t>(range.size())));
      const auto end = list.begin() + static_cast<std::ptrdiff_t>(k);
      if (!requests.is_shown(i, video) && std::find(list.begin(), end, video) == end) list[k++] = video;
    }
  }
};

}  // namespace

std::shared_ptr<const Retriever> make_random_retriever(const StageSettings& settings, const StageContext&) {
  settings.read<RandomRetrieverSettings>();
  return std::make_shared<RandomRetriever>();
}

}  // namespace swipegym
