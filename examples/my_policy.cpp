// A policy of one's own beside the built-in ones, on the same sessions:  my_policy sim.h5
// The file is what `swipegym fit` writes. A policy scores every candidate of every session in one call; the
// environment, the choice of the best slot and the statistics are the library's.
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "env/catalogue.h"
#include "env/fitted/simulator_file.h"
#include "evaluation/compare/compare.h"
#include "policy/make_policy.h"

namespace {

/// Prefers what others watched to the end, and something else than the last video when that one was skipped.
class MyPolicy final : public swipegym::Policy {
 public:
  explicit MyPolicy(const swipegym::Catalogue& catalogue) : catalogue_(catalogue) {}
  std::string_view name() const noexcept override { return "mine"; }

  void score(const swipegym::DecisionBatch& batch, std::span<float> scores) const override {
    const swipegym::ObservationView& seen = batch.observation;
    for (std::size_t row = 0; row < seen.rows; ++row) {
      const std::size_t newest = (row + 1) * seen.history_length - 1;
      const std::int32_t last_video = seen.history_video[newest];
      const bool skipped = last_video >= 0 && seen.history_ratio[newest] < 0.2F;
      for (std::size_t slot = 0; slot < seen.candidates; ++slot) {
        const std::size_t at = row * seen.candidates + slot;
        const auto video = static_cast<std::size_t>(seen.candidate[at]);
        const bool same_tag = skipped && catalogue_.tag[video] == catalogue_.tag[static_cast<std::size_t>(last_video)];
        scores[at] = catalogue_.item_mean[video] - (same_tag ? 0.1F : 0.0F);
      }
    }
  }

 private:
  const swipegym::Catalogue& catalogue_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fputs("usage: my_policy sim.h5\n", stderr), 2;
  const auto simulator = std::make_shared<const swipegym::Simulator>(swipegym::load_simulator(argv[1]));
  const auto report = swipegym::compare({{"random", {swipegym::make_policy("random", *simulator)}},
                                         {"popularity", {swipegym::make_policy("popularity", *simulator)}},
                                         {"mine", {std::make_shared<MyPolicy>(simulator->catalogue)}}},
                                        {{"simulator", simulator}}, {.sessions = 200, .seeds = 2});
  std::fputs(swipegym::to_text(report).c_str(), stdout);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "my_policy: %s\n", error.what()), 1;
}
