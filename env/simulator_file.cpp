#include "env/simulator_file.h"

#include <cstring>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "env/fitted_user_model.h"

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
  const auto sizes = file.read<std::uint32_t>("catalogue/sizes");
  if (sizes.size() != 2 || out.video_features.size() != out.num_videos() * kVideoFeatures ||
      out.user_features.size() != out.num_users() * kUserFeatures)
    throw InputError(file.path().string() + ": the catalogue has an unexpected size; fit the simulator again");
  out.num_tags = sizes[0], out.num_authors = sizes[1];
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

void load_events(const Hdf5Reader& file, FittedParts& parts) {
  parts.event_offset = file.read<std::uint64_t>("history/offset");
  const auto video = file.read<std::uint32_t>("history/video");
  const auto time = file.read<std::int64_t>("history/time_ms");
  const auto classes = file.read<std::uint8_t>("history/classes");
  const auto residuals = file.read<float>("history/residuals");
  if (time.size() != video.size() || classes.size() != 3 * video.size() ||
      residuals.size() != kResiduals * video.size() || parts.event_offset.empty() ||
      parts.event_offset.back() != video.size())
    throw InputError(file.path().string() + ": the histories have unexpected sizes; fit the simulator again");
  parts.event.resize(video.size());
  for (std::size_t i = 0; i < video.size(); ++i) {
    HistoryEvent& event = parts.event[i];
    event.video = video[i];
    if (video[i] >= parts.encoder.num_videos())
      throw InputError(file.path().string() + ": history/video names a video outside the catalogue");
    event.author = parts.encoder.video_author[video[i]], event.tag = parts.encoder.video_tag[video[i]];
    event.time_ms = time[i];
    event.tab_class = classes[3 * i], event.duration_class = classes[3 * i + 1], event.known = classes[3 * i + 2] != 0;
    const float* r = residuals.data() + kResiduals * i;
    event.level = r[0], event.click = r[1], event.long_view = r[2], event.like = r[3], event.profile = r[4];
    event.other = r[5], event.hate = r[6], event.zero = r[7], event.watched = r[8];
  }
}

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
  file.write_text("config", simulator.config);
  file.write_text("truth", simulator.truth);
  save_catalogue(simulator.catalogue, file);
  save_population(simulator.population, file);
  parts.encoder.save(file);
  parts.grid.save(file);
  parts.cells.save(file);
  parts.network.save(file);
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
  out.config = file.read_text("config");
  out.truth = file.read_text("truth");
  out.catalogue = load_catalogue(file);
  if (file.has_attribute("catalogue_until"))
    out.catalogue.until = static_cast<std::int32_t>(file.attribute_int("catalogue_until"));
  out.population = load_population(file);
  FittedParts parts;
  parts.encoder = FeatureEncoder::load(file);
  parts.grid = WatchGrid::load(file);
  parts.cells = ResponseCells::load(file);
  parts.network = ResponseNetwork::load(file);
  parts.returns = ReturnModel::load(file);
  const auto clip = file.read<float>("clip");
  parts.item_dense = file.read<float>("item_dense");
  if (clip.size() != 6 || parts.item_dense.size() != out.catalogue.num_videos() * kItemDense)
    throw InputError(path.string() + ": clip or item_dense has an unexpected size; fit the simulator again");
  parts.clip = {clip[0], clip[1], clip[2], clip[3]};
  parts.dense_leave_shift = clip[4];
  parts.whole_sessions = clip[5] != 0.0F;
  load_events(file, parts);
  out.model = std::make_shared<FittedUserModel>(std::move(parts), clock);
  return out;
}

}  // namespace swipegym
