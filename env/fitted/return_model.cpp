#include "env/fitted/return_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/validate.h"
#include "env/catalogue.h"
#include "nn/adam.h"
#include "nn/losses.h"
#include "sim_data/days_off.h"

namespace swipegym {

namespace {

constexpr std::array<float, 36> kBinHours = {0.5F, 1,  1.5F, 2,  3,  4,  5,   6,   8,   10,  12,  14,
                                             16,   18, 20,   22, 24, 26, 28,  32,  36,  40,  44,  48,
                                             52,   60, 68,   72, 84, 96, 120, 144, 168, 216, 264, 336};
constexpr double kHourMs = 3600000.0;
constexpr double kRecencyDays = 10.0;    // a session's weight falls by e in so many days before the log's end
constexpr double kEnoughSessions = 300;  // for a day to have a mean of its own
constexpr int kEpochs = 12;
constexpr std::size_t kBatch = 1024, kHidden = 32;

// How often a user is seen, four numbers that grow with the log: first of the inputs, see ReturnModel::RatesOfDay.
void rates_of(const UserHistory& h, float* out) {
  const float week = std::log1p(h.week_count);
  out[0] = std::log1p(h.day_count), out[1] = week, out[2] = week * week, out[3] = std::log1p(h.count);
}

void inputs_of(const UserHistory& h, std::span<const float> user_dense, std::int64_t time_ms,
               const ReturnModel::RatesOfDay& rates, float* out) {
  const double day = 2.0 * std::numbers::pi * static_cast<double>((time_ms + 8 * 3600000) % 86400000) / 86400000.0;
  const auto angle = static_cast<float>(day);
  rates_of(h, out);
  std::size_t i = 0;
  for (; i < ReturnModel::kRates; ++i) out[i] = (out[i] - rates.mean[i]) / rates.deviation[i];
  const auto put = [&](float value) { out[i++] = value; };
  for (const float harmonic : {1.0F, 2.0F, 3.0F}) put(std::sin(harmonic * angle)), put(std::cos(harmonic * angle));
  // Whether today and tomorrow are off work.
  const std::int32_t today = day_of_time(time_ms);
  for (std::int32_t ahead = 0; ahead < 2; ++ahead) put(is_day_off(today + ahead) ? 0.5F : -0.5F);
  put(3.0F * h.slow_level / (h.slow_weight + 2.0F));
  put(2.0F * h.fast_level / (h.fast_weight + 1.0F));
  put(3.0F * h.level / (h.count + 5.0F));
  put(std::log1p(h.session_count) - 0.8F);
  put(2.0F * h.session_level / (h.session_count + 1.0F));
  put((h.tab_count[1] + 0.7F) / (h.count + 1.0F));
  for (std::size_t d = 0; d < kUserDense; ++d) put(user_dense[d]);
  static_assert(ReturnModel::kRates + 14 + kUserDense == ReturnModel::kInputs);
}

std::size_t bin_of(double hours) {
  const auto above = std::upper_bound(kBinHours.begin(), kBinHours.end(), static_cast<float>(hours));
  return above == kBinHours.begin() ? 0 : static_cast<std::size_t>(above - kBinHours.begin()) - 1;
}

struct Sessions {
  std::vector<float> inputs;  // [sessions, kInputs]
  std::vector<float> hours;   // the gap, or for a cut one the time that passed without a return
  std::vector<std::uint8_t> cut;
  std::vector<float> weight;
  std::vector<std::int32_t> day;
};

Sessions collect(const FitLog& log) {
  const Dataset& data = log.data;
  Sessions out;
  std::int64_t end_ms = 0;
  for (const HistoryEvent& event : log.event) end_ms = std::max(end_ms, event.time_ms);
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    if (!log.in_fold[user]) continue;
    UserHistory history;
    for (std::uint64_t at = log.offset[user]; at < log.offset[user + 1]; ++at) {
      history.add(log.event[at]);
      const std::uint64_t next = std::uint64_t{log.row[at]} + 1;
      const bool has_next = next < data.user_offset[user + 1] && data.log.date[next] <= log.window.until;
      const std::int64_t time_ms = log.event[at].time_ms;
      const std::int64_t gap = (has_next ? data.log.time_ms[next] : end_ms) - time_ms;
      if (gap <= kSessionGapMs) continue;
      out.inputs.resize(out.inputs.size() + ReturnModel::kInputs);
      inputs_of(history, {log.encoder.features.user_dense.data() + user * kUserDense, kUserDense}, time_ms, {},
                out.inputs.data() + out.inputs.size() - ReturnModel::kInputs);
      out.day.push_back(day_of_time(time_ms));
      out.hours.push_back(static_cast<float>(static_cast<double>(gap) / kHourMs));
      out.cut.push_back(has_next ? 0 : 1);
      out.weight.push_back(
          static_cast<float>(std::exp(static_cast<double>(time_ms - end_ms) / (kRecencyDays * 24.0 * kHourMs))));
    }
  }
  return out;
}

// The rates' mean and spread on each day from the first session's to the last one's; days of few sessions follow the
// next day that has enough, or else the last one that had.
std::vector<ReturnModel::RatesOfDay> rates_by_day(const Sessions& sessions, std::int32_t first_day) {
  const std::int32_t last_day = *std::max_element(sessions.day.begin(), sessions.day.end());
  struct DaySums {
    double n = 0;
    std::array<double, ReturnModel::kRates> sum{}, square{};
  };
  std::vector<DaySums> days(static_cast<std::size_t>(last_day - first_day + 1));
  DaySums all;
  for (std::size_t i = 0; i < sessions.day.size(); ++i)
    for (DaySums* at : {&days[static_cast<std::size_t>(sessions.day[i] - first_day)], &all}) {
      at->n += 1;
      for (std::size_t k = 0; k < ReturnModel::kRates; ++k) {
        const double rate = sessions.inputs[i * ReturnModel::kInputs + k];
        at->sum[k] += rate, at->square[k] += rate * rate;
      }
    }
  const auto moments = [](const DaySums& sums) {
    ReturnModel::RatesOfDay out;
    for (std::size_t k = 0; k < ReturnModel::kRates; ++k) {
      const double mean = sums.sum[k] / sums.n;
      out.mean[k] = static_cast<float>(mean);
      out.deviation[k] = static_cast<float>(std::sqrt(std::max(sums.square[k] / sums.n - mean * mean, 0.01)));
    }
    return out;
  };
  std::vector<ReturnModel::RatesOfDay> out(days.size());
  ReturnModel::RatesOfDay known = moments(all);
  for (std::size_t d = days.size(); d-- > 0;) {
    if (days[d].n >= kEnoughSessions) break;
    days.pop_back();
  }
  for (std::size_t d = days.size(); d-- > 0;) out[d] = known = days[d].n >= kEnoughSessions ? moments(days[d]) : known;
  for (std::size_t d = days.size(); d < out.size(); ++d) out[d] = d > 0 ? out[d - 1] : known;
  return out;
}

}  // namespace

const ReturnModel::RatesOfDay& ReturnModel::rates_on(std::int64_t time_ms) const noexcept {
  static const RatesOfDay kPlain;
  if (rates_.empty()) return kPlain;
  const std::int32_t last = static_cast<std::int32_t>(rates_.size()) - 1;
  return rates_[static_cast<std::size_t>(std::clamp(day_of_time(time_ms) - first_day_, 0, last))];
}

std::span<const float> ReturnModel::bin_hours() noexcept {
  return kBinHours;
}

ReturnModel::ReturnModel(const FitLog& log, std::uint64_t seed, std::int64_t max_updates) {
  const std::array<std::size_t, 3> sizes = {kInputs, kHidden, kBinHours.size()};
  mlp_ = Mlp(sizes, Activation::kRelu, split(make_key(seed), 77));
  Sessions sessions = collect(log);
  const std::size_t n = sessions.hours.size();
  if (n == 0) return;
  first_day_ = *std::min_element(sessions.day.begin(), sessions.day.end());
  rates_ = rates_by_day(sessions, first_day_);
  for (std::size_t i = 0; i < n; ++i) {
    const RatesOfDay& rates = rates_[static_cast<std::size_t>(sessions.day[i] - first_day_)];
    for (std::size_t k = 0; k < kRates; ++k)
      sessions.inputs[i * kInputs + k] = (sessions.inputs[i * kInputs + k] - rates.mean[k]) / rates.deviation[k];
  }
  double tail = 0, tails = 1;
  for (std::size_t i = 0; i < n; ++i)
    if (sessions.hours[i] > kBinHours.back())
      tail += sessions.hours[i] - kBinHours.back(), tails += sessions.cut[i] ? 0 : 1;
  tail_hours_ = static_cast<float>(std::clamp(tail / tails, 24.0, 2000.0));

  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  std::vector<Parameter*> parameters;
  mlp_.collect(parameters);
  Adam adam({.weight_decay = 0.01, .clip_norm = 1.0});
  MlpWorkspace workspace;
  Matrix input, gradient;
  const std::size_t per_epoch = (n + kBatch - 1) / kBatch;
  const std::size_t updates =
      std::min(std::clamp<std::size_t>(per_epoch * kEpochs, 300, 3000), static_cast<std::size_t>(max_updates));
  for (std::size_t step = 0; step < updates; ++step) {
    if (step % per_epoch == 0) {
      RandomStream random(split(split(make_key(seed), Draw::kReturn), step / per_epoch));
      for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    }
    const std::size_t begin = (step % per_epoch) * kBatch, count = std::min(kBatch, n - begin);
    input.resize(static_cast<Eigen::Index>(count), kInputs);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(sessions.inputs.data() + order[begin + i] * kInputs, kInputs,
                  &input(static_cast<Eigen::Index>(i), 0));
    mlp_.forward(input, workspace);
    gradient = workspace.output();
    softmax_rows<float>(gradient);
    for (std::size_t i = 0; i < count; ++i) {
      auto row = gradient.row(static_cast<Eigen::Index>(i));
      const std::size_t session = order[begin + i];
      const std::size_t bin = bin_of(sessions.hours[session]);
      if (!sessions.cut[session]) {
        row(static_cast<Eigen::Index>(bin)) -= 1.0F;
        continue;
      }
      // Longer than observed: the rest of this bin and all later ones.
      float rest = 1.0F;
      if (bin + 1 < kBinHours.size())
        rest = (kBinHours[bin + 1] - sessions.hours[session]) / (kBinHours[bin + 1] - kBinHours[bin]);
      float total = rest * row(static_cast<Eigen::Index>(bin));
      for (std::size_t k = bin + 1; k < kBinHours.size(); ++k) total += row(static_cast<Eigen::Index>(k));
      const float scale = 1.0F / std::max(total, 1.0e-6F);
      for (std::size_t k = bin; k < kBinHours.size(); ++k)
        row(static_cast<Eigen::Index>(k)) *= 1.0F - (k == bin ? rest : 1.0F) * scale;
    }
    for (std::size_t i = 0; i < count; ++i)
      gradient.row(static_cast<Eigen::Index>(i)) *= sessions.weight[order[begin + i]] / static_cast<float>(count);
    mlp_.backward(input, gradient, workspace, nullptr);
    const double done = static_cast<double>(step) / static_cast<double>(updates);
    adam.set_learning_rate(5e-3 * (0.02 + 0.98 * 0.5 * (1.0 + std::cos(std::numbers::pi * done))));
    adam.step(parameters);
  }
}

std::int64_t ReturnModel::draw_gap_ms(const UserHistory& history, std::span<const float> user_dense,
                                      std::int64_t time_ms, RandomKey key, MlpWorkspace& workspace) const {
  Matrix input(1, kInputs);
  inputs_of(history, user_dense, time_ms, rates_on(time_ms), input.data());
  mlp_.forward(input, workspace);
  Matrix probability = workspace.output();
  softmax_rows<float>(probability);
  RandomStream random(key);
  const float u = random.uniform();
  float below = 0.0F;
  std::size_t bin = 0;
  for (; bin + 1 < kBinHours.size(); ++bin) {
    below += probability(0, static_cast<Eigen::Index>(bin));
    if (u < below) break;
  }
  const float v = random.uniform();
  const float hours = bin + 1 < kBinHours.size() ? kBinHours[bin] + v * (kBinHours[bin + 1] - kBinHours[bin])
                                                 : kBinHours[bin] - tail_hours_ * std::log1p(-v);
  return static_cast<std::int64_t>(static_cast<double>(hours) * kHourMs) + 1;
}

void ReturnModel::save(Hdf5Writer& file) const {
  swipegym::save(file, "return", mlp_, false);
  file.write("return/tail_hours", std::vector<float>{tail_hours_});
  std::vector<float> rates;
  for (const RatesOfDay& day : rates_) {
    rates.insert(rates.end(), day.mean.begin(), day.mean.end());
    rates.insert(rates.end(), day.deviation.begin(), day.deviation.end());
  }
  file.write("return/rates", rates);
  file.write("return/first_day", std::vector<std::int32_t>{first_day_});
}

ReturnModel ReturnModel::load(const Hdf5Reader& file) {
  ReturnModel out;
  const std::array<std::size_t, 3> sizes = {kInputs, kHidden, kBinHours.size()};
  out.mlp_ = Mlp(sizes, Activation::kRelu, make_key(0));
  swipegym::load(file, "return", out.mlp_);
  out.tail_hours_ = file.read_array<float, 1>("return/tail_hours")[0];
  out.first_day_ = file.read_array<std::int32_t, 1>("return/first_day")[0];
  const std::vector<float> rates = file.read<float>("return/rates");
  file.require_shape("return/rates", {rates.size() / (2 * kRates) * (2 * kRates)});
  for (std::size_t at = 0; at < rates.size(); at += 2 * kRates) {
    RatesOfDay& day = out.rates_.emplace_back();
    std::copy_n(rates.data() + at, kRates, day.mean.begin());
    std::copy_n(rates.data() + at + kRates, kRates, day.deviation.begin());
  }
  return file.checked(std::move(out));
}

void ReturnModel::validate() const {
  constexpr std::int32_t kLastDay = days_of_date(20991231);
  require_between("return/tail_hours", tail_hours_, 1.0F, 1.0e5F);
  require_between("return/first_day", first_day_, 0, kLastDay);
  require_that("return/rates", rates_.size() <= static_cast<std::size_t>(kLastDay), "a row a day of the calendar");
  for (const RatesOfDay& day : rates_) {
    require_between<float>("return/rates", day.mean, -kLargestFeature, kLargestFeature);
    require_between<float>("return/rates", day.deviation, 1.0e-3F, kLargestFeature);
  }
}

}  // namespace swipegym
