#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/policy_file.h"
#include "policy/sasrec/sasrec_inputs.h"

namespace swipegym {

/// What a SASRec ranks by: the next video's score, the expected watch ratio, or the chance that it exceeds one half.
enum class SasrecObjective { kNext, kRatio, kBinary };
/// "next", "ratio" or "binary"; InputError that lists them otherwise.
SasrecObjective parse_sasrec_objective(std::string_view name);
std::string_view sasrec_objective_name(SasrecObjective objective) noexcept;

/// What heads know of the users beside the observation: their rows in a table of features, by user index.
struct SasrecUsers {
  std::vector<std::int64_t> raw_id;  // [users]
  std::vector<std::int32_t> code;    // [users, codes], -1 none
  std::uint32_t table_rows = 0;

  std::size_t codes() const noexcept { return raw_id.empty() ? 0 : code.size() / raw_id.size(); }
  /// Adds the codes of a user, by index; those of nobody when it is out of range.
  void write(std::size_t user, std::vector<std::int32_t>& out) const;
  void validate() const;
};
/// The users' own features of a data set, as its tables have them: they do not come from answers.
SasrecUsers make_sasrec_users(const Dataset& data);
/// The same by the indices of another catalogue, matched by raw user id.
SasrecUsers match_users(const SasrecUsers& own, const Catalogue& catalogue);

/// A trained SASRec by the indices of the catalogue it acts on.
struct SasrecModel {
  PolicyHeader header{.model = "sasrec", .policy = "sasrec", .config = "{}"};
  SasrecObjective objective = SasrecObjective::kBinary;
  float threshold = 0.5F;  // kBinary: of the watch ratio
  ItemInputs items;
  SasrecUsers users;
  SasrecNetwork network;
};

/// What `video` is worth next, by the model of objective kNext, after a history whose newest state is row `state` of
/// `states`; -1: a user without history.
float next_video_score(const SasrecModel& model, const Matrix& states, Eigen::Index state, std::size_t video);

/// Scores by a SasrecNetwork: one pass over a row's history, whatever the number of its candidates. A score depends on
/// its row alone. Binary scores are probabilities. A user without history gets what the heads have learned of
/// strangers; the next video's score is then the video's exposures.
class SasrecPolicy final : public Policy {
 public:
  explicit SasrecPolicy(std::shared_ptr<const SasrecModel> model);
  std::string_view name() const noexcept override { return model_->header.policy; }
  PolicyHeader header() const override { return model_->header; }
  void score(const DecisionBatch& batch, std::span<float> scores) const override;
  std::string_view head() const noexcept override;
  float temperature() const noexcept override { return model_->header.temperature; }
  std::size_t history_length() const noexcept override { return model_->network.config().max_length; }
  bool ranks_catalogue() const noexcept override { return model_->objective == SasrecObjective::kNext; }
  const SasrecModel& model() const noexcept { return *model_; }

 private:
  void write(Hdf5Writer& file) const override;
  struct Room;
  void score_rows(const ObservationView& observation, std::size_t first, std::size_t count, std::size_t slots,
                  Room& room, std::span<float> scores) const;
  std::shared_ptr<const SasrecModel> model_;
};

/// Reads a policy file whose model is "sasrec", to go on learning from; InputError for one of another model.
std::shared_ptr<const SasrecModel> load_sasrec_model(const std::filesystem::path& path, const Catalogue& catalogue);
/// Reads a policy file of the model "sasrec".
std::shared_ptr<const Policy> load_sasrec_policy(const Hdf5Reader& file, const Catalogue& catalogue);

}  // namespace swipegym
