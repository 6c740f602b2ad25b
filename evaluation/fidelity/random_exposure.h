#pragma once

#include <cstdint>
#include <string>

#include "core/config.h"
#include "core/progress.h"
#include "env/simulator.h"
#include "evaluation/fidelity/reference_models.h"

namespace swipegym {

/// Mean responses to shown videos; all a video.
struct ExposureMeans {
  double watch_ratio = 0.0;  // clipped to 5
  double watch_s = 0.0;
  std::array<double, kNumSignals> rate{};
  std::uint64_t videos = 0;
};

struct RandomExposureReport {
  std::uint8_t tab = 1;
  ExposureMeans real;       // of the random log's rows in that tab
  ExposureMeans simulated;  // of a uniform policy in the simulator, sessions opening in that tab
};

struct RandomExposureOptions {
  std::int32_t from = 0, until = 99999999;  // days of the random rows
  std::uint8_t tab = 1;                     // where 99 % of KuaiRand's random exposures are
  std::size_t sessions = 5000;
  std::uint64_t seed = 1;
  int threads = 0;
  Progress progress{};
};

/// The check on the interventional response that a random log allows: lets a policy that chooses uniformly from the
/// whole catalogue run in the simulator, and compares what people answer with what they answered to random exposures.
/// `real.videos` is 0 when the days hold no random row.
RandomExposureReport check_random_exposure(std::shared_ptr<const Simulator> simulator, const Dataset& data,
                                           const RandomExposureOptions& options);

Json to_json(const RandomExposureReport& report);
std::string to_text(const RandomExposureReport& report);

}  // namespace swipegym
