#include "policy/stages/bandit_scorers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "policy/bandit/linear_arms.h"
#include "policy/bandit/neural_linear.h"
#include "policy/policy_file.h"
#include "policy/stages/network_heads.h"

namespace swipegym {
namespace {

// Thompson draws of other stages have the numbers below.
constexpr std::uint32_t kWeightDraws = std::uint32_t{1} << 31;

/// A head of a network with the sums of the rows that taught it.
struct SummedHead {
  NetworkHeads network;
  std::size_t head = 0;   // its number in the network,
  std::size_t place = 0;  // and among those that are shown

  const LastLayerSums& sums() const noexcept { return *network.source().last_layer_sums(head); }
  std::size_t features() const noexcept { return sums().features; }
  void foresee(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t> wanted,
               Matrix& foreseen, LastLayer& layer) const {
    std::vector<std::uint8_t> outputs = network.outputs_of(wanted);
    if (!outputs.empty()) outputs[head] = 1;
    layer.head = head;
    network.source().foresee({.batch = requests.batch,
                              .rows = requests.rows,
                              .offset = lists.offset,
                              .videos = lists.video,
                              .wanted = outputs},
                             foreseen, &layer);
  }
};

SummedHead read_summed_head(const std::string& file, const std::string& head, const StageSettings& stage,
                            const StageContext& context) {
  if (file.empty()) stage.refuse("file", nullptr, "a policy file of 'supervised multitask'");
  auto policy = stage.policy("file", file, context);
  if (policy->head_source() == nullptr)
    stage.refuse("file", file, "a policy with several heads, as 'supervised multitask' makes");
  SummedHead out{.network = NetworkHeads(std::move(policy), *context.catalogue)};
  const std::vector<std::string>& names = out.network.source().head_names();
  std::vector<std::string> known;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (out.network.source().last_layer_sums(i) != nullptr) known.push_back(names[i]);
  if (known.empty())
    stage.refuse("file", file, "a policy file that keeps the sums of its training rows: train it again");
  const auto found = std::find(names.begin(), names.end(), head);
  out.head = static_cast<std::size_t>(found - names.begin());
  if (found == names.end() || out.network.source().last_layer_sums(out.head) == nullptr)
    stage.refuse("head", head, fmt::format("a head of this network: {}", fmt::join(known, ", ")));
  out.place = out.network.place_of(out.head);
  return out;
}

class NeuralLinearScorer final : public Scorer {
 public:
  NeuralLinearScorer(SummedHead of, const NeuralLinearScorerSettings& settings)
      : of_(std::move(of)),
        settings_(settings),
        posterior_(
            {.features = of_.features(), .ridge = settings.ridge, .shape = settings.shape, .scale = settings.scale},
            of_.sums()) {
    posterior_.decay(settings.row_weight);
    posterior_.solve();
  }
  std::string_view name() const noexcept override { return "neural_linear"; }
  const std::vector<std::string>& heads() const noexcept override { return of_.network.names(); }
  std::size_t history_length() const noexcept override { return of_.network.policy().history_length(); }
  /// Behind the heads, for a draw: the last layer, and the video's seconds where these follow from the head.
  std::size_t columns() const noexcept override {
    return heads().size() + (draws() ? of_.features() + (of_.network.is_watch(of_.place) ? 1 : 0) : 0);
  }

  std::shared_ptr<const Scorer> refreshed(const CatalogueNow& now) const override {
    auto fresh = std::make_shared<NeuralLinearScorer>(*this);
    return fresh->of_.network.refresh(now) ? fresh : nullptr;
  }

  void score(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t> wanted,
             Matrix& out) const override {
    Matrix foreseen;
    LastLayer layer;
    of_.foresee(requests, lists, wanted, foreseen, layer);
    of_.network.fill(foreseen, lists, out);
    if (settings_.choice == "ucb") add_deviations(layer.values, lists, out);
    if (!draws()) return;
    out.middleCols(static_cast<Eigen::Index>(heads().size()), layer.values.cols()) = layer.values;
    if (!of_.network.is_watch(of_.place)) return;
    for (Eigen::Index i = 0; i < out.rows(); ++i)
      out(i, out.cols() - 1) = of_.network.seconds_of(lists.video[static_cast<std::size_t>(i)]);
  }

  void draw(RequestDice& dice, std::span<float> rows) const override {
    if (!draws()) return;
    const std::uint32_t number = kWeightDraws + static_cast<std::uint32_t>(of_.head);
    const Eigen::VectorXd off = posterior_.draw_weights(dice.key(Chance::kThompson, number)) - posterior_.weights();
    const std::size_t shown = heads().size(), width = columns();
    const bool watch = of_.network.is_watch(of_.place);
    for (std::size_t at = 0; at < rows.size(); at += width) {
      const std::span<float> row = rows.subspan(at, width);
      double sum = 0.0;
      for (std::size_t j = 0; j < of_.features(); ++j)
        sum += off[static_cast<Eigen::Index>(j)] * static_cast<double>(row[shown + j]);
      row[of_.place] += static_cast<float>(settings_.width * sum);
      if (watch) row[shown - 1] = row[of_.place] * row[width - 1];
    }
  }

 private:
  bool draws() const noexcept { return settings_.choice == "thompson"; }

  void add_deviations(const Matrix& layer, const VideoLists& lists, Matrix& out) const {
    std::vector<double> deviation(lists.video.size());
    posterior_.deviations(layer, deviation);
    for (std::size_t i = 0; i < deviation.size(); ++i)
      out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(of_.place)) +=
          static_cast<float>(settings_.width * deviation[i]);
    of_.network.fill_seconds(lists, out);
  }

  SummedHead of_;
  NeuralLinearScorerSettings settings_;
  NeuralLinear posterior_;
};

class LinUcbScorer final : public Scorer {
 public:
  LinUcbScorer(SummedHead of, const LinUcbScorerSettings& settings)
      : of_(std::move(of)),
        width_(settings.width),
        arms_({.features = of_.features(), .ridge = settings.ridge, .diagonal = settings.diagonal}) {
    arms_.add(of_.sums());
    arms_.decay(settings.row_weight);
  }
  std::string_view name() const noexcept override { return "linucb"; }
  const std::vector<std::string>& heads() const noexcept override { return of_.network.names(); }
  std::size_t history_length() const noexcept override { return of_.network.policy().history_length(); }

  std::shared_ptr<const Scorer> refreshed(const CatalogueNow& now) const override {
    auto fresh = std::make_shared<LinUcbScorer>(*this);
    return fresh->of_.network.refresh(now) ? fresh : nullptr;
  }

  void score(const Requests& requests, const VideoLists& lists, std::span<const std::uint8_t> wanted,
             Matrix& out) const override {
    Matrix foreseen;
    LastLayer layer;
    of_.foresee(requests, lists, wanted, foreseen, layer);
    of_.network.fill(foreseen, lists, out);
    const MatrixOf<double> features = layer.values.cast<double>();
    std::vector<double> upper(lists.video.size());
    arms_.score_rows(0, features, width_, upper);
    for (std::size_t i = 0; i < upper.size(); ++i)
      out(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(of_.place)) = static_cast<float>(upper[i]);
    of_.network.fill_seconds(lists, out);
  }

 private:
  SummedHead of_;
  double width_;
  LinearArms arms_;
};

}  // namespace

std::shared_ptr<const Scorer> make_neural_linear_scorer(const StageSettings& stage, const StageContext& context) {
  const auto settings = stage.read<NeuralLinearScorerSettings>();
  return std::make_shared<NeuralLinearScorer>(read_summed_head(settings.file, settings.head, stage, context), settings);
}

std::shared_ptr<const Scorer> make_linucb_scorer(const StageSettings& stage, const StageContext& context) {
  const auto settings = stage.read<LinUcbScorerSettings>();
  return std::make_shared<LinUcbScorer>(read_summed_head(settings.file, settings.head, stage, context), settings);
}

}  // namespace swipegym
