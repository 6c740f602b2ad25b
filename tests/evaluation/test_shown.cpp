#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "evaluation/fidelity/fidelity.h"
#include "evaluation/shown.h"

namespace swipegym {
namespace {

TEST_CASE("a figure that is no number is shown as a dash of the same width", "[evaluation]") {
  CHECK(fmt::format("{:>8.2f}|{:+.1f} %", shown(1.5), shown(2.0)) == "    1.50|+2.0 %");
  for (const double none : {std::nan(""), -std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK(fmt::format("{:>8.2f}|{:<5.1f}|{:+.1f} %|{}", shown(none), shown(none), shown(none), shown(none)) ==
          "       -|-    |- %|-");
}

TEST_CASE("fidelity to a truth that predicts every row says why there is no figure", "[evaluation]") {
  FidelityReport report;
  report.references.resize(1);
  report.truth = PredictorScore{.name = "truth", .crps = 0.0};
  for (const double crps : {0.0, 0.25}) {
    report.simulator.crps = crps;
    CHECK(std::isnan(report.crps_above_truth()));
    const std::string text = to_text(report);
    CHECK(text.find("nan") == std::string::npos);
    CHECK(text.find("inf") == std::string::npos);
    CHECK(text.find("- % (that is 0: each row is known beforehand)") != std::string::npos);
    CHECK(to_json(report)["crps_above_truth"].is_null());
  }
}

}  // namespace
}  // namespace swipegym
