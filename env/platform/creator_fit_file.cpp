#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "env/platform/creator_fit.h"
#include "sim_data/calendar.h"

namespace swipegym {
namespace {

constexpr const char* kCreatorFitKind = "creator_fit";
constexpr std::int64_t kCreatorFitVersion = 1;
constexpr std::uint64_t kMostDays = 1'000'000'000'000;

// Which numbers a coefficient can be.
struct CoefficientRange {
  double low, high;
};
constexpr std::array<CoefficientRange, kNumCreatorCoefficients> kCoefficientRanges = {
    {{-20, 20}, {0, 10}, {0, 1}, {-10, 10}, {-10, 10}, {-10, 10}, {0, 1}, {0, 1e9}}};

void require_estimate(const std::string& name, const CreatorEstimate& estimate, const CoefficientRange& range) {
  require_between(name, estimate.value, range.low, range.high);
  if (!estimate.identified()) {
    require_that(name, std::isnan(estimate.low) && std::isnan(estimate.high), "no interval without an error");
    return;
  }
  require_between(name + "'s error", estimate.error, 0.0, std::numeric_limits<double>::max());
  require_between(name + "'s low end", estimate.low, std::numeric_limits<double>::lowest(), estimate.value);
  require_between(name + "'s high end", estimate.high, estimate.value, std::numeric_limits<double>::max());
}

// A column of the four of the estimates.
std::vector<double> column_of(const CreatorFit& fit, double CreatorEstimate::*field) {
  std::vector<double> out;
  for (const CreatorEstimate& estimate : fit.coefficients) out.push_back(estimate.*field);
  return out;
}

void read_column(const Hdf5Reader& file, const std::string& name, CreatorFit& fit, double CreatorEstimate::*field) {
  const auto values = file.read_array<double, kNumCreatorCoefficients>(name);
  for (std::size_t i = 0; i < values.size(); ++i) fit.coefficients[i].*field = values[i];
}

// Numbers as a file has them.
struct StoredCounts {
  std::int64_t creators, creator_days, uploads, steps, converged, first_date, last_date;

  void validate() const {
    for (const auto& [name, count] :
         {std::pair("creators", creators), {"creator_days", creator_days}, {"uploads", uploads}})
      require_between(name, count, std::int64_t{0}, static_cast<std::int64_t>(kMostDays));
    require_between("steps", steps, std::int64_t{0}, std::int64_t{INT32_MAX});
    require_between("converged", converged, std::int64_t{0}, std::int64_t{1});
    for (const auto& [name, date] : {std::pair("first_date", first_date), {"last_date", last_date}})
      if (date != 0 && !is_date(date))
        throw InputError(fmt::format("{} is {}, expected a day as YYYYMMDD, or 0", name, date));
  }
};

void read_counts(const Hdf5Reader& file, CreatorFit& fit) {
  const auto stored = file.checked(StoredCounts{.creators = file.attribute_int("creators"),
                                                .creator_days = file.attribute_int("creator_days"),
                                                .uploads = file.attribute_int("uploads"),
                                                .steps = file.attribute_int("steps"),
                                                .converged = file.attribute_int("converged"),
                                                .first_date = file.attribute_int("first_date"),
                                                .last_date = file.attribute_int("last_date")});
  fit.creators = static_cast<std::uint64_t>(stored.creators);
  fit.creator_days = static_cast<std::uint64_t>(stored.creator_days);
  fit.uploads = static_cast<std::uint64_t>(stored.uploads);
  fit.steps = static_cast<std::int32_t>(stored.steps);
  fit.converged = stored.converged != 0;
  fit.first_date = static_cast<std::int32_t>(stored.first_date);
  fit.last_date = static_cast<std::int32_t>(stored.last_date);
  fit.log_likelihood = file.attribute_double("log_likelihood");
  fit.data_fingerprint = static_cast<std::uint64_t>(file.attribute_int("data_fingerprint"));
}

}  // namespace

void CreatorFit::validate() const {
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i)
    require_estimate(std::string(kCreatorCoefficientNames[i]), coefficients[i], kCoefficientRanges[i]);
  require_estimate("mean_response", mean_response, {-10, 10});
  check_ranges(settings);
  require_between("creators", creators, std::uint64_t{kNumCreatorCoefficients}, kMostDays);
  require_between("creator_days", creator_days, creators, kMostDays);
  require_between("uploads", uploads, std::uint64_t{1}, creator_days);
  require_between("log_likelihood", log_likelihood, std::numeric_limits<double>::lowest(), 0.0);
  require_that("last_date", last_date >= first_date, "a day that is not before first_date");
}

void save_creator_fit(const CreatorFit& fit, const std::filesystem::path& path) {
  fit.validate();
  Hdf5Writer file(path);
  file.attribute("kind", kCreatorFitKind);
  file.attribute("schema_version", kCreatorFitVersion);
  for (const auto& [name, value] : {std::pair("creators", fit.creators),
                                    {"creator_days", fit.creator_days},
                                    {"uploads", fit.uploads},
                                    {"steps", static_cast<std::uint64_t>(fit.steps)},
                                    {"converged", fit.converged ? 1 : 0},
                                    {"data_fingerprint", fit.data_fingerprint}})
    file.attribute(name, static_cast<std::int64_t>(value));
  file.attribute("first_date", std::int64_t{fit.first_date});
  file.attribute("last_date", std::int64_t{fit.last_date});
  file.attribute("log_likelihood", fit.log_likelihood);
  file.write_text("settings", config_to_json(fit.settings).dump());
  file.write_texts("coefficients/name", {kCreatorCoefficientNames.begin(), kCreatorCoefficientNames.end()});
  file.write("coefficients/value", column_of(fit, &CreatorEstimate::value));
  file.write_figures("coefficients/error", column_of(fit, &CreatorEstimate::error));
  file.write_figures("coefficients/low", column_of(fit, &CreatorEstimate::low));
  file.write_figures("coefficients/high", column_of(fit, &CreatorEstimate::high));
  const CreatorEstimate& mean = fit.mean_response;
  file.write_figures("mean_response", std::vector<double>{mean.value, mean.error, mean.low, mean.high});
  file.commit();
}

CreatorFit read_creator_fit(const std::filesystem::path& path) {
  const Hdf5Reader file(path, kCreatorFitKind, kCreatorFitVersion);
  const std::vector<std::string> names = file.read_texts("coefficients/name");
  if (!std::equal(names.begin(), names.end(), kCreatorCoefficientNames.begin(), kCreatorCoefficientNames.end()))
    throw InputError(fmt::format("{}: its coefficients are {}, expected {}", path.string(), fmt::join(names, ", "),
                                 fmt::join(kCreatorCoefficientNames, ", ")));
  CreatorFit fit;
  fit.settings = config_from_json<CreatorFitSettings>(
      parse_json(file.read_text("settings"), path.string() + ": settings"), path.string() + ": settings");
  read_column(file, "coefficients/value", fit, &CreatorEstimate::value);
  read_column(file, "coefficients/error", fit, &CreatorEstimate::error);
  read_column(file, "coefficients/low", fit, &CreatorEstimate::low);
  read_column(file, "coefficients/high", fit, &CreatorEstimate::high);
  const auto mean = file.read_array<double, 4>("mean_response");
  fit.mean_response = {.value = mean[0], .error = mean[1], .low = mean[2], .high = mean[3]};
  read_counts(file, fit);
  return file.checked(fit);
}

}  // namespace swipegym
