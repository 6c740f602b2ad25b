#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "env/candidate_sources.h"
#include "env/environment.h"
#include "env/fit_notes.h"
#include "env/fitted/fit_simulator.h"
#include "env/fitted/simulator_file.h"
#include "tests/env/toy_log.h"
#include "tests/hdf5_mutants.h"
#include "tests/sanitized.h"

namespace swipegym {
namespace {

using namespace testing;
using Catch::Matchers::Contains;

// The file of a simulator of few users, videos and units.
const FileImage& tiny_file() {
  static const FileImage image = [] {
    FitConfig config;
    config.members = 2;
    config.training.epochs = 1;
    config.training.max_updates = 3;
    config.training.batch = 64;
    config.training.threads = 1;
    config.training.shape = {.watch_hidden = 4, .watch_top = 3, .feedback_hidden = 4, .feedback_top = 3};
    const Dataset data = toy_log(6, 30, 20, 1, 0.2);
    const auto path = std::filesystem::temp_directory_path() / ("swipegym-sim-" + std::to_string(::getpid()) + ".h5");
    save_simulator(fit_simulator(data, 20220428, config).simulator, path);
    FileImage read = read_image(path);
    std::filesystem::remove(path);
    return read;
  }();
  return image;
}

Simulator load(const FileImage& image) {
  const MemoryFile file(image);
  return load_simulator(file.path());
}

void require_finite_numbers(const float* values, std::size_t count) {
  REQUIRE(std::all_of(values, values + count, [](float value) { return std::isfinite(value); }));
}

// Steps through sessions of candidates drawn at random and by exposures; everything that comes out is finite.
void step_sessions(const Simulator& simulator) {
  const auto shared = std::make_shared<const Simulator>(simulator);
  VectorEnvConfig config{.threads = 1, .history_length = 5, .max_steps = 4};
  config.reward.return_day = 1.0F;
  for (const char* source : {"random", "popularity"}) {
    std::shared_ptr<const CandidateSource> candidates;
    try {
      candidates = make_candidate_source(source, simulator.catalogue, 5);
    } catch (const InputError&) {
      continue;  // nothing was ever exposed
    }
    Environment session(shared, candidates, config);
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      session.reset(seed);
      for (bool over = false; !over;) {
        const StepResult step = session.step(static_cast<std::int32_t>(seed));
        over = step.terminated || step.truncated;
        const ObservationView& seen = step.observation;
        REQUIRE(std::isfinite(step.reward));
        require_finite_numbers(step.watch_s.data(), step.watch_s.size());
        require_finite_numbers(step.watch_ratio.data(), step.watch_ratio.size());
        require_finite_numbers(seen.user_features, kUserFeatures);
        require_finite_numbers(seen.candidate_features, 5 * kVideoFeatures);
        require_finite_numbers(seen.context, kContextFeatures);
        require_finite_numbers(seen.history_ratio, 5);
      }
    }
  }
}

}  // namespace

TEST_CASE("whatever is done to an object of a simulator file, it is refused or steps with finite numbers",
          "[simulator_file]") {
  const std::vector<Hdf5Mutation> mutations = hdf5_mutations(tiny_file());
  REQUIRE(mutations.size() > 2000);
  const std::vector<Hdf5Mutation> tried = sample_of(mutations, kSanitized);
  std::size_t refused = 0;
  for (const Hdf5Mutation& mutation : tried) {
    CAPTURE(mutation.object, mutation.change);
    try {
      step_sessions(load(mutated(tiny_file(), mutation)));
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > tried.size() / 2);
  CHECK(refused < tried.size());
}

TEST_CASE("a damaged simulator file is refused with the name of what is wrong in it", "[simulator_file]") {
  const std::pair<Hdf5Mutation, const char*> damages[] = {
      {{"history/classes", "all max"}, "tab class 255"},
      {{"history/offset", "middle half of max"}, "at least the offset before it"},
      {{"history/video", "first max"}, "history/video[0] is 4294967295, expected an index below 30"},
      {{"history/residuals", "last nan"}, "history/residuals[1079] is nan"},
      {{"encoder/user_code", "emptied"}, "encoder/user_dense has 24 values, expected 0"},
      {{"encoder/video_code", "all max"}, "encoder/video_code[0] is 65535"},
      {{"encoder/rows", "all max"}, "encoder/"},
      {{"catalogue/exposures", "emptied"}, "catalogue/exposures has 0 values, expected 30"},
      {{"catalogue/duration_ms", "second zero"}, "catalogue/duration_ms[1] is 0"},
      {{"catalogue/sizes", "all max"}, "catalogue/sizes"},
      {{"catalogue/video_features", "first nan"}, "catalogue/video_features[0] is nan"},
      {{"catalogue/hate_rate", "first nan"}, "catalogue/hate_rate[0] is nan"},
      {{"catalogue/upload_day", "one shorter"}, "catalogue/upload_day has 29 values, expected 30"},
      {{"catalogue/raw_author_id", "one shorter"}, "catalogue/raw_author_id has 9 values, expected 10"},
      {{"catalogue/tag_code", "one shorter"}, "catalogue/tag_code has 7 values, expected 8"},
      {{"population/start_user", "all max"}, "population/start_user[0]"},
      {{"population/history_offset", "last max"}, "population/history_offset[6]"},
      {{"clip", "first nan"}, "clip[0] is nan"},
      {{"clip", "all minus one"}, "clip[0] is -1"},
      {{"item_dense", "one shorter"}, "item_dense has 419 values, expected 420"},
      {{"network/exposure_effects", "first nan"}, "network/exposure_effects[0] is nan"},
      {{"network/exposure_units", "all minus one"}, "network/exposure_units[0] is -1"},
      {{"network/shape", "all max"}, "network/shape"},
      {{"network/shape", "first plus one"}, "network/table/value"},
      {{"network/table/value", "all nan"}, "network/table/value[0] is nan"},
      {{"network/table/value", "all max"}, "network/table/value[0]"},
      {{"return/tail_hours", "all nan"}, "return/tail_hours is nan"},
      {{"watch_grid/knots", "middle inf"}, "watch_grid/knots"},
      {{"response_cells", "transposed"}, "'response_cells' has shape"},
      {{"config", "key '/until' a text"}, "config: 'until' is \"x\", expected a date"},
      {{"config", "key '/mean_session_videos' a list"}, "config: 'mean_session_videos' is an array"},
      {{"config", "empty list"}, "config: not a JSON object"},
      {{"@catalogue_until", "all max"}, "catalogue_until"},
  };
  for (const auto& [mutation, words] : damages) {
    CAPTURE(mutation.object, mutation.change);
    const FileImage damaged = mutated(tiny_file(), mutation);
    CHECK_THROWS_WITH(load(damaged), Contains(words) && Contains("/dev/shm/"));
    CHECK_THROWS_AS(load(damaged), InputError);
  }
}

TEST_CASE("what a config says is asked for once and in its type", "[simulator_file]") {
  CHECK_FALSE(read_fit_notes("", "a").until.has_value());
  CHECK(read_fit_notes("", "a").text().empty());
  const std::string text = R"({"until":20220428,"mean_session_videos":12.5,"data":"logs.h5","other":[1]})";
  const FitNotes notes = read_fit_notes(text, "a");
  CHECK(notes.text() == text);
  CHECK(notes.until == 20220428);
  CHECK(notes.mean_session_videos == 12.5);
  CHECK(notes.data == "logs.h5");
  for (const char* wrong : {R"({"until":"x"})", R"({"until":-1})", R"({"mean_session_videos":null})", R"({"data":7})",
                            R"({"mean_session_videos":-1})", "[", "7"}) {
    CHECK_THROWS_AS(read_fit_notes(wrong, "a").validate(), InputError);
  }
}

}  // namespace swipegym
