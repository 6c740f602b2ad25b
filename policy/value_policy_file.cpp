#include "core/config.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "policy/value_policy.h"

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

}  // namespace

void save_policy(const ValueModel& model, const std::filesystem::path& path) {
  Hdf5Writer file(path);
  write_header(file, {.model = "value",
                      .policy = model.name,
                      .seed = model.seed,
                      .data_fingerprint = model.data_fingerprint,
                      .catalogue_until = model.catalogue_until,
                      .temperature = model.temperature,
                      .config = model.config});
  file.write_text("architecture", config_to_json(Architecture{model.network_config, model.encoder_config}).dump());
  save(file, "items", *model.items);
  model.network.save(file, "network", /*moments=*/false);
  file.commit();
}

std::shared_ptr<const Policy> load_value_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<ValueModel>();
  const PolicyHeader header = read_header(file);
  model->name = header.policy;
  model->seed = header.seed;
  model->data_fingerprint = header.data_fingerprint;
  model->catalogue_until = header.catalogue_until;
  model->temperature = header.temperature;
  model->config = header.config;
  const auto architecture = config_from_text<Architecture>(file.read_text("architecture"), file.path().string() + ": architecture");
  model->network_config = architecture.network;
  model->encoder_config = architecture.encoder;
  const ItemInputs own = load_item_inputs(file, "items");
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  model->network = ValueNetwork(model->network_config, state_size, own, RandomKey{});
  model->network.load(file, "network");
  model->items = std::make_shared<const ItemInputs>(match_item_inputs(own, catalogue));
  if (model->items->num_videos() <= kTableVideos) model->item_table = model->network.item_table(*model->items, 0);
  return std::make_shared<ValuePolicy>(std::move(model));
}

}  // namespace swipegym
