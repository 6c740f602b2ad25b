#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/error.h"
#include "replay/uniform_replay.h"

namespace swipegym {
namespace {

constexpr std::size_t kLine = 64;   // bytes of a cache line
constexpr std::size_t kAhead = 6;   // rows whose histories are on their way while one is copied
constexpr std::size_t kBlock = 64;  // rows whose places are found before any is copied

void prefetch_bytes(const void* from, std::size_t bytes) noexcept {
  const char* first = static_cast<const char*>(from);
  for (std::size_t at = 0; at < bytes + kLine; at += kLine) __builtin_prefetch(first + at);
}

void resize(SampledStates& states, const SampleRequest& request, std::size_t length, std::size_t candidates) {
  states.history_video.resize(request.count * length);
  if (request.ratios) states.history_ratio.resize(request.count * length);
  if (!request.decision) return;
  states.context.resize(request.count * kContextFeatures);
  states.candidate.resize(request.count * candidates);
  states.mask.resize(request.count * candidates);
}

void resize(TransitionBatch& out, const SampleRequest& request, const UniformReplayConfig& config) {
  out.rows = request.count, out.history_length = config.history_length, out.candidates = config.candidates;
  out.user.resize(request.count), out.action.resize(request.count), out.video.resize(request.count);
  out.reward.resize(request.count), out.cost.resize(request.count * config.costs), out.discount.resize(request.count);
  out.terminated.resize(request.count), out.truncated.resize(request.count);
  out.steps.resize(request.count), out.id.resize(request.count);
  resize(out.state, request, config.history_length, config.candidates);
  if (request.next) resize(out.next, request, config.history_length, config.candidates);
}

/// Where a state's history lies: `own` entries of the env's ring that end before `at`, behind `logged` entries of the
/// population that end at `logged_end`, behind padding.
struct Stretch {
  std::size_t padding, logged, own;
  std::uint64_t logged_end;
};

template <class T, class Logged>
void copy_stretch(const Stretch& stretch, const Logged* logged, const T* ring, std::size_t ring_size, std::size_t at,
                  T padding, T* out) {
  static_assert(sizeof(T) == sizeof(Logged));
  std::fill_n(out, stretch.padding, padding);
  out += stretch.padding;
  if (stretch.logged > 0) std::memcpy(out, logged + stretch.logged_end - stretch.logged, stretch.logged * sizeof(T));
  out += stretch.logged;
  const std::size_t wrapped = stretch.own > at ? stretch.own - at : 0;  // entries at the ring's far end
  std::memcpy(out, ring + ring_size - wrapped, wrapped * sizeof(T));
  std::memcpy(out + wrapped, ring + at + wrapped - stretch.own, (stretch.own - wrapped) * sizeof(T));
}

// The history `steps` videos later: the window moves on, and the videos shown since come in at its end.
template <class T>
void shift_stretch(const T* before, std::size_t length, std::size_t steps, const T* ring, std::size_t ring_size,
                   std::size_t at, T* out) {
  std::memcpy(out, before + steps, (length - steps) * sizeof(T));
  for (std::size_t i = 0; i < steps; ++i) out[length - steps + i] = ring[(at + i) % ring_size];
}

}  // namespace

// Envs may hold different numbers of steps; proposing (env, age of the step) evenly and refusing what is no transition
// keeps all transitions equally likely.
UniformReplay::Place UniformReplay::propose(RandomStream& random, std::uint64_t longest) const noexcept {
  Place place;
  place.env = random.below(static_cast<std::uint32_t>(config_.num_envs));
  const std::uint64_t back = 1 + random.below(static_cast<std::uint32_t>(longest));
  if (back > head_[place.env]) return place;
  place.position = head_[place.env] - back;
  place.entry = entry_at(place.env, place.position);
  return place;
}

UniformReplay::Place UniformReplay::draw(RandomStream random, std::uint64_t longest) const noexcept {
  for (;;)
    if (const Place place = propose(random, longest); is_transition(place)) return place;
}

std::size_t UniformReplay::steps_ahead(const Place& place, int n_step) const noexcept {
  std::size_t steps = 1;
  for (; steps < static_cast<std::size_t>(n_step) && place.position + steps < head_[place.env]; ++steps) {
    if (entries_[entry_at(place.env, place.position + steps - 1)].flags & (kTerminated | kTruncated)) break;
    if (!(entries_[entry_at(place.env, place.position + steps)].flags & kTransition)) break;
  }
  return steps;
}

void UniformReplay::prefetch(const Place& place, const SampleRequest& request) const noexcept {
  const std::size_t at = place.entry;
  const std::size_t length = config_.history_length;
  const std::size_t own = std::min<std::size_t>(entries_[at].age, length);
  const std::size_t shown = shown_at(place.env, place.position);
  const std::size_t from = shown - std::min(own, shown);
  const Population& population = simulator_->population;
  const std::uint64_t end = population.history_offset[entries_[at].user + 1];
  const std::size_t logged = std::min<std::size_t>(length - own, end);
  prefetch_bytes(&video_[from], own * sizeof(std::int32_t));
  prefetch_bytes(population.history_video.data() + end - logged, logged * sizeof(std::int32_t));
  if (request.ratios) {
    prefetch_bytes(&ratio_[from], own * sizeof(float));
    prefetch_bytes(population.history_ratio.data() + end - logged, logged * sizeof(float));
  }
  if (!request.decision || config_.candidates == 0) return;
  prefetch_bytes(&candidate_[at * config_.candidates], config_.candidates * sizeof(std::int32_t));
  prefetch_bytes(&mask_[at * mask_bytes_], mask_bytes_);
}

void UniformReplay::copy_histories(const Place& place, const SampleRequest& request, std::size_t row,
                                   TransitionBatch& out) const {
  const Population& population = simulator_->population;
  const std::size_t length = config_.history_length;
  const Entry& entry = entries_[place.entry];
  Stretch stretch{};
  stretch.own = std::min<std::size_t>(entry.age, length);
  stretch.logged_end = population.history_offset[entry.user + 1];
  stretch.logged =
      std::min<std::size_t>(length - stretch.own, stretch.logged_end - population.history_offset[entry.user]);
  stretch.padding = length - stretch.own - stretch.logged;
  const std::size_t base = place.env * ring_, at = place.position % ring_;
  const auto copy = [&](const auto* logged, const auto* ring, auto padding, auto& state, auto& next) {
    copy_stretch(stretch, logged, ring, ring_, at, padding, &state[row * length]);
    if (request.next) shift_stretch(&state[row * length], length, place.steps, ring, ring_, at, &next[row * length]);
  };
  copy(population.history_video.data(), &video_[base], std::int32_t{-1}, out.state.history_video,
       out.next.history_video);
  if (request.ratios)
    copy(population.history_ratio.data(), &ratio_[base], 0.0F, out.state.history_ratio, out.next.history_ratio);
}

void UniformReplay::copy_decision(std::size_t from, std::size_t row, SampledStates& out) const {
  const std::size_t m = config_.candidates;
  std::memcpy(&out.context[row * kContextFeatures], entries_[from].context, sizeof entries_[from].context);
  if (m == 0) return;
  std::memcpy(&out.candidate[row * m], &candidate_[from * m], m * sizeof(std::int32_t));
  const std::uint8_t* bits = &mask_[from * mask_bytes_];
  for (std::size_t slot = 0; slot < m; ++slot) out.mask[row * m + slot] = bits[slot / 8] >> (slot % 8) & 1U;
}

void UniformReplay::copy_outcome(const Place& place, const SampleRequest& request, std::size_t row,
                                 TransitionBatch& out) const {
  const Entry& entry = entries_[place.entry];
  float reward = 0.0F, discount = 1.0F;
  std::uint32_t flags = 0;
  std::fill_n(out.cost.begin() + static_cast<std::ptrdiff_t>(row * config_.costs), config_.costs, 0.0F);
  for (std::size_t step = 0; step < place.steps; ++step) {
    const std::size_t from = step == 0 ? place.entry : entry_at(place.env, place.position + step);
    reward += discount * entries_[from].reward;
    for (std::size_t i = 0; i < config_.costs; ++i)
      out.cost[row * config_.costs + i] += discount * cost_[from * config_.costs + i];
    discount *= request.discount * entries_[from].stays;
    flags = entries_[from].flags;
  }
  out.user[row] = entry.user;
  out.video[row] = video_[shown_at(place.env, place.position)];
  out.reward[row] = reward;
  out.terminated[row] = (flags & kTerminated) != 0;
  out.truncated[row] = (flags & kTruncated) != 0;
  out.discount[row] = discount;
  out.steps[row] = static_cast<std::uint16_t>(place.steps);
  out.id[row] = place.position * config_.num_envs + place.env;
}

void UniformReplay::prepare(const SampleRequest& request, TransitionBatch& out) const {
  if (size_ == 0) throw InputError("the replay buffer holds no transition yet: step the environment first");
  if (request.n_step < 1 || static_cast<std::size_t>(request.n_step) > config_.history_length)
    throw InputError("n_step must lie between 1 and the history length");
  resize(out, request, config_);
}

void UniformReplay::copy_places(std::span<Place> places, const SampleRequest& request, std::size_t first,
                                TransitionBatch& out) const {
  const Population& population = simulator_->population;
  for (Place& place : places) {
    place.steps = steps_ahead(place, request.n_step);
    __builtin_prefetch(&population.history_offset[entries_[place.entry].user]);
  }
  for (std::size_t i = 0; i < std::min(kAhead, places.size()); ++i) prefetch(places[i], request);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + kAhead < places.size()) prefetch(places[i + kAhead], request);
    copy_histories(places[i], request, first + i, out);
    copy_outcome(places[i], request, first + i, out);
    if (!request.decision) continue;
    copy_decision(places[i].entry, first + i, out.state);
    const auto slots = out.state.candidate.begin() + static_cast<std::ptrdiff_t>((first + i) * config_.candidates);
    const auto end = slots + static_cast<std::ptrdiff_t>(config_.candidates);
    out.action[first + i] =
        slots == end ? -1 : static_cast<std::int32_t>(std::find(slots, end, out.video[first + i]) - slots);
    if (request.next) copy_decision(entry_at(places[i].env, places[i].position + places[i].steps), first + i, out.next);
  }
}

void UniformReplay::sample(const SampleRequest& request, TransitionBatch& out) const {
  prepare(request, out);
  const std::uint64_t longest = std::min<std::uint64_t>(window_, *std::max_element(head_.begin(), head_.end()));
  // A block of rows is drawn first, so that the memory of several rows is fetched while one is copied.
  Place places[kBlock];
  for (std::size_t first = 0; first < request.count; first += kBlock) {
    const std::size_t count = std::min(kBlock, request.count - first);
    const auto stream_of = [&](std::size_t i) {
      return RandomStream(request.key, static_cast<std::uint32_t>(request.first_row + first + i));
    };
    for (std::size_t i = 0; i < count; ++i) {
      RandomStream random = stream_of(i);
      places[i] = propose(random, longest);
      if (places[i].entry != kNoEntry) __builtin_prefetch(&entries_[places[i].entry]);
    }
    for (std::size_t i = 0; i < count; ++i)
      if (!is_transition(places[i])) places[i] = draw(stream_of(i), longest);
    copy_places({places, count}, request, first, out);
  }
}

void UniformReplay::gather(std::span<const std::uint64_t> ids, const SampleRequest& request,
                           TransitionBatch& out) const {
  assert(ids.size() == request.count);
  prepare(request, out);
  Place places[kBlock];
  for (std::size_t first = 0; first < ids.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, ids.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      places[i].env = ids[first + i] % config_.num_envs;
      places[i].position = ids[first + i] / config_.num_envs;
      places[i].entry = entry_at(places[i].env, places[i].position);
      __builtin_prefetch(&entries_[places[i].entry]);
    }
    copy_places({places, count}, request, first, out);
  }
}

}  // namespace swipegym
