#include "policy/policy_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/error.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "policy/embedding/factor_policy.h"
#include "policy/embedding/multi_interest_policy.h"
#include "policy/embedding/two_tower_policy.h"
#include "policy/label/label_policy.h"
#include "policy/multitask/multitask_policy.h"
#include "policy/sasrec/sasrec_policy.h"
#include "policy/value/full_output_policy.h"
#include "policy/value/hierarchical_policy.h"
#include "policy/value/value_policy.h"

namespace swipegym {
namespace {

constexpr std::int32_t kLastDay = 99'999'999;  // yyyymmdd, and what stands for no end

using PolicyLoader = std::shared_ptr<const Policy> (*)(const Hdf5Reader& file, const Catalogue& catalogue);

struct KnownModel {
  std::string_view model;
  PolicyLoader load;
};

// A policy whose header names a model adds its line here.
constexpr std::array kModels = {
    KnownModel{"value", load_value_policy},
    KnownModel{"full_output", load_full_output_policy},
    KnownModel{"hierarchical", load_hierarchical_policy},
    KnownModel{"sasrec", load_sasrec_policy},
    KnownModel{"factors", load_factor_policy},
    KnownModel{"two_tower", load_two_tower_policy},
    KnownModel{"label", load_label_policy},
    KnownModel{"multi_interest", load_multi_interest_policy},
    KnownModel{"multitask", load_multitask_policy},
};

std::string known_models() {
  std::string names;
  for (const KnownModel& known : kModels) names += (names.empty() ? "" : ", ") + std::string(known.model);
  return names;
}

std::string model_of(const Hdf5Reader& file) {
  return file.has_attribute("model") ? file.attribute_text("model") : "value";
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void write_header(Hdf5Writer& file, const PolicyHeader& header) {
  file.attribute("kind", kPolicyKind);
  file.attribute("schema_version", kPolicyVersion);
  file.attribute("model", std::string_view(header.model));
  file.attribute("policy", std::string_view(header.policy));
  file.attribute("seed", static_cast<std::int64_t>(header.seed));
  file.attribute("data_fingerprint", static_cast<std::int64_t>(header.data_fingerprint));
  file.attribute("catalogue_until", std::int64_t{header.catalogue_until});
  file.attribute("temperature", static_cast<double>(header.temperature));
  file.write_text("config", header.config);
}

}  // namespace

void PolicyHeader::validate() const {
  require_that("model", is_name(model), "a name of printable letters");
  require_that("policy", is_name(policy), "a name of printable letters");
  require_between("catalogue_until", catalogue_until, 0, kLastDay);
  require_between("temperature", temperature, 0.0F, 1e6F);
}

void Policy::save(const std::filesystem::path& path) const {
  const PolicyHeader mine = header();
  if (mine.model.empty())
    throw InputError(
        fmt::format("the policy '{}' learned nothing that a file could keep; give its name instead", name()));
  Hdf5Writer file(path);
  write_header(file, mine);
  write(file);
  file.commit();
}

PolicyHeader read_header(const Hdf5Reader& file) {
  PolicyHeader header;
  header.model = model_of(file);
  header.policy = file.attribute_text("policy");
  header.seed = static_cast<std::uint64_t>(file.attribute_int("seed"));
  header.data_fingerprint = static_cast<std::uint64_t>(file.attribute_int("data_fingerprint"));
  if (file.has_attribute("catalogue_until")) {
    const std::int64_t until = file.attribute_int("catalogue_until");
    header.catalogue_until = static_cast<std::int32_t>(std::clamp<std::int64_t>(until, -1, kLastDay + 1));
  }
  if (file.has_attribute("temperature")) header.temperature = static_cast<float>(file.attribute_double("temperature"));
  header.config = file.read_text("config");
  return file.checked(std::move(header));
}

void require_stored(const Hdf5Reader& file, std::string_view name, const std::vector<std::size_t>& sizes) {
  const std::uint64_t most = std::filesystem::file_size(file.path()) / sizeof(float);
  for (std::size_t i = 1; i < sizes.size(); ++i)
    if (std::uint64_t numbers = 0; __builtin_mul_overflow(sizes[i - 1], sizes[i], &numbers) || numbers > most)
      throw InputError(
          fmt::format("{}: {} of {} x {} numbers is larger than the file; the file is damaged, make it again",
                      file.path().string(), name, sizes[i - 1], sizes[i]));
}

PolicyHeader read_policy_header(const std::filesystem::path& path) {
  return read_header(Hdf5Reader(path, kPolicyKind, kPolicyVersion));
}

std::shared_ptr<const Policy> load_policy(const std::filesystem::path& path, const Catalogue& catalogue) {
  const Hdf5Reader file(path, kPolicyKind, kPolicyVersion);
  const std::string model = model_of(file);
  for (const KnownModel& known : kModels)
    if (known.model == model) return known.load(file, catalogue);
  throw InputError(fmt::format("{}: a policy of the model '{}', which this build does not know (it knows {})",
                               path.string(), model, known_models()));
}

std::shared_ptr<const Policy> for_catalogue(const Policy& policy, const Catalogue& catalogue) {
  if (const auto* towers = dynamic_cast<const TwoTowerPolicy*>(&policy)) return towers->for_catalogue(catalogue);
  if (const auto* heads = dynamic_cast<const MultitaskPolicy*>(&policy)) return heads->for_catalogue(catalogue);
  return nullptr;
}

}  // namespace swipegym
