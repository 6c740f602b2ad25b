#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/shared_ptr.h>

#include "evaluation/generate/generate.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "python/src/bindings.h"
#include "python/src/python_candidates.h"
#include "sim_data/dataset.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

// A log on its way to Python: indices of the simulator's or data set's users and videos, beside their ids.
struct LogParts {
  Log log;
  std::vector<std::int64_t> session;  // [rows]; empty when not known
  std::vector<std::int32_t> candidate;
  std::size_t slots = 0;
};

template <class To, class Index>
std::vector<To> ids_of(const std::vector<Index>& index, const std::vector<To>& ids) {
  std::vector<To> out;
  out.reserve(index.size());
  for (const Index i : index) out.push_back(ids[index_of(i)]);
  return out;
}
template <class To, class From>
std::vector<To> as(const std::vector<From>& from) {
  std::vector<To> out;
  out.reserve(from.size());
  for (const From value : from) out.push_back(static_cast<To>(value));
  return out;
}

nb::dict columns_of(LogParts&& parts, const std::vector<std::int64_t>& users, const std::vector<std::int64_t>& videos) {
  Log& log = parts.log;
  nb::dict out;
  out["user_id"] = owned_column(ids_of(log.user, users));
  out["video_id"] = owned_column(ids_of(log.video, videos));
  out["user"] = owned_column(as<std::uint32_t>(log.user));
  out["video"] = owned_column(as<std::int32_t>(log.video));
  if (!parts.session.empty() || log.size() == 0) out["session"] = owned_column(std::move(parts.session));
  const std::size_t rows = log.size();
  out["date"] = owned_column(std::move(log.date));
  out["hourmin"] = owned_column(std::move(log.hourmin));
  out["time_ms"] = owned_column(std::move(log.time_ms));
  out["tab"] = owned_column(std::move(log.tab));
  out["play_time_ms"] = owned_column(std::move(log.play_ms));
  out["duration_ms"] = owned_column(std::move(log.duration_ms));
  out["signals"] = owned_column(std::move(log.signals));
  out["is_rand"] = owned_column(std::move(log.is_random));
  if (!log.propensity.empty()) out["propensity"] = owned_column(std::move(log.propensity));
  if (parts.slots > 0) out["candidate"] = owned_array(std::move(parts.candidate), {rows, parts.slots});
  return out;
}

nb::dict generate(std::shared_ptr<Simulator> simulator, const Policy& policy, const PythonWorld& world,
                  const Exploration& exploration, std::uint64_t sessions, std::uint64_t first_chain,
                  std::uint64_t chains, std::uint64_t seed, bool keep_candidates, int threads) {
  LogParts parts;
  GenerateConfig config{.sessions = sessions,
                        .seed = seed,
                        .world = world.config,
                        .source = world.own == nullptr ? nullptr : world.candidates(simulator, seed, threads),
                        .engine = {.threads = threads},
                        .exploration = exploration,
                        .first_chain = first_chain,
                        .chains = chains};
  std::int64_t session = 0;
  config.session_sink = [&](std::span<const std::size_t> ends) {
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      parts.session.insert(parts.session.end(), end - begin, session++);
      begin = end;
    }
  };
  if (keep_candidates) {
    parts.slots = world.config.candidates;
    config.candidate_sink = [&](std::span<const std::int32_t> sets) {
      parts.candidate.insert(parts.candidate.end(), sets.begin(), sets.end());
    };
  }
  {
    nb::gil_scoped_release unlocked;
    generate_log(
        simulator, policy, config, [&](std::span<const LogRow> rows) { append_rows(rows, parts.log); },
        interruptible());
  }
  const Catalogue& catalogue = simulator->catalogue;
  return columns_of(std::move(parts), catalogue.raw_user_id, catalogue.raw_video_id);
}

// The sets the rows were chosen from, put in the order of the rows as they were read.
void add_candidates(const std::filesystem::path& path, const Dataset& data, LogParts& parts) {
  const LoggedCandidates kept = load_candidates(path, data.videos);
  const CandidatesOf offered = offered_candidates(kept, data.log);  // throws where they are another log's
  parts.slots = kept.slots;
  std::vector<std::int32_t> videos(kept.slots);
  std::vector<std::uint8_t> mask(kept.slots);
  for (std::size_t row = 0; row < data.log.size(); ++row) {
    offered(static_cast<std::uint32_t>(row), 0, videos, mask);
    for (std::size_t slot = 0; slot < kept.slots; ++slot)
      parts.candidate.push_back(mask[slot] != 0 ? videos[slot] : -1);
  }
}

nb::dict read(const std::filesystem::path& path, const std::filesystem::path& candidates, int threads) {
  LoadedDataset loaded;
  LogParts parts;
  {
    nb::gil_scoped_release unlocked;
    loaded = load_dataset(path, {.threads = threads, .progress = interruptible()});
    if (!candidates.empty()) add_candidates(candidates, loaded.data, parts);
  }
  parts.log = std::move(loaded.data.log);
  return columns_of(std::move(parts), loaded.data.users.raw_id, loaded.data.videos.raw_id);
}

}  // namespace

void bind_log(nb::module_& module) {
  module.def("generate", &generate, nb::arg("simulator"), nb::arg("policy"), nb::arg("world"), nb::arg("exploration"),
             nb::arg("sessions"), nb::arg("first_chain"), nb::arg("chains"), nb::arg("seed"),
             nb::arg("keep_candidates"), nb::arg("threads"),
             "The columns of a log that the policy made; see GenerateConfig for parts of one.");
  module.def("read_log", &read, nb::arg("path"), nb::arg("candidates"), nb::arg("threads"),
             "The columns of a KuaiRand release or of a store of `swipegym data import`.");
}

}  // namespace swipegym::python
