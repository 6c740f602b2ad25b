#include "policy/value/hierarchical_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_pieces.h"
#include "env/distinct_videos.h"
#include "policy/select.h"
#include "policy/value/stored_network.h"

namespace swipegym {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
// Videos of a row that are scored together: always whole multiples of the first, so that a score does not depend on
// how many there are.
constexpr std::size_t kVideoPiece = 64, kMostPairs = 1024;

// What a decision draws from: noise of the tags, which few videos, noise of each tag's videos.
RandomKey key_of(const DecisionBatch& batch, std::size_t row) {
  return split(split(batch.keys[row], Draw::kAction), batch.streams[row]);
}
RandomKey tag_noise(RandomKey decision) {
  return split(decision, 0);
}
RandomKey few_draws(RandomKey decision) {
  return split(decision, 1);
}
RandomKey video_noise(RandomKey decision, std::size_t group) {
  return split(decision, 2 + group);
}

bool may_show(const DecisionBatch& batch, std::size_t row, std::int32_t video) {
  return batch.env == nullptr || batch.env->may_show(row, static_cast<std::uint32_t>(video));
}

// Logits, -inf where impossible, into probabilities at a temperature.
void to_probabilities(std::span<const float> logits, float temperature, std::vector<double>& out) {
  const auto most = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  out.resize(logits.size());
  double sum = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    sum += out[i] = std::exp((static_cast<double>(logits[i]) - most) / static_cast<double>(temperature));
  for (double& one : out) one /= sum;
}

struct Ranked {
  float score;
  std::int32_t video;
};

}  // namespace

/// Room of one thread.
struct HierarchicalPolicy::Work {
  // Of a chunk of rows.
  StateEncoder::Histories histories;
  ValueNetwork::Work tags, videos;  // each with its states
  std::vector<float> tag_values;    // [kChunk, groups]
  // Of one of them.
  ValueNetwork::Work pairs;                          // its videos
  std::vector<float> tag_logits, logits;             // [groups], -inf where nothing may be shown; of the listed videos
  std::vector<std::int32_t> listed;                  // videos of a group that may be shown
  std::vector<std::uint32_t> slot;                   // of each of them
  std::vector<std::vector<std::uint32_t>> slots_of;  // with candidates: those of each group that are on offer
  std::vector<float> noisy, order;                   // tag_logits with noise; the same from the best down
  std::vector<Ranked> ranked;
};

std::shared_ptr<HierarchicalModel> make_hierarchical_model(std::string name, const Catalogue& catalogue,
                                                           const HierarchicalNetworkConfig& network,
                                                           const StateEncoderConfig& encoder, std::uint64_t seed) {
  auto model = std::make_shared<HierarchicalModel>();
  model->header = {.model = "hierarchical",
                   .policy = std::move(name),
                   .seed = seed,
                   .catalogue_until = catalogue.until,
                   .temperature = 1.0F,
                   .config = "{}"};
  model->network_config = network;
  model->encoder_config = encoder;
  ItemInputs videos = make_item_inputs(catalogue);
  model->groups = std::make_shared<const TagGroups>(group_by_tag(videos));
  model->items = std::make_shared<const ItemInputs>(with_tag_rows(std::move(videos), *model->groups));
  model->network = HierarchicalNetwork(network, StateEncoder(encoder, *model->items).state_size(), *model->items,
                                       split(make_key(seed), Draw::kInit));
  return model;
}

HierarchicalPolicy::HierarchicalPolicy(std::shared_ptr<const HierarchicalModel> model, TagOffers* offers)
    : model_(std::move(model)), encoder_(model_->encoder_config, *model_->items), offers_(offers) {}

// Rows of the observation into rows 0, 1, ... of both state towers, with the logits of every tag.
void HierarchicalPolicy::encode(const DecisionBatch& batch, std::span<const std::uint32_t> rows, Work& work) const {
  const ItemInputs& items = *model_->items;
  const std::size_t groups = model_->groups->size(), pairs = kChunk * groups;
  ValueNetwork::Work& tags = work.tags;
  // Always whole chunks, so that a row's logits do not depend on how many there are.
  tags.states.setZero(static_cast<Eigen::Index>(kChunk), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(batch.observation, rows, tags.states, work.histories);
  work.videos.states = tags.states;
  model_->network.tags.forward_states(items, tags);
  model_->network.videos.forward_states(items, work.videos);
  tags.videos.resize(groups);
  for (std::size_t g = 0; g < groups; ++g) tags.videos[g] = tag_row(*model_->groups, g);
  model_->network.tags.forward_items(items, tags);
  tags.cross.setZero(static_cast<Eigen::Index>(pairs), static_cast<Eigen::Index>(StateEncoder::kCross));
  tags.videos.resize(pairs);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const std::size_t place = pair / groups, g = pair % groups;
    tags.videos[pair] = static_cast<std::int32_t>(g);  // of the few rows that were computed
    if (place < rows.size())
      encoder_.cross(tags.states, work.histories, place, tag_row(*model_->groups, g),
                     tags.cross.data() + pair * StateEncoder::kCross);
  }
  work.tag_values.resize(pairs);
  model_->network.tags.combine(tags.item.output(), true, pairs, groups, tags, work.tag_values);
  require_scores(work.tag_values);
}

// With candidates: which of them that may be chosen belong to which group.
void HierarchicalPolicy::group_slots(const DecisionBatch& batch, std::size_t row, Work& work) const {
  const ObservationView& observation = batch.observation;
  const auto group = [&](std::int32_t video) {
    return static_cast<std::size_t>(model_->groups->group_of[static_cast<std::size_t>(video)]);
  };
  work.slots_of.resize(model_->groups->size());
  for (std::vector<std::uint32_t>& slots : work.slots_of) slots.clear();
  for (std::size_t slot = 0; slot < observation.candidates; ++slot)
    if (observation.mask == nullptr || observation.mask[row * observation.candidates + slot] != 0)
      work.slots_of[group(video_in_slot(observation, row, slot))].push_back(static_cast<std::uint32_t>(slot));
}

// work.tag_logits of a row, which encode() put at `place`.
void HierarchicalPolicy::score_tags(const DecisionBatch& batch, std::size_t row, std::size_t place, Work& work) const {
  const TagGroups& groups = *model_->groups;
  const auto first = work.tag_values.begin() + static_cast<std::ptrdiff_t>(place * groups.size());
  work.tag_logits.assign(first, first + static_cast<std::ptrdiff_t>(groups.size()));
  if (batch.observation.candidates > 0) group_slots(batch, row, work);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const std::span<const std::int32_t> videos = groups.of(g);
    const bool any = batch.observation.candidates > 0
                         ? !work.slots_of[g].empty()
                         : std::any_of(videos.begin(), videos.end(),
                                       [&](std::int32_t video) { return may_show(batch, row, video); });
    if (!any) work.tag_logits[g] = kNever;
  }
}

// Lists what may be shown of a group.
void HierarchicalPolicy::list_videos(const DecisionBatch& batch, std::size_t row, std::size_t group, Work& work) const {
  work.listed.clear(), work.slot.clear();
  if (batch.observation.candidates > 0) {
    work.slot = work.slots_of[group];
    for (const std::uint32_t slot : work.slot) work.listed.push_back(video_in_slot(batch.observation, row, slot));
    return;
  }
  for (const std::int32_t video : model_->groups->of(group))
    if (may_show(batch, row, video)) work.listed.push_back(video);
  work.slot.assign(work.listed.begin(), work.listed.end());
}

// Lists what may be shown of a group, no more than there is room for: a uniform draw without replacement.
void HierarchicalPolicy::draw_few(const DecisionBatch& batch, std::size_t row, std::size_t group, Work& work) const {
  const std::span<const std::int32_t> all = model_->groups->of(group);
  const std::size_t most = offers_->slots - model_->groups->size(), videos = model_->groups->num_videos();
  RandomStream random(few_draws(key_of(batch, row)));
  // Rejection is fast while half of the group is free for certain; else the group is small.
  if (batch.env->on_offer().size() == videos && all.size() >= 2 * (most + batch.env->seen(row).size())) {
    work.listed.resize(most);
    collect_distinct(work.listed, static_cast<std::uint32_t>(videos), [&](auto& taken) {
      while (!taken.full()) {
        const auto video = static_cast<std::uint32_t>(all[random.below(static_cast<std::uint32_t>(all.size()))]);
        if (may_show(batch, row, static_cast<std::int32_t>(video)) && !taken.contains(video)) taken.take(video);
      }
    });
    return;
  }
  list_videos(batch, row, group, work);
  if (work.listed.size() <= most) return;
  for (std::size_t i = 0; i < most; ++i)
    std::swap(work.listed[i], work.listed[i + random.below(static_cast<std::uint32_t>(work.listed.size() - i))]);
  work.listed.resize(most);
}

void HierarchicalPolicy::keep_offer(std::size_t row, const Work& work) const {
  const std::size_t groups = model_->groups->size();
  std::int32_t* candidate = &offers_->candidate[row * offers_->slots];
  std::uint8_t* mask = &offers_->mask[row * offers_->slots];
  for (std::size_t g = 0; g < groups; ++g) {
    candidate[g] = tag_row(*model_->groups, g);
    mask[g] = work.tag_logits[g] > kNever;
  }
  for (std::size_t slot = groups; slot < offers_->slots; ++slot) {
    const std::size_t i = slot - groups;
    mask[slot] = i < work.listed.size();
    candidate[slot] = work.listed[mask[slot] != 0 ? i : 0];
  }
}

// work.logits of the listed videos of the row at `place`.
void HierarchicalPolicy::score_videos(std::size_t place, Work& work) const {
  const ValueNetwork& network = model_->network.videos;
  ValueNetwork::Work& pairs = work.pairs;
  const std::size_t count = work.listed.size();
  const std::size_t padded = (count + kVideoPiece - 1) / kVideoPiece * kVideoPiece;
  pairs.state.after.resize(1);
  pairs.state.after[0] = work.videos.state.output().row(static_cast<Eigen::Index>(place));
  work.logits.resize(padded);
  for (std::size_t first = 0; first < padded; first += kMostPairs) {
    const std::size_t here = std::min(kMostPairs, padded - first), known = std::min(here, count - first);
    pairs.videos.assign(here, 0);
    std::copy_n(work.listed.begin() + static_cast<std::ptrdiff_t>(first), known, pairs.videos.begin());
    pairs.cross.setZero(static_cast<Eigen::Index>(here), static_cast<Eigen::Index>(StateEncoder::kCross));
    for (std::size_t i = 0; i < known; ++i)
      encoder_.cross(work.videos.states, work.histories, place, pairs.videos[i],
                     pairs.cross.data() + i * StateEncoder::kCross);
    const bool has_table = model_->item_table.size() > 0;
    if (!has_table) network.forward_items(*model_->items, pairs);
    network.combine(has_table ? model_->item_table : pairs.item.output(), has_table, here, here, pairs,
                    std::span(work.logits).subspan(first, here));
  }
  work.logits.resize(count);
  require_scores(work.logits);
}

void HierarchicalPolicy::add_noise(RandomKey key, std::span<float> logits) const {
  const float temperature = model_->header.temperature;
  if (temperature == 0.0F) return;
  RandomStream random(key);
  for (float& logit : logits) {
    const double u = std::max(random.uniform_double(), 1e-300);
    logit = logit / temperature - static_cast<float>(std::log(-std::log(u)));
  }
  require_scores(logits);
}

void HierarchicalPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const std::size_t slots = num_slots(batch.observation, model_->groups->num_videos());
  std::fill(scores.begin(), scores.end(), kNever);
  parallel_pieces(batch.observation.rows, kChunk, batch.threads,
                  [&](std::size_t, std::size_t first, std::size_t count) {
                    thread_local Work work;
                    thread_local std::vector<std::uint32_t> rows;
                    rows.resize(count);
                    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
                    encode(batch, rows, work);
                    for (std::size_t i = 0; i < count; ++i) {
                      const RandomKey key = key_of(batch, rows[i]);
                      score_tags(batch, rows[i], i, work);
                      add_noise(tag_noise(key), work.tag_logits);
                      for (std::size_t g = 0; g < work.tag_logits.size(); ++g) {
                        if (work.tag_logits[g] == kNever) continue;
                        list_videos(batch, rows[i], g, work);
                        score_videos(i, work);
                        add_noise(video_noise(key, g), work.logits);
                        const float most = *std::max_element(work.logits.begin(), work.logits.end());
                        for (std::size_t v = 0; v < work.logits.size(); ++v)
                          scores[rows[i] * slots + work.slot[v]] = work.tag_logits[g] - (most - work.logits[v]);
                      }
                    }
                  });
}

// The best of the row at `place`: no group below the count-th best can hold one.
void HierarchicalPolicy::choose(const DecisionBatch& batch, std::size_t row, std::size_t place, std::size_t count,
                                Work& work, std::span<std::int32_t> out) const {
  const RandomKey key = key_of(batch, row);
  score_tags(batch, row, place, work);
  std::vector<float>& noisy = work.noisy;
  noisy = work.tag_logits;
  add_noise(tag_noise(key), noisy);
  work.order = noisy;
  const auto last = work.order.begin() + static_cast<std::ptrdiff_t>(std::min(count, noisy.size()) - 1);
  std::nth_element(work.order.begin(), last, work.order.end(), std::greater<>());
  const float bar = *last;
  std::vector<Ranked>& ranked = work.ranked;
  ranked.clear();
  for (std::size_t g = 0; g < noisy.size(); ++g) {
    if (noisy[g] == kNever || noisy[g] < bar) continue;
    if (offers_ != nullptr)
      draw_few(batch, row, g, work);
    else
      list_videos(batch, row, g, work);
    score_videos(place, work);
    if (offers_ != nullptr) keep_offer(row, work);
    add_noise(video_noise(key, g), work.logits);
    const float most = *std::max_element(work.logits.begin(), work.logits.end());
    for (std::size_t v = 0; v < work.logits.size(); ++v)
      ranked.push_back({noisy[g] - (most - work.logits[v]), work.listed[v]});
    if (offers_ != nullptr) break;  // what was offered is of one tag, of two equal ones too
  }
  if (ranked.size() < count)
    throw InputError(fmt::format("row {} has {} of {} videos left that were not shown, a slate needs {}", row,
                                 ranked.size(), model_->groups->num_videos(), count));
  std::partial_sort(
      ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count), ranked.end(),
      [](const Ranked& a, const Ranked& b) { return a.score != b.score ? a.score > b.score : a.video < b.video; });
  for (std::size_t k = 0; k < count; ++k) out[k] = ranked[k].video;
}

bool HierarchicalPolicy::best_videos(const DecisionBatch& batch, std::span<const std::uint32_t> rows, std::size_t count,
                                     std::span<std::int32_t> out) const {
  assert(offers_ == nullptr || count == 1);
  parallel_pieces(rows.size(), kChunk, batch.threads, [&](std::size_t, std::size_t first, std::size_t here) {
    thread_local Work work;
    encode(batch, rows.subspan(first, here), work);
    for (std::size_t i = 0; i < here; ++i)
      choose(batch, rows[first + i], i, count, work, out.subspan((first + i) * count, count));
  });
  return true;
}

bool HierarchicalPolicy::best_probabilities(const DecisionBatch& batch, std::size_t row, std::span<double> out) const {
  const float temperature = model_->header.temperature;
  if (temperature == 0.0F) return false;  // no draw: the scores say it all
  const auto asked = static_cast<std::uint32_t>(row);
  Work work;
  std::vector<double> of_tag, of_video;
  std::fill(out.begin(), out.end(), 0.0);
  encode(batch, {&asked, 1}, work);
  score_tags(batch, row, 0, work);
  to_probabilities(work.tag_logits, temperature, of_tag);
  for (std::size_t g = 0; g < of_tag.size(); ++g) {
    if (work.tag_logits[g] == kNever) continue;
    list_videos(batch, row, g, work);
    score_videos(0, work);
    to_probabilities(work.logits, temperature, of_video);
    for (std::size_t v = 0; v < of_video.size(); ++v) out[work.slot[v]] = of_tag[g] * of_video[v];
  }
  return true;
}

void HierarchicalPolicy::write(Hdf5Writer& file) const {
  const HierarchicalModel& model = *model_;
  file.write_text("architecture", config_to_json(model).dump());
  swipegym::save(file, "items", first_rows(*model.items, model.groups->num_videos()));
  model.network.save(file, "network", /*moments=*/false);
}

std::shared_ptr<const Policy> load_hierarchical_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  const auto model = read_model<HierarchicalModel>(file);
  const ItemInputs own = load_item_inputs(file, "items");
  require_known_videos(file, own.raw_id, catalogue);
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  require_stored(file, model->network_config.towers, state_size, own);
  require_stored(file, tag_towers(model->network_config), state_size, own);
  model->network = HierarchicalNetwork(model->network_config, state_size, own, RandomKey{});
  model->network.load(file, "network");
  ItemInputs videos = match_item_inputs(own, catalogue);
  model->groups = std::make_shared<const TagGroups>(group_by_tag(videos));
  model->items = std::make_shared<const ItemInputs>(with_tag_rows(std::move(videos), *model->groups));
  model->item_table = model->network.videos.item_table(*model->items, 0);
  return std::make_shared<HierarchicalPolicy>(model);
}

}  // namespace swipegym
