#include "policy/sasrec/sasrec_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/parallel_pieces.h"
#include "core/validate.h"
#include "env/fitted/feature_encoder.h"
#include "nn/fast_math.h"

namespace swipegym {
namespace {

constexpr std::array<std::string_view, 3> kObjectives = {"next", "ratio", "binary"};
constexpr std::size_t kRowsTogether = 16;
constexpr std::size_t kCandidatesTogether = 256;
constexpr std::uint32_t kMostUserRows = 1U << 24;  // of a table of users' features

void require_stored(const Hdf5Reader& file, const SasrecNetworkConfig& c, const ItemInputs& items,
                    const SasrecUsers& users) {
  check(c);
  require_stored(file, "the table of videos", {items.num_ids, c.width});
  if (c.authors) require_stored(file, "the table of authors", {items.num_authors, c.width});
  if (c.tags) require_stored(file, "the table of tags", {items.num_tags, c.width});
  require_stored(file, "the table of users", {users.table_rows, c.user_width});
  if (c.positions != "none") require_stored(file, "the table of positions", {c.max_length, c.width});
  require_stored(file, "the transformer", {c.blocks, c.width * std::max(c.width, c.inner)});
  require_stored(file, "the heads", layer_sizes(c.width, c.head_hidden, std::size_t{SasrecNetwork::kHeads}));
}

}  // namespace

SasrecObjective parse_sasrec_objective(std::string_view name) {
  for (std::size_t i = 0; i < kObjectives.size(); ++i)
    if (kObjectives[i] == name) return static_cast<SasrecObjective>(i);
  throw InputError(fmt::format("unknown objective '{}', expected one of {}", name, fmt::join(kObjectives, ", ")));
}

std::string_view sasrec_objective_name(SasrecObjective objective) noexcept {
  return kObjectives[static_cast<std::size_t>(objective)];
}

void SasrecUsers::write(std::size_t user, std::vector<std::int32_t>& out) const {
  const std::size_t n = codes();
  if (user < raw_id.size())
    out.insert(out.end(), code.begin() + static_cast<std::ptrdiff_t>(user * n),
               code.begin() + static_cast<std::ptrdiff_t>((user + 1) * n));
  else
    out.insert(out.end(), n, -1);
}

void SasrecUsers::validate() const {
  require_between("user_rows", table_rows, 0U, kMostUserRows);
  require_size("users/code", code.size(), raw_id.size() * codes());
  require_below_or_none("users/code", std::span(code), table_rows);
}

SasrecUsers make_sasrec_users(const Dataset& data) {
  const FeatureEncoder encoder = encode_features(data);
  SasrecUsers users;
  users.raw_id = data.users.raw_id;
  users.code.assign(encoder.user_code.begin(), encoder.user_code.end());
  users.table_rows = encoder.table_rows;
  return users;
}

SasrecUsers match_users(const SasrecUsers& own, const Catalogue& catalogue) {
  if (own.raw_id == catalogue.raw_user_id || own.raw_id.empty()) return own;
  SasrecUsers users;
  users.raw_id = catalogue.raw_user_id;
  users.table_rows = own.table_rows;
  for (const std::int32_t row : match_ids(own.raw_id, users.raw_id))
    own.write(row < 0 ? own.raw_id.size() : static_cast<std::size_t>(row), users.code);
  return users;
}

float next_video_score(const SasrecModel& model, const Matrix& states, Eigen::Index state, std::size_t video) {
  if (state < 0) return model.items.features(static_cast<Eigen::Index>(video), kVideoExposures);
  const std::int32_t id = model.items.id[video];
  return id < 0 ? 0.0F : states.row(state).dot(model.network.items.table.value.row(id));
}

struct SasrecPolicy::Room {
  PackedHistories histories;
  SasrecWorkOf<float> work;
  std::vector<std::int32_t> state, item, author, tag, user;
  void clear_candidates() { state.clear(), item.clear(), author.clear(), tag.clear(), user.clear(), place.clear(); }
  std::vector<std::size_t> place;  // of each candidate in the scores
  Matrix features;
};

SasrecPolicy::SasrecPolicy(std::shared_ptr<const SasrecModel> model) : model_(std::move(model)) {}

void SasrecPolicy::score(const DecisionBatch& batch, std::span<float> scores) const {
  const ObservationView& observation = batch.observation;
  const std::size_t slots = num_slots(observation, model_->items.num_videos());
  parallel_pieces(observation.rows, kRowsTogether, batch.threads,
                  [&](std::size_t, std::size_t first, std::size_t count) {
                    thread_local Room room;
                    score_rows(observation, first, count, slots, room, scores.subspan(first * slots, count * slots));
                  });
}

std::string_view SasrecPolicy::head() const noexcept {
  if (model_->objective == SasrecObjective::kNext) return "next_video";
  if (model_->objective == SasrecObjective::kRatio) return kWatchRatioHead;
  // A chance of exceeding another threshold is an order only.
  return model_->threshold == 0.5F ? kBinaryHead : std::string_view("ratio_above_threshold");
}

void SasrecPolicy::score_rows(const ObservationView& observation, std::size_t first, std::size_t count,
                              std::size_t slots, Room& room, std::span<float> scores) const {
  const SasrecNetwork& network = model_->network;
  const ItemInputs& items = model_->items;
  room.histories.clear();
  for (std::size_t i = 0; i < count; ++i) pack_history(network.config(), items, observation, first + i, room.histories);
  const auto known = static_cast<Eigen::Index>(room.histories.rows());
  if (room.histories.features.rows() != known)
    room.histories.features.conservativeResize(known, static_cast<Eigen::Index>(kSasrecStepFeatures));
  network.forward(room.histories, {}, room.work);

  if (model_->objective == SasrecObjective::kNext) {
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t slot = 0; slot < slots; ++slot)
        scores[i * slots + slot] =
            next_video_score(*model_, room.work.states(), room.histories.newest(i),
                             static_cast<std::size_t>(video_in_slot(observation, first + i, slot)));
    return;
  }

  const auto flush = [&] {
    const auto n = static_cast<Eigen::Index>(room.item.size());
    if (n == 0) return;
    room.features.conservativeResize(n, static_cast<Eigen::Index>(kSasrecCandidateFeatures));
    network.forward_heads(room.state, room.item, room.author, room.features, {}, room.work, room.tag, room.user);
    const Matrix& out = room.work.head.output();
    for (Eigen::Index i = 0; i < n; ++i)
      scores[room.place[static_cast<std::size_t>(i)]] = model_->objective == SasrecObjective::kBinary
                                                            ? fast_sigmoid(out(i, SasrecNetwork::kBinary))
                                                            : out(i, SasrecNetwork::kRatio);
    room.clear_candidates();
  };
  room.clear_candidates();
  for (std::size_t i = 0; i < count; ++i) {
    const CandidateEncoder encoder(items, items.features, observation, first + i);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (room.item.empty())
        room.features.resize(static_cast<Eigen::Index>(kCandidatesTogether),
                             static_cast<Eigen::Index>(kSasrecCandidateFeatures));
      const std::int32_t video = video_in_slot(observation, first + i, slot);
      encoder.write(video, room.features.data() + room.item.size() * kSasrecCandidateFeatures);
      room.state.push_back(room.histories.newest(i));
      room.item.push_back(items.id[static_cast<std::size_t>(video)]);
      room.author.push_back(items.author[static_cast<std::size_t>(video)]);
      room.tag.push_back(items.tag[static_cast<std::size_t>(video)]);
      model_->users.write(observation.user != nullptr ? observation.user[first + i] : model_->users.raw_id.size(),
                          room.user);
      room.place.push_back(i * slots + slot);
      if (room.item.size() == kCandidatesTogether) flush();
    }
  }
  flush();
}

void SasrecPolicy::write(Hdf5Writer& file) const {
  const SasrecModel& model = *model_;
  file.write_text("architecture", config_to_json(model.network.config()).dump());
  file.write_text("objective", sasrec_objective_name(model.objective));
  swipegym::save(file, "items", model.items);
  file.write("users/raw_id", model.users.raw_id);
  file.write("users/code", model.users.code);
  file.attribute("user_rows", static_cast<std::int64_t>(model.users.table_rows));
  swipegym::save(file, "network", model.network, /*moments=*/false);
}

namespace {

// Of what a file says it was trained with; a half where that does not say.
float threshold_in(const std::string& config) {
  const Json settings = Json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!settings.is_object() || !settings.contains("threshold")) return 0.5F;
  return settings["threshold"].is_number() ? settings["threshold"].get<float>() : 0.0F;
}

std::shared_ptr<const SasrecModel> read_sasrec(const Hdf5Reader& file, const Catalogue& catalogue) {
  auto model = std::make_shared<SasrecModel>();
  model->header = read_header(file);
  model->threshold = threshold_in(model->header.config);
  try {
    model->objective = parse_sasrec_objective(file.read_text("objective"));
  } catch (const InputError& error) {
    const std::string name = file.path().string(), what = error.what();
    throw InputError(what.starts_with(name) ? what : name + ": " + what);
  }
  const auto config = read_architecture<SasrecNetworkConfig>(file);
  const ItemInputs own = load_item_inputs(file, "items");
  require_known_videos(file, own.raw_id, catalogue);
  SasrecUsers users;
  users.raw_id = file.read<std::int64_t>("users/raw_id");
  users.code = file.read<std::int32_t>("users/code");
  const std::int64_t rows = file.attribute_int("user_rows");
  users.table_rows = static_cast<std::uint32_t>(std::clamp<std::int64_t>(rows, 0, kMostUserRows + 1));
  file.check(users);
  require_stored(file, config, own, users);
  model->network = make_sasrec_network(config, own, RandomKey{}, users.table_rows);
  model->users = match_users(users, catalogue);
  load(file, "network", model->network);
  model->items = match_item_inputs(own, catalogue);
  return model;
}

}  // namespace

std::shared_ptr<const Policy> load_sasrec_policy(const Hdf5Reader& file, const Catalogue& catalogue) {
  return std::make_shared<SasrecPolicy>(read_sasrec(file, catalogue));
}

std::shared_ptr<const SasrecModel> load_sasrec_model(const std::filesystem::path& path, const Catalogue& catalogue) {
  const Hdf5Reader file(path, kPolicyKind, kPolicyVersion);
  if (const std::string model = read_header(file).model; model != "sasrec")
    throw InputError(
        fmt::format("{}: a policy of the model '{}', expected a SASRec: one of sqn, sac, sasrec-clicks or sasrec-next",
                    path.string(), model));
  return read_sasrec(file, catalogue);
}

}  // namespace swipegym
