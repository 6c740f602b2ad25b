#include "evaluation/studies/random_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/parallel_for.h"
#include "core/random.h"

namespace swipegym {
namespace {

// What a draw computes with exactly; no setting's range is wider.
constexpr swipegym::Range kSearched = between(-1e15, 1e15);

using RangeKind = SearchSpace::Range::Kind;

SearchSpace::Range read_range(const std::string& where, const std::string& setting, const Json& value) {
  const auto refuse = [&](const std::string& got) {
    throw InputError(
        fmt::format("{}: the range of '{}' is {}, expected {{\"uniform\": [low, high]}}, \"log\" with low > "
                    "0, \"integer\", or {{\"choice\": [...]}}",
                    where, setting, got));
  };
  if (!value.is_object() || value.size() != 1) refuse(value.dump());
  SearchSpace::Range range{.setting = setting, .choices = {}};
  const std::string kind = value.begin().key();
  const Json& list = value.begin().value();
  if (kind == "choice") {
    range.kind = RangeKind::kChoice;
    if (!list.is_array() || list.empty()) refuse(value.dump());
    range.choices.assign(list.begin(), list.end());
    return range;
  }
  range.kind = kind == "log" ? RangeKind::kLog : kind == "integer" ? RangeKind::kInteger : RangeKind::kUniform;
  if (kind != "uniform" && kind != "log" && kind != "integer") refuse(value.dump());
  if (!list.is_array() || list.size() != 2 || !list[0].is_number() || !list[1].is_number()) refuse(value.dump());
  range.low = list[0].get<double>(), range.high = list[1].get<double>();
  if (!kSearched.contains(range.low) || !kSearched.contains(range.high)) refuse(value.dump());
  if (!(range.low <= range.high) || (range.kind == RangeKind::kLog && range.low <= 0.0)) refuse(value.dump());
  return range;
}

Json draw(const SearchSpace::Range& range, RandomStream& random) {
  const double u = random.uniform_double();
  switch (range.kind) {
    case RangeKind::kUniform:
      return range.low + u * (range.high - range.low);
    case RangeKind::kLog:
      return std::exp(std::log(range.low) + u * (std::log(range.high) - std::log(range.low)));
    case RangeKind::kInteger:
      return static_cast<std::int64_t>(range.low + std::floor(u * (range.high - range.low + 1.0)));
    case RangeKind::kChoice:
      break;
  }
  return range.choices[static_cast<std::size_t>(u * static_cast<double>(range.choices.size()))];
}

Json& find_setting(Json& settings, const std::string& name) {
  Json* at = &settings;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t dot = std::min(name.find('.', begin), name.size());
    const std::string key = name.substr(begin, dot - begin);
    if (!at->is_object() || !at->contains(key))
      throw InputError(fmt::format("the search varies '{}', which is no setting of this model", name));
    at = &(*at)[key];
    begin = dot + 1;
  }
  return *at;
}

}  // namespace

SearchSpace read_search_space(const std::filesystem::path& path) {
  const Json file = read_json(path);
  const std::string where = path.string();
  SearchSpace space;
  if (!file.is_object() || !file.contains("ranges") || !file["ranges"].is_object() || file["ranges"].empty())
    throw InputError(fmt::format("{}: expected {{\"objective\": ..., \"ranges\": {{\"setting\": ...}}}}", where));
  for (const auto& item : file.items())
    if (item.key() != "objective" && item.key() != "ranges")
      throw InputError(fmt::format("{}: unknown key '{}', expected objective and ranges", where, item.key()));
  if (file.contains("objective"))
    space.objective = file["objective"].is_string() ? file["objective"].get<std::string>() : "";
  if (space.objective != "auc" && space.objective != "gauc" && space.objective != "validation_metric")
    throw InputError(fmt::format("{}: the objective is {}, expected auc, gauc or validation_metric", where,
                                 file["objective"].dump()));
  for (const auto& item : file["ranges"].items()) space.ranges.push_back(read_range(where, item.key(), item.value()));
  return space;
}

std::vector<Json> edges_of(const SearchSpace& space, const Json& base) {
  std::vector<Json> edges;
  for (const SearchSpace::Range& range : space.ranges) {
    std::vector<Json> values = range.choices;
    if (range.kind == RangeKind::kInteger)
      values = {static_cast<std::int64_t>(range.low), static_cast<std::int64_t>(range.high)};
    else if (range.kind != RangeKind::kChoice)
      values = {range.low, range.high};
    for (const Json& value : values) {
      Json& settings = edges.emplace_back(base);
      find_setting(settings, range.setting) = value;
    }
  }
  return edges;
}

Json draw_trial(const SearchSpace& space, const Json& base, std::uint64_t seed, int trial, std::vector<Json>& drawn) {
  Json settings = base;
  RandomStream random(split(make_key(seed), static_cast<std::uint64_t>(trial)));
  drawn.clear();
  for (const SearchSpace::Range& range : space.ranges) {
    Json& setting = find_setting(settings, range.setting);
    if (trial > 0) setting = draw(range, random);
    drawn.push_back(setting);
  }
  return settings;
}

std::vector<SearchTrial> random_search(const SearchSpace& space, const Json& base, int trials, std::uint64_t seed,
                                       int threads, const std::function<double(const Json& settings)>& judge) {
  std::vector<SearchTrial> all(static_cast<std::size_t>(trials));
  for (int i = 0; i < trials; ++i) {
    SearchTrial& trial = all[static_cast<std::size_t>(i)];
    trial.trial = i;
    trial.settings = draw_trial(space, base, seed, i, trial.drawn);
  }
  parallel_for(all.size(), threads, [&](std::size_t i, int) {
    SearchTrial& trial = all[i];
    const auto start = std::chrono::steady_clock::now();
    try {
      trial.objective = judge(trial.settings);
    } catch (const SystemError& error) {  // diverged; a setting that makes no sense is the range's fault and stops all
      trial.objective = std::numeric_limits<double>::quiet_NaN();
      trial.failure = error.what();
    }
    trial.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
  return all;
}

const SearchTrial& best_trial(const std::vector<SearchTrial>& trials) {
  const SearchTrial* best = nullptr;
  for (const SearchTrial& trial : trials)
    if (!std::isnan(trial.objective) && (best == nullptr || trial.objective > best->objective)) best = &trial;
  if (best == nullptr)
    throw InputError(fmt::format("none of {} trials has an objective{}", trials.size(),
                                 trials.empty() || trials[0].failure.empty()
                                     ? "; are there validation days?"
                                     : "; the first one: " + trials[0].failure));
  return *best;
}

std::string trials_csv(const SearchSpace& space, const std::vector<SearchTrial>& trials) {
  std::string out = fmt::format("trial,{},seconds", space.objective);
  for (const SearchSpace::Range& range : space.ranges) out += "," + range.setting;
  out += ",failure\n";
  const auto quoted = [](std::string text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string escaped;
    for (const char c : text) escaped += c == '"' ? "\"\"" : std::string(1, c);
    return "\"" + escaped + "\"";
  };
  for (const SearchTrial& trial : trials) {
    out += fmt::format("{},{},{:.2f}", trial.trial, trial.objective, trial.seconds);
    for (const Json& value : trial.drawn)
      out += "," + quoted(value.is_string() ? value.get<std::string>() : value.dump());
    out += "," + quoted(trial.failure) + "\n";
  }
  return out;
}

}  // namespace swipegym
