#include "policy/stages/rules_filter.h"

#include <algorithm>

#include "policy/stages/request_day.h"

namespace swipegym {
namespace {

class RulesFilter final : public Filter {
 public:
  RulesFilter(std::shared_ptr<const Catalogue> catalogue, const FilterSettings& settings)
      : catalogue_(std::move(catalogue)), filter_(*catalogue_, settings) {}
  std::string_view name() const noexcept override { return "rules"; }

  void drop(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
            std::span<std::uint8_t> why) const override {
    thread_local FilterWorkspace workspace;
    thread_local std::vector<std::int32_t> list;
    thread_local std::vector<FilterReason> reasons;
    list.assign(videos.begin(), videos.end());
    reasons.assign(videos.size(), FilterReason::kKept);
    const ObservationView& observation = requests.batch.observation;
    const std::uint32_t row = requests.rows[i];
    const FilterRequest request{
        .user = observation.user[row],
        .history = {observation.history_video + row * observation.history_length, observation.history_length},
        // Candidates that may be chosen may be chosen again, whatever the log says.
        .seen = requests.offered() || requests.batch.env == nullptr ? std::span<const std::uint32_t>{}
                                                                    : requests.batch.env->seen(row).videos(),
        .day = request_day(requests, i, *catalogue_)};
    FilterCounts counts{};
    filter_.run(request, list, workspace, counts, reasons);
    std::transform(reasons.begin(), reasons.end(), why.begin(),
                   [](FilterReason reason) { return static_cast<std::uint8_t>(reason); });
  }
  std::string_view reason(std::uint8_t why) const noexcept override { return name_of(static_cast<FilterReason>(why)); }

 private:
  std::shared_ptr<const Catalogue> catalogue_;
  VideoFilter filter_;
};

}  // namespace

std::shared_ptr<const Filter> make_rules_filter(const StageSettings& settings, const StageContext& context) {
  return std::make_shared<RulesFilter>(context.catalogue, settings.read<FilterSettings>());
}

}  // namespace swipegym
