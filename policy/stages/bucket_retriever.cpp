#include "policy/stages/bucket_retriever.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "core/random_draws.h"
#include "env/catalogue.h"
#include "policy/bandit/arm_scores.h"
#include "policy/best_unseen.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"
#include "policy/stages/user_categories.h"

namespace swipegym {
namespace {

// Clicks of each video, from the rates that are shrunk to the log's mean by kShrinkage pseudo-rows.
std::vector<double> clicks_of(const Catalogue& catalogue) {
  std::vector<double> clicks(catalogue.num_videos());
  double weighted = 0.0, rows = 0.0;
  for (std::size_t v = 0; v < clicks.size(); ++v) {
    const double shown = catalogue.exposures[v];
    weighted +=
        static_cast<double>(catalogue.video_features[v * kVideoFeatures + kVideoClickRate]) * (shown + kShrinkage);
    rows += shown + kShrinkage;
  }
  const double mean = weighted / rows;  // of the shrunk rates, weighted so, it is the log's own
  for (std::size_t v = 0; v < clicks.size(); ++v) {
    const double shown = catalogue.exposures[v];
    const double rate = static_cast<double>(catalogue.video_features[v * kVideoFeatures + kVideoClickRate]);
    clicks[v] = std::clamp(rate * (shown + kShrinkage) - mean * kShrinkage, 0.0, shown);
  }
  return clicks;
}

BetaPrior prior_of(const BucketRetrieverSettings& settings, std::span<const double> clicks,
                   std::span<const double> shows) {
  if (settings.alpha > 0.0 && settings.beta > 0.0) return {settings.alpha, settings.beta};
  return fit_beta_likelihood(clicks, shows);
}

class BucketRetriever final : public Retriever {
 public:
  /// `measure`: of each video, where it is neither shows nor the posterior's deviation.
  BucketRetriever(const BucketRetrieverSettings& settings, std::shared_ptr<const Catalogue> catalogue,
                  std::vector<double> measure)
      : settings_(settings), catalogue_(std::move(catalogue)), measure_(std::move(measure)) {
    const std::vector<double> clicks = clicks_of(*catalogue_);
    const std::vector<double> shows(catalogue_->exposures.begin(), catalogue_->exposures.end());
    prior_ = prior_of(settings_, clicks, shows);
    arms_ = BetaArms(prior_);
    arms_.add(catalogue_->num_videos());
    arms_.set_counts(clicks, shows);
    std::vector<std::uint32_t> all(catalogue_->num_videos());
    std::iota(all.begin(), all.end(), 0U);
    measure_.resize(all.size()), score_.resize(all.size());
    if (settings_.measure == "shows") list_shows(arms_, all, measure_);
    if (settings_.measure == "deviation") list_deviations(arms_, all, measure_);
    if (settings_.within == "bayes-ucb")
      score_bayes_ucb(arms_, all, settings_.quantile_z, score_);
    else
      score_means(arms_, all, score_);
    bucket_.resize(all.size());
    find_buckets(settings_.flow, measure_, bucket_);
    count_categories(clicks, shows);
  }
  std::string_view name() const noexcept override { return "bucket"; }
  const std::vector<double>& measure() const noexcept { return measure_; }
  std::size_t history_length() const noexcept override {
    return settings_.categories > 0 ? settings_.history_length : 0;
  }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    thread_local Room room;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::span<std::int32_t> list = out.subspan(i * count, count);
      if (requests.offered()) requests.pool(i, room.pool);
      if (settings_.categories == 0) {
        stack_of(requests, i, nullptr, room);
        fill(requests.dice[i], list, 0, room);
        continue;
      }
      choose_categories(requests, i, room);
      take_turns(requests, i, list, room);
    }
  }

 private:
  struct Room {
    std::vector<std::int32_t> pool, part;
    std::vector<std::uint32_t> arms;
    std::vector<std::uint8_t> bucket;
    std::vector<double> score, affinity, phases;
    std::vector<CategoryShare> shares;
    std::vector<std::int32_t> chosen;
    std::vector<std::vector<std::int32_t>> parts;
    std::vector<FlowPick> picks;
    SlateRoom slate;
  };

  // Everybody's rate of each category, which users are pooled to.
  void count_categories(std::span<const double> clicks, std::span<const double> shows) {
    std::vector<double> clicked(catalogue_->num_tags, 0.0), shown(catalogue_->num_tags, 0.0);
    videos_.resize(catalogue_->num_tags);
    for (std::size_t v = 0; v < clicks.size(); ++v) {
      const std::uint16_t tag = catalogue_->tag[v];
      clicked[tag] += clicks[v], shown[tag] += shows[v];
      videos_[tag].push_back(static_cast<std::uint32_t>(v));
    }
    for (std::size_t tag = 0; tag < clicked.size(); ++tag)
      category_rate_.push_back((clicked[tag] + prior_.alpha) / (shown[tag] + prior_.alpha + prior_.beta));
  }

  // The videos of a category, or all, that request i may be shown.
  void stack_of(const Requests& requests, std::size_t i, const std::int32_t* category, Room& room) const {
    room.arms.clear();
    const auto add = [&](std::size_t video) { room.arms.push_back(static_cast<std::uint32_t>(video)); };
    if (requests.offered()) {
      for (const std::int32_t video : room.pool)
        if (category == nullptr || catalogue_->tag[static_cast<std::size_t>(video)] == *category)
          add(static_cast<std::size_t>(video));
    } else if (category != nullptr) {
      for (const std::uint32_t video : videos_[static_cast<std::size_t>(*category)])
        if (!requests.is_shown(i, static_cast<std::int32_t>(video))) add(video);
    } else {
      for (std::size_t video = 0; video < measure_.size(); ++video)
        if (!requests.is_shown(i, static_cast<std::int32_t>(video))) add(video);
    }
  }

  // The stack's flow into `list`; `number` tells the stacks of a request apart.
  void fill(RequestDice& dice, std::span<std::int32_t> list, std::uint32_t number, Room& room) const {
    if (room.arms.empty()) return;
    room.bucket.resize(room.arms.size()), room.score.resize(room.arms.size());
    for (std::size_t k = 0; k < room.arms.size(); ++k) room.bucket[k] = bucket_[room.arms[k]];
    if (settings_.within == "thompson")
      score_thompson(arms_, room.arms, dice.key(Chance::kThompson, number + 1), room.score);
    else
      for (std::size_t k = 0; k < room.arms.size(); ++k) room.score[k] = score_[room.arms[k]];
    room.picks.resize(std::min(list.size(), room.arms.size()));
    const std::size_t filled =
        fill_buckets(settings_.flow, room.bucket, room.score, draw_phase(dice, room.picks.size(), room), std::nullopt,
                     room.slate, room.picks);
    for (std::size_t k = 0; k < filled; ++k) list[k] = static_cast<std::int32_t>(room.arms[room.picks[k].place]);
  }

  // A uniform phase, as far as it matters: between two of the places where a bucket gains a slot all phases are alike.
  double draw_phase(RequestDice& dice, std::size_t slots, Room& room) const {
    room.phases.assign({0.0, 1.0});
    double share = 0.0;
    for (const double part : settings_.flow.shares) {
      share += part;
      const double end = share * static_cast<double>(slots) + 1e-9, fraction = end - std::floor(end);
      if (fraction > 1e-6 && fraction < 1.0 - 1e-6) room.phases.push_back(1.0 - fraction);
    }
    std::sort(room.phases.begin(), room.phases.end());
    if (room.phases.size() == 2) return 0.5;
    std::vector<double> weights;
    for (std::size_t k = 1; k < room.phases.size(); ++k) weights.push_back(room.phases[k] - room.phases[k - 1]);
    const std::size_t side = dice.pick(Chance::kFlow, weights);
    return 0.5 * (room.phases[side] + room.phases[side + 1]);
  }

  // Those the user's affinity is highest for, by the upper end or a draw of its posterior.
  void choose_categories(const Requests& requests, std::size_t i, Room& room) const {
    categories_of_history(requests.batch.observation, requests.rows[i], catalogue_->tag, room.shares);
    room.affinity.resize(category_rate_.size());
    RandomStream random(settings_.choice == "thompson" ? requests.dice[i].key(Chance::kThompson) : RandomKey{});
    for (std::size_t tag = 0; tag < room.affinity.size(); ++tag) {
      BetaPrior belief{settings_.strength * category_rate_[tag], settings_.strength * (1.0 - category_rate_[tag])};
      for (const CategoryShare& share : room.shares)
        if (share.category == tag) {
          belief.alpha += static_cast<double>(share.watched);
          belief.beta += static_cast<double>(share.shown - share.watched);
        }
      room.affinity[tag] = settings_.choice == "thompson" ? draw_beta(random, belief.alpha, belief.beta)
                                                          : belief.mean() + settings_.quantile_z * belief.deviation();
    }
    const std::vector<float> affinity(room.affinity.begin(), room.affinity.end());
    room.chosen = best_first(affinity, settings_.categories);
  }

  // Each chosen category's flow has an even part of the list.
  void take_turns(const Requests& requests, std::size_t i, std::span<std::int32_t> list, Room& room) const {
    room.parts.resize(room.chosen.size());
    for (std::size_t k = 0; k < room.chosen.size(); ++k) {
      stack_of(requests, i, &room.chosen[k], room);
      room.part.assign(list.size(), -1);
      fill(requests.dice[i], room.part, static_cast<std::uint32_t>(k), room);
      room.parts[k] = room.part;
    }
    std::size_t taken = 0;
    for (std::size_t place = 0; place < list.size() && taken < list.size(); ++place)
      for (const auto& part : room.parts)
        if (part[place] >= 0 && taken < list.size()) list[taken++] = part[place];
  }

  BucketRetrieverSettings settings_;
  std::shared_ptr<const Catalogue> catalogue_;
  BetaPrior prior_;
  BetaArms arms_;
  std::vector<double> measure_, score_;             // [videos]
  std::vector<std::uint8_t> bucket_;                // [videos]
  std::vector<std::vector<std::uint32_t>> videos_;  // of each category
  std::vector<double> category_rate_;
};

// Of each video by the vectors of the settings; empty where they are not asked.
std::vector<double> deviations_of_vectors(const BucketRetrieverSettings& settings, const StageSettings& stage,
                                          const StageContext& context) {
  if (settings.measure != "embedding") {
    if (!settings.vectors.empty())
      stage.refuse("vectors", settings.vectors, "nothing, or \"measure\": \"embedding\", which alone asks vectors");
    return {};
  }
  if (settings.vectors.empty())
    stage.refuse("measure", settings.measure, "a file in \"vectors\" beside it, of towers with deviations");
  const auto policy = load_policy(stage.file("vectors", settings.vectors, context), *context.catalogue);
  const std::vector<float> found =
      policy->query_source() == nullptr ? std::vector<float>{} : policy->query_source()->video_deviations(0);
  if (found.empty())
    stage.refuse("vectors", settings.vectors,
                 "a policy whose vectors have deviations, as 'supervised variational-two-tower' makes");
  return {found.begin(), found.end()};
}

}  // namespace

std::shared_ptr<const Retriever> make_bucket_retriever(const StageSettings& stage, const StageContext& context) {
  const auto settings = stage.read<BucketRetrieverSettings>();
  try {
    settings.flow.validate();
  } catch (const InputError& problem) {
    stage.refuse("shares", ConfigWriter::write(settings.flow.shares),
                 fmt::format("a share for each of {} buckets, which sum to 1, between rising edges ({})",
                             settings.flow.edges.size() + 1, problem.what()));
  }
  auto retriever =
      std::make_shared<BucketRetriever>(settings, context.catalogue, deviations_of_vectors(settings, stage, context));
  // Edges in another unit put every video into one bucket, and that bucket would serve alone.
  const auto [least, most] = std::minmax_element(retriever->measure().begin(), retriever->measure().end());
  if (settings.measure != "shows" && *least < *most &&
      settings.flow.bucket_of(*least) == settings.flow.bucket_of(*most) && !settings.flow.edges.empty())
    stage.refuse("edges", ConfigWriter::write(settings.flow.edges),
                 fmt::format("an edge between {:.3g} and {:.3g}, the least and the largest deviation of the videos",
                             *least, *most));
  return retriever;
}

}  // namespace swipegym
