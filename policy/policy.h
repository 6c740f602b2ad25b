#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/random.h"
#include "env/observation.h"
#include "env/simulator.h"
#include "env/vector_env.h"
#include "env/video_range.h"

namespace swipegym {

class HeadSource;
class Hdf5Writer;
class QuerySource;

/// What a learned policy says of itself, in memory and in its file.
struct PolicyHeader {
  std::string model{};   // which loader reads its file: "value", "two_tower", ... (policy_file.cpp); empty: it has none
  std::string policy{};  // name of the agent that learned it: "dqn", "mf", ...
  std::uint64_t seed = 0;
  std::uint64_t data_fingerprint = 0;  // of the data behind the simulator or log it learned from
  /// Last day (yyyymmdd) of the rows its catalogue was made of: whoever scores logged rows makes the catalogue of that
  /// day again, so that no feature knows later rows. 0: unknown.
  std::int32_t catalogue_until = 0;
  float temperature = 0.0F;  // see Policy::temperature
  std::string config{};      // JSON text of what it was trained with

  void validate() const;
};

/// A batch of decisions. `env` is null when observations come from elsewhere; oracles look at it, and the chooser does
/// where an action is a video of the full catalogue. Row i of the observation is env i.
struct DecisionBatch {
  ObservationView observation;
  const VectorEnv* env = nullptr;
  std::span<const RandomKey> keys;         // [rows] the session's exploration key
  std::span<const std::uint32_t> streams;  // [rows] the step
  int threads = 1;                         // workers a policy may score on (0: all); never changes a score
  std::size_t slate = 1;                   // videos that will be chosen of each row
};

inline constexpr std::string_view kWatchRatioHead = "watch_ratio";
inline constexpr std::string_view kBinaryHead = "ratio_above_half";

/// A catalogue whose counts and whose videos on offer move on, as of one moment: what a platform's policies know.
struct CatalogueNow {
  std::shared_ptr<const Catalogue> catalogue;
  VideoRange on_offer;
};

/// Scores every slot of every row in one call; choosing is separate (select.h), learning is elsewhere (agents/).
/// Immutable after construction, so that any number of threads may share one.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const noexcept = 0;
  /// Of a policy that follows a rule or asks the simulator: its name alone, and no model.
  virtual PolicyHeader header() const { return {.policy = std::string(name())}; }
  /// Writes a policy file, which load_policy() reads (policy_file.h). Throws InputError for a policy whose header names
  /// no model: it is made anew by its name.
  void save(const std::filesystem::path& path) const;
  /// scores: [rows, slots], row-major, higher is better; slots is m, or the number of videos when the observation has
  /// no candidates (m = 0: a slot is a video). Masked slots may hold anything; the chooser skips them.
  virtual void score(const DecisionBatch& batch, std::span<float> scores) const = 0;
  /// For the full catalogue, without a matrix of scores: the `count` videos of each of these rows of the batch
  /// (distinct, ascending) that score() puts first among those the env has not shown (all, without an env), best first,
  /// equal scores in the order of the videos; out is [rows, count]. False, and nothing written, when the policy has no
  /// such way.
  virtual bool best_videos([[maybe_unused]] const DecisionBatch& batch,
                           [[maybe_unused]] std::span<const std::uint32_t> rows, [[maybe_unused]] std::size_t count,
                           [[maybe_unused]] std::span<std::int32_t> out) const {
    return false;
  }
  /// The policy as of what the catalogue, of the same videos, says now, where it depends on what is counted of them;
  /// null where it does not.
  virtual std::shared_ptr<const Policy> refreshed([[maybe_unused]] const CatalogueNow& now) const { return nullptr; }
  /// True when scores are independent random draws that say nothing of the slot, so that the best one is uniform over
  /// those allowed. The chooser's probabilities then say 1 / allowed, not 1 for the slot that happened to win.
  virtual bool scores_are_random() const noexcept { return false; }
  /// Of a policy whose scores come from draws of its own and yet tell slots apart: how likely each slot of a row has
  /// the best score, over these draws. out is [slots] and sums to 1. False, and nothing written, when the scores say it
  /// all.
  virtual bool best_probabilities([[maybe_unused]] const DecisionBatch& batch, [[maybe_unused]] std::size_t row,
                                  [[maybe_unused]] std::span<double> out) const {
    return false;
  }
  /// True for a policy that knows the very env it acts in and takes what it expects most of: the upper end of a scale.
  virtual bool is_oracle() const noexcept { return false; }
  /// What a score estimates, as tables and files of scores name it. kWatchRatioHead and kBinaryHead promise a unit (an
  /// expected watch ratio; the chance that it exceeds .5); any other name promises an order only.
  virtual std::string_view head() const noexcept { return "ranking"; }
  /// Above 0 for a policy that was learned as probabilities: left to itself it draws a slot from
  /// softmax(score / temperature). 0: it takes the best.
  virtual float temperature() const noexcept { return 0.0F; }
  /// How many of the user's newest videos it looks at: what whoever makes observations for it should provide.
  virtual std::size_t history_length() const noexcept { return 50; }
  /// Whether it is cheap enough to rank the whole catalogue for every row of a log.
  virtual bool ranks_catalogue() const noexcept { return false; }
  /// Of a policy that finds videos by vectors (query_source.h): that side of it. Null for others.
  virtual const QuerySource* query_source() const noexcept { return nullptr; }
  /// Of a policy that foresees several answers (head_source.h): that side of it. Null for others.
  virtual const HeadSource* head_source() const noexcept { return nullptr; }

 private:
  /// What follows the header in its file.
  virtual void write([[maybe_unused]] Hdf5Writer& file) const {}
};

/// The number of slots of each row, given the size of the catalogue.
inline std::size_t num_slots(const ObservationView& observation, std::size_t num_videos) noexcept {
  return observation.candidates > 0 ? observation.candidates : num_videos;
}
/// The video in a slot of a row.
inline std::int32_t video_in_slot(const ObservationView& observation, std::size_t row, std::size_t slot) noexcept {
  return observation.candidates > 0 ? observation.candidate[row * observation.candidates + slot]
                                    : static_cast<std::int32_t>(slot);
}

}  // namespace swipegym
