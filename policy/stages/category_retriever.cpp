#include "policy/stages/category_retriever.h"

#include <algorithm>
#include <numeric>

#include "policy/best_unseen.h"
#include "policy/stages/user_categories.h"

namespace swipegym {
namespace {

class CategoryRetriever final : public Retriever {
 public:
  CategoryRetriever(const CategoryRetrieverSettings& settings, const Catalogue& catalogue)
      : settings_(settings), tag_(catalogue.tag), videos_(catalogue.num_tags) {
    const std::vector<float> exposures(catalogue.exposures.begin(), catalogue.exposures.end());
    std::vector<float> of_category(catalogue.num_tags, 0.0F);
    for (const std::int32_t video : best_first(exposures, exposures.size())) {
      videos_[tag_[static_cast<std::size_t>(video)]].push_back(video);
      of_category[tag_[static_cast<std::size_t>(video)]] += exposures[static_cast<std::size_t>(video)];
    }
    rank_.resize(exposures.size());
    for (const std::vector<std::int32_t>& videos : videos_)
      for (std::size_t place = 0; place < videos.size(); ++place)
        rank_[static_cast<std::size_t>(videos[place])] = static_cast<std::uint32_t>(place);
    for (const std::int32_t category : best_first(of_category, of_category.size()))
      popular_.push_back(static_cast<std::uint16_t>(category));
  }
  std::string_view name() const noexcept override { return "category"; }
  std::size_t history_length() const noexcept override { return settings_.history_length; }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    std::vector<CategoryShare> shares;
    std::vector<std::uint16_t> chosen;
    std::vector<std::vector<std::int32_t>> pools;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      categories_of_history(requests.batch.observation, requests.rows[i], tag_, shares);
      chosen.clear();
      for (std::size_t k = 0; k < std::min(settings_.categories, shares.size()); ++k)
        chosen.push_back(shares[k].category);
      for (std::size_t k = 0; k < popular_.size() && chosen.size() < settings_.categories; ++k)
        if (std::find(chosen.begin(), chosen.end(), popular_[k]) == chosen.end()) chosen.push_back(popular_[k]);
      lists_of(requests, i, chosen, count, pools);
      take_turns(pools, out.subspan(i * count, count));
    }
  }

 private:
  // The first `count` videos of each chosen category that may be shown.
  void lists_of(const Requests& requests, std::size_t i, const std::vector<std::uint16_t>& chosen, std::size_t count,
                std::vector<std::vector<std::int32_t>>& lists) const {
    lists.assign(chosen.size(), {});
    if (requests.offered()) {
      std::vector<std::int32_t> pool;
      requests.pool(i, pool);
      for (const std::int32_t video : pool) {
        const auto at = std::find(chosen.begin(), chosen.end(), tag_[static_cast<std::size_t>(video)]);
        if (at != chosen.end()) lists[static_cast<std::size_t>(at - chosen.begin())].push_back(video);
      }
      for (auto& list : lists)
        std::sort(list.begin(), list.end(), [this](std::int32_t a, std::int32_t b) {
          return rank_[static_cast<std::size_t>(a)] < rank_[static_cast<std::size_t>(b)];
        });
      return;
    }
    for (std::size_t k = 0; k < chosen.size(); ++k)
      for (const std::int32_t video : videos_[chosen[k]]) {
        if (lists[k].size() == count) break;
        if (!requests.is_shown(i, video)) lists[k].push_back(video);
      }
  }

  static void take_turns(const std::vector<std::vector<std::int32_t>>& lists, std::span<std::int32_t> out) {
    std::size_t taken = 0;
    bool any = true;
    for (std::size_t place = 0; any && taken < out.size(); ++place) {
      any = false;
      for (const auto& list : lists)
        if (place < list.size() && taken < out.size()) out[taken++] = list[place], any = true;
    }
  }

  CategoryRetrieverSettings settings_;
  std::vector<std::uint16_t> tag_;
  std::vector<std::vector<std::int32_t>> videos_;  // [categories], most exposed first
  std::vector<std::uint32_t> rank_;                // [videos], within the category
  std::vector<std::uint16_t> popular_;             // categories, most exposed first
};

}  // namespace

std::shared_ptr<const Retriever> make_category_retriever(const StageSettings& settings, const StageContext& context) {
  return std::make_shared<CategoryRetriever>(settings.read<CategoryRetrieverSettings>(), *context.catalogue);
}

}  // namespace swipegym
