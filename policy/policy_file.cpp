#include "policy/policy_file.h"

#include <fmt/format.h>

#include <array>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "policy/factor_policy.h"
#include "policy/full_output_policy.h"
#include "policy/label_policy.h"
#include "policy/sasrec_policy.h"
#include "policy/two_tower_policy.h"
#include "policy/value_policy.h"

namespace swipegym {
namespace {

using PolicyLoader = std::shared_ptr<const Policy> (*)(const Hdf5Reader& file, const Catalogue& catalogue);

struct KnownModel {
  std::string_view model;
  PolicyLoader load;
};

// A model that comes with a save function adds its line here.
constexpr std::array kModels = {
    KnownModel{"value", load_value_policy},         KnownModel{"full_output", load_full_output_policy},
    KnownModel{"sasrec", load_sasrec_policy},       KnownModel{"factors", load_factor_policy},
    KnownModel{"two_tower", load_two_tower_policy}, KnownModel{"label", load_label_policy},
};

std::string known_models() {
  std::string names;
  for (const KnownModel& known : kModels) names += (names.empty() ? "" : ", ") + std::string(known.model);
  return names;
}

}  // namespace

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

PolicyHeader read_header(const Hdf5Reader& file) {
  PolicyHeader header;
  header.model = file.has_attribute("model") ? file.attribute_text("model") : "value";
  header.policy = file.attribute_text("policy");
  header.seed = static_cast<std::uint64_t>(file.attribute_int("seed"));
  header.data_fingerprint = static_cast<std::uint64_t>(file.attribute_int("data_fingerprint"));
  if (file.has_attribute("catalogue_until"))
    header.catalogue_until = static_cast<std::int32_t>(file.attribute_int("catalogue_until"));
  if (file.has_attribute("temperature")) header.temperature = static_cast<float>(file.attribute_double("temperature"));
  header.config = file.read_text("config");
  return header;
}

PolicyHeader read_policy_header(const std::filesystem::path& path) {
  return read_header(Hdf5Reader(path, kPolicyKind, kPolicyVersion));
}

std::shared_ptr<const Policy> load_policy(const std::filesystem::path& path, const Catalogue& catalogue) {
  const Hdf5Reader file(path, kPolicyKind, kPolicyVersion);
  const std::string model = file.has_attribute("model") ? file.attribute_text("model") : "value";
  for (const KnownModel& known : kModels)
    if (known.model == model) return known.load(file, catalogue);
  throw InputError(fmt::format("{}: a policy of the model '{}', which this build does not know (it knows {})",
                               path.string(), model, known_models()));
}

}  // namespace swipegym
