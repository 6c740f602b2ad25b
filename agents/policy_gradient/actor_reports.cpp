#include "agents/policy_gradient/actor_reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "agents/counters.h"
#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"

namespace swipegym {
namespace {

constexpr std::int64_t kMostPasses = std::numeric_limits<int>::max();

ActorReport mean_report(const std::vector<ActorReport>& reports, std::int64_t begin, std::int64_t end) {
  ActorReport mean;
  double count = 0.0;
  const auto add = [](std::vector<double>& sum, const std::vector<double>& one) {
    sum.resize(one.size(), 0.0);
    for (std::size_t i = 0; i < one.size(); ++i) sum[i] += one[i];
  };
  for (const ActorReport& r : reports) {
    if (r.env_steps <= begin || r.env_steps > end) continue;
    mean.reward += r.reward, mean.entropy += r.entropy, mean.kl += r.kl;
    add(mean.rates, r.rates), add(mean.multipliers, r.multipliers);
    count += 1.0;
  }
  if (count == 0.0) return mean;
  mean.reward /= count, mean.entropy /= count, mean.kl /= count;
  for (double& one : mean.rates) one /= count;
  for (double& one : mean.multipliers) one /= count;
  return mean;
}

}  // namespace

std::vector<AgentFigure> figures_of(const std::vector<ActorReport>& reports,
                                    const std::vector<ConstraintConfig>& constraints, std::int64_t begin,
                                    std::int64_t end) {
  const ActorReport mean = mean_report(reports, begin, end);
  std::vector<AgentFigure> figures = {{"reward", "of the world, a video shown", "a video", mean.reward, 2},
                                      {"entropy", "of the policy, nats", "entropy", mean.entropy, 2},
                                      {"kl", "of the policy that acted from the updated one, nats", "KL", mean.kl, 4}};
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    // A band is two constraints on one signal: the second has a number behind its name.
    const auto same = [&](const ConstraintConfig& other) { return other.signal == constraints[i].signal; };
    const auto at = constraints.begin() + static_cast<std::ptrdiff_t>(i);
    const auto before = std::count_if(constraints.begin(), at, same);
    const std::string signal =
        before == 0 ? constraints[i].signal : fmt::format("{}.{}", constraints[i].signal, before + 1);
    const auto measured = [i](const std::vector<double>& means) {
      return i < means.size() ? means[i] : std::numeric_limits<double>::quiet_NaN();  // not in TSCAC's first stage
    };
    figures.push_back({"rates." + signal, signal + ", a video shown", signal, measured(mean.rates), 5});
    figures.push_back(
        {"multipliers." + signal, "of the constraint on " + signal, "multiplier", measured(mean.multipliers), 3});
  }
  return figures;
}

Json updates_json(const std::vector<ActorReport>& reports) {
  Json updates = Json::array();
  for (const ActorReport& r : reports)
    updates.push_back({{"env_steps", r.env_steps},
                       {"reward", r.reward},
                       {"entropy", r.entropy},
                       {"kl", r.kl},
                       {"passes", r.passes},
                       {"rates", r.rates},
                       {"multipliers", r.multipliers}});
  return {{"updates", std::move(updates)}};
}

void save_reports(Hdf5Writer& file, const std::string& name, const std::vector<ActorReport>& reports) {
  std::vector<std::int64_t> counts;
  std::vector<double> figures;
  for (const ActorReport& r : reports) {
    counts.insert(counts.end(), {r.env_steps, r.passes});
    figures.insert(figures.end(), {r.reward, r.entropy, r.kl});
    figures.insert(figures.end(), r.rates.begin(), r.rates.end());
    figures.insert(figures.end(), r.multipliers.begin(), r.multipliers.end());
  }
  file.write(name + "/counts", counts);
  file.write_figures(name + "/figures", figures);
}

std::vector<ActorReport> load_reports(const Hdf5Reader& file, const std::string& name, std::size_t constraints) {
  const std::vector<double> figures = file.read<double>(name + "/figures");
  const std::size_t width = 3 + 2 * constraints;
  std::vector<ActorReport> reports(figures.size() / width);
  const std::vector<std::int64_t> counts = read_counters(file, name + "/counts", 2 * reports.size());
  if (width * reports.size() != figures.size())
    throw InputError(fmt::format("{}: its curves are damaged; remove it and train afresh", file.path().string()));
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const double* f = &figures[i * width];
    reports[i] = {.env_steps = counts[2 * i],
                  .reward = f[0],
                  .entropy = f[1],
                  .kl = f[2],
                  .passes = static_cast<int>(std::min(counts[2 * i + 1], kMostPasses)),
                  .rates = {f + 3, f + 3 + constraints},
                  .multipliers = {f + 3 + constraints, f + width}};
  }
  return reports;
}

}  // namespace swipegym
