#include "agents/sasrec/sasrec_seed_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agents/gradient_steps.h"
#include "agents/logged_states.h"
#include "agents/sasrec/sasrec_learner.h"
#include "agents/supervised_rows.h"
#include "core/error.h"
#include "policy/item_inputs.h"
#include "policy/sasrec/sasrec_inputs.h"
#include "sim_data/day_text.h"

namespace swipegym {
namespace {

// The report's inputs: the sum of these signals, and nothing of the watch time.
constexpr SignalBits kReportedSignals =
    bit(Signal::kClick) | bit(Signal::kLike) | bit(Signal::kFollow) | bit(Signal::kForward) | bit(Signal::kProfile);

SasrecConfig without_ratios(SasrecConfig config) {
  config.network.ratios = false;
  return config;
}

// Rows of one user in one part of the days, the newest max_length of them.
struct SeedSequence {
  std::uint32_t first = 0, last = 0;  // in the part's list of rows
};

struct SeedPart {
  std::vector<std::uint32_t> rows;
  std::vector<SeedSequence> sequences;
  double padding = 0.0;
};

SeedPart make_part(const SupervisedTask& task, const DayRange& days, std::size_t length, const char* what) {
  SeedPart part{.rows = rows_of_days(*task.data, {days}), .sequences = {}};
  if (part.rows.empty())
    throw InputError(
        fmt::format("the seed protocol needs {} days with rows, got {}", what, days_text(days.from, days.until)));
  const Log& log = task.data->log;
  for (std::uint32_t first = 0; first < part.rows.size();) {
    std::uint32_t last = first;
    while (last < part.rows.size() && log.user[part.rows[last]] == log.user[part.rows[first]]) ++last;
    const auto kept = std::min<std::uint32_t>(last - first, static_cast<std::uint32_t>(length));
    part.sequences.push_back({last - kept, last});
    part.padding += static_cast<double>(length - kept);
    first = last;
  }
  part.padding /= static_cast<double>(length * part.sequences.size());
  return part;
}

// Sums of what figures are made of.
struct SeedCounts {
  double both = 0.0, said = 0.0, are = 0.0, right = 0.0, squares = 0.0, rows = 0.0;

  void add(float probability, float ratio, float clicked, float watched) {
    const bool positive = clicked > 0.5F, guessed = probability >= 0.5F;
    both += positive && guessed, said += guessed, are += positive, right += positive == guessed;
    squares += static_cast<double>(ratio - watched) * (ratio - watched);
    rows += 1.0;
  }
  SeedProtocolFigures figures() const {
    const auto share = [](double top, double bottom) { return bottom > 0.0 ? top / bottom : 0.0; };
    return {share(2.0 * both, said + are), share(both, are), share(both, said), share(right, rows),
            std::sqrt(share(squares, rows))};
  }
};

class SeedProtocol {
 public:
  SeedProtocol(const SupervisedTask& task, const SasrecConfig& config)
      : task_(task),
        config_(without_ratios(config)),
        length_(config.network.max_length),
        ratios_(*task.data, *task.catalogue, 1),
        items_(make_item_inputs(*task.catalogue)),
        network_(config_.network, items_.num_ids, items_.num_authors, kSasrecStepFeatures, kSasrecCandidateFeatures,
                 split(make_key(task.seed), Draw::kInit)),
        learner_(network_, settings()) {}

  SeedProtocolResult run() {
    const SeedPart train = make_part(task_, task_.train, length_, "training");
    const SeedPart validate = make_part(task_, task_.validate, length_, "validation");
    const SeedPart test = make_part(task_, task_.test, length_, "test");
    SeedProtocolResult result;
    result.train_padding = train.padding, result.validate_padding = validate.padding,
    result.test_padding = test.padding;
    const RandomKey key = split(make_key(task_.seed), Draw::kBatch);
    for (int epoch = 1; epoch <= config_.epochs; ++epoch) {
      const std::vector<std::uint32_t> order =
          shuffled_numbers(train.sequences.size(), split(key, static_cast<std::uint64_t>(epoch)));
      SeedProtocolEpoch& report_of = result.epochs.emplace_back();
      report_of.epoch = epoch;
      double steps = 0.0;
      for (std::size_t first = 0; first < order.size(); first += config_.batch, steps += 1.0)
        report_of.train_running += learner_
                                       .step([&](std::size_t s, SasrecExamples& out) {
                                         if (first + s < order.size())
                                           write(train, train.sequences[order[first + s]], true, out);
                                       })
                                       .total;
      report_of.train_running /= steps;
      report_of.train_again = loss(train, true), report_of.train_unpadded = loss(train, false);
      report_of.validate_padded = loss(validate, true), report_of.validate_unpadded = loss(validate, false);
      report(task_.progress, "seed protocol", static_cast<std::uint64_t>(epoch),
             static_cast<std::uint64_t>(config_.epochs));
    }
    judge(test, result);
    return result;
  }

 private:
  SasrecLearner::Settings settings() const {
    SasrecLearner::Settings s = learner_settings(task_, config_);
    s.next_weight = 0.0;
    return s;
  }

  // Faults 1 to 3: integer targets, padded positions as negatives, and states that have seen the row itself.
  void write(const SeedPart& part, const SeedSequence& sequence, bool padded, SasrecExamples& out) const {
    const Log& log = task_.data->log;
    PackedHistories& h = out.histories;
    const std::size_t first = h.rows(), count = sequence.last - sequence.first;
    h.features.conservativeResize(static_cast<Eigen::Index>(first + count),
                                  static_cast<Eigen::Index>(kSasrecStepFeatures));
    const auto answer = [&](std::int32_t state, float ratio) {
      out.state.push_back(state), out.item.push_back(-1), out.author.push_back(-1);
      out.binary.push_back(std::floor(ratio) > config_.threshold ? 1.0F : 0.0F);
      out.ratio.push_back(std::floor(ratio));
    };
    for (std::size_t i = padded ? count : length_; i < length_; ++i) answer(-1, 0.0F);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t row = part.rows[sequence.first + i], video = index_of(log.video[row]);
      pack_step(config_.network, items_, video, items_.features.data() + video * kVideoFeatures, ratios_.ratio(row),
                log.signals[row] & kReportedSignals, i, count, h);
      answer(static_cast<std::int32_t>(first + i), ratios_.ratio(row));
    }
    h.offset.push_back(static_cast<std::uint32_t>(h.rows()));
    out.features.setZero(static_cast<Eigen::Index>(out.item.size()),
                         static_cast<Eigen::Index>(kSasrecCandidateFeatures));
  }

  double loss(const SeedPart& part, bool padded) {
    double sum = 0.0, rows = 0.0;
    for (std::size_t first = 0; first < part.sequences.size(); first += config_.batch) {
      const std::size_t count = std::min(config_.batch, part.sequences.size() - first);
      const SasrecLosses losses = learner_.evaluate(
          count, [&](std::size_t s, SasrecExamples& out) { write(part, part.sequences[first + s], padded, out); });
      sum += losses.total * losses.candidates, rows += losses.candidates;
    }
    return sum / rows;
  }

  void judge(const SeedPart& part, SeedProtocolResult& result) const {
    SeedCounts pooled, unpadded;
    double batches = 0.0;
    for (std::size_t first = 0; first < part.sequences.size(); first += config_.batch, batches += 1.0) {
      SeedCounts batch;
      for (std::size_t s = first; s < std::min(part.sequences.size(), first + config_.batch); ++s) {
        SasrecExamples example;
        write(part, part.sequences[s], true, example);
        SasrecNetwork::Work work;
        network_.forward(example.histories, {}, work);
        network_.forward_heads(example.state, example.item, example.author, example.features, {}, work);
        const Matrix& out = work.head.output();
        for (std::size_t i = 0; i < example.item.size(); ++i) {
          const auto at = static_cast<Eigen::Index>(i);
          const float probability = 1.0F / (1.0F + std::exp(-out(at, SasrecNetwork::kBinary)));
          const auto add = [&](SeedCounts& counts) {
            counts.add(probability, out(at, SasrecNetwork::kRatio), example.binary[i], example.ratio[i]);
          };
          add(batch), add(pooled);
          if (example.state[i] >= 0) add(unpadded);
        }
      }
      const SeedProtocolFigures f = batch.figures();
      result.batches.f1 += f.f1, result.batches.recall += f.recall, result.batches.precision += f.precision;
      result.batches.accuracy += f.accuracy, result.batches.rmse += f.rmse;
    }
    for (double* figure : {&result.batches.f1, &result.batches.recall, &result.batches.precision,
                           &result.batches.accuracy, &result.batches.rmse})
      *figure /= batches;
    result.pooled = pooled.figures(), result.unpadded = unpadded.figures();
  }

  const SupervisedTask& task_;
  SasrecConfig config_;
  std::size_t length_;
  LoggedStates ratios_;
  ItemInputs items_;
  SasrecNetwork network_;
  SasrecLearner learner_;
};

}  // namespace

SeedProtocolResult run_seed_protocol(const SupervisedTask& task, const SasrecConfig& config) {
  check(config);
  return SeedProtocol(task, config).run();
}

}  // namespace swipegym
