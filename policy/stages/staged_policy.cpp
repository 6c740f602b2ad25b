#include "policy/stages/staged_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "core/error.h"
#include "core/parallel_for.h"

namespace swipegym {
namespace {

constexpr std::size_t kRequestsAtOnce = 32;  // of a worker
constexpr float kLast = -std::numeric_limits<float>::infinity();

RandomKey decision_key(const DecisionBatch& batch, std::uint32_t row) {
  return split(split(batch.keys[row], Draw::kAction), batch.streams[row]);
}

class StageClock {
 public:
  explicit StageClock(double& seconds) : seconds_(seconds), begun_(std::chrono::steady_clock::now()) {}
  ~StageClock() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begun_;
};

// A row's videos by their slot, where slots are candidates.
std::unordered_map<std::int32_t, std::size_t> slots_of(const ObservationView& observation, std::size_t row) {
  std::unordered_map<std::int32_t, std::size_t> slots;
  for (std::size_t slot = 0; slot < observation.candidates; ++slot)
    if (observation.mask == nullptr || observation.mask[row * observation.candidates + slot] != 0)
      slots.emplace(observation.candidate[row * observation.candidates + slot], slot);
  return slots;
}

float value_of(const Composition& composition, const float* heads) {
  const std::vector<float>& weight = composition.weight;
  double value = composition.product ? 1.0 : 0.0;
  for (std::size_t head = 0; head < weight.size(); ++head) {
    if (weight[head] == 0.0F) continue;
    if (composition.product)
      value *= std::pow(std::max(0.0, static_cast<double>(heads[head])), static_cast<double>(weight[head]));
    else
      value += static_cast<double>(weight[head]) * static_cast<double>(heads[head]);
  }
  return static_cast<float>(value);
}

std::vector<RequestDice> dice_of(const DecisionBatch& batch, std::span<const std::uint32_t> rows) {
  std::vector<RequestDice> dice;
  for (const std::uint32_t row : rows) dice.emplace_back(decision_key(batch, row));
  return dice;
}

}  // namespace

/// What a row's scorer said of videos before: its outcomes score the same videos over and over.
class StagedPolicy::KnownHeads {
 public:
  explicit KnownHeads(const Scorer* scorer) : columns_(scorer == nullptr ? 0 : scorer->columns()) {}

  // Those of `lists` that are not known yet, as one list.
  VideoLists missing(const VideoLists& lists) const {
    VideoLists out;
    for (const std::int32_t video : lists.video)
      if (!at_.contains(video)) out.video.push_back(video);
    out.offset.push_back(static_cast<std::uint32_t>(out.video.size()));
    return out;
  }
  void add(const VideoLists& lists, const Matrix& heads) {
    for (std::size_t i = 0; i < lists.video.size(); ++i) {
      at_.emplace(lists.video[i], values_.size());
      values_.insert(values_.end(), heads.data() + i * columns_, heads.data() + (i + 1) * columns_);
    }
  }
  void copy(const VideoLists& lists, Matrix& out) const {
    for (std::size_t i = 0; i < lists.video.size(); ++i)
      std::copy_n(values_.data() + at_.at(lists.video[i]), columns_, out.data() + i * columns_);
  }

 private:
  std::size_t columns_;
  std::unordered_map<std::int32_t, std::size_t> at_;
  std::vector<float> values_;
};

StagedPolicy::StagedPolicy(Composition composition, std::size_t num_videos)
    : composition_(std::move(composition)), num_videos_(num_videos) {
  for (const Composition::Retrieval& retrieval : composition_.retrieve)
    history_length_ = std::max(history_length_, retrieval.retriever->history_length());
  for (const Composition::Prune& prune : composition_.prune)
    history_length_ = std::max(history_length_, prune.scorer->history_length());
  if (composition_.score) history_length_ = std::max(history_length_, composition_.score->history_length());
  for (const auto& orderer : composition_.order) history_length_ = std::max(history_length_, orderer->history_length());
  if (history_length_ == 0) history_length_ = 1;
}

void StagedPolicy::retrieve(const Requests& requests, Served& served) const {
  const StageClock clock(served.seconds[0]);
  std::vector<std::vector<std::int32_t>> found(composition_.retrieve.size());
  for (std::size_t r = 0; r < found.size(); ++r) {
    const auto& [retriever, count] = composition_.retrieve[r];
    found[r].assign(requests.size() * count, -1);
    retriever->retrieve(requests, count, found[r]);
  }
  VideoLists& lists = served.retrieved;
  std::vector<std::int32_t> taken;  // by the retrievers before, sorted; each one's own are distinct
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(lists.video.size());
    for (std::size_t r = 0; r < found.size(); ++r) {
      const std::size_t count = composition_.retrieve[r].count;
      taken.assign(lists.video.begin() + begin, lists.video.end());
      std::sort(taken.begin(), taken.end());
      for (const std::int32_t video : std::span(found[r]).subspan(i * count, count)) {
        if (video < 0) break;
        if (std::binary_search(taken.begin(), taken.end(), video)) continue;
        lists.video.push_back(video);
        lists.retriever.push_back(static_cast<std::uint8_t>(r));
      }
    }
    lists.offset.push_back(static_cast<std::uint32_t>(lists.video.size()));
  }
}

void StagedPolicy::drop(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                        std::span<Served::Drop> dropped) const {
  std::vector<std::int32_t> left(videos.begin(), videos.end());
  std::vector<std::size_t> place(videos.size());  // of what is left
  std::iota(place.begin(), place.end(), std::size_t{0});
  std::vector<std::uint8_t> why;
  for (std::size_t f = 0; f < composition_.filter.size(); ++f) {
    why.assign(left.size(), 0);
    composition_.filter[f]->drop(requests, i, left, why);
    std::size_t kept = 0;
    for (std::size_t j = 0; j < left.size(); ++j) {
      if (why[j] != 0) {
        dropped[place[j]] = {static_cast<std::int16_t>(f), why[j]};
        continue;
      }
      left[kept] = left[j];
      place[kept++] = place[j];
    }
    left.resize(kept);
    place.resize(kept);
  }
}

void StagedPolicy::filter(const Requests& requests, Served& served) const {
  const StageClock clock(served.seconds[1]);
  const VideoLists& lists = served.retrieved;
  served.dropped.assign(lists.video.size(), {});
  std::vector<Served::Drop> drops;
  std::vector<std::int32_t> more, pool;
  VideoLists& kept = served.kept;
  const auto keep = [&kept](std::int32_t video, std::uint8_t retriever) {
    kept.video.push_back(video);
    kept.retriever.push_back(retriever);
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::span<const std::int32_t> videos = lists.of(i);
    const std::span<Served::Drop> dropped = std::span(served.dropped).subspan(lists.begin(i), videos.size());
    drop(requests, i, videos, dropped);
    const std::size_t begin = kept.video.size();
    for (std::size_t j = 0; j < videos.size(); ++j)
      if (dropped[j].filter < 0) keep(videos[j], lists.retriever[lists.begin(i) + j]);
    // Too few are left: the most exposed videos that no filter drops, and in the end what filters dropped.
    for (const bool filtered : {true, false}) {
      if (kept.video.size() - begin >= requests.slate) break;
      if (requests.offered()) requests.pool(i, pool);
      more.clear();
      for (const std::int32_t video : requests.offered() ? pool : composition_.fallback)
        if (more.size() < 16 * requests.slate + 64 && (requests.offered() || !requests.is_shown(i, video)) &&
            std::find(kept.video.begin() + static_cast<std::ptrdiff_t>(begin), kept.video.end(), video) ==
                kept.video.end())
          more.push_back(video);
      drops.assign(more.size(), {});
      if (filtered) drop(requests, i, more, drops);
      for (std::size_t j = 0; j < more.size() && kept.video.size() - begin < requests.slate; ++j)
        if (drops[j].filter < 0) keep(more[j], Served::kFallback);
    }
    kept.offset.push_back(static_cast<std::uint32_t>(kept.video.size()));
  }
}

void StagedPolicy::prune(const Requests& requests, Served& served) const {
  served.pruned.assign(requests.size(), 0);
  if (composition_.prune.empty()) return;
  const StageClock clock(served.seconds[2]);
  Matrix heads;
  std::vector<std::uint8_t> first;  // the one head that counts
  std::vector<std::uint32_t> order;
  for (const auto& [scorer, keep] : composition_.prune) {
    VideoLists& from = served.kept;
    first.assign(scorer->heads().size(), 0);
    first[0] = 1;
    score_lists(*scorer, requests, from, first, nullptr, heads);
    VideoLists to;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::size_t begin = from.begin(i), left = std::min(from.count(i), std::max(keep, requests.slate));
      order.resize(from.count(i));
      std::iota(order.begin(), order.end(), static_cast<std::uint32_t>(begin));
      const auto best_before = [&](std::uint32_t a, std::uint32_t b) {
        return heads(a, 0) != heads(b, 0) ? heads(a, 0) > heads(b, 0) : a < b;
      };
      const auto end = order.begin() + static_cast<std::ptrdiff_t>(left);
      if (end != order.end()) std::nth_element(order.begin(), end, order.end(), best_before);
      std::sort(order.begin(), end, best_before);
      for (std::size_t k = 0; k < left; ++k) {
        to.video.push_back(from.video[order[k]]);
        to.retriever.push_back(from.retriever[order[k]]);
      }
      to.offset.push_back(static_cast<std::uint32_t>(to.video.size()));
      served.pruned[i] += from.count(i) - left;
    }
    from = std::move(to);
  }
}

// The heads of all videos of the lists, with what is drawn: [videos, heads].
void StagedPolicy::score_lists(const Scorer& scorer, const Requests& requests, const VideoLists& lists,
                               std::span<const std::uint8_t> wanted, KnownHeads* known, Matrix& out) {
  const std::size_t columns = scorer.columns();
  const auto heads = static_cast<Eigen::Index>(scorer.heads().size());
  out.resize(static_cast<Eigen::Index>(lists.video.size()), static_cast<Eigen::Index>(columns));
  if (known == nullptr) {
    scorer.score(requests, lists, wanted, out);
  } else {
    const VideoLists missing = known->missing(lists);
    if (!missing.video.empty()) {
      Matrix fresh(static_cast<Eigen::Index>(missing.video.size()), static_cast<Eigen::Index>(columns));
      scorer.score(requests, missing, wanted, fresh);
      known->add(missing, fresh);
    }
    known->copy(lists, out);
  }
  for (std::size_t i = 0; i < lists.size(); ++i)
    scorer.draw(requests.dice[i], {out.data() + lists.begin(i) * columns, lists.count(i) * columns});
  if (out.cols() > heads) out = Matrix(out.leftCols(heads));
}

void StagedPolicy::score(const Requests& requests, KnownHeads* known, Served& served) const {
  const StageClock clock(served.seconds[2]);
  std::vector<std::uint8_t> wanted;
  for (const float weight : composition_.weight) wanted.push_back(requests.every_head || weight != 0.0F ? 1 : 0);
  if (composition_.creators.any() && composition_.creators.click < wanted.size())
    wanted[composition_.creators.click] = 1;
  if (composition_.score == nullptr)
    served.heads.resize(static_cast<Eigen::Index>(served.kept.video.size()), 0);
  else
    score_lists(*composition_.score, requests, served.kept, wanted, known, served.heads);
  served.value = values(served);
  if (!composition_.creators.any()) return;
  const VideoLists& kept = served.kept;
  for (std::size_t i = 0; i < kept.size(); ++i)
    for (std::size_t at = kept.begin(i); at < kept.begin(i) + kept.count(i); ++at)
      served.value[at] = composition_.creators.add_to(
          served.value[at], requests.creators, requests.batch.observation.user[requests.rows[i]], kept.video[at],
          served.heads.data() + at * static_cast<std::size_t>(served.heads.cols()));
}

std::vector<float> StagedPolicy::values(const Served& served) const {
  const VideoLists& kept = served.kept;
  const std::size_t heads = composition_.weight.size();
  std::vector<float> value(kept.video.size());
  for (std::size_t i = 0; i < kept.size(); ++i)
    for (std::size_t at = kept.begin(i); at < kept.begin(i) + kept.count(i); ++at)
      value[at] = composition_.score == nullptr ? -static_cast<float>(at - kept.begin(i))
                                                : value_of(composition_, served.heads.data() + at * heads);
  return value;
}

void StagedPolicy::order(const Requests& requests, Served& served) const {
  const StageClock clock(served.seconds[3]);
  const VideoLists& kept = served.kept;
  served.place.resize(kept.video.size());
  served.ordered.resize(kept.size());
  served.violations.assign(kept.size(), 0);
  const std::size_t chunks = (kept.size() + kRequestsAtOnce - 1) / kRequestsAtOnce;
  parallel_for(chunks, requests.batch.threads, [&](std::size_t chunk, int) {
    std::vector<std::uint32_t> places;
    for (std::size_t i = chunk * kRequestsAtOnce; i < std::min(kept.size(), (chunk + 1) * kRequestsAtOnce); ++i) {
      const std::span<float> value = std::span(served.value).subspan(kept.begin(i), kept.count(i));
      places.resize(value.size());
      std::iota(places.begin(), places.end(), 0U);
      std::stable_sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
        return value[a] != value[b] ? value[a] > value[b] : false;
      });
      for (const auto& orderer : composition_.order)
        served.violations[i] += orderer->order(requests, i, kept.of(i), value, places);
      served.ordered[i] = places.size();
      std::copy(places.begin(), places.end(), served.place.begin() + static_cast<std::ptrdiff_t>(kept.begin(i)));
    }
  });
}

Served StagedPolicy::serve(const Requests& requests, KnownHeads* known) const {
  Served served;
  retrieve(requests, served);
  filter(requests, served);
  prune(requests, served);
  score(requests, known, served);
  order(requests, served);
  return served;
}

Served StagedPolicy::serve(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t slate,
                           bool every_head) const {
  std::vector<RequestDice> dice = dice_of(batch, rows);
  return serve(Requests{batch, rows, dice, slate, num_videos_, every_head, creators_.get()}, nullptr);
}

std::vector<std::optional<double>> StagedPolicy::recalls(const DecisionBatch& batch,
                                                         std::span<const std::uint32_t> rows, std::size_t slate) const {
  std::vector<RequestDice> dice = dice_of(batch, rows);
  const Requests requests{batch, rows, dice, slate, num_videos_, false, creators_.get()};
  std::vector<std::optional<double>> out;
  for (const auto& [retriever, count] : composition_.retrieve) out.push_back(retriever->recall(requests, count));
  return out;
}

std::shared_ptr<const Policy> StagedPolicy::refreshed(const CatalogueNow& now) const {
  Composition fresh = composition_;
  for (Composition::Retrieval& retrieval : fresh.retrieve)
    if (auto retriever = retrieval.retriever->refreshed(now)) retrieval.retriever = std::move(retriever);
  for (Composition::Prune& prune : fresh.prune)
    if (auto scorer = prune.scorer->refreshed(now)) prune.scorer = std::move(scorer);
  if (fresh.score != nullptr)
    if (auto scorer = fresh.score->refreshed(now)) fresh.score = std::move(scorer);
  fresh.fallback = fallback_videos(now);
  fresh.creators.catalogue = now.catalogue;
  auto policy = std::make_shared<StagedPolicy>(std::move(fresh), num_videos_);
  policy->creators_ = creators_;
  return policy;
}

std::shared_ptr<const StagedPolicy> StagedPolicy::with_creators(std::shared_ptr<const CreatorOutlook> outlook) const {
  auto policy = std::make_shared<StagedPolicy>(*this);
  policy->creators_ = std::move(outlook);
  return policy;
}

bool StagedPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                               std::span<std::int32_t> out) const {
  const Served served = serve(batch, rows, count);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (served.ordered[i] < count)
      throw InputError(fmt::format("policy '{}': row {} has {} videos that were not shown, a slate needs {}", name(),
                                   rows[i], served.ordered[i], count));
    for (std::size_t k = 0; k < count; ++k) out[i * count + k] = served.video_at(i, k);
  }
  return true;
}

void StagedPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  std::vector<std::uint32_t> rows(observation.rows);
  std::iota(rows.begin(), rows.end(), 0U);
  const Served served = serve(batch, rows, batch.slate);
  const std::size_t slots = num_slots(observation, num_videos_);
  std::fill(scores.begin(), scores.end(), kLast);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto slot_of = slots_of(observation, row);
    for (std::size_t k = 0; k < served.ordered[row]; ++k) {
      const std::int32_t video = served.video_at(row, k);
      const std::size_t slot = observation.candidates > 0 ? slot_of.at(video) : static_cast<std::size_t>(video);
      scores[row * slots + slot] = -static_cast<float>(k);
    }
  }
}

std::int32_t StagedPolicy::first_video(const DecisionBatch& batch, std::uint32_t row, RequestDice& dice,
                                       KnownHeads& known) const {
  const Served served =
      serve(Requests{batch, {&row, 1}, {&dice, 1}, batch.slate, num_videos_, false, creators_.get()}, &known);
  return served.ordered[0] == 0 ? -1 : served.kept.video[served.place[0]];
}

Outcomes StagedPolicy::first_videos(const DecisionBatch& batch, std::uint32_t row) const {
  KnownHeads known(composition_.score.get());
  const RandomKey key = decision_key(batch, row);
  return outcomes_of(RequestDice(key), key, composition_.most_outcomes, composition_.draws,
                     [&](RequestDice& dice) { return first_video(batch, row, dice, known); });
}

bool StagedPolicy::best_probabilities(const DecisionBatch& batch, std::size_t row, std::span<double> out) const {
  std::fill(out.begin(), out.end(), 0.0);
  const auto slots = slots_of(batch.observation, row);
  for (const auto& [video, probability] : first_videos(batch, static_cast<std::uint32_t>(row)).all)
    if (video >= 0)
      out[batch.observation.candidates > 0 ? slots.at(video) : static_cast<std::size_t>(video)] += probability;
  return true;
}

std::vector<ChanceShare> StagedPolicy::chance_shares(const DecisionBatch& batch, std::uint32_t row) const {
  KnownHeads known(composition_.score.get());
  const RandomKey key = decision_key(batch, row);
  RequestDice thrown(key);
  const std::int32_t first = first_video(batch, row, thrown, known);
  std::vector<ChanceShare> shares;
  for (std::size_t c = 0; c < kNumChances; ++c) {
    const auto chance = static_cast<Chance>(c);
    if (!thrown.drew(chance)) continue;
    RequestDice alone(key);
    for (std::size_t other = 0; other < kNumChances; ++other)
      if (other != c) alone.freeze(static_cast<Chance>(other), key);
    const Outcomes outcomes = outcomes_of(alone, key, composition_.most_outcomes, composition_.draws,
                                          [&](RequestDice& dice) { return first_video(batch, row, dice, known); });
    ChanceShare share{.chance = chance, .moves = 0.0, .exact = outcomes.exact};
    for (const auto& [video, probability] : outcomes.all)
      if (video != first) share.moves += probability;
    shares.push_back(share);
  }
  return shares;
}

}  // namespace swipegym
