#include <limits>

#include "cli/command.h"
#include "cli/load.h"
#include "core/error.h"
#include "core/range.h"
#include "evaluation/recommendation_view.h"
#include "policy/stages/composition.h"

namespace swipegym::cli {
namespace {

constexpr Range kAnyId = between(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());

struct RecommendSettings {
  std::filesystem::path simulator, policy;
  std::int64_t user = 0;
  std::size_t slate = 10;
  std::size_t show = 10;
};

std::int64_t any_user(const Catalogue& catalogue, std::uint64_t seed) {
  RandomStream random(split(make_key(seed), Draw::kUser));
  return catalogue.raw_user_id[random.below(static_cast<std::uint32_t>(catalogue.num_users()))];
}

void show_recommendation(const RecommendSettings& settings, Run& run) {
  const std::shared_ptr<const Simulator> simulator = load_simulator_file(run, settings.simulator);
  const Catalogue& catalogue = simulator->catalogue;
  const StagedPolicy policy(read_composition(settings.policy, catalogue), catalogue.num_videos());
  const RecommendationView view =
      recommend(simulator, policy, run.given("user") ? settings.user : any_user(catalogue, run.seed), settings.slate,
                run.seed, run.threads);
  run.print("{}", to_text(view, settings.show));
  run.write_json(to_json(view),
                 {{"simulator", settings.simulator.string()},
                  {"policy", settings.policy.string()},
                  {"user", view.user_id},
                  {"slate", settings.slate}},
                 simulator->data_fingerprint);
}

}  // namespace

void add_recommend_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<RecommendSettings>();
  Command command{.name = "recommend", .group = CommandGroup::kTools, .summary = "serve one request, stage by stage"};
  command.about =
      "One user opens the app where their last logged session began, and a composition of stages serves a slate: what "
      "was retrieved by whom, what was filtered and why, the scores by head, and the order. Another --seed is other "
      "draws.";
  command.examples = {"swipegym recommend --simulator sim.h5 --policy configs/staged/popular.json --user 17"};
  command.next =
      "swipegym compare --simulator sim.h5 --policies random,configs/staged/popular.json --source full --no-oracle";
  command.options.group("Input")
      .input("simulator", settings->simulator, "FILE", "from 'swipegym fit'")
      .input("policy", settings->policy, "FILE", "a composition of stages, a .json file")
      .add("user", settings->user, kAnyId, "ID", "raw id, as the log has it; without it one is drawn by --seed");
  command.options.group("Request")
      .add("slate", settings->slate, between(1, 1'000), "N", "videos to recommend")
      .add("show", settings->show, between(0, 100'000), "N", "videos to list that are not in the slate");
  command.run = [settings](Run& run) { show_recommendation(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
