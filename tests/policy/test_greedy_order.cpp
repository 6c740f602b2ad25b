// The four methods against their definitions, each written out with Eigen.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "policy/ordering/order_slate.h"
#include "tests/policy/ordering_lists.h"

namespace swipegym {
namespace {

std::vector<std::int32_t> order_by(const ScoredList& list, const OrderSettings& settings, std::size_t places,
                                   float boost = 1.0F) {
  OrderWorkspace workspace;
  std::vector<std::int32_t> slate(places);
  order_slate({.list = list, .boost = boost}, settings, SlateRules{}, workspace, slate);
  return slate;
}

// At each place the video with the largest `gain(before, video)`, found anew.
template <class Gain>
std::vector<std::int32_t> order_naively(std::size_t n, std::size_t places, Gain&& gain) {
  std::vector<std::int32_t> slate;
  while (slate.size() < places) {
    double most = -std::numeric_limits<double>::infinity();
    std::int32_t best = -1;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(n); ++i) {
      if (std::find(slate.begin(), slate.end(), i) != slate.end()) continue;
      if (const double value = gain(slate, i); value > most + 1e-12) most = value, best = i;
    }
    slate.push_back(best);
  }
  return slate;
}

std::vector<std::int32_t> with(std::vector<std::int32_t> videos, std::int32_t video) {
  videos.push_back(video);
  return videos;
}

Eigen::MatrixXd dpp_kernel(const DrawnList& list, double theta) {
  Eigen::VectorXd quality(static_cast<Eigen::Index>(list.relevance.size()));
  for (Eigen::Index i = 0; i < quality.size(); ++i)
    quality[i] = std::exp(theta * static_cast<double>(list.relevance[static_cast<std::size_t>(i)]));
  return quality.asDiagonal() * cosines(list) * quality.asDiagonal();
}

OrderSettings raw(const char* method) {
  OrderSettings settings;
  settings.method = method;
  settings.scale = "none";
  return settings;
}

// Every set of `size` of n videos.
template <class See>
void each_set(std::int32_t n, std::size_t size, See&& see, std::vector<std::int32_t> chosen = {}) {
  if (chosen.size() == size) return see(chosen);
  for (std::int32_t i = chosen.empty() ? 0 : chosen.back() + 1; i < n; ++i) each_set(n, size, see, with(chosen, i));
}

}  // namespace

TEST_CASE("DPP takes the video by which the kernel's determinant grows most, and value follows", "[policy]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const DrawnList list = draw_list(14, 5, 4, 4, seed);
    OrderSettings settings = raw("dpp");
    settings.dpp_theta = static_cast<float>(seed % 5);
    const Eigen::MatrixXd kernel = dpp_kernel(list, settings.dpp_theta);
    const auto slate = order_by(list.view(), settings, 9);
    CAPTURE(seed);
    std::vector<std::int32_t> taken;
    for (std::size_t place = 0; place < 5; ++place) {  // five dimensions have room for five
      double most = 0.0;
      for (std::int32_t i = 0; i < 14; ++i)
        if (std::find(taken.begin(), taken.end(), i) == taken.end())
          most = std::max(most, minor_of(kernel, with(taken, i)));
      taken.push_back(slate[place]);
      CHECK(minor_of(kernel, taken) >= most * (1.0 - 1e-9));
    }
    for (std::size_t place = 5; place < 9; ++place) {
      for (std::int32_t i = 0; i < 14; ++i)
        if (std::find(taken.begin(), taken.end(), i) == taken.end())
          CHECK(list.relevance[static_cast<std::size_t>(i)] <= list.relevance[static_cast<std::size_t>(slate[place])]);
      taken.push_back(slate[place]);
    }
  }
}

TEST_CASE("DPP's greedy set is within (1 - 1/e) of the best of all sets, and mostly is it", "[policy]") {
  std::size_t best_found = 0, sets = 0;
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    const DrawnList list = draw_list(9, 9, 4, 4, seed);
    Eigen::MatrixXd kernel = dpp_kernel(list, 1.0);
    // log det is monotone where no eigenvalue is below 1; a factor changes no choice of a given size.
    kernel /= Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(kernel).eigenvalues().minCoeff();
    OrderSettings settings = raw("dpp");
    settings.dpp_theta = 1.0F;
    for (const std::size_t size : {1, 2, 3}) {
      double best = 0.0;
      each_set(9, size,
               [&](const std::vector<std::int32_t>& set) { best = std::max(best, std::log(minor_of(kernel, set))); });
      const double greedy = std::log(minor_of(kernel, order_by(list.view(), settings, size)));
      CAPTURE(seed, size);
      CHECK(greedy >= (1.0 - std::exp(-1.0)) * best - 1e-9);
      if (size == 1) CHECK(greedy == Approx(best).epsilon(1e-12));
      ++sets;
      best_found += greedy >= best - 1e-9;
    }
  }
  CHECK(best_found >= sets * 7 / 10);
  CHECK(best_found < sets);  // and greedy is what it is
}

TEST_CASE("a DPP of copies takes the best of each before a second of any", "[policy]") {
  DrawnList list;
  list.width = 3;
  for (int i = 0; i < 9; ++i) {  // three directions, three copies each
    for (int k = 0; k < 3; ++k) list.vectors.push_back(k == i % 3 ? 0.7F : 0.0F);
    list.relevance.push_back(static_cast<float>(9 - i) * 0.01F + (i % 3 == 0 ? 1.0F : 0.0F));
  }
  CHECK(order_by(list.view(), raw("dpp"), 5) == std::vector<std::int32_t>{0, 1, 2, 3, 6});
  CHECK(order_by(list.view(), raw("value"), 3) == std::vector<std::int32_t>{0, 3, 6});
}

TEST_CASE("MMR agrees with its formula at every place", "[policy]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const DrawnList list = draw_list(20, 6, 4, 4, seed);
    const Eigen::MatrixXd likeness = cosines(list);
    OrderSettings settings = raw("mmr");
    settings.mmr_lambda = static_cast<float>(seed % 5) / 4.0F;
    for (const float boost : {1.0F, 0.5F, 2.0F}) {
      const double diversity =
          std::min(1.0, (1.0 - static_cast<double>(settings.mmr_lambda)) * static_cast<double>(boost));
      const auto expected = order_naively(20, 8, [&](const std::vector<std::int32_t>& taken, std::int32_t i) {
        double nearest = taken.empty() ? 0.0 : -1.0;
        for (const std::int32_t j : taken) nearest = std::max(nearest, likeness(i, j));
        return (1.0 - diversity) * static_cast<double>(list.relevance[static_cast<std::size_t>(i)]) -
               diversity * nearest;
      });
      CAPTURE(seed, boost);
      CHECK(order_by(list.view(), settings, 8, boost) == expected);
    }
  }
}

TEST_CASE("SSD adds the volume that the window's vectors span", "[policy]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const DrawnList list = draw_list(20, 6, 4, 4, seed);
    const Eigen::MatrixXd likeness = cosines(list);
    OrderSettings settings = raw("ssd");
    settings.ssd_gamma = 0.25F * static_cast<float>(1 + seed % 8);
    for (const int window : {2, 3, 5, 20}) {  // 20 spans more than six dimensions hold: nothing is left to add there
      settings.ssd_window = window;
      const auto expected = order_naively(20, 10, [&](const std::vector<std::int32_t>& taken, std::int32_t i) {
        const std::size_t kept = std::min<std::size_t>(taken.size(), static_cast<std::size_t>(window) - 1);
        const std::vector<std::int32_t> near(taken.end() - static_cast<std::ptrdiff_t>(kept), taken.end());
        const double square = minor_of(likeness, with(near, i));
        return static_cast<double>(list.relevance[static_cast<std::size_t>(i)]) +
               static_cast<double>(settings.ssd_gamma) * (square > 1e-12 ? std::sqrt(square) : 0.0);
      });
      CAPTURE(seed, window);
      CHECK(order_by(list.view(), settings, 10) == expected);
    }
  }
}

TEST_CASE("a matrix of likeness does what the vectors do that it is made of", "[policy]") {
  const DrawnList list = draw_list(15, 8, 4, 4, 3);
  const Eigen::MatrixXd likeness = cosines(list);
  std::vector<float> matrix(15 * 15);
  for (Eigen::Index i = 0; i < 225; ++i) matrix[static_cast<std::size_t>(i)] = static_cast<float>(likeness.data()[i]);
  for (const char* method : {"mmr", "dpp", "ssd"}) {
    CAPTURE(method);
    const auto slate = order_by({.relevance = list.relevance, .likeness = matrix}, raw(method), 7);
    CHECK(slate == order_by(list.view(), raw(method), 7));
    CHECK(slate != order_by(list.view(), raw("value"), 7));
  }
}

TEST_CASE("without weight of diversity every method orders by value", "[policy]") {
  const DrawnList list = draw_list(30, 8, 4, 4, 4);
  const auto by_value = order_by(list.view(), raw("value"), 30);
  CHECK(std::is_sorted(by_value.begin(), by_value.end(), [&](std::int32_t a, std::int32_t b) {
    return list.relevance[static_cast<std::size_t>(a)] > list.relevance[static_cast<std::size_t>(b)];
  }));
  OrderSettings mmr = raw("mmr"), ssd = raw("ssd");
  mmr.mmr_lambda = 1.0F, ssd.ssd_gamma = 0.0F;
  CHECK(order_by(list.view(), mmr, 30) == by_value);
  CHECK(order_by(list.view(), ssd, 30) == by_value);
}

TEST_CASE("a scaled list is ordered alike whatever unit its relevance has", "[policy]") {
  const DrawnList list = draw_list(25, 8, 4, 4, 5);
  DrawnList seconds = list;
  for (float& relevance : seconds.relevance) relevance = relevance * 64.0F - 16.0F;  // exactly
  for (const char* scale : {"range", "deviation"})
    for (const char* method : {"mmr", "dpp", "ssd"}) {
      CAPTURE(scale, method);
      OrderSettings settings = raw(method);
      settings.scale = scale;
      CHECK(order_by(list.view(), settings, 10) == order_by(seconds.view(), settings, 10));
    }
  OrderSettings settings = raw("mmr");
  CHECK(order_by(list.view(), settings, 10) != order_by(seconds.view(), settings, 10));
}

TEST_CASE("short, equal and empty lists are ordered too", "[policy]") {
  const DrawnList three = draw_list(3, 4, 2, 2, 6);
  for (const char* method : {"value", "mmr", "dpp", "ssd"}) {
    CAPTURE(method);
    auto slate = order_by(three.view(), raw(method), 5);
    CHECK(std::vector<std::int32_t>(slate.begin() + 3, slate.end()) == std::vector<std::int32_t>{-1, -1});
    std::sort(slate.begin(), slate.begin() + 3);
    CHECK(std::vector<std::int32_t>(slate.begin(), slate.begin() + 3) == std::vector<std::int32_t>{0, 1, 2});

    DrawnList same;  // all alike: the order of the list
    same.width = 2, same.relevance.assign(6, 0.5F);
    for (int i = 0; i < 6; ++i) same.vectors.insert(same.vectors.end(), {0.6F, 0.8F});
    for (const char* scale : {"none", "range", "deviation"}) {
      OrderSettings settings = raw(method);
      settings.scale = scale;
      CHECK(order_by(same.view(), settings, 4) == std::vector<std::int32_t>{0, 1, 2, 3});
    }

    DrawnList zeros = draw_list(6, 4, 2, 2, 7);  // vectors of zeros are like nothing: value decides
    zeros.vectors.assign(24, 0.0F);
    CHECK(order_by(zeros.view(), raw(method), 6) == order_by(zeros.view(), raw("value"), 6));

    CHECK(order_by(ScoredList{}, raw(method), 2) == std::vector<std::int32_t>{-1, -1});
    CHECK(order_by(three.view(), raw(method), 0).empty());
  }
}

TEST_CASE("numbers that are none and columns that are missing are refused", "[policy]") {
  DrawnList list = draw_list(4, 3, 2, 2, 8);
  list.relevance[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(order_by(list.view(), raw("value"), 2), "order: relevance[2] is nan, expected a finite number");
  list = draw_list(4, 3, 2, 2, 8);
  list.vectors[5] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(order_by(list.view(), raw("dpp"), 2), "order: vectors[5] is inf, expected a finite number");
  CHECK_THROWS_AS(order_by({.relevance = list.relevance}, raw("mmr"), 2), InputError);
  CHECK_THROWS_AS(order_by({.relevance = list.relevance, .vectors = list.vectors, .width = 4}, raw("mmr"), 2),
                  InputError);
  CHECK_THROWS_AS(order_by(draw_list(4, 3, 2, 2, 8).view(), raw("mmr"), 2, 0.0F), InputError);
}

TEST_CASE("diversity weighs more for users of large variance, within its limits", "[policy]") {
  VarianceBoost settings{.power = 0.5F, .limit = 3.0F};
  CHECK(diversity_boost(4.0F, 1.0F, settings) == Approx(2.0));
  CHECK(diversity_boost(1.0F, 4.0F, settings) == Approx(0.5));
  CHECK(diversity_boost(100.0F, 1.0F, settings) == Approx(3.0));
  CHECK(diversity_boost(0.0F, 1.0F, settings) == Approx(1.0 / 3.0));
  CHECK(diversity_boost(7.0F, 0.0F, settings) == 1.0F);
  settings.power = 0.0F;
  CHECK(diversity_boost(100.0F, 1.0F, settings) == 1.0F);
  CHECK_THROWS_AS(diversity_boost(-1.0F, 1.0F, settings), InputError);
}

}  // namespace swipegym
