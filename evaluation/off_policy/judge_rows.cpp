#include "evaluation/off_policy/judge_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agents/logged_states.h"
#include "core/error.h"
#include "core/parallel_for.h"
#include "env/catalogue.h"
#include "evaluation/generate/logged_feed.h"
#include "evaluation/off_policy/choice_features.h"
#include "policy/select.h"

namespace swipegym {
namespace {

constexpr std::size_t kJudgedAtOnce = 64;
constexpr std::size_t kPiecesBetweenReports = 64;

/// What a worker needs for a piece of rows.
struct Judging {
  LoggedStates::Batch states;
  ChoiceFeatures::States encoded;
  std::vector<std::int32_t> videos;  // [rows, m]
  std::vector<std::uint8_t> mask;
  std::vector<std::size_t> logged_slot;
  std::vector<float> features, scores;
  std::vector<RandomKey> keys;
  std::vector<std::uint32_t> streams;
  DecisionBatch decision;
  std::vector<double> probability, sum;
};

class Judge {
 public:
  Judge(const Policy& policy, const Dataset& data, const Catalogue& catalogue, std::span<const std::uint32_t> rows,
        const CandidatesOf& candidates, const JudgeSettings& settings)
      : policy_(policy),
        data_(data),
        catalogue_(catalogue),
        rows_(rows),
        candidates_(candidates),
        settings_(settings),
        states_(data, catalogue, std::max<std::size_t>(1, policy.history_length())),
        items_(make_item_inputs(catalogue)),
        features_(items_) {}

  JudgedRows run() {
    const auto n = static_cast<Eigen::Index>(rows_.size());
    out_.row.resize(rows_.size());
    out_.linear.logged = Matrix::Zero(n, ChoiceFeatures::kSize), out_.linear.policy = out_.linear.logged;
    out_.linear.reward.resize(rows_.size());
    out_.linear.user.resize(rows_.size());
    out_.linear.continues.assign(rows_.size(), 0);
    const std::size_t pieces = (rows_.size() + kJudgedAtOnce - 1) / kJudgedAtOnce;
    for (std::size_t begin = 0; begin < pieces; begin += kPiecesBetweenReports) {
      const std::size_t count = std::min(kPiecesBetweenReports, pieces - begin);
      parallel_for(count, settings_.threads, [&](std::size_t piece, int) {
        thread_local Judging work;
        const std::size_t first = (begin + piece) * kJudgedAtOnce;
        judge_piece(first, std::min(kJudgedAtOnce, rows_.size() - first), work);
      });
      report(settings_.progress, "judging rows", std::min(rows_.size(), (begin + count) * kJudgedAtOnce), rows_.size());
    }
    return std::move(out_);
  }

 private:
  void judge_piece(std::size_t first, std::size_t count, Judging& work) {
    const std::span<const std::uint32_t> rows = rows_.subspan(first, count);
    states_.fill(rows, work.states);
    features_.encode(work.states.observation, work.encoded);
    for (std::size_t i = 0; i < count; ++i) begin_row(first + i);
    for (std::size_t draw = 0; draw < settings_.draws; ++draw) {
      offer(rows, draw, work);
      score(rows, draw, work);
      for (std::size_t i = 0; i < count; ++i) add_draw(first + i, i, work);
    }
    for (std::size_t i = 0; i < count; ++i) {
      work.sum.assign(ChoiceFeatures::kSize, 0.0);
      features_.add(work.encoded, i, work.states.video[i], 1.0, work.sum);
      const auto to = static_cast<Eigen::Index>(first + i);
      for (std::size_t f = 0; f < work.sum.size(); ++f)
        out_.linear.logged(to, static_cast<Eigen::Index>(f)) = static_cast<float>(work.sum[f]);
    }
  }

  void begin_row(std::size_t to) {
    const std::uint32_t row = rows_[to];
    const Log& log = data_.log;
    OffPolicyRow& out = out_.row[to];
    out.reward = logged_reward(log, row, catalogue_, settings_.reward);
    out.user = index_of(log.user[row]);
    out.propensity = settings_.uniform ? 1.0 / static_cast<double>(settings_.slots)
                                       : static_cast<double>(log.propensity.empty() ? NAN : log.propensity[row]);
    if (!(out.propensity > 0.0))
      throw InputError(fmt::format("row {} of the log has no propensity: nothing says how likely its video was shown",
                                   log.source_row[row]));
    out_.linear.reward[to] = out.reward, out_.linear.user[to] = out.user;
    if (to + 1 < rows_.size() && rows_[to + 1] == row + 1 && continues_session(log, row + 1))
      out_.linear.continues[to] = 1;
  }

  void offer(std::span<const std::uint32_t> rows, std::size_t draw, Judging& work) const {
    const std::size_t m = settings_.slots;
    work.videos.resize(rows.size() * m), work.mask.resize(rows.size() * m), work.logged_slot.resize(rows.size());
    work.features.resize(rows.size() * m * kVideoFeatures);
    for (std::size_t i = 0; i < rows.size(); ++i)
      work.logged_slot[i] =
          candidates_(rows[i], draw, std::span(work.videos).subspan(i * m, m), std::span(work.mask).subspan(i * m, m));
    for (std::size_t slot = 0; slot < work.videos.size(); ++slot)
      std::copy_n(catalogue_.video_features.data() + static_cast<std::size_t>(work.videos[slot]) * kVideoFeatures,
                  kVideoFeatures, &work.features[slot * kVideoFeatures]);
  }

  void score(std::span<const std::uint32_t> rows, std::size_t draw, Judging& work) const {
    work.keys.clear();
    for (const std::uint32_t row : rows) work.keys.push_back(split(RandomKey{}, row));
    work.streams.assign(rows.size(), static_cast<std::uint32_t>(draw));
    work.scores.resize(rows.size() * settings_.slots);
    ObservationView observation = work.states.observation;
    observation.candidates = settings_.slots;
    observation.candidate = work.videos.data();
    observation.candidate_features = work.features.data();
    observation.mask = work.mask.data();
    work.decision = {
        .observation = observation, .env = nullptr, .keys = work.keys, .streams = work.streams, .threads = 1};
    score_slots(policy_, work.decision, work.scores);
  }

  // The weight and the mean features of one candidate set.
  void add_draw(std::size_t to, std::size_t i, Judging& work) {
    const std::size_t m = settings_.slots;
    work.probability.resize(m);
    choice_probabilities(policy_, work.decision, i, std::span(work.scores).subspan(i * m, m),
                         std::span(work.mask).subspan(i * m, m), resolved(settings_.exploration, policy_),
                         work.probability);
    const double share = 1.0 / static_cast<double>(settings_.draws);
    out_.row[to].weight += share * work.probability[work.logged_slot[i]] / out_.row[to].propensity;
    work.sum.assign(ChoiceFeatures::kSize, 0.0);
    for (std::size_t slot = 0; slot < m; ++slot)
      if (work.probability[slot] > 0.0)
        features_.add(work.encoded, i, work.videos[i * m + slot], share * work.probability[slot], work.sum);
    const auto at = static_cast<Eigen::Index>(to);
    for (std::size_t f = 0; f < work.sum.size(); ++f)
      out_.linear.policy(at, static_cast<Eigen::Index>(f)) += static_cast<float>(work.sum[f]);
  }

  const Policy& policy_;
  const Dataset& data_;
  const Catalogue& catalogue_;
  std::span<const std::uint32_t> rows_;
  const CandidatesOf& candidates_;
  const JudgeSettings& settings_;
  LoggedStates states_;
  ItemInputs items_;
  ChoiceFeatures features_;
  JudgedRows out_;
};

std::vector<OffPolicyRow> with_model(std::vector<OffPolicyRow> rows, const CrossFitted& model) {
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].q_logged = model.logged[i], rows[i].q_policy = model.policy[i];
  return rows;
}

}  // namespace

double logged_reward(const Log& log, std::size_t row, const Catalogue& catalogue, const RewardWeights& weights) {
  const std::int32_t duration =
      log.duration_ms[row] > 0 ? log.duration_ms[row] : catalogue.duration_ms[index_of(log.video[row])];
  const double ratio = static_cast<double>(log.play_ms[row]) / std::max(duration, 1);
  double reward = static_cast<double>(weights.watch_s) * log.play_ms[row] / 1000.0 +
                  static_cast<double>(weights.watch_ratio) * std::min(ratio, static_cast<double>(kRatioClip));
  for (std::size_t s = 0; s < kNumSignals; ++s)
    if (has(log.signals[row], static_cast<Signal>(s))) reward += static_cast<double>(weights.signal[s]);
  return reward;
}

JudgedRows judge_rows(const Policy& policy, const Dataset& data, const Catalogue& catalogue,
                      std::span<const std::uint32_t> rows, const CandidatesOf& candidates,
                      const JudgeSettings& settings) {
  return Judge(policy, data, catalogue, rows, candidates, settings).run();
}

std::vector<OffPolicyEstimate> one_step_table(const JudgedRows& judged, const TableSettings& settings, RandomKey key) {
  const RandomKey fold_key = split(key, Draw::kBatch);
  const std::vector<OffPolicyRow> plain =
      with_model(judged.row, fit_rewards(judged.linear, {}, settings.fit, fold_key));
  std::vector<double> weight;
  for (const OffPolicyRow& row : judged.row) weight.push_back(mrdr_weight(row));
  const std::vector<OffPolicyRow> robust =
      with_model(judged.row, fit_rewards(judged.linear, weight, settings.fit, fold_key));
  std::vector<OffPolicyRow> logged = judged.row;
  for (OffPolicyRow& row : logged) row.weight = 1.0;
  std::vector<AskedEstimate> asked = {{.name = "logged", .estimator = Estimator::kIps, .rows = logged}};
  const auto ask = [&](std::string_view name, Estimator estimator, double lambda = kNoLimit) {
    asked.push_back({.name = name, .estimator = estimator, .lambda = lambda, .rows = plain});
  };
  const auto choose = [&](std::string_view name, Estimator estimator) {
    ask(name, estimator, slope_setting(estimator, lambda_grid(estimator, plain), plain));
  };
  ask("dm", Estimator::kDirect);
  if (settings.replay) ask("replay", Estimator::kReplay);
  ask("ips", Estimator::kIps);
  choose("ips_slope", Estimator::kIps);
  ask("snips", Estimator::kSnips);
  ask("ncis", Estimator::kNcis, settings.ncis_cap);
  choose("sub_gaussian", Estimator::kSubGaussian);
  ask("dr", Estimator::kDr);
  ask("sndr", Estimator::kSndr);
  choose("switch_dr", Estimator::kSwitchDr);
  choose("dros", Estimator::kDros);
  choose("dr_pessimistic", Estimator::kDrPessimistic);
  choose("sub_gaussian_dr", Estimator::kSubGaussianDr);
  asked.push_back({.name = "mrdr", .estimator = Estimator::kDr, .lambda = kNoLimit, .rows = robust});
  return estimate_with_intervals(asked, key, settings.bootstrap);
}

}  // namespace swipegym
