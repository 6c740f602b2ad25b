#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "policy/best_unseen.h"
#include "policy/select.h"

namespace swipegym {
namespace {

// Scores what it is told to.
class Fixed final : public Policy {
 public:
  explicit Fixed(std::vector<float> scores) : scores_(std::move(scores)) {}
  std::string_view name() const noexcept override { return "fixed"; }
  void score(const DecisionBatch&, std::span<float> scores) const override {
    std::copy(scores_.begin(), scores_.end(), scores.begin());
  }

 private:
  std::vector<float> scores_;
};

struct TwoRows {
  std::vector<std::int32_t> candidate = {0, 1, 2, 3, 4, 5};
  std::vector<std::uint8_t> mask = {1, 1, 1, 1, 0, 1};
  std::vector<RandomKey> keys{2};
  std::vector<std::uint32_t> streams{0, 0};
  std::vector<std::int32_t> actions = {-1, -1};

  void choose(const std::vector<float>& scores) {
    ObservationView view;
    view.rows = 2, view.candidates = 3, view.candidate = candidate.data(), view.mask = mask.data();
    keys.resize(2);
    std::vector<float> room;
    choose_actions(Fixed(scores), {.observation = view, .keys = keys, .streams = streams}, {}, 6, room, actions);
  }
};

TEST_CASE("a score that is no number stops whoever acts, with policy, slot and row", "[policy]") {
  TwoRows rows;
  rows.choose({1, 2, 3, 3, 2, 1});
  CHECK(rows.actions == std::vector<std::int32_t>{2, 0});
  CHECK_THROWS_AS(rows.choose({1, 2, 3, NAN, 2, 1}), NotScored);
  CHECK_THROWS_WITH(rows.choose({1, 2, 3, NAN, 2, 1}),
                    Catch::Contains("'fixed'") && Catch::Contains("slot 0 of row 1") && Catch::Contains("nan"));
  CHECK_THROWS_AS(rows.choose({1, 2, std::numeric_limits<float>::infinity(), 3, 2, 1}), NotScored);
}

TEST_CASE("masked slots may hold anything, and minus infinity means last", "[policy]") {
  TwoRows rows;
  rows.choose({1, 2, -std::numeric_limits<float>::infinity(), 1, NAN, 2});
  CHECK(rows.actions == std::vector<std::int32_t>{1, 2});
}

TEST_CASE("a search of the full catalogue stops at scores that are no numbers", "[policy]") {
  Matrix users = Matrix::Ones(1, 2), items = Matrix::Ones(5, 2);
  CHECK(top_items(users, items, 2, 1).size() == 2);
  items.setConstant(NAN);
  CHECK_THROWS_AS(top_items(users, items, 2, 1), NotScored);
  std::vector<std::int32_t> best(1);
  CHECK_THROWS_AS(best_unseen(std::vector<float>{1, NAN, 3}, {}, DecisionBatch{}, 0, 1, best), NotScored);
}

}  // namespace
}  // namespace swipegym
