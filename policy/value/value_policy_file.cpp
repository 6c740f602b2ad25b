#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

// Beyond this many videos a table of their vectors costs more memory than computing those of the candidates is worth.
constexpr std::size_t kTableVideos = 500'000;

// What a policy file says of its network: enough to build one of the same shape.
struct Architecture {
  ValueNetworkConfig network;
  StateEncoderConfig encoder;
};

template <class Visitor>
void visit_fields(Visitor& visit, Architecture& architecture) {
  visit("network", architecture.network);
  visit("encoder", architecture.encoder);
}

void require_stored(const Hdf5Reader& file, const ValueNetworkConfig& c, std::size_t state_size,
                    const ItemInputs& items) {
  const std::size_t item_size = c.tag_dim + c.author_dim + c.id_dim;
  const SequenceConfig& sequence = c.sequence;
  if (sequence.enabled()) {
    check(sequence);
    require_stored(file, "the sequence encoder", {sequence.length, sequence.width, sequence.width});
    require_stored(file, "the sequence encoder", {sequence.blocks, sequence.width * sequence.width});
    require_stored(file, "the sequence encoder", {item_size, sequence.width});
  }
  const std::size_t read = state_size + (sequence.enabled() ? sequence.width : 0);
  require_stored(file, "the state tower", layer_sizes(read, c.state_hidden, c.width));
  require_stored(file, "the video tower", layer_sizes(item_size, c.item_hidden, c.width));
  require_stored(file, "the network of pairs", {c.width, c.interaction_hidden});
  require_stored(file, "the table of tags", {items.num_tags, c.tag_dim});
  require_stored(file, "the table of authors", {items.num_authors, c.author_dim});
  require_stored(file, "the table of ids", {items.num_ids, c.id_dim});
}

}  // namespace

void ValuePolicy::write(Hdf5Writer& file) const {
  const ValueModel& model = *model_;
  file.write_text("architecture", config_to_json(Architecture{model.network_config, model.encoder_config}).dump());
  swipegym::save(file, "items", *model.items);
  model.network.save(file, "network", /*moments=*/false);
}

std::shared_ptr<const Policy> load_value_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<ValueModel>();
  model->header = read_header(file);
  const auto architecture = read_architecture<Architecture>(file);
  model->network_config = architecture.network;
  model->encoder_config = architecture.encoder;
  const ItemInputs own = load_item_inputs(file, "items");
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  require_stored(file, model->network_config, state_size, own);
  model->network = ValueNetwork(model->network_config, state_size, own, RandomKey{});
  model->network.load(file, "network");
  model->items = std::make_shared<const ItemInputs>(match_item_inputs(own, catalogue));
  if (model->items->num_videos() <= kTableVideos) model->item_table = model->network.item_table(*model->items, 0);
  return std::make_shared<ValuePolicy>(std::move(model));
}

}  // namespace swipegym
