#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <numeric>

#include "agents/logged_states.h"
#include "cli/env_options.h"
#include "cli/file_use.h"
#include "core/error.h"
#include "core/output_folder.h"
#include "env/catalogue.h"
#include "evaluation/off_policy/logged_candidates.h"
#include "python/src/bindings.h"
#include "sim_data/csv/log_writer.h"
#include "sim_data/log_limits.h"
#include "sim_data/store/log_store.h"

namespace nb = nanobind;

namespace swipegym::python {
namespace {

template <class T>
using Column = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class To, class From = To>
std::vector<To> column(const nb::dict& columns, const char* name, std::size_t rows) {
  if (!columns.contains(name)) throw InputError(fmt::format("the log has no column '{}'", name));
  Column<From> array;
  if (!nb::try_cast(columns[name], array, false) || array.shape(0) != rows)
    throw InputError(fmt::format("column '{}' does not have {} values of the type of its kind", name, rows));
  std::vector<To> out;
  out.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) out.push_back(static_cast<To>(array.data()[i]));
  return out;
}

// What every user of a log from Python needs; the other columns are of one value each.
Log rows_of(const nb::dict& columns, const Catalogue& catalogue) {
  Log log;
  const std::size_t rows = nb::len(nb::object(columns["user"]));
  log.user = column<UserIndex, std::uint32_t>(columns, "user", rows);
  log.video = column<VideoIndex, std::int32_t>(columns, "video", rows);
  log.resize(rows);
  log.time_ms = column<std::int64_t>(columns, "time_ms", rows);
  log.play_ms = column<std::int32_t>(columns, "play_time_ms", rows);
  log.duration_ms = column<std::int32_t>(columns, "duration_ms", rows);
  log.tab = column<std::uint8_t>(columns, "tab", rows);
  log.signals = column<SignalBits>(columns, "signals", rows);
  std::iota(log.source_row.begin(), log.source_row.end(), 0U);
  for (std::size_t i = 0; i < rows; ++i) {
    if (index_of(log.user[i]) >= catalogue.num_users())
      throw InputError(fmt::format("row {} is of user {}, but there are {}: is this the log's simulator?", i,
                                   index_of(log.user[i]), catalogue.num_users()));
    if (index_of(log.video[i]) >= catalogue.num_videos())
      throw InputError(fmt::format("row {} shows video {}, but there are {}: is this the log's simulator?", i,
                                   index_of(log.video[i]), catalogue.num_videos()));
  }
  return log;
}

nb::dict logged_observations(const Simulator& simulator, const nb::dict& columns, std::size_t history_length) {
  Dataset data;
  data.log = rows_of(columns, simulator.catalogue);
  LoggedStates::Batch batch;
  const std::size_t rows = data.log.size();
  {
    nb::gil_scoped_release unlocked;
    data.user_offset = count_offsets(data.log, simulator.catalogue.num_users());
    std::vector<std::uint32_t> all(rows);
    std::iota(all.begin(), all.end(), 0U);
    LoggedStates(data, simulator.catalogue, history_length).fill(all, batch);
  }
  nb::dict out;
  out["user_features"] = owned_array(std::move(batch.user_features), {rows, kUserFeatures});
  out["history_video"] = owned_array(std::move(batch.history_video), {rows, history_length});
  out["history_ratio"] = owned_array(std::move(batch.history_ratio), {rows, history_length});
  out["history_signals"] = owned_array(std::move(batch.history_signals), {rows, history_length});
  out["context"] = owned_array(std::move(batch.context), {rows, kContextFeatures});
  out["tab"] = owned_array(std::move(batch.tab), {rows, 1});
  out["hours_since"] = owned_array(std::move(batch.hours_since), {rows, 1});
  return out;
}

// The feature tables as far as a catalogue knows them: what user_features and video_features were made of.
UserTable user_table(const Catalogue& catalogue) {
  UserTable table{.raw_id = catalogue.raw_user_id, .columns = {}};
  const std::size_t users = catalogue.num_users();
  const auto feature = [&](std::size_t user, std::size_t f) {
    return catalogue.user_features[user * kUserFeatures + f];
  };
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  FeatureColumn degree{.name = "user_active_degree",
                       .value = {},
                       .categories = {"full_active", "high_active", "middle_active", "low_active", "2_14_day_new"}};
  for (std::size_t user = 0; user < users; ++user) {
    degree.value.push_back(kMissing);
    for (std::size_t d = 0; d < degree.categories.size(); ++d)
      if (feature(user, kUserFullActive + d) > 0.0F) degree.value.back() = static_cast<float>(d);
  }
  table.columns.push_back(std::move(degree));
  const auto flag = [&](const char* name, std::size_t f) {
    FeatureColumn out{.name = name, .value = {}, .categories = {}};
    for (std::size_t user = 0; user < users; ++user) out.value.push_back(feature(user, f));
    table.columns.push_back(std::move(out));
  };
  const auto count = [&](const std::string& name, std::size_t f) {
    FeatureColumn out{.name = name, .value = {}, .categories = {}};
    for (std::size_t user = 0; user < users; ++user)
      out.value.push_back(static_cast<float>(std::round(std::expm1(8.0 * static_cast<double>(feature(user, f))))));
    table.columns.push_back(std::move(out));
    table.columns.push_back({.name = name + "_range", .value = std::vector<float>(users, kMissing), .categories = {}});
  };
  flag("is_lowactive_period", kUserLowPeriod);
  flag("is_live_streamer", kUserIsStreamer);
  flag("is_video_author", kUserIsAuthor);
  count("follow_user_num", kUserFollows);
  count("fans_user_num", kUserFans);
  count("friend_user_num", kUserFriends);
  count("register_days", kUserRegisterDays);
  return table;
}

VideoTable video_table(const Catalogue& catalogue) {
  const std::size_t videos = catalogue.num_videos();
  VideoTable table;
  table.raw_id = catalogue.raw_video_id;
  table.author = catalogue.author;
  table.author_raw_id.resize(catalogue.num_authors);
  std::iota(table.author_raw_id.begin(), table.author_raw_id.end(), 0);
  table.video_types = {"NORMAL", "AD"};
  table.upload_types = {"unknown"};
  table.upload_type.assign(videos, 0), table.upload_date.assign(videos, 0);
  table.width.assign(videos, 0), table.height.assign(videos, 0);
  table.music_id.assign(videos, 0), table.music_type.assign(videos, -1);
  table.tag_offset = {0};
  for (std::size_t v = 0; v < videos; ++v) {
    table.video_type.push_back(catalogue.video_features[v * kVideoFeatures + kVideoIsAd] > 0.0F ? 1 : 0);
    table.duration_ms.push_back(static_cast<float>(catalogue.duration_ms[v]));
    if (catalogue.tag[v] + 1U < catalogue.num_tags) table.tag.push_back(catalogue.tag[v]);
    table.tag_offset.push_back(static_cast<std::uint32_t>(table.tag.size()));
  }
  return table;
}

// The tables of the data the simulator was fitted on, where they are given; they must be of the same users and videos.
void add_tables(const Simulator& simulator, const std::filesystem::path& tables, int threads, Dataset& data) {
  if (tables.empty()) {
    data.users = user_table(simulator.catalogue), data.videos = video_table(simulator.catalogue);
    return;
  }
  LoadedDataset loaded = load_dataset(tables, {.threads = threads, .progress = interruptible()});
  if (loaded.data.users.raw_id != simulator.catalogue.raw_user_id ||
      loaded.data.videos.raw_id != simulator.catalogue.raw_video_id)
    throw InputError(fmt::format("{} holds other users or videos than the simulator; give the data it was fitted on",
                                 tables.string()));
  data.users = std::move(loaded.data.users), data.videos = std::move(loaded.data.videos);
}

void write_log(const std::filesystem::path& path, const nb::dict& columns, const Simulator& simulator,
               const std::filesystem::path& tables, bool store, bool replace, int threads) {
  cli::require_apart({.inputs = {{.option = "tables", .path = tables},
                                 {.option = "the data behind the simulator", .path = cli::fitted_data(simulator)}},
                      .outputs = {{.option = "path",
                                   .path = path,
                                   .writing = store ? cli::Writing::kBinary : cli::Writing::kFolder,
                                   .replaces_any = replace}}});
  Dataset data;
  Log& log = data.log = rows_of(columns, simulator.catalogue);
  const std::size_t rows = log.size();
  log.date = column<std::int32_t>(columns, "date", rows);
  log.hourmin = column<std::int16_t>(columns, "hourmin", rows);
  log.is_random = column<std::uint8_t>(columns, "is_rand", rows);
  if (columns.contains("propensity")) log.propensity = column<float>(columns, "propensity", rows);
  nb::gil_scoped_release unlocked;
  add_tables(simulator, tables, threads, data);
  if (store) {
    LogStoreBuilder builder(path, std::move(data.users), std::move(data.videos), "", threads, interruptible());
    std::vector<LogRow> all;
    for (std::size_t i = 0; i < rows; ++i) all.push_back(row_at(log, i));
    builder.add(all);
    builder.finish();
    return;
  }
  OutputFolder folder(path, is_release_file, replace);
  write_release(data, folder.temporary(), "generated", 0, interruptible());
  folder.commit();
}

void write_candidates(const std::filesystem::path& path,
                      const nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>& candidate,
                      const Simulator& simulator) {
  const LoggedCandidates sets{.slots = candidate.shape(1),
                              .video = {candidate.data(), candidate.data() + candidate.size()}};
  VideoTable videos;
  videos.raw_id = simulator.catalogue.raw_video_id;
  nb::gil_scoped_release unlocked;
  save_candidates(sets, videos, path);
}

template <class T>
bool first_refused(const ColumnLimits& limits, nb::handle values, nb::object& found) {
  Column<T> column;
  if (!nb::try_cast(values, column, false)) return false;
  for (std::size_t row = 0; row < column.size(); ++row)
    if (!limits.allow(static_cast<std::int64_t>(column.data()[row]))) {
      found = nb::make_tuple(row, std::string(limits.expected));
      break;
    }
  return true;
}

// (row, what is expected) of the first value that no file of a log could hold; None where there is none.
nb::object first_refused_value(const std::string& name, nb::handle values) {
  using namespace log_limits;
  for (const ColumnLimits& limits : {kUserId, kVideoId, kDate, kHourmin, kTime, kTab, kPlay, kDuration}) {
    if (limits.name != name) continue;
    nb::object found = nb::none();
    if (first_refused<std::int64_t>(limits, values, found) || first_refused<std::int32_t>(limits, values, found) ||
        first_refused<std::int16_t>(limits, values, found) || first_refused<std::uint8_t>(limits, values, found))
      return found;
    throw InputError(fmt::format("column '{}' is not of the type of its kind", name));
  }
  return nb::none();
}

}  // namespace

void bind_log_files(nb::module_& module) {
  module.def("logged_observations", &logged_observations, nb::arg("simulator"), nb::arg("columns"),
             nb::arg("history_length"), "What an agent would have seen at rows ordered by user and time.");
  module.def("write_log", &write_log, nb::arg("path"), nb::arg("columns"), nb::arg("simulator"), nb::arg("tables"),
             nb::arg("store"), nb::arg("replace"), nb::arg("threads"),
             "A KuaiRand release, or a store; see docs/guide/data.md.");
  module.def("first_refused_value", &first_refused_value, nb::arg("name"), nb::arg("values"),
             "(row, what is expected) of the first value that no file of a log could hold, or None.");
  module.def("write_candidates", &write_candidates, nb::arg("path"), nb::arg("candidate"), nb::arg("simulator"),
             "The candidates of a log's rows, as `swipegym generate --keep-candidates` writes them.");
}

}  // namespace swipegym::python
