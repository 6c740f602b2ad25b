#include "policy/stages/slate_orderer.h"

#include <algorithm>

#include "core/error.h"
#include "policy/ordering/order_slate.h"
#include "policy/policy_file.h"
#include "policy/query_source.h"
#include "policy/row_copies.h"

namespace swipegym {
namespace {

constexpr std::size_t kShownBefore = 16;  // of the user's newest videos, which rules of sequence look back to

class SlateOrderer final : public Orderer {
 public:
  SlateOrderer(const SlateOrdererSettings& settings, std::shared_ptr<const Policy> vectors,
               std::shared_ptr<const Catalogue> catalogue)
      : settings_(settings),
        rules_(settings.order.rules),
        vectors_(std::move(vectors)),
        catalogue_(std::move(catalogue)),
        inventory_(count_by_tag(catalogue_->tag, catalogue_->num_tags)),
        no_tag_(static_cast<std::int32_t>(catalogue_->num_tags) - 1) {}
  std::string_view name() const noexcept override { return settings_.order.method; }
  std::size_t history_length() const noexcept override { return settings_.history_length; }

  std::uint32_t order(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                      std::span<float> value, std::vector<std::uint32_t>& places) const override {
    thread_local Room room;
    list(videos, value, places, room);
    const std::size_t n = room.relevance.size(), slots = std::min(requests.slate, n);
    if (n == 0) return 0;
    damp(value, places, room);
    look_back(requests, i, room);
    OrderRequest request{
        .list = {.relevance = room.relevance, .author = room.author, .tag = room.tag, .no_tag = no_tag_},
        .before = {room.author_before, room.tag_before},
        .boost = boost_of(requests, i),
        .bring_back = draw_bring_back(requests.dice[i], slots, room)};
    if (settings_.order.method != "value") add_likeness(videos, places, room, request.list);
    room.slate.resize(slots);
    const SlateOrder made = order_slate(request, settings_.order, rules_, room.work, room.slate);
    put_first(room, places);
    return made.violations;
  }

 private:
  struct Room {
    std::vector<float> relevance, vectors, likeness;
    std::vector<std::uint32_t> author, author_before, inventory, order;
    std::vector<std::uint16_t> tag, tag_before, history, tags_room;
    std::vector<SideInterest> interests;
    std::vector<double> chances;
    std::vector<std::int32_t> slate;
    std::vector<std::uint8_t> placed;
    OrderWorkspace work;
  };

  // The first videos of the present order, with what rules look at.
  void list(std::span<const std::int32_t> videos, std::span<const float> value,
            const std::vector<std::uint32_t>& places, Room& room) const {
    const std::size_t n = std::min(settings_.consider, places.size());
    room.relevance.resize(n), room.author.resize(n), room.tag.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      const auto video = static_cast<std::size_t>(videos[places[k]]);
      room.relevance[k] = value[places[k]];
      room.author[k] = catalogue_->author[video];
      room.tag[k] = catalogue_->tag[video];
    }
  }

  void damp(std::span<float> value, const std::vector<std::uint32_t>& places, Room& room) const {
    if (settings_.order.inventory.kappa == 0.0F) return;
    room.inventory.clear();
    for (const std::uint16_t tag : room.tag) room.inventory.push_back(inventory_[tag]);
    damp_by_inventory(room.relevance, room.inventory, settings_.order.inventory);
    for (std::size_t k = 0; k < room.relevance.size(); ++k) value[places[k]] = room.relevance[k];
  }

  // The user's newest videos, and the tags of all that the observation shows.
  void look_back(const Requests& requests, std::size_t i, Room& room) const {
    const ObservationView& observation = requests.batch.observation;
    const std::size_t first = requests.rows[i] * observation.history_length;
    room.history.clear(), room.author_before.clear(), room.tag_before.clear();
    for (std::size_t at = 0; at < observation.history_length; ++at) {
      const std::int32_t video = observation.history_video[first + at];
      if (video < 0) continue;
      room.history.push_back(catalogue_->tag[static_cast<std::size_t>(video)]);
      if (at + kShownBefore < observation.history_length) continue;
      room.author_before.push_back(catalogue_->author[static_cast<std::size_t>(video)]);
      room.tag_before.push_back(room.history.back());
    }
  }

  // One of the interests the list has videos of and one of the places, or none.
  BringBack draw_bring_back(RequestDice& dice, std::size_t slots, Room& room) const {
    const BringBackSettings& settings = settings_.order.bring_back;
    if (settings.probability == 0.0F) return {};
    find_side_interests(room.history, no_tag_, settings.least_share, room.tags_room, room.interests);
    keep_interests_of(room.tag, room.interests);
    if (room.interests.empty()) return {};
    const bool drawn = settings.place == "drawn";
    const std::size_t each = drawn ? slots : 1;
    room.chances.assign(1, 1.0 - static_cast<double>(settings.probability));
    for (const SideInterest& interest : room.interests)
      room.chances.insert(room.chances.end(), each,
                          static_cast<double>(settings.probability * interest.share) / static_cast<double>(each));
    const std::size_t side = dice.pick(Chance::kBringBack, room.chances);
    if (side == 0) return {};
    return {.tag = room.interests[(side - 1) / each].tag, .place = drawn ? (side - 1) % each : slots - 1};
  }

  // More diversity for whom the vectors are uncertain of.
  float boost_of(const Requests& requests, std::size_t i) const {
    if (settings_.order.variance.power == 0.0F) return 1.0F;
    const RowCopies row(requests.batch.observation, requests.rows.subspan(i, 1));
    float deviation = 0.0F;
    vectors_->query_source()->user_deviations(
        {.observation = row.observation(), .env = nullptr, .keys = {}, .streams = {}}, {&deviation, 1});
    return diversity_boost(deviation * deviation, settings_.mean_deviation * settings_.mean_deviation,
                           settings_.order.variance);
  }

  void add_likeness(std::span<const std::int32_t> videos, const std::vector<std::uint32_t>& places, Room& room,
                    ScoredList& list) const {
    const std::size_t n = room.relevance.size();
    if (vectors_ != nullptr) {
      const Matrix& items = vectors_->query_source()->query_items();
      const auto width = static_cast<std::size_t>(items.cols());
      room.vectors.resize(n * width);
      for (std::size_t k = 0; k < n; ++k)
        std::copy_n(items.data() + static_cast<std::size_t>(videos[places[k]]) * width, width,
                    room.vectors.data() + k * width);
      list.vectors = room.vectors;
      list.width = width;
      return;
    }
    room.likeness.resize(n * n);
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b <= a; ++b) {
        const bool tag = a == b || (room.tag[a] == room.tag[b] && room.tag[a] != no_tag_);
        const bool author = room.author[a] == room.author[b];
        room.likeness[a * n + b] = room.likeness[b * n + a] =
            (tag ? settings_.same_tag : 0.0F) + (author ? 1.0F - settings_.same_tag : 0.0F);
      }
    list.likeness = room.likeness;
  }

  // The slate, then the others in the order they had.
  static void put_first(Room& room, std::vector<std::uint32_t>& places) {
    room.placed.assign(room.relevance.size(), 0);
    room.order.clear();
    for (const std::int32_t at : room.slate) {
      if (at < 0) break;
      room.order.push_back(places[static_cast<std::size_t>(at)]);
      room.placed[static_cast<std::size_t>(at)] = 1;
    }
    for (std::size_t k = 0; k < room.placed.size(); ++k)
      if (room.placed[k] == 0) room.order.push_back(places[k]);
    std::copy(room.order.begin(), room.order.end(), places.begin());
  }

  SlateOrdererSettings settings_;
  SlateRules rules_;
  std::shared_ptr<const Policy> vectors_;  // null: likeness by tag and author
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::uint32_t> inventory_;  // [tags]
  std::int32_t no_tag_;
};

}  // namespace

std::shared_ptr<const Orderer> make_slate_orderer(const StageSettings& stage, const StageContext& context) {
  auto settings = stage.read<SlateOrdererSettings>();
  std::shared_ptr<const Policy> vectors;
  if (!settings.vectors.empty()) {
    vectors = stage.policy("vectors", settings.vectors, context);
    if (vectors->query_source() == nullptr)
      stage.refuse("vectors", settings.vectors, "a policy that has a vector of each video, such as a two-tower's");
  }
  if (settings.order.variance.power > 0.0F && (vectors == nullptr || !vectors->query_source()->user_deviations({}, {})))
    stage.refuse("variance", settings.order.variance.power,
                 "no power without \"vectors\" that have deviations, as 'supervised variational-two-tower' makes");
  if (settings.order.variance.power > 0.0F && settings.mean_deviation == 0.0F) {
    settings.mean_deviation = vectors->query_source()->mean_user_deviation();
    if (settings.mean_deviation == 0.0F)
      stage.refuse("mean_deviation", 0.0F, "a number above 0: this file of vectors does not tell its users' mean");
  }
  return std::make_shared<SlateOrderer>(settings, std::move(vectors), context.catalogue);
}

}  // namespace swipegym
