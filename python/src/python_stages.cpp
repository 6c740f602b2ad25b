#include "python/src/python_stages.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/error.h"
#include "policy/row_copies.h"
#include "policy/stages/listed_observation.h"
#include "python/src/bindings.h"
#include "python/src/kept_object.h"
#include "python/src/observation_arrays.h"
#include "python/src/python_candidates.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

constexpr std::uint32_t kOwnNumbers = 1U << 16;  // beyond those of the stages that are built in

// What every kind of stage has.
class Asked {
 public:
  explicit Asked(AskedStage stage)
      : function_(std::move(stage.function)),
        name_(std::move(stage.name)),
        draws_(stage.draws),
        number_(kOwnNumbers + stage.number) {}

  const std::string& name() const noexcept { return name_; }
  const nb::object& function() const noexcept { return *function_; }

  // Of requests whose rows `rows` are.
  Told tell(const Requests& requests, const ObservationView& rows) const {
    Told told = told_of(rows, 0, rows.rows);
    std::vector<std::span<const std::uint32_t>> seen;
    std::vector<RandomStream> streams;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      seen.push_back(requests.batch.env == nullptr ? std::span<const std::uint32_t>{}
                                                   : requests.batch.env->seen(requests.rows[i]).videos());
      if (draws_ > 0) streams.push_back(requests.dice[i].stream(Chance::kFiller, number_));
    }
    tell_seen(told, seen);
    tell_uniform(told, std::move(streams), draws_);
    return told;
  }

  // Of request i alone, with these videos as its candidates.
  Told tell_one(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                const Catalogue& catalogue) const {
    const Requests one{requests.batch,   requests.rows.subspan(i, 1), requests.dice.subspan(i, 1),
                       requests.slate,   requests.num_videos,         requests.every_head,
                       requests.creators};
    VideoLists list;
    list.video.assign(videos.begin(), videos.end());
    list.offset.push_back(static_cast<std::uint32_t>(videos.size()));
    const ListedObservation listed(one, &list, catalogue.video_features);
    return tell(one, listed.batch().observation);
  }

 private:
  KeptObject function_;
  std::string name_;
  std::size_t draws_;
  std::uint32_t number_;
};

template <class T>
nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu> answer(const nb::object& said) {
  nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu> out;
  if (!nb::try_cast(said, out, false))
    throw InputError("a stage's answer has another shape or type than stages.py promises");
  return out;
}

class PythonRetriever final : public Retriever {
 public:
  explicit PythonRetriever(AskedStage stage) : asked_(std::move(stage)) {}
  std::string_view name() const noexcept override { return asked_.name(); }

  void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const override {
    std::vector<std::int32_t> lists, pool;
    const std::size_t length = ask(requests, count, lists);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests.offered()) requests.pool(i, pool), std::sort(pool.begin(), pool.end());
      std::size_t taken = 0;
      for (const std::int32_t video : std::span(lists).subspan(i * length, length)) {
        if (taken == count) break;
        if (video < 0) continue;
        if (requests.offered() ? std::binary_search(pool.begin(), pool.end(), video) : !requests.is_shown(i, video))
          out[i * count + taken++] = video;
      }
    }
  }

 private:
  std::size_t ask(const Requests& requests, std::size_t count, std::vector<std::int32_t>& lists) const {
    const RowCopies rows(requests.batch.observation, requests.rows);
    const nb::gil_scoped_acquire locked;
    const Told told = asked_.tell(requests, rows.observation());
    return take_lists(asked_.function()(told.observation, told.info, count, requests.num_videos), requests.size(),
                      lists);
  }

  Asked asked_;
};

class PythonFilter final : public Filter {
 public:
  PythonFilter(AskedStage stage, std::shared_ptr<const Catalogue> catalogue)
      : asked_(std::move(stage)), catalogue_(std::move(catalogue)) {}
  std::string_view name() const noexcept override { return asked_.name(); }
  std::string_view reason(std::uint8_t) const noexcept override { return "refused"; }

  void drop(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
            std::span<std::uint8_t> why) const override {
    if (videos.empty()) return;
    const nb::gil_scoped_acquire locked;
    const Told told = asked_.tell_one(requests, i, videos, *catalogue_);
    const auto keeps = answer<std::uint8_t>(asked_.function()(told.observation, told.info));
    for (std::size_t k = 0; k < std::min(why.size(), keeps.size()); ++k) why[k] = keeps.data()[k] == 0 ? 1 : 0;
  }

 private:
  Asked asked_;
  std::shared_ptr<const Catalogue> catalogue_;
};

class PythonOrderer final : public Orderer {
 public:
  PythonOrderer(AskedStage stage, std::shared_ptr<const Catalogue> catalogue)
      : asked_(std::move(stage)), catalogue_(std::move(catalogue)) {}
  std::string_view name() const noexcept override { return asked_.name(); }

  std::uint32_t order(const Requests& requests, std::size_t i, std::span<const std::int32_t> videos,
                      std::span<float> value, std::vector<std::uint32_t>& places) const override {
    if (places.empty()) return 0;
    std::vector<std::int32_t> ordered;
    std::vector<float> values;
    for (const std::uint32_t place : places) ordered.push_back(videos[place]), values.push_back(value[place]);
    const std::vector<std::uint32_t> before = places;
    const nb::gil_scoped_acquire locked;
    Told told = asked_.tell_one(requests, i, ordered, *catalogue_);
    told.info["value"] = owned_array(std::move(values), {1, before.size()});
    told.info["slate"] = requests.slate;
    const auto slots = answer<std::int32_t>(asked_.function()(told.observation, told.info));
    places.clear();
    for (std::size_t k = 0; k < slots.size(); ++k)
      places.push_back(before.at(static_cast<std::size_t>(slots.data()[k])));
    return 0;
  }

 private:
  Asked asked_;
  std::shared_ptr<const Catalogue> catalogue_;
};

}  // namespace

std::shared_ptr<const Retriever> python_retriever(AskedStage stage) {
  return std::make_shared<PythonRetriever>(std::move(stage));
}
std::shared_ptr<const Filter> python_filter(AskedStage stage, std::shared_ptr<const Catalogue> catalogue) {
  return std::make_shared<PythonFilter>(std::move(stage), std::move(catalogue));
}
std::shared_ptr<const Orderer> python_orderer(AskedStage stage, std::shared_ptr<const Catalogue> catalogue) {
  return std::make_shared<PythonOrderer>(std::move(stage), std::move(catalogue));
}

}  // namespace swipegym::python
