#include <fmt/format.h>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "nn/mlp.h"
#include "policy/multitask/multitask_policy.h"

namespace swipegym {
namespace {

// What a policy file says of its network and of how its outputs are used.
struct MultitaskArchitecture {
  MultitaskNetworkConfig network;
  StateEncoderConfig encoder;
  std::size_t history_length = 50;
  HeadWeights heads;  // 1 for those the network has
  MultitaskValue value;
};

template <class Visitor>
void visit_fields(Visitor& visit, MultitaskArchitecture& architecture) {
  visit("network", architecture.network);
  visit("encoder", architecture.encoder);
  visit("history_length", architecture.history_length, ranges::kHistory);
  visit("heads", architecture.heads, between(0, 1));
  visit("value", architecture.value);
}

struct StoredCalibration {
  std::vector<float> numbers;  // offsets, then slopes
  void validate() const { require_size("calibration", numbers.size(), 2 * kHeadOutputs); }
};

// Whether the value and the heads fit together, as check_value() has it; for a message that names the file.
struct StoredValue {
  const MultitaskValue& value;
  const std::vector<Head>& heads;
  void validate() const {
    require_that("architecture: heads", !heads.empty(), "at least one head");
    check_value(value, heads);
  }
};

void require_stored(const Hdf5Reader& file, const MultitaskNetworkConfig& c, const MultitaskShape& shape) {
  const std::size_t experts = c.kind == "mmoe" ? c.experts : 1, heads = shape.outputs.size();
  const std::size_t first = experts * c.expert.front() + (experts > 1 ? heads * experts : 0);
  const std::size_t author = c.creator_id ? c.author_dim : 0;
  require_stored(file, "the state's layers", layer_sizes(shape.state, c.state_hidden, first + c.width));
  require_stored(file, "the video's layers",
                 layer_sizes(shape.item + c.tag_dim + author + c.id_dim, c.item_hidden, first + c.width));
  require_stored(file, "the layer of pairs", {c.width + shape.cross, first});
  for (std::size_t i = 1; i < c.expert.size(); ++i)
    require_stored(file, "the experts", {experts * c.expert[i - 1], c.expert[i]});
  for (const std::size_t outputs : shape.outputs)
    require_stored(file, "a head's tower", layer_sizes(c.expert.back(), c.tower, outputs));
  require_stored(file, "the table of tags", {shape.tags, c.tag_dim});
  require_stored(file, "the table of authors", {shape.authors, author});
  require_stored(file, "the table of ids", {shape.ids, c.id_dim});
}

}  // namespace

void MultitaskPolicy::write(Hdf5Writer& file) const {
  const MultitaskModel& model = *model_;
  MultitaskArchitecture architecture{model.network_config, model.encoder_config, model.history_length, {}, model.value};
  for (const Head head : model.heads) architecture.heads.weight[static_cast<std::size_t>(head)] = 1.0F;
  file.write_text("architecture", config_to_json(architecture).dump());
  swipegym::save(file, "items", model.items);
  file.write("watch_bins/edge", model.watch_bins.edge);
  file.write("watch_bins/mean", model.watch_bins.mean);
  std::vector<float> numbers(model.calibration.offset.begin(), model.calibration.offset.end());
  numbers.insert(numbers.end(), model.calibration.slope.begin(), model.calibration.slope.end());
  file.write("calibration", numbers);
  for (std::size_t i = 0; i < model.sums.size(); ++i)
    if (model.sums[i].features > 0) swipegym::save(file, fmt::format("sums/{}", kHeadOutputNames[i]), model.sums[i]);
  swipegym::save(file, "network", const_cast<MultitaskNetwork&>(model.network));  // which lists what it may change
}

std::shared_ptr<const Policy> load_multitask_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<MultitaskModel>();
  model->header = read_header(file);
  const auto architecture = read_architecture<MultitaskArchitecture>(file);
  model->network_config = architecture.network;
  model->encoder_config = architecture.encoder;
  model->history_length = architecture.history_length;
  model->heads = heads_of(architecture.heads);
  model->value = architecture.value;
  file.check(StoredValue{model->value, model->heads});
  model->watch_bins.edge = file.read<float>("watch_bins/edge");
  model->watch_bins.mean = file.read<float>("watch_bins/mean");
  file.check(model->watch_bins);
  const std::vector<float> numbers = file.checked(StoredCalibration{file.read<float>("calibration")}).numbers;
  std::copy_n(numbers.begin(), kHeadOutputs, model->calibration.offset.begin());
  std::copy_n(numbers.begin() + kHeadOutputs, kHeadOutputs, model->calibration.slope.begin());
  file.check(model->calibration);
  model->items = load_item_inputs(file, "items");
  require_known_videos(file, model->items.raw_id, catalogue);
  const MultitaskShape shape = multitask_shape(*model);
  require_stored(file, model->network_config, shape);
  model->network = MultitaskNetwork(model->network_config, shape, RandomKey{});
  swipegym::load(file, "network", model->network);
  if (file.has("sums")) {
    model->sums.resize(kHeadOutputs);
    for (std::size_t i = 0; i < kHeadOutputs; ++i)
      if (model->has(static_cast<HeadOutput>(i)))
        model->sums[i] =
            load_last_layer_sums(file, fmt::format("sums/{}", kHeadOutputNames[i]), model->network.feature_size() + 1);
  }
  model->items = match_item_inputs(model->items, catalogue);
  return std::make_shared<MultitaskPolicy>(std::move(model));
}

}  // namespace swipegym
