#include "evaluation/recommendation_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/vector_env.h"
#include "evaluation/text_table.h"
#include "policy/retrieval.h"
#include "policy/select.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

std::uint32_t index_of_user(const Catalogue& catalogue, std::int64_t raw) {
  const auto found = std::find(catalogue.raw_user_id.begin(), catalogue.raw_user_id.end(), raw);
  if (found == catalogue.raw_user_id.end())
    throw InputError(fmt::format("the simulator knows no user {}; it knows {} users, {} among them", raw,
                                 catalogue.num_users(), catalogue.raw_user_id.front()));
  return static_cast<std::uint32_t>(found - catalogue.raw_user_id.begin());
}

class View {
 public:
  View(const Simulator& simulator, const StagedPolicy& policy) : catalogue_(simulator.catalogue), policy_(policy) {
    const Composition& composition = policy.composition();
    out_.policy = std::string(policy.name());
    out_.no_tag = catalogue_.num_tags - 1;
    if (composition.score) out_.heads = composition.score->heads();
    for (std::size_t head = 0; head < composition.weight.size(); ++head)
      if (composition.weight[head] != 0.0F) out_.weighed.push_back(head);
    for (const auto& retrieval : composition.retrieve)
      out_.retrieved.emplace_back(std::string(retrieval.retriever->name()), 0);
    for (const auto& orderer : composition.order) out_.orderers.emplace_back(orderer->name());
  }

  RecommendationView of(const Served& served, std::size_t slate) {
    for (const std::uint8_t retriever : served.retrieved.retriever) ++out_.retrieved[retriever].second;
    std::map<std::string, std::size_t> dropped;
    for (const Served::Drop& drop : served.dropped)
      if (drop.filter >= 0) ++dropped[reason_of(drop)];
    out_.dropped.assign(dropped.begin(), dropped.end());
    out_.pruned = served.pruned[0];
    const std::vector<std::size_t> by_value = places_by_value(served);
    out_.violations = served.violations[0];
    const std::size_t shown = std::min(slate, served.ordered[0]);
    std::vector<std::uint8_t> in_slate(served.kept.video.size(), 0);
    for (std::size_t k = 0; k < shown; ++k) {
      const std::size_t at = served.place[k];
      add_kept(served, at, by_value[at], k + 1);
      in_slate[at] = 1;
    }
    for (std::size_t at = 0; at < served.kept.video.size(); ++at) {
      out_.added += served.kept.retriever[at] == Served::kFallback;
      if (in_slate[at] == 0) add_kept(served, at, by_value[at], 0);
    }
    for (std::size_t j = 0; j < served.dropped.size(); ++j)
      if (served.dropped[j].filter >= 0) {
        RecommendedVideo video = describe(served.retrieved.video[j], served.retrieved.retriever[j]);
        video.dropped_by = reason_of(served.dropped[j]);
        out_.videos.push_back(std::move(video));
      }
    for (std::size_t stage = 0; stage < 4; ++stage) out_.milliseconds[stage] = 1e3 * served.seconds[stage];
    return std::move(out_);
  }

 private:
  std::string reason_of(const Served::Drop& drop) const {
    return std::string(policy_.composition().filter[static_cast<std::size_t>(drop.filter)]->reason(drop.why));
  }

  RecommendedVideo describe(std::int32_t index, std::uint8_t retriever) const {
    const auto video = static_cast<std::size_t>(index);
    return {.video_id = catalogue_.raw_video_id[video],
            .tag = catalogue_.tag[video],
            .author = catalogue_.author[video],
            .duration_s = static_cast<float>(catalogue_.duration_ms[video]) / 1000.0F,
            .retrieved_by = retriever == Served::kFallback ? "fallback" : out_.retrieved[retriever].first};
  }

  void add_kept(const Served& served, std::size_t at, std::size_t value_place, std::size_t place) {
    RecommendedVideo video = describe(served.kept.video[at], served.kept.retriever[at]);
    video.value = served.value[at];
    const auto heads = static_cast<std::size_t>(served.heads.cols());
    video.heads.assign(served.heads.data() + at * heads, served.heads.data() + (at + 1) * heads);
    video.value_place = value_place;
    video.place = place;
    out_.videos.push_back(std::move(video));
  }

  // From 1, of each kept video by the value its heads have.
  std::vector<std::size_t> places_by_value(const Served& served) const {
    std::vector<std::size_t> order(served.kept.video.size()), places(order.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<float> value = policy_.values(served);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] > value[b]; });
    for (std::size_t place = 0; place < order.size(); ++place) places[order[place]] = place + 1;
    return places;
  }

  const Catalogue& catalogue_;
  const StagedPolicy& policy_;
  RecommendationView out_;
};

std::string reason(const RecommendedVideo& video) {
  if (!video.dropped_by.empty()) return "dropped: " + video.dropped_by;
  if (video.place == 0) return "not in the slate";
  if (video.place == video.value_place) return "by value";
  return fmt::format("{} by value", video.value_place);
}

}  // namespace

RecommendationView recommend(const std::shared_ptr<const Simulator>& simulator, const StagedPolicy& policy,
                             std::int64_t user_id, std::size_t slate, std::uint64_t seed, int threads) {
  const std::uint32_t user = index_of_user(simulator->catalogue, user_id);
  VectorEnv env(
      simulator, std::make_shared<FullCatalogue>(),
      {.num_envs = 1, .threads = threads, .history_length = policy.history_length(), .max_steps = 1, .slate = slate});
  const SessionStart start = last_starts(*simulator)[user];
  env.reset_at(std::array{seed}, std::array{start});
  const std::array keys = {split(make_key(seed), Draw::kExploration)};
  const std::array streams = {std::uint32_t{0}};
  const std::array rows = {std::uint32_t{0}};
  const DecisionBatch batch{.observation = env.observation(),
                            .env = &env,
                            .keys = keys,
                            .streams = streams,
                            .threads = threads,
                            .slate = slate};
  policy.serve(batch, rows, slate);  // once before the clock runs: tables come into the caches
  const std::array<double, 4> seconds = policy.serve(batch, rows, slate).seconds;
  Served served = policy.serve(batch, rows, slate, /*every_head=*/true);
  served.seconds = seconds;
  RecommendationView view = View(*simulator, policy).of(served, slate);
  view.user_id = user_id;
  view.time_ms = start.time_ms;
  view.tab = start.tab;
  const Outcomes outcomes = policy.first_videos(batch, 0);
  view.exact = outcomes.exact;
  view.outcomes = outcomes.all.size();
  view.first_probability = 0.0;
  if (served.ordered[0] > 0)
    for (const auto& [video, probability] : outcomes.all)
      if (video == served.kept.video[served.place[0]]) view.first_probability += probability;
  view.chances = policy.chance_shares(batch, 0);
  view.recall = policy.recalls(batch, rows, slate);
  return view;
}

std::string to_text(const RecommendationView& view, std::size_t most) {
  const std::int16_t clock = hourmin_of_time(view.time_ms);
  std::string text = fmt::format("{} recommends to user {} in tab {} on {} at {:02}:{:02}\n\n", view.policy,
                                 view.user_id, view.tab, date_of_time(view.time_ms), clock / 100, clock % 100);
  const auto line = [&](const char* stage, double milliseconds, const auto& parts, const std::string& rest) {
    text += fmt::format("  {:<9} {:>8.3f} ms  ", stage, milliseconds);
    std::string list;
    for (const auto& [name, count] : parts) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", name, count);
    text += list + rest + "\n";
  };
  const std::vector<std::pair<std::string, std::size_t>> none;
  std::string over_index;
  for (std::size_t r = 0; r < view.recall.size(); ++r)
    if (view.recall[r])
      over_index += fmt::format("; {} over an index finds {:.1f} % of an exact search", view.retrieved[r].first,
                                100.0 * *view.recall[r]);
  line("retrieve", view.milliseconds[0], view.retrieved, over_index);
  line("filter", view.milliseconds[1], view.dropped,
       view.dropped.empty() ? "nothing was dropped"
       : view.added == 0    ? ""
                            : fmt::format("; too few were left, {} of the "
                                             "most exposed were added",
                                          view.added));
  line("score", view.milliseconds[2], none,
       (view.pruned > 0 ? fmt::format("{} pruned; ", view.pruned) : "") +
           (view.heads.empty() ? "nothing is scored: the order of retrieval stays"
                               : fmt::format("{}", fmt::join(view.heads, ", "))));
  line("order", view.milliseconds[3], none,
       (view.orderers.empty() ? "by value" : fmt::format("by value, then {}", fmt::join(view.orderers, ", "))) +
           (view.violations > 0 ? fmt::format("; rules are broken {} times", view.violations) : ""));
  text += "\n";

  std::vector<std::string> header = {"place", "video", "tag", "author", "length", "retrieved by", "value"};
  // One head alone is the value. A person who wants those that weigh nothing finds them in the JSON.
  const std::vector<std::size_t> shown = view.weighed.size() > 1 ? view.weighed : std::vector<std::size_t>{};
  for (const std::size_t head : shown) header.push_back(view.heads[head]);
  header.emplace_back("why");
  Table table(std::move(header));
  std::size_t others = 0;
  for (const RecommendedVideo& video : view.videos) {
    if (video.place == 0 && others++ >= most) continue;
    std::vector<std::string> cells = {video.place == 0 ? "-" : std::to_string(video.place),
                                      std::to_string(video.video_id),
                                      video.tag == view.no_tag ? "-" : std::to_string(video.tag),
                                      std::to_string(video.author),
                                      fmt::format("{:.0f} s", video.duration_s),
                                      video.retrieved_by,
                                      video.dropped_by.empty() ? fmt::format("{:.3f}", video.value) : "-"};
    for (const std::size_t head : shown)
      cells.push_back(video.dropped_by.empty() ? fmt::format("{:.3f}", video.heads[head]) : "-");
    cells.push_back(reason(video));
    table.add(std::move(cells));
  }
  text += table.text();
  if (others > most) text += fmt::format("  and {} more that are not in the slate\n", others - most);

  text += fmt::format("\nThe first video comes first with probability {:.3g} ({} {}).\n", view.first_probability,
                      view.exact ? "the sum over" : "its share of",
                      view.exact ? fmt::format("{} outcome{}", view.outcomes, view.outcomes == 1 ? "" : "s")
                                 : fmt::format("{} draws", view.outcomes));
  for (const ChanceShare& share : view.chances)
    text += fmt::format("Redrawing the {} alone puts another video first in {:.1f} % of cases{}.\n",
                        chance_name(share.chance), 100.0 * share.moves, share.exact ? "" : " drawn");
  return text;
}

Json to_json(const RecommendationView& view) {
  Json videos = Json::array();
  for (const RecommendedVideo& video : view.videos) {
    Json heads = Json::object();
    for (std::size_t head = 0; head < video.heads.size(); ++head) heads[view.heads[head]] = video.heads[head];
    const bool scored = video.dropped_by.empty();
    videos.push_back({{"video_id", video.video_id},
                      {"tag", video.tag == view.no_tag ? Json(nullptr) : Json(video.tag)},
                      {"author", video.author},
                      {"duration_s", video.duration_s},
                      {"retrieved_by", video.retrieved_by},
                      {"dropped_by", scored ? Json(nullptr) : Json(video.dropped_by)},
                      {"heads", std::move(heads)},
                      {"value", scored ? Json(video.value) : Json(nullptr)},
                      {"place_by_value", scored ? Json(video.value_place) : Json(nullptr)},
                      {"place", video.place == 0 ? Json(nullptr) : Json(video.place)}});
  }
  const auto counts = [](const auto& parts) {
    Json list = Json::array();
    for (const auto& [name, count] : parts) list.push_back({{"name", name}, {"videos", count}});
    return list;
  };
  Json retrieved = counts(view.retrieved);
  for (std::size_t r = 0; r < view.recall.size(); ++r)
    if (view.recall[r]) retrieved[r]["recall"] = *view.recall[r];
  Json chances = Json::object();
  for (const ChanceShare& share : view.chances)
    chances[std::string(chance_name(share.chance))] = {{"moves_first", share.moves}, {"exact", share.exact}};
  return {{"policy", view.policy},
          {"user_id", view.user_id},
          {"time_ms", view.time_ms},
          {"tab", view.tab},
          {"retrieved", std::move(retrieved)},
          {"dropped", counts(view.dropped)},
          {"pruned", view.pruned},
          {"added", view.added},
          {"order", view.orderers},
          {"violations", view.violations},
          {"milliseconds",
           {{"retrieve", view.milliseconds[0]},
            {"filter", view.milliseconds[1]},
            {"score", view.milliseconds[2]},
            {"order", view.milliseconds[3]}}},
          {"first_probability", view.first_probability},
          {"exact", view.exact},
          {"outcomes", view.outcomes},
          {"chances", std::move(chances)},
          {"videos", std::move(videos)}};
}

}  // namespace swipegym
