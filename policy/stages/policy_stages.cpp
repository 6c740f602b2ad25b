#include "policy/stages/policy_stages.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/parallel_for.h"
#include "policy/best_unseen.h"
#include "policy/make_policy.h"
#include "policy/one_step_oracle.h"
#include "policy/policy_file.h"
#include "policy/select.h"
#include "policy/stages/listed_observation.h"
#include "policy/stages/network_heads.h"
#include "policy/stages/own_stages.h"

namespace swipegym {
namespace {

std::shared_ptr<const Policy> policy_of(const StageSettings& settings, const StageContext& context) {
  const auto [file] = settings.read<PolicyStageSettings>();
  if (file.empty()) settings.refuse("file", nullptr, "a policy file, or a rule by its name");
  if (oracle_pessimism(file))
    settings.refuse("file", file, "a policy that does not ask the simulator: stages know what is logged alone");
  if (!names_policy_file(file)) return make_policy(file, *context.catalogue);
  auto policy = settings.policy("file", file, context);
  // Nobody would know of its draws, and say what comes first with probability 1.
  if (policy->header().temperature > 0.0F && policy->temperature() == 0.0F)
    settings.refuse("file", file,
                    "a policy that does not draw by itself: train it with \"choice\": \"best\", or use it alone");
  return policy;
}

// Scores of the requests' lists, [videos of all lists].
std::vector<float> scores_of_lists(const Policy& policy, const Requests& requests, const VideoLists& lists,
                                   std::span<const float> video_features) {
  const ListedObservation listed(requests, &lists, video_features);
  const std::size_t slots = listed.batch().observation.candidates;
  std::vector<float> padded(lists.size() * slots), scores(lists.video.size());
  score_slots(policy, listed.batch(), padded);
  for (std::size_t i = 0; i < lists.size(); ++i)
    std::copy_n(padded.data() + i * slots, lists.count(i), scores.data() + lists.begin(i));
  return scores;
}

class PolicyRetriever final : public Retriever {
 public:
  PolicyRetriever(std::shared_ptr<const Policy> policy, std::shared_ptr<const Catalogue> catalogue)
      : policy_(std::move(policy)), catalogue_(std::move(catalogue)) {}
  std::string_view name() const noexcept override { return policy_->name(); }
  std::size_t history_length() const noexcept override { return policy_->history_length(); }

  std::shared_ptr<const Retriever> refreshed(const CatalogueNow& now) const override {
    auto policy = policy_->refreshed(now);
    return std::make_shared<PolicyRetriever>(policy != nullptr ? std::move(policy) : policy_, now.catalogue);
  }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    if (requests.offered()) return from_pools(requests, count, out);
    std::size_t most = count;  // that every session still has
    for (std::size_t i = 0; i < requests.size() && requests.batch.env != nullptr; ++i)
      most = std::min(most, requests.batch.env->choices(requests.rows[i]));
    std::vector<std::int32_t> best(requests.size() * most);
    if (!policy_->best_videos(requests.batch, requests.rows, most, best)) from_scores(requests, most, best);
    for (std::size_t i = 0; i < requests.size(); ++i) std::copy_n(&best[i * most], most, &out[i * count]);
  }

 private:
  void from_pools(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const {
    VideoLists pools;
    std::vector<std::int32_t> pool;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      requests.pool(i, pool);
      pools.video.insert(pools.video.end(), pool.begin(), pool.end());
      pools.offset.push_back(static_cast<std::uint32_t>(pools.video.size()));
    }
    const std::vector<float> scores = scores_of_lists(*policy_, requests, pools, catalogue_->video_features);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::vector<std::int32_t> order =
          best_first(std::span(scores).subspan(pools.begin(i), pools.count(i)), count);
      for (std::size_t k = 0; k < order.size(); ++k)
        out[i * count + k] = pools.of(i)[static_cast<std::size_t>(order[k])];
    }
  }

  void from_scores(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const {
    const ListedObservation all(requests, nullptr, {});
    std::vector<float> scores(requests.size() * requests.num_videos);
    score_slots(*policy_, all.batch(), scores);
    parallel_for(requests.size(), requests.batch.threads, [&](std::size_t i, int) {
      best_unseen(std::span<const float>(scores).subspan(i * requests.num_videos, requests.num_videos), {},
                  requests.batch, requests.rows[i], count, out.subspan(i * count, count));
    });
  }

  std::shared_ptr<const Policy> policy_;
  std::shared_ptr<const Catalogue> catalogue_;
};

class PolicyScorer final : public Scorer {
 public:
  PolicyScorer(std::shared_ptr<const Policy> policy, std::shared_ptr<const Catalogue> catalogue)
      : policy_(std::move(policy)), heads_{std::string(policy_->head())}, catalogue_(std::move(catalogue)) {}
  std::string_view name() const noexcept override { return policy_->name(); }
  const std::vector<std::string>& heads() const noexcept override { return heads_; }
  std::size_t history_length() const noexcept override { return policy_->history_length(); }
  std::shared_ptr<const Scorer> refreshed(const CatalogueNow& now) const override {
    auto policy = policy_->refreshed(now);
    return std::make_shared<PolicyScorer>(policy != nullptr ? std::move(policy) : policy_, now.catalogue);
  }
  void score(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t>,
             Matrix& out) const override {
    const std::vector<float> scores = scores_of_lists(*policy_, requests, lists, catalogue_->video_features);
    std::copy(scores.begin(), scores.end(), out.data());
  }

 private:
  std::shared_ptr<const Policy> policy_;
  std::vector<std::string> heads_;
  std::shared_ptr<const Catalogue> catalogue_;
};

class MultitaskScorer final : public Scorer {
 public:
  MultitaskScorer(std::shared_ptr<const Policy> policy, const Catalogue& catalogue)
      : network_(std::move(policy), catalogue) {}
  std::string_view name() const noexcept override { return network_.policy().name(); }
  const std::vector<std::string>& heads() const noexcept override { return network_.names(); }
  std::size_t history_length() const noexcept override { return network_.policy().history_length(); }
  std::shared_ptr<const Scorer> refreshed(const CatalogueNow& now) const override {
    auto fresh = std::make_shared<MultitaskScorer>(*this);
    return fresh->network_.refresh(now) ? fresh : nullptr;
  }
  void score(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t> wanted,
             Matrix& out) const override {
    thread_local Matrix foreseen;
    const std::vector<std::uint8_t> outputs = network_.outputs_of(wanted);
    network_.source().foresee({.batch = requests.batch,
                               .rows = requests.rows,
                               .offset = lists.offset,
                               .videos = lists.video,
                               .wanted = outputs},
                              foreseen, nullptr);
    network_.fill(foreseen, lists, out);
  }

 private:
  NetworkHeads network_;
};

}  // namespace

std::shared_ptr<const Retriever> make_policy_retriever(const StageSettings& settings, const StageContext& context) {
  return std::make_shared<PolicyRetriever>(policy_of(settings, context), context.catalogue);
}

std::shared_ptr<const Scorer> make_policy_scorer(const StageSettings& settings, const StageContext& context) {
  return scorer_of(policy_of(settings, context), context.catalogue);
}

std::shared_ptr<const Scorer> scorer_of(std::shared_ptr<const Policy> policy,
                                        std::shared_ptr<const Catalogue> catalogue) {
  return std::make_shared<PolicyScorer>(std::move(policy), std::move(catalogue));
}

std::shared_ptr<const Scorer> make_multitask_scorer(const StageSettings& settings, const StageContext& context) {
  std::shared_ptr<const Policy> policy = policy_of(settings, context);
  if (policy->head_source() == nullptr)
    settings.refuse(
        "file", std::string(policy->name()),
        "a policy with several heads, as 'supervised multitask' makes; \"use\": \"policy\" scores by any other");
  return std::make_shared<MultitaskScorer>(std::move(policy), *context.catalogue);
}

}  // namespace swipegym
