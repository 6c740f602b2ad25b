#include "python/src/python_candidates.h"

#include <nanobind/ndarray.h>

#include <utility>

#include "core/error.h"
#include "env/listed_candidates.h"
#include "env/seen_videos.h"
#include "python/src/bindings.h"
#include "python/src/observation_arrays.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

constexpr std::uint64_t kListDraw = 0x6C697374ULL;  // child of the candidate key, whose own numbers fill what is left

void ask_for_lists(const ListingFunction& ask, std::size_t videos, std::size_t slots, const CandidateRows& rows,
                   std::vector<std::int32_t>& out) {
  const nb::gil_scoped_acquire locked;
  Told told = told_of(rows.now, rows.begin, rows.end);
  std::vector<std::span<const std::uint32_t>> seen;
  std::vector<std::int64_t> steps;
  std::vector<RandomStream> streams;
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    seen.push_back(rows.seen[row].videos());
    steps.push_back(rows.steps[row]);
    if (ask.draws > 0) streams.emplace_back(split(rows.keys[row], kListDraw), rows.steps[row]);
  }
  tell_seen(told, seen);
  told.info["step"] = owned_column(std::move(steps));
  tell_uniform(told, std::move(streams), ask.draws);
  take_lists((*ask.function)(told.observation, told.info, slots, videos), rows.end - rows.begin, out);
}

}  // namespace

std::size_t take_lists(const nb::object& said, std::size_t rows, std::vector<std::int32_t>& out) {
  nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> lists;
  if (!nb::try_cast(said, lists, false) || lists.shape(0) != rows)
    throw InputError("lists of videos have another shape or type than sources.py promises");
  out.assign(lists.data(), lists.data() + lists.size());
  return lists.shape(1);
}

std::shared_ptr<const CandidateSource> PythonWorld::candidates(const std::shared_ptr<const Simulator>& simulator,
                                                               std::uint64_t seed, int threads) const {
  if (own == nullptr) return make_candidates(config, simulator, seed, threads);
  const std::size_t videos = simulator->catalogue.num_videos(), slots = config.candidates;
  return std::make_shared<const ListedCandidates>(
      config.source, videos, slots,
      [ask = own, videos, slots](const CandidateRows& rows, std::vector<std::int32_t>& out) {
        ask_for_lists(*ask, videos, slots, rows, out);
      });
}

}  // namespace swipegym::python
