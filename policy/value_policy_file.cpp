#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "policy/value_policy.h"

namespace swipegym {
namespace {

using Json = nlohmann::json;

// Beyond this many videos a table of their vectors costs more memory than computing those of the candidates is worth.
constexpr std::size_t kTableVideos = 500'000;

Json network_json(const ValueModel& model) {
  const ValueNetworkConfig& n = model.network_config;
  const StateEncoderConfig& e = model.encoder_config;
  return {{"state_hidden", n.state_hidden},
          {"item_hidden", n.item_hidden},
          {"width", n.width},
          {"tag_dim", n.tag_dim},
          {"author_dim", n.author_dim},
          {"id_dim", n.id_dim},
          {"interaction_hidden", n.interaction_hidden},
          {"fast_decay", e.fast_decay},
          {"slow_decay", e.slow_decay},
          {"recent", e.recent},
          {"session_clock", e.session_clock}};
}

void read_network_json(const Json& json, ValueModel& model) {
  ValueNetworkConfig& n = model.network_config;
  StateEncoderConfig& e = model.encoder_config;
  json.at("state_hidden").get_to(n.state_hidden), json.at("item_hidden").get_to(n.item_hidden);
  json.at("width").get_to(n.width), json.at("tag_dim").get_to(n.tag_dim);
  json.at("author_dim").get_to(n.author_dim), json.at("id_dim").get_to(n.id_dim);
  json.at("interaction_hidden").get_to(n.interaction_hidden);
  json.at("fast_decay").get_to(e.fast_decay), json.at("slow_decay").get_to(e.slow_decay);
  json.at("recent").get_to(e.recent), json.at("session_clock").get_to(e.session_clock);
}

}  // namespace

void save_policy(const ValueModel& model, const std::filesystem::path& path) {
  Hdf5Writer file(path);
  file.attribute("kind", "policy");
  file.attribute("schema_version", kPolicyVersion);
  file.attribute("policy", model.name);
  file.attribute("seed", static_cast<std::int64_t>(model.seed));
  file.attribute("data_fingerprint", static_cast<std::int64_t>(model.data_fingerprint));
  file.write_text("config", model.config);
  file.write_text("architecture", network_json(model).dump());
  save(file, "items", model.items);
  model.network.save(file, "network", /*moments=*/false);
  file.commit();
}

std::shared_ptr<const Policy> load_policy(const std::filesystem::path& path, const Simulator& simulator) {
  const Hdf5Reader file(path, "policy", kPolicyVersion);
  auto model = std::make_shared<ValueModel>();
  model->name = file.attribute_text("policy");
  model->seed = static_cast<std::uint64_t>(file.attribute_int("seed"));
  model->data_fingerprint = static_cast<std::uint64_t>(file.attribute_int("data_fingerprint"));
  model->config = file.read_text("config");
  try {
    read_network_json(Json::parse(file.read_text("architecture")), *model);
  } catch (const Json::exception& error) {
    throw InputError(path.string() + ": its network description cannot be read (" + error.what() +
                     "); train the policy again");
  }
  const ItemInputs own = load_item_inputs(file, "items");
  const std::size_t state_size = StateEncoder(model->encoder_config, own).state_size();
  model->network = ValueNetwork(model->network_config, state_size, own, RandomKey{});
  model->network.load(file, "network");
  model->items = match_item_inputs(own, simulator.catalogue);
  if (model->items.num_videos() <= kTableVideos) model->item_table = model->network.item_table(model->items, 0);
  return std::make_shared<ValuePolicy>(std::move(model));
}

}  // namespace swipegym
