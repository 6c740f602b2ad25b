#include "policy/stages/fresh_retriever.h"

#include <algorithm>
#include <numeric>

#include "policy/stages/request_day.h"

namespace swipegym {
namespace {

class FreshRetriever final : public Retriever {
 public:
  FreshRetriever(const FreshRetrieverSettings& settings, std::shared_ptr<const Catalogue> catalogue)
      : settings_(settings), catalogue_(std::move(catalogue)) {
    const auto& day = catalogue_->upload_day;
    const auto& exposures = catalogue_->exposures;
    for (std::size_t video = 0; video < day.size(); ++video)
      if (day[video] != 0) newest_.push_back(static_cast<std::int32_t>(video));
    std::stable_sort(newest_.begin(), newest_.end(), [&](std::int32_t a, std::int32_t b) {
      const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
      return day[i] != day[j] ? day[i] > day[j] : exposures[i] > exposures[j];
    });
    rank_.resize(day.size());
    for (std::size_t place = 0; place < newest_.size(); ++place)
      rank_[static_cast<std::size_t>(newest_[place])] = static_cast<std::uint32_t>(place);
  }
  std::string_view name() const noexcept override { return "fresh"; }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    std::vector<std::int32_t> pool;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::int32_t today = request_day(requests, i, *catalogue_);
      const std::span<std::int32_t> list = out.subspan(i * count, count);
      if (requests.offered()) {
        requests.pool(i, pool);
        from_pool(today, pool, list);
      } else {
        from_catalogue(requests, i, today, list);
      }
    }
  }

 private:
  std::int32_t uploaded(std::int32_t video) const noexcept {
    return catalogue_->upload_day[static_cast<std::size_t>(video)];
  }
  bool is_too_old(std::int32_t video, std::int32_t today) const noexcept {
    return settings_.max_age_days > 0.0 && today - uploaded(video) > settings_.max_age_days;
  }

  void from_pool(std::int32_t today, std::vector<std::int32_t>& pool, std::span<std::int32_t> list) const {
    std::erase_if(pool, [&](std::int32_t video) {
      return uploaded(video) == 0 || uploaded(video) > today || is_too_old(video, today);
    });
    const std::size_t take = std::min(pool.size(), list.size());
    std::partial_sort(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(take), pool.end(),
                      [this](std::int32_t a, std::int32_t b) {
                        return rank_[static_cast<std::size_t>(a)] < rank_[static_cast<std::size_t>(b)];
                      });
    std::copy_n(pool.begin(), take, list.begin());
  }

  void from_catalogue(const Requests& requests, std::size_t i, std::int32_t today, std::span<std::int32_t> list) const {
    std::size_t taken = 0;
    auto at = std::partition_point(newest_.begin(), newest_.end(),
                                   [&](std::int32_t video) { return uploaded(video) > today; });
    for (; at != newest_.end() && taken < list.size() && !is_too_old(*at, today); ++at)
      if (!requests.is_shown(i, *at)) list[taken++] = *at;
  }

  FreshRetrieverSettings settings_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::int32_t> newest_;  // videos of a known day, newest first
  std::vector<std::uint32_t> rank_;   // [videos], their places; 0 where the day is not known
};

}  // namespace

std::shared_ptr<const Retriever> make_fresh_retriever(const StageSettings& stage, const StageContext& context) {
  const auto settings = stage.read<FreshRetrieverSettings>();
  if (context.catalogue->upload_day.empty())
    stage.refuse("use", "fresh", "another retriever: this simulator's file has no upload days, fit it again");
  return std::make_shared<FreshRetriever>(settings, context.catalogue);
}

}  // namespace swipegym
