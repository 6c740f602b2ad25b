#include "policy/multitask/multitask_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr std::size_t kRowsAtOnce = 16;        // whose states are encoded together
constexpr std::size_t kPairsAtOnce = 128;      // whose layers stay in the cache
constexpr std::size_t kTableBytes = 1U << 28;  // beyond that videos' shares are computed as they are asked for
constexpr float kLeastFactor = 1e-6F;          // of a product
constexpr float kLargestLog = 80.0F;           // whose exponential is a number

// The rows of these videos in the model's table.
void fill_table(VideoRange videos, MultitaskModel& model) {
  MultitaskNetwork::Work work;
  std::vector<std::int32_t> some;
  constexpr std::uint32_t kAtOnce = 1024;
  for (std::uint32_t first = videos.begin; first < videos.end; first += kAtOnce) {
    some.resize(std::min(kAtOnce, videos.end - first));
    std::iota(some.begin(), some.end(), static_cast<std::int32_t>(first));
    gather_videos(model.items, some, work);
    model.network.forward_items(work);
    model.item_table.middleRows(first, static_cast<Eigen::Index>(some.size())) = work.item.output();
  }
}

// Heads of the network that give the wanted outputs; empty: all.
std::vector<std::uint8_t> wanted_heads(const MultitaskModel& model, std::span<const std::uint8_t> outputs) {
  if (outputs.empty()) return {};
  std::vector<std::uint8_t> heads(model.heads.size());
  for (std::size_t k = 0; k < kHeadOutputs; ++k) {
    const auto output = static_cast<HeadOutput>(k);
    if (outputs[k] != 0 && model.has(output)) heads[model.place(head_of(output))] = 1;
  }
  return heads;
}

std::shared_ptr<const MultitaskModel> with_items(std::shared_ptr<MultitaskModel> model) {
  const std::size_t videos = model->items.num_videos(), share = model->network.share_size();
  model->item_table.resize(0, 0);
  if (videos * share * sizeof(float) > kTableBytes) return model;
  model->item_table.resize(static_cast<Eigen::Index>(videos), static_cast<Eigen::Index>(share));
  fill_table({0, static_cast<std::uint32_t>(videos)}, *model);
  return model;
}

}  // namespace

std::size_t MultitaskModel::place(Head head) const noexcept {
  return static_cast<std::size_t>(std::find(heads.begin(), heads.end(), head) - heads.begin());
}

std::vector<Head> heads_of(const HeadWeights& weights) {
  std::vector<Head> heads;
  for (std::size_t k = 0; k < kNumHeads; ++k)
    if (weights.weight[k] != 0.0F) heads.push_back(static_cast<Head>(k));
  return heads;
}

void check_value(const MultitaskValue& value, const std::vector<Head>& heads) {
  for (std::size_t i = 0; i < kHeadOutputs; ++i) {
    const Head head = head_of(static_cast<HeadOutput>(i));
    if (value.weight.weight[i] != 0.0F && std::find(heads.begin(), heads.end(), head) == heads.end())
      throw InputError(fmt::format("the value has a weight of '{}', but there is no head '{}'", kHeadOutputNames[i],
                                   kHeadNames[static_cast<std::size_t>(head)]));
  }
}

MultitaskShape multitask_shape(const MultitaskModel& model) {
  MultitaskShape shape{.state = StateEncoder::state_size(model.encoder_config, model.items.num_tags),
                       .item = kVideoFeatures + kDerivedItemFeatures,
                       .cross = StateEncoder::kCross,
                       .tags = model.items.num_tags,
                       .authors = model.items.num_authors,
                       .ids = model.items.num_ids,
                       .outputs = {}};
  for (const Head head : model.heads) shape.outputs.push_back(head == Head::kWatch ? model.watch_bins.size() : 1);
  return shape;
}

void forget_authors(ItemInputs& items) {
  std::fill(items.author.begin(), items.author.end(), -1);
  items.num_authors = 1;
}

std::shared_ptr<MultitaskModel> make_multitask_model(const Catalogue& catalogue, const MultitaskNetworkConfig& network,
                                                     const StateEncoderConfig& encoder, const std::vector<Head>& heads,
                                                     const WatchBins& watch_bins, std::uint64_t seed) {
  auto model = std::make_shared<MultitaskModel>();
  model->header.seed = seed;
  model->header.catalogue_until = catalogue.until;
  model->network_config = network;
  model->encoder_config = encoder;
  model->heads = heads;
  model->watch_bins = watch_bins;
  model->items = make_item_inputs(catalogue);
  if (!network.creator_id) forget_authors(model->items);
  model->network = MultitaskNetwork(network, multitask_shape(*model), split(make_key(seed), Draw::kInit));
  return model;
}

void gather_videos(const ItemInputs& items, std::span<const std::int32_t> videos, MultitaskNetwork::Work& work) {
  const auto features = static_cast<Eigen::Index>(kVideoFeatures);
  work.numbers.resize(static_cast<Eigen::Index>(videos.size()),
                      features + static_cast<Eigen::Index>(kDerivedItemFeatures));
  work.tag.resize(videos.size()), work.author.resize(videos.size()), work.id.resize(videos.size());
  for (std::size_t i = 0; i < videos.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const auto video = static_cast<std::size_t>(videos[i]);
    work.numbers.row(row).head(features) = items.features.row(videos[i]);
    work.numbers.row(row).tail(static_cast<Eigen::Index>(kDerivedItemFeatures)) = items.derived.row(videos[i]);
    work.tag[i] = items.tag[video], work.author[i] = items.author[video], work.id[i] = items.id[video];
  }
}

void raw_outputs(const MultitaskModel& model, const MultitaskNetwork::Work& work, std::size_t pair,
                 float* out) noexcept {
  std::fill_n(out, kHeadOutputs, 0.0F);
  for (std::size_t k = 0; k < model.heads.size(); ++k) {
    if (!work.wants(k)) continue;
    const Matrix& logits = work.output(k);
    const float* z = logits.data() + static_cast<Eigen::Index>(pair) * logits.cols();
    if (model.heads[k] != Head::kWatch) {
      out[static_cast<std::size_t>(model.heads[k]) + 1] = fast_sigmoid(z[0]);
      continue;
    }
    const std::size_t bins = model.watch_bins.size(), watched = model.watch_bins.first_watched();
    const float most = *std::max_element(z, z + bins);
    float all = 0.0F, above = 0.0F, ratio = 0.0F;
    for (std::size_t b = 0; b < bins; ++b) {
      const float p = fast_exp(z[b] - most);
      all += p, ratio += p * model.watch_bins.mean[b];
      if (b >= watched) above += p;
    }
    out[static_cast<std::size_t>(HeadOutput::kWatch)] = ratio / all;
    out[static_cast<std::size_t>(HeadOutput::kWatched)] = above / all;
  }
}

MultitaskPolicy::MultitaskPolicy(std::shared_ptr<MultitaskModel> model)
    : model_(with_items(std::move(model))), encoder_(model_->encoder_config, model_->items) {}

MultitaskPolicy::MultitaskPolicy(HasTable, std::shared_ptr<const MultitaskModel> model)
    : model_(std::move(model)), encoder_(model_->encoder_config, model_->items) {}

std::string_view MultitaskPolicy::head() const noexcept {
  const std::size_t only = model_->value.weight.only();
  if (model_->value.rule != "sum" || only > static_cast<std::size_t>(HeadOutput::kWatched)) return Policy::head();
  return only == static_cast<std::size_t>(HeadOutput::kWatch) ? kWatchRatioHead : kBinaryHead;
}

float MultitaskPolicy::value(const float* outputs) const noexcept {
  const bool product = model_->value.rule == "product";
  float sum = 0.0F;
  for (std::size_t i = 0; i < kHeadOutputs; ++i) {
    const float weight = model_->value.weight.weight[i];
    if (weight == 0.0F) continue;
    sum += weight * (product ? std::log(std::max(outputs[i], kLeastFactor)) : outputs[i]);
  }
  return product ? std::exp(std::clamp(sum, -kLargestLog, kLargestLog)) : sum;
}

// Encodes the rows and runs pairs 0 ... count - 1 in blocks; video_of(pair) gives {place among `rows`, video}, and
// take(pair, place in the block) is called for each pair whose outputs are ready.
template <class VideoOf, class Take>
void MultitaskPolicy::run(const ObservationView& observation, std::span<const std::uint32_t> rows, std::size_t count,
                          const VideoOf& video_of, MultitaskNetwork::Work& work, const Take& take) const {
  const MultitaskNetwork& network = model_->network;
  thread_local StateEncoder::Histories histories;
  thread_local std::vector<std::int32_t> videos;
  work.states.resize(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(encoder_.state_size()));
  encoder_.encode(observation, rows, work.states, histories);
  network.forward_states(work);
  const bool has_table = model_->item_table.size() > 0;
  for (std::size_t first = 0; first < count; first += kPairsAtOnce) {
    const std::size_t block = std::min(kPairsAtOnce, count - first);
    work.state_of.resize(block), work.video_of.resize(block);
    videos.resize(block);
    work.cross.resize(static_cast<Eigen::Index>(block), static_cast<Eigen::Index>(StateEncoder::kCross));
    for (std::size_t i = 0; i < block; ++i) {
      const auto [row, video] = video_of(first + i);
      work.state_of[i] = static_cast<std::uint32_t>(row);
      work.video_of[i] = static_cast<std::uint32_t>(has_table ? static_cast<std::size_t>(video) : i);
      videos[i] = video;
      encoder_.cross(work.states, histories, row, video, work.cross.data() + i * StateEncoder::kCross);
    }
    if (!has_table) {
      gather_videos(model_->items, videos, work);
      network.forward_items(work);
    }
    network.forward_pairs(has_table ? model_->item_table : work.item.output(), {}, work);
    for (std::size_t i = 0; i < block; ++i) take(first + i, i);
  }
}

void MultitaskPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  std::array<std::uint8_t, kHeadOutputs> weighed{};
  for (std::size_t k = 0; k < kHeadOutputs; ++k) weighed[k] = model_->value.weight.weight[k] != 0.0F ? 1 : 0;
  const std::vector<std::uint8_t> valued = wanted_heads(*model_, weighed);
  parallel_for((observation.rows + kRowsAtOnce - 1) / kRowsAtOnce, batch.threads, [&](std::size_t block, int) {
    thread_local MultitaskNetwork::Work work;
    const std::size_t first = block * kRowsAtOnce, count = std::min(kRowsAtOnce, observation.rows - first);
    std::array<std::uint32_t, kRowsAtOnce> rows{};
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    std::array<float, kHeadOutputs> out{};
    work.wanted = valued;
    run(
        observation, std::span(rows).first(count), count * slots,
        [&](std::size_t pair) {
          const std::size_t row = pair / slots;
          return std::pair{row, video_in_slot(observation, first + row, pair % slots)};
        },
        work,
        [&](std::size_t pair, std::size_t at) {
          raw_outputs(*model_, work, at, out.data());
          for (std::size_t k = 0; k < kHeadOutputs; ++k)
            if (model_->value.weight.weight[k] != 0.0F)
              out[k] = model_->calibration.apply(static_cast<HeadOutput>(k), out[k]);
          scores[first * slots + pair] = value(out.data());
        });
  });
}

void MultitaskPolicy::foresee(const HeadQuestion& question, Matrix& out, LastLayer* layer) const {
  const DecisionBatch& batch = question.batch;
  const std::span<const std::uint32_t> rows = question.rows, offset = question.offset;
  const std::span<const std::int32_t> videos = question.videos;
  const std::span<const std::uint8_t> wanted = question.wanted;
  assert(offset.size() == rows.size() + 1 && offset.back() - offset.front() == videos.size());
  const auto pairs = static_cast<Eigen::Index>(videos.size());
  const auto features = static_cast<Eigen::Index>(model_->network.feature_size());
  out.resize(pairs, static_cast<Eigen::Index>(kHeadOutputs));
  const std::vector<std::uint8_t> heads = wanted_heads(*model_, wanted);
  std::size_t layer_head = 0;
  if (layer != nullptr) {
    layer_head = model_->place(head_of(static_cast<HeadOutput>(layer->head)));
    assert(layer_head < model_->heads.size() && (heads.empty() || heads[layer_head] != 0));
    layer->values.resize(pairs, features + 1);
    layer->values.col(features).setOnes();
  }
  parallel_for((rows.size() + kRowsAtOnce - 1) / kRowsAtOnce, batch.threads, [&](std::size_t block, int) {
    thread_local MultitaskNetwork::Work work;
    thread_local std::vector<std::uint32_t> row_of;  // of each pair, among the block's rows
    const std::size_t first = block * kRowsAtOnce, count = std::min(kRowsAtOnce, rows.size() - first);
    const std::size_t begin = offset[first] - offset.front();
    row_of.clear();
    work.wanted = heads;
    for (std::size_t i = 0; i < count; ++i)
      row_of.insert(row_of.end(), offset[first + i + 1] - offset[first + i], static_cast<std::uint32_t>(i));
    run(
        batch.observation, rows.subspan(first, count), row_of.size(),
        [&](std::size_t pair) {
          return std::pair{std::size_t{row_of[pair]}, videos[begin + pair]};
        },
        work,
        [&](std::size_t pair, std::size_t at) {
          const auto row = static_cast<Eigen::Index>(begin + pair);
          float* mine = out.row(row).data();
          raw_outputs(*model_, work, at, mine);
          for (std::size_t k = 0; k < kHeadOutputs; ++k)
            if (has(static_cast<HeadOutput>(k)) && (wanted.empty() || wanted[k] != 0))
              mine[k] = model_->calibration.apply(static_cast<HeadOutput>(k), mine[k]);
          if (layer != nullptr)
            layer->values.row(row).head(features) =
                model_->network.features(layer_head, work).row(static_cast<Eigen::Index>(at));
        });
  });
}

std::shared_ptr<const Policy> MultitaskPolicy::for_catalogue(const Catalogue& catalogue) const {
  auto model = std::make_shared<MultitaskModel>(*model_);
  model->items = renew_item_inputs(model_->items, catalogue);
  return std::make_shared<MultitaskPolicy>(std::move(model));
}

std::shared_ptr<const Policy> MultitaskPolicy::refreshed(const CatalogueNow& now) const {
  auto model = std::make_shared<MultitaskModel>(*model_);
  renew_statistics(*now.catalogue, now.on_offer, model->items);
  if (model->item_table.size() > 0) fill_table(now.on_offer, *model);
  return std::shared_ptr<const Policy>(new MultitaskPolicy(HasTable{}, std::move(model)));
}

const LastLayerSums* MultitaskPolicy::last_layer_sums(std::size_t head) const noexcept {
  if (head >= model_->sums.size() || model_->sums[head].features == 0) return nullptr;
  return &model_->sums[head];
}

}  // namespace swipegym
