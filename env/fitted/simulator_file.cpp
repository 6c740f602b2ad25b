#include "env/fitted/simulator_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "env/fitted/fitted_user_model.h"
#include "sim_data/log_limits.h"

namespace swipegym {

namespace {

void save_catalogue(const Catalogue& catalogue, Hdf5Writer& file) {
  file.write("catalogue/raw_video_id", catalogue.raw_video_id);
  file.write("catalogue/raw_user_id", catalogue.raw_user_id);
  file.write("catalogue/duration_ms", catalogue.duration_ms);
  file.write("catalogue/tag", catalogue.tag);
  file.write("catalogue/author", catalogue.author);
  file.write("catalogue/exposures", catalogue.exposures);
  file.write("catalogue/item_mean", catalogue.item_mean);
  file.write("catalogue/video_features", catalogue.video_features);
  file.write("catalogue/user_features", catalogue.user_features);
  file.write("catalogue/sizes", std::vector<std::uint32_t>{catalogue.num_tags, catalogue.num_authors});
  const auto write_known = [&](const char* name, const auto& column) {
    if (!column.empty()) file.write(name, column);
  };
  write_known("catalogue/hate_rate", catalogue.hate_rate);
  write_known("catalogue/upload_day", catalogue.upload_day);
  write_known("catalogue/visible_status", catalogue.visible_status);
  write_known("catalogue/raw_author_id", catalogue.raw_author_id);
  write_known("catalogue/tag_code", catalogue.tag_code);
}

// A column that files of before do not have.
template <class T>
void read_known(const Hdf5Reader& file, const char* name, std::vector<T>& column) {
  if (file.has(name)) column = file.read<T>(name);
}

Catalogue load_catalogue(const Hdf5Reader& file) {
  Catalogue out;
  out.raw_video_id = file.read<std::int64_t>("catalogue/raw_video_id");
  out.raw_user_id = file.read<std::int64_t>("catalogue/raw_user_id");
  out.duration_ms = file.read<std::int32_t>("catalogue/duration_ms");
  out.tag = file.read<std::uint16_t>("catalogue/tag");
  out.author = file.read<std::uint32_t>("catalogue/author");
  out.exposures = file.read<std::uint32_t>("catalogue/exposures");
  out.item_mean = file.read<float>("catalogue/item_mean");
  out.video_features = file.read<float>("catalogue/video_features");
  out.user_features = file.read<float>("catalogue/user_features");
  read_known(file, "catalogue/hate_rate", out.hate_rate);
  read_known(file, "catalogue/upload_day", out.upload_day);
  read_known(file, "catalogue/visible_status", out.visible_status);
  read_known(file, "catalogue/raw_author_id", out.raw_author_id);
  read_known(file, "catalogue/tag_code", out.tag_code);
  const auto sizes = file.read_array<std::uint32_t, 2>("catalogue/sizes");
  out.num_tags = sizes[0], out.num_authors = sizes[1];
  if (file.has_attribute("catalogue_until"))
    out.until =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(file.attribute_int("catalogue_until"), -1, INT32_MAX));
  return out;
}

void save_population(const Population& population, Hdf5Writer& file) {
  file.write("population/start_user", population.start_user);
  file.write("population/start_time_ms", population.start_time_ms);
  file.write("population/start_tab", population.start_tab);
  file.write("population/history_offset", population.history_offset);
  file.write("population/history_video", population.history_video);
  file.write("population/history_ratio", population.history_ratio);
  file.write("population/history_signals", population.history_signals);
}

Population load_population(const Hdf5Reader& file) {
  Population population{.start_user = file.read<std::uint32_t>("population/start_user"),
                        .start_time_ms = file.read<std::int64_t>("population/start_time_ms"),
                        .start_tab = file.read<std::uint8_t>("population/start_tab"),
                        .history_offset = file.read<std::uint64_t>("population/history_offset"),
                        .history_video = file.read<std::uint32_t>("population/history_video"),
                        .history_ratio = file.read<float>("population/history_ratio"),
                        .history_signals = {}};
  if (file.has("population/history_signals"))
    population.history_signals = file.read<SignalBits>("population/history_signals");
  else  // a file from before feedback was kept
    population.history_signals.assign(population.history_video.size(), SignalBits{0});
  return population;
}

// Histories as columns: video and classes as integers, residuals as one matrix.
constexpr std::size_t kResiduals = 9;

void save_events(const FittedParts& parts, Hdf5Writer& file) {
  std::vector<std::uint32_t> video;
  std::vector<std::int64_t> time;
  std::vector<std::uint8_t> classes;
  std::vector<float> residuals;
  for (const HistoryEvent& event : parts.event) {
    video.push_back(event.video);
    time.push_back(event.time_ms);
    classes.insert(classes.end(), {event.tab_class, event.duration_class, static_cast<std::uint8_t>(event.known)});
    residuals.insert(residuals.end(), {event.level, event.click, event.long_view, event.like, event.profile,
                                       event.other, event.hate, event.zero, event.watched});
  }
  file.write("history/offset", parts.event_offset);
  file.write("history/video", video);
  file.write("history/time_ms", time);
  file.write("history/classes", classes);
  file.write("history/residuals", residuals);
}

// Histories as a file has them: checked column by column, each of them once, before events are made of them.
struct EventColumns {
  std::size_t videos;  // of the catalogue
  std::vector<std::uint32_t> video;
  std::vector<std::int64_t> time_ms;
  std::vector<std::uint8_t> classes;
  std::vector<float> residuals;

  // Of an event's tab, of its duration, and whether that is known.
  static bool is_class(const std::uint8_t* event) noexcept {
    return (event[0] < kTabClasses) & (event[1] < kDurationClasses) & (event[2] <= 1);
  }

  void validate() const {
    require_size("history/time_ms", time_ms.size(), video.size());
    require_size("history/classes", classes.size(), 3 * video.size());
    require_size("history/residuals", residuals.size(), kResiduals * video.size());
    require_below("history/video", std::span(video), videos);
    require_between("history/time_ms", std::span(time_ms), std::int64_t{0}, kMaxTimeMs);
    unsigned bad = 0;
    for (std::size_t i = 0; i < classes.size(); i += 3) bad |= !is_class(classes.data() + i);
    for (std::size_t i = 0; bad != 0 && i < classes.size(); i += 3)
      if (!is_class(classes.data() + i))
        throw InputError(fmt::format("history/classes: event {} is of tab class {}, duration class {}, known {}", i / 3,
                                     classes[i], classes[i + 1], classes[i + 2]));
    // What happened less what is expected: within 1, and within 3 for the sum of three signals.
    require_between("history/residuals", std::span(residuals), -4.0F, 4.0F);
  }
};

void load_events(const Hdf5Reader& file, FittedParts& parts) {
  parts.event_offset = file.read<std::uint64_t>("history/offset");
  const auto columns = file.checked(EventColumns{.videos = parts.encoder.features.num_videos(),
                                                 .video = file.read<std::uint32_t>("history/video"),
                                                 .time_ms = file.read<std::int64_t>("history/time_ms"),
                                                 .classes = file.read<std::uint8_t>("history/classes"),
                                                 .residuals = file.read<float>("history/residuals")});
  parts.event.resize(columns.video.size());
  for (std::size_t i = 0; i < parts.event.size(); ++i) {
    HistoryEvent& event = parts.event[i];
    event.video = columns.video[i];
    event.author = parts.encoder.features.video_author[event.video],
    event.tag = parts.encoder.features.video_tag[event.video];
    event.time_ms = columns.time_ms[i];
    const std::uint8_t* c = columns.classes.data() + 3 * i;
    event.tab_class = c[0], event.duration_class = c[1], event.known = c[2] != 0;
    const float* r = columns.residuals.data() + kResiduals * i;
    event.level = r[0], event.click = r[1], event.long_view = r[2], event.like = r[3], event.profile = r[4];
    event.other = r[5], event.hate = r[6], event.zero = r[7], event.watched = r[8];
  }
}

struct MemberCount {
  std::size_t count;
  void validate() const { require_between("members/count", count, std::size_t{2}, kMostMembers); }
};

constexpr std::array<const char*, 4> kMemberColumns = {"table", "dense", "bias", "effects"};

void save_members(const std::vector<MemberTables>& members, Hdf5Writer& file) {
  if (!members.empty())
    file.write("members/count", std::vector<std::uint32_t>{static_cast<std::uint32_t>(members.size())});
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::array<const Matrix*, 4> columns = {&members[m].table, &members[m].dense, &members[m].bias,
                                                  &members[m].effects};
    for (std::size_t k = 0; k < columns.size(); ++k)
      file.write_matrix<float>(fmt::format("members/{}/{}", m, kMemberColumns[k]),
                               {columns[k]->data(), static_cast<std::size_t>(columns[k]->size())},
                               static_cast<std::size_t>(columns[k]->rows()),
                               static_cast<std::size_t>(columns[k]->cols()));
  }
}

std::vector<MemberTables> load_members(const Hdf5Reader& file, const ResponseNetwork& network) {
  std::vector<MemberTables> members;
  const auto rows = static_cast<std::size_t>(network.table.value.rows()), hidden = network.shape.hidden();
  const auto read = [&](const std::string& name, std::size_t height, std::size_t width) {
    const std::vector<float> values = file.read_matrix<float>(name, height, width);
    if (!std::all_of(values.begin(), values.end(), [](float w) { return std::abs(w) <= kLargestWeight; }))
      throw InputError(fmt::format("{}: {} holds a number that is no weight", file.path().string(), name));
    return Matrix(
        Eigen::Map<const Matrix>(values.data(), static_cast<Eigen::Index>(height), static_cast<Eigen::Index>(width)));
  };
  if (!file.has("members/count")) return members;
  const std::size_t count = file.checked(MemberCount{file.read_array<std::uint32_t, 1>("members/count")[0]}).count;
  while (members.size() < count) {
    const std::string name = fmt::format("members/{}/", members.size());
    MemberTables member;
    member.table = read(name + "table", rows, hidden);
    member.dense = read(name + "dense", kDenseFeatures - kHistoryFeatures, hidden);
    member.bias = read(name + "bias", 1, hidden);
    member.effects = read(name + "effects", kExposureTerms + 1, kDirections);
    members.push_back(std::move(member));
  }
  return members;
}

// Where counts are clipped, the dense clock's shift, and whether the log holds whole sessions.
struct ClipNumbers {
  std::array<float, 6> number;
  void validate() const {
    require_between<float>("clip", std::span(number).first(4), 0.0F, std::numeric_limits<float>::max());
    require_between("clip[4]", number[4], -kLargestFeature, kLargestFeature);
    require_that("clip[5]", number[5] == 0.0F || number[5] == 1.0F, "0 or 1");
  }
};

// The world's sizes, which the parts have to fit.
struct PartsOfWorld {
  const Catalogue& catalogue;
  const FittedParts& parts;
  void validate() const { parts.validate(catalogue.num_users(), catalogue.num_videos()); }
};

}  // namespace

void save_simulator(const Simulator& simulator, const std::filesystem::path& path) {
  const auto* model = dynamic_cast<const FittedUserModel*>(simulator.model.get());
  if (model == nullptr)
    throw InputError("a simulator of kind '" + std::string(simulator.model->name()) + "' is not kept in a file");
  const FittedParts& parts = model->parts();
  Hdf5Writer file(path);
  file.attribute("kind", std::string_view("simulator"));
  file.attribute("schema_version", kSimulatorSchema);
  file.attribute("data_fingerprint", static_cast<std::int64_t>(simulator.data_fingerprint));
  file.attribute("catalogue_until", std::int64_t{simulator.catalogue.until});
  file.write_text("config", simulator.fit.text());
  file.write_text("truth", simulator.truth);
  save_catalogue(simulator.catalogue, file);
  save_population(simulator.population, file);
  parts.encoder.features.save(file);
  parts.encoder.grid.save(file);
  parts.encoder.cells.save(file);
  parts.network.save(file);
  save_members(parts.members, file);
  parts.returns.save(file);
  file.write("clip",
             std::vector<float>{parts.clip.count, parts.clip.day_count, parts.clip.week_count, parts.clip.session_count,
                                parts.dense_leave_shift, parts.whole_sessions ? 1.0F : 0.0F});
  file.write("item_dense", parts.item_dense);
  save_events(parts, file);
  file.commit();
}

Simulator load_simulator(const std::filesystem::path& path, Clock clock) {
  const Hdf5Reader file(path, "simulator", kSimulatorSchema);
  Simulator out;
  out.data_fingerprint = static_cast<std::uint64_t>(file.attribute_int("data_fingerprint"));
  out.fit = read_fit_notes(file.read_text("config"), path.string() + ": config");
  out.truth = file.read_text("truth");
  out.catalogue = load_catalogue(file);
  out.population = load_population(file);
  file.check(out);
  FittedParts parts;
  parts.encoder.features = FeatureEncoder::load(file);
  parts.encoder.grid = WatchGrid::load(file);
  parts.encoder.cells = ResponseCells::load(file);
  parts.network = ResponseNetwork::load(file);
  parts.members = load_members(file, parts.network);
  parts.returns = ReturnModel::load(file);
  const auto clip = file.checked(ClipNumbers{file.read_array<float, 6>("clip")}).number;
  parts.clip = {clip[0], clip[1], clip[2], clip[3]};
  parts.dense_leave_shift = clip[4];
  parts.whole_sessions = clip[5] != 0.0F;
  parts.item_dense = file.read<float>("item_dense");
  load_events(file, parts);
  file.check(PartsOfWorld{out.catalogue, parts});
  out.model = std::make_shared<FittedUserModel>(std::move(parts), clock);
  return out;
}

}  // namespace swipegym
