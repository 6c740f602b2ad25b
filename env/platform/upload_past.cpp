#include "env/platform/upload_past.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "evaluation/metrics/credibility.h"

namespace swipegym {

void UploadPast::watched(std::uint32_t upload, std::int32_t day, double seconds) noexcept {
  const std::int32_t age = day - uploads_[upload].day;
  if (age < 0 || age >= life_) return;
  uploads_[upload].seconds += seconds;
  by_age_[static_cast<std::size_t>(age)] += seconds;
}

UploadPast::Ages UploadPast::seen(const Counted& upload, std::int32_t today) const noexcept {
  const std::int32_t begin = std::clamp(-upload.day, 0, life_);
  return {begin, std::clamp(today - upload.day, begin, life_)};
}

UploadValues UploadPast::values(std::int32_t today, std::size_t creators, std::size_t tags) const {
  // The mean curve by age: what an upload got on a day of that age, over those that were seen at it.
  const auto life = static_cast<std::size_t>(life_);
  std::vector<double> lived(life + 1, 0.0), until(life + 1, 0.0);
  for (const Counted& upload : uploads_) {
    const Ages ages = seen(upload, today);
    lived[static_cast<std::size_t>(ages.begin)] += 1.0, lived[static_cast<std::size_t>(ages.end)] -= 1.0;
  }
  double alive = 0.0;
  for (std::size_t age = 0; age < life; ++age) {
    alive += lived[age];
    until[age + 1] = until[age] + (alive > 0.0 ? by_age_[age] / alive : 0.0);
  }
  UploadValues out{
      .mean = 0.0, .of_creator = std::vector<double>(creators, 0.0), .of_tag = std::vector<double>(tags, 0.0)};
  const double whole = until[life];
  if (whole <= 0.0) return out;

  GroupedValues by_creator, by_tag;
  for (const Counted& upload : uploads_) {
    const Ages ages = seen(upload, today);
    const double expected = until[static_cast<std::size_t>(ages.end)] - until[static_cast<std::size_t>(ages.begin)];
    if (expected <= 1e-9 * whole) continue;
    by_creator.value.push_back(upload.seconds * whole / expected), by_creator.weight.push_back(expected / whole);
    by_creator.group.push_back(upload.creator), by_tag.group.push_back(upload.tag);
  }
  by_tag.value = by_creator.value, by_tag.weight = by_creator.weight;
  const Credibility of_creator = credible_means(by_creator, creators);
  out.mean = of_creator.mean, out.of_creator = of_creator.group;
  out.of_tag = credible_means(by_tag, tags).group;
  return out;
}

void UploadPast::save(Hdf5Writer& file, const std::string& group) const {
  std::vector<double> seconds;
  for (const Counted& upload : uploads_) seconds.push_back(upload.seconds);
  file.write(group + "/seconds", seconds);
  file.write(group + "/by_age", by_age_);
}

void UploadPast::load(const Hdf5Reader& file, const std::string& group) {
  const auto seconds = file.read<double>(group + "/seconds"), by_age = file.read<double>(group + "/by_age");
  const auto counts = [](double sum) { return std::isfinite(sum) && sum >= 0.0 && sum < 1e15; };
  if (seconds.size() != uploads_.size() || by_age.size() != by_age_.size() ||
      !std::all_of(seconds.begin(), seconds.end(), counts) || !std::all_of(by_age.begin(), by_age.end(), counts))
    throw InputError(fmt::format("{}: what its uploads brought makes no sense", file.path().string()));
  for (std::size_t i = 0; i < seconds.size(); ++i) uploads_[i].seconds = seconds[i];
  by_age_ = by_age;
}

}  // namespace swipegym
