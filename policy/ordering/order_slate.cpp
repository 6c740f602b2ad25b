#include "policy/ordering/order_slate.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/validate.h"

namespace swipegym {
namespace {

constexpr double kTaken = -std::numeric_limits<double>::infinity();

// The planner has begun. Places are filled one by one.
void fill_places(const OrderRequest& request, const OrderSettings& settings, OrderWorkspace& workspace,
                 std::span<std::int32_t> slate, std::span<PlaceReason> reasons) {
  const ScoredList& list = request.list;
  GreedyOrder& greedy = workspace.greedy;
  greedy.begin(list, settings, request.boost, slate.size());
  for (std::size_t place = 0; place < slate.size(); ++place) {
    const std::span<const double> gains = greedy.gains();
    std::size_t video = 0;
    do {
      double most = kTaken;
      for (std::size_t i = 0; i < gains.size(); ++i)
        if (gains[i] > most && !workspace.taken[i] && !workspace.planner.refused(i)) most = gains[i], video = i;
    } while (!workspace.planner.allows(video));
    slate[place] = static_cast<std::int32_t>(video);
    if (!reasons.empty()) {
      reasons[place] = {list.relevance[video], static_cast<float>(gains[video]), 0, false};
      for (std::size_t i = 0; i < gains.size(); ++i)
        reasons[place].passed_over += gains[i] > gains[video] && !workspace.taken[i];
    }
    workspace.taken[video] = 1;
    workspace.planner.take(video);
    if (place + 1 < slate.size()) greedy.take(video);
  }
}

}  // namespace

SlateOrder order_slate(const OrderRequest& request, const OrderSettings& settings, const SlateRules& rules,
                       OrderWorkspace& workspace, std::span<std::int32_t> slate, std::span<PlaceReason> reasons) {
  const ScoredList& list = request.list;
  list.validate();
  if (!reasons.empty()) require_size("order: reasons", reasons.size(), slate.size());
  SlateOrder result;
  result.places = std::min(slate.size(), list.size());
  const auto places = slate.first(result.places);
  const auto why = reasons.empty() ? reasons : reasons.first(result.places);
  std::fill(slate.begin() + static_cast<std::ptrdiff_t>(result.places), slate.end(), -1);
  if (result.places == 0) return result;

  PlacePlanner& planner = workspace.planner;
  const auto order = [&] {
    workspace.taken.assign(list.size(), 0);
    fill_places(request, settings, workspace, places, why);
    result.violations = planner.violations();
  };
  planner.begin(rules, list, request.before, result.places);
  order();
  result.searched_all = planner.searched_all();

  const BringBack& back = request.bring_back;
  if (back.tag < 0 || back.place >= result.places) return result;
  require_size("order: tag", list.tag.size(), list.size());
  for (const std::int32_t video : places)
    if (list.tag[static_cast<std::size_t>(video)] == back.tag) return result;
  const ReservedPlace reserved{back.place, static_cast<std::uint16_t>(back.tag)};
  if (!planner.begin(rules, list, request.before, result.places, reserved, result.violations)) return result;
  order();
  result.brought_back = true;
  if (!why.empty()) why[back.place].brought_back = true;
  return result;
}

}  // namespace swipegym
