#include "policy/stages/bucket_retriever.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "core/random_draws.h"
#include "core/remarks.h"
#include "env/catalogue.h"
#include "policy/bandit/arm_scores.h"
#include "policy/best_unseen.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"
#include "policy/stages/creator_terms.h"
#include "policy/stages/user_categories.h"

namespace swipegym {
namespace {

constexpr std::uint32_t kPlaces = 1U << 20;  // number of the draws that shuffle, behind those that break ties

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
  /// `measure`: of each video, where it is neither shows nor the posterior's deviation. `prior`: of the videos' rates.
  BucketRetriever(const BucketRetrieverSettings& settings, CatalogueNow now, std::vector<double> measure,
                  const BetaPrior& prior)
      : settings_(settings),
        catalogue_(std::move(now.catalogue)),
        prior_(prior),
        arms_(prior),
        measure_(std::move(measure)) {
    const std::size_t videos = catalogue_->num_videos();
    const std::vector<double> clicks = clicks_of(*catalogue_);
    const std::vector<double> shows(catalogue_->exposures.begin(), catalogue_->exposures.end());
    arms_.add(videos);
    arms_.set_counts(clicks, shows);
    std::vector<std::uint32_t> list(now.on_offer.size());
    std::iota(list.begin(), list.end(), now.on_offer.begin);
    measure_.resize(videos), score_.resize(videos), bucket_.resize(videos);
    const auto part = [&now](auto& column) {
      return std::span(column).subspan(now.on_offer.begin, now.on_offer.size());
    };
    if (settings_.measure == "shows") list_shows(arms_, list, part(measure_));
    if (settings_.measure == "deviation") list_deviations(arms_, list, part(measure_));
    if (settings_.within == "bayes-ucb")
      score_bayes_ucb(arms_, list, settings_.quantile_z, part(score_));
    else if (settings_.within == "ucb1")
      score_ucb1(arms_, list, std::max(1.0, std::accumulate(shows.begin(), shows.end(), 0.0)), 1.0, part(score_));
    else
      score_means(arms_, list, part(score_));
    find_buckets(settings_.flow, part(measure_), part(bucket_));
    value_creators(list);
    count_categories(clicks, shows);
  }
  std::string_view name() const noexcept override { return "bucket"; }
  const std::vector<double>& measure() const noexcept { return measure_; }
  std::size_t history_length() const noexcept override {
    return settings_.categories > 0 ? settings_.history_length : 0;
  }

  std::shared_ptr<const Retriever> refreshed(const CatalogueNow& now) const override {
    return std::make_shared<BucketRetriever>(
        settings_, now, settings_.measure == "embedding" ? measure_ : std::vector<double>{}, prior_);
  }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    thread_local Room room;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::span<std::int32_t> list = out.subspan(i * count, count);
      if (requests.offered()) requests.pool(i, room.pool);
      if (settings_.categories == 0) {
        stack_of(requests, i, nullptr, room);
        fill(requests, i, list, 0, room);
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

  // What creators add to the scores of the listed videos, whoever asks.
  void value_creators(std::span<const std::uint32_t> list) {
    if (catalogue_->creator_uplift.empty() || (settings_.uplift == 0.0 && settings_.new_creator == 0.0)) return;
    bonus_.assign(score_.size(), 0.0);
    for (const std::uint32_t video : list) {
      const double mean = arms_.mean(video);
      const auto id = static_cast<std::int32_t>(video);
      if (settings_.uploads == "counted")
        bonus_[video] = settings_.uplift * uploads_of_show(*catalogue_, nullptr, 0, id, mean).encouraged;
      if (is_new_creator(*catalogue_, id, settings_.new_days) && mean >= settings_.new_rate)
        bonus_[video] += settings_.new_creator;
      score_[video] += bonus_[video];
    }
  }

  // And what depends on who asks, or on what uploads bring.
  void value_uploads(const Requests& requests, std::size_t i, Room& room) const {
    const CreatorOutlook* outlook = requests.creators;
    const bool valued = settings_.uploads == "valued";
    if (outlook == nullptr || (settings_.mimic == 0.0 && !(valued && settings_.uplift > 0.0))) return;
    const std::uint32_t user = requests.batch.observation.user[requests.rows[i]];
    const double mean = static_cast<double>(outlook->mean_value);
    for (std::size_t k = 0; k < room.arms.size(); ++k) {
      const auto video = static_cast<std::int32_t>(room.arms[k]);
      const UploadsOfShow uploads = uploads_of_show(*catalogue_, outlook, user, video, arms_.mean(room.arms[k]));
      UploadWorth worth{1.0, 1.0};
      if (valued && mean > 0.0) {
        worth = worth_of_uploads(*catalogue_, *outlook, user, video);
        worth.encouraged /= mean, worth.imitated /= mean;
      }
      if (valued) room.score[k] += settings_.uplift * uploads.encouraged * worth.encouraged;
      room.score[k] += settings_.mimic * uploads.imitated * worth.imitated;
    }
  }

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
      requests.unseen(i, room.arms);
    }
  }

  // The stack's flow into `list`; `number` tells the stacks of a request apart.
  void fill(const Requests& requests, std::size_t i, std::span<std::int32_t> list, std::uint32_t number,
            Room& room) const {
    if (room.arms.empty()) return;
    RequestDice& dice = requests.dice[i];
    room.bucket.resize(room.arms.size()), room.score.resize(room.arms.size());
    for (std::size_t k = 0; k < room.arms.size(); ++k) room.bucket[k] = bucket_[room.arms[k]];
    if (settings_.within == "thompson")
      score_drawn(dice.key(Chance::kThompson, number + 1), room);
    else
      for (std::size_t k = 0; k < room.arms.size(); ++k) room.score[k] = score_[room.arms[k]];
    value_uploads(requests, i, room);
    room.picks.resize(std::min(list.size(), room.arms.size()));
    const double phase = draw_phase(dice, room.picks.size(), room);
    std::optional<RandomKey> ties;
    if (settings_.ties == "drawn") ties = dice.key(Chance::kFiller, number + 1);
    const std::size_t filled =
        fill_buckets(settings_.flow, room.bucket, room.score, phase, ties, room.slate, room.picks);
    for (std::size_t k = 0; k < filled; ++k) list[k] = static_cast<std::int32_t>(room.arms[room.picks[k].place]);
    if (settings_.places == "bucket") return;
    RandomStream random = dice.stream(Chance::kFiller, kPlaces + number);
    for (std::size_t k = 0; k + 1 < filled; ++k)
      std::swap(list[k], list[k + random.below(static_cast<std::uint32_t>(filled - k))]);
  }

  void score_drawn(RandomKey key, Room& room) const {
    score_thompson(arms_, room.arms, key, room.score);
    if (bonus_.empty()) return;
    for (std::size_t k = 0; k < room.arms.size(); ++k) room.score[k] += bonus_[room.arms[k]];
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
      fill(requests, i, room.part, static_cast<std::uint32_t>(k), room);
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
  std::vector<double> bonus_;                       // [videos], of creators; empty: none
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
  const auto policy = stage.policy("vectors", settings.vectors, context);
  const std::vector<float> found =
      policy->query_source() == nullptr ? std::vector<float>{} : policy->query_source()->video_deviations(0);
  if (found.empty())
    stage.refuse("vectors", settings.vectors,
                 "a policy whose vectors have deviations, as 'supervised variational-two-tower' makes");
  return {found.begin(), found.end()};
}

// "shows 10 to 30 (share 0.1)": which videos fall into a bucket.
std::string bucket_text(const BucketRetrieverSettings& settings, std::size_t bucket) {
  const std::vector<double>& edges = settings.flow.edges;
  const std::string range = bucket == 0              ? fmt::format("below {:g}", edges[0])
                            : bucket == edges.size() ? fmt::format("from {:g} on", edges[bucket - 1])
                                                     : fmt::format("{:g} to {:g}", edges[bucket - 1], edges[bucket]);
  return fmt::format("{} {} (share {:g})", settings.measure == "shows" ? "shows" : "deviations", range,
                     settings.flow.shares[bucket]);
}

// A bucket without a video, though it has a share: said, since others serve what it was to serve.
void remark_empty_buckets(const BucketRetrieverSettings& settings, const StageSettings& stage,
                          const std::vector<double>& measure) {
  if (settings.flow.edges.empty()) return;
  std::vector<std::size_t> videos(settings.flow.shares.size(), 0);
  for (const double value : measure) ++videos[settings.flow.bucket_of(value)];
  std::vector<std::string> empty;
  for (std::size_t bucket = 0; bucket < videos.size(); ++bucket)
    if (videos[bucket] == 0 && settings.flow.shares[bucket] > 0.0) empty.push_back(bucket_text(settings, bucket));
  if (!empty.empty())
    remark(fmt::format("{}: {}.edges: no video here has {}; other buckets serve what this one would",
                       stage.source.where, stage.path, fmt::join(empty, ", nor ")));
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
  const Catalogue& catalogue = *context.catalogue;
  const std::vector<double> shows(catalogue.exposures.begin(), catalogue.exposures.end());
  auto retriever = std::make_shared<BucketRetriever>(
      settings, CatalogueNow{context.catalogue, {0, static_cast<std::uint32_t>(catalogue.num_videos())}},
      deviations_of_vectors(settings, stage, context), prior_of(settings, clicks_of(catalogue), shows));
  // Edges in another unit put every video into one bucket, and that bucket would serve alone.
  const auto [least, most] = std::minmax_element(retriever->measure().begin(), retriever->measure().end());
  if (settings.measure != "shows" && *least < *most &&
      settings.flow.bucket_of(*least) == settings.flow.bucket_of(*most) && !settings.flow.edges.empty())
    stage.refuse("edges", ConfigWriter::write(settings.flow.edges),
                 fmt::format("an edge between {:.3g} and {:.3g}, the least and the largest deviation of the videos",
                             *least, *most));
  remark_empty_buckets(settings, stage, retriever->measure());
  return retriever;
}

}  // namespace swipegym
