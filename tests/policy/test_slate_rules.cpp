// Rules of sequence against all orders of small lists.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "policy/ordering/order_slate.h"
#include "tests/policy/ordering_lists.h"

namespace swipegym {
namespace {

struct RulesCase {
  DrawnList list;
  SequenceRules rules;
  std::vector<std::uint32_t> author_before;
  std::vector<std::uint16_t> tag_before;
  std::int32_t no_tag = -1;
  std::size_t places = 0;

  OrderRequest request() const {
    ScoredList view = list.view();
    view.no_tag = no_tag;
    return {.list = view, .before = {author_before, tag_before}};
  }
};

RulesCase draw_case(std::uint64_t seed) {
  RandomStream random(make_key(seed + 1000));
  RulesCase one;
  const std::size_t n = 3 + random.below(4);
  const std::uint32_t authors = 1 + random.below(4), tags = 1 + random.below(4);
  one.list = draw_list(n, 3, authors, tags, seed);
  one.places = 1 + random.below(static_cast<std::uint32_t>(std::min<std::size_t>(n, 5)));
  one.rules.author_cap = static_cast<int>(random.below(3));
  one.rules.tag_cap = static_cast<int>(random.below(3));
  one.rules.cap_window = random.below(2) == 0 ? 0 : 2 + static_cast<int>(random.below(3));
  one.rules.no_author_twice = random.below(2) == 0;
  for (std::uint32_t pair = random.below(4); pair > 0; --pair)
    one.rules.tag_pairs.push_back({static_cast<int>(random.below(4)), static_cast<int>(random.below(4))});
  for (std::uint32_t shown = random.below(4); shown > 0; --shown) {
    one.author_before.push_back(random.below(4));
    one.tag_before.push_back(static_cast<std::uint16_t>(random.below(4)));
  }
  if (random.below(3) == 0) one.no_tag = 0;
  return one;
}

// Rules as docs state them, by maps of what a window holds.
std::uint32_t broken_rules(const RulesCase& one, const std::vector<std::int32_t>& order) {
  std::vector<int> author(one.author_before.begin(), one.author_before.end());
  std::vector<int> tag(one.tag_before.begin(), one.tag_before.end());
  const std::size_t shown = author.size();
  std::uint32_t broken = 0;
  for (const std::int32_t video : order) {
    author.push_back(static_cast<int>(one.list.author[static_cast<std::size_t>(video)]));
    tag.push_back(one.list.tag[static_cast<std::size_t>(video)]);
    const std::size_t at = author.size() - 1;
    std::map<int, int> authors, tags;
    for (std::size_t i = 0; i <= at; ++i) {
      const bool counts =
          one.rules.cap_window == 0 ? i >= shown : at - i < static_cast<std::size_t>(one.rules.cap_window);
      if (counts) ++authors[author[i]], ++tags[tag[i]];
    }
    if (one.rules.author_cap > 0 && authors[author[at]] > one.rules.author_cap) ++broken;
    if (one.rules.tag_cap > 0 && tag[at] != one.no_tag && tags[tag[at]] > one.rules.tag_cap) ++broken;
    if (at == 0) continue;
    if (one.rules.no_author_twice && author[at - 1] == author[at]) ++broken;
    const bool untagged = tag[at - 1] == one.no_tag || tag[at] == one.no_tag;
    for (const TagPair& pair : one.rules.tag_pairs)
      if (!untagged && pair.before == tag[at - 1] && pair.after == tag[at]) {
        ++broken;
        break;
      }
  }
  return broken;
}

// All orders of `places` of n videos.
template <class See>
void each_order(const RulesCase& one, See&& see, std::vector<std::int32_t> order = {}) {
  if (order.size() == one.places) return see(order);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(one.list.relevance.size()); ++i) {
    if (std::find(order.begin(), order.end(), i) != order.end()) continue;
    order.push_back(i);
    each_order(one, see, order);
    order.pop_back();
  }
}

bool more_relevant(const RulesCase& one, const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  return std::lexicographical_compare(b.begin(), b.end(), a.begin(), a.end(), [&](std::int32_t x, std::int32_t y) {
    return one.list.relevance[static_cast<std::size_t>(x)] < one.list.relevance[static_cast<std::size_t>(y)];
  });
}

}  // namespace

TEST_CASE("of all orders the rules leave the best by value at each place, with the fewest violations", "[policy]") {
  std::size_t unbroken = 0, broken = 0, changed = 0;
  OrderWorkspace workspace;  // one for all: nothing of a list is left for the next
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const RulesCase one = draw_case(seed);
    std::uint32_t fewest = ~0U;
    std::vector<std::int32_t> best;
    each_order(one, [&](const std::vector<std::int32_t>& order) {
      const std::uint32_t here = broken_rules(one, order);
      if (here < fewest || (here == fewest && more_relevant(one, order, best))) fewest = here, best = order;
    });
    const SlateRules rules(one.rules);
    std::vector<std::int32_t> slate(one.places), free(one.places);
    const SlateOrder result = order_slate(one.request(), {}, rules, workspace, slate);
    CAPTURE(seed);
    CHECK(slate == best);
    CHECK(result.violations == fewest);
    CHECK(count_violations(rules, one.request().list, one.request().before, slate) == fewest);
    CHECK(result.searched_all);
    ++(fewest == 0 ? unbroken : broken);
    order_slate(one.request(), {}, SlateRules{}, workspace, free);
    changed += free != slate;
  }
  CHECK(unbroken > 300);
  CHECK(broken > 300);
  CHECK(changed > 300);
}

TEST_CASE("a place given to an interest breaks no rule more than the slate without it", "[policy]") {
  std::size_t given = 0, impossible = 0;
  OrderWorkspace workspace;
  for (std::uint64_t seed = 0; seed < 800; ++seed) {
    const RulesCase one = draw_case(seed);
    const SlateRules rules(one.rules);
    OrderRequest request = one.request();
    std::vector<std::int32_t> plain(one.places), slate(one.places);
    const SlateOrder without = order_slate(request, {}, rules, workspace, plain);
    request.bring_back = {static_cast<std::int32_t>(seed % 4), seed % one.places};
    const SlateOrder result = order_slate(request, {}, rules, workspace, slate);
    const auto has = [&](std::int32_t video) {
      return one.list.tag[static_cast<std::size_t>(video)] == request.bring_back.tag;
    };
    bool possible = false;
    std::vector<std::int32_t> best;
    each_order(one, [&](const std::vector<std::int32_t>& order) {
      if (!has(order[request.bring_back.place]) || broken_rules(one, order) > without.violations) return;
      if (!possible || more_relevant(one, order, best)) best = order;
      possible = true;
    });
    CAPTURE(seed);
    CHECK(result.violations == without.violations);
    if (std::any_of(plain.begin(), plain.end(), has)) {
      CHECK_FALSE(result.brought_back);
      CHECK(slate == plain);
      continue;
    }
    CHECK(result.brought_back == possible);
    CHECK(slate == (possible ? best : plain));
    given += result.brought_back;
    impossible += !possible;
  }
  CHECK(given > 20);
  CHECK(impossible > 100);
}

TEST_CASE("orders without violations are found in long lists of few authors", "[policy]") {
  // Ten of one author and nine of others: one order of authors alone has no two in a row.
  DrawnList list = draw_list(19, 4, 1, 1, 9);
  for (std::uint32_t i = 10; i < 19; ++i) list.author[i] = 1 + i % 3;
  for (std::size_t i = 0; i < 10; ++i) list.relevance[i] += 1.0F;
  OrderWorkspace workspace;
  for (const char* method : {"value", "mmr", "dpp", "ssd"}) {
    OrderSettings settings;
    settings.method = method;
    settings.rules.no_author_twice = true;
    std::vector<std::int32_t> slate(19);
    const SlateOrder result =
        order_slate({.list = list.view()}, settings, SlateRules(settings.rules), workspace, slate);
    CAPTURE(method);
    CHECK(result.violations == 0);
    for (std::size_t place = 0; place < 19; place += 2) CHECK(slate[place] < 10);
  }
}

TEST_CASE("what no order can avoid is counted, and found without a long search", "[policy]") {
  // One author alone under a cap of two: eight of ten places break it.
  DrawnList list = draw_list(100, 4, 1, 30, 10);
  OrderSettings settings;
  settings.rules.author_cap = 2, settings.rules.tag_cap = 2, settings.rules.tag_pairs = {{1, 2}, {2, 1}};
  settings.rules.search_steps = 200;
  OrderWorkspace workspace;
  std::vector<std::int32_t> slate(10);
  const SlateOrder result = order_slate({.list = list.view()}, settings, SlateRules(settings.rules), workspace, slate);
  CHECK(result.violations == 8);
  CHECK(result.searched_all);
}

TEST_CASE("a search that is cut short says so, and still fills the slate", "[policy]") {
  const DrawnList list = draw_list(40, 4, 6, 5, 12);
  OrderSettings settings;
  settings.rules = {.author_cap = 3, .tag_cap = 4, .cap_window = 6, .no_author_twice = true, .search_steps = 0};
  for (int a = 0; a < 5; ++a)
    for (int b = 0; b < 5; ++b)
      if (a != b && (a + b) % 2 == 0) settings.rules.tag_pairs.push_back({a, b});
  for (int a = 0; a < 5; ++a) settings.rules.tag_pairs.push_back({a, a});
  settings.rules.author_cap = 1;  // seven neighbours of six authors: impossible
  settings.rules.cap_window = 7;
  OrderWorkspace workspace;
  std::vector<std::int32_t> slate(20);
  const SlateRules rules(settings.rules);
  const SlateOrder result = order_slate({.list = list.view()}, settings, rules, workspace, slate);
  CHECK_FALSE(result.searched_all);
  CHECK(result.violations > 0);
  CHECK(result.violations == count_violations(rules, list.view(), {}, slate));
  std::sort(slate.begin(), slate.end());
  CHECK(std::adjacent_find(slate.begin(), slate.end()) == slate.end());
  CHECK(slate.front() >= 0);
}

TEST_CASE("rules that look at a column the list has not are refused", "[policy]") {
  const std::vector<float> relevance = {1.0F, 0.5F};
  OrderWorkspace workspace;
  std::vector<std::int32_t> slate(2);
  CHECK_THROWS_WITH(
      order_slate({.list = {.relevance = relevance}}, {}, SlateRules({.author_cap = 1}), workspace, slate),
      "order: a rule looks at authors, and the list has none");
  CHECK_THROWS_WITH(order_slate({.list = {.relevance = relevance}}, {}, SlateRules({.tag_cap = 1}), workspace, slate),
                    "order: a rule looks at tags, and the list has none");
}

TEST_CASE("reasons tell what a place was worth and who was passed over for the rules", "[policy]") {
  const std::vector<float> relevance = {0.9F, 0.8F, 0.7F, 0.1F};
  const std::vector<std::uint32_t> author = {5, 5, 5, 6};
  const std::vector<std::uint16_t> tag = {1, 1, 1, 2};
  OrderWorkspace workspace;
  std::vector<std::int32_t> slate(3);
  std::vector<PlaceReason> reasons(3);
  OrderSettings settings;
  settings.scale = "none";
  const ScoredList list{.relevance = relevance, .author = author, .tag = tag};
  order_slate({.list = list}, settings, SlateRules({.no_author_twice = true}), workspace, slate, reasons);
  CHECK(slate == std::vector<std::int32_t>{0, 3, 1});
  CHECK(reasons[0].passed_over == 0);
  CHECK(reasons[1].passed_over == 2);
  CHECK(reasons[1].gain == 0.1F);
  CHECK(reasons[2].relevance == 0.8F);

  order_slate({.list = list, .bring_back = {2, 2}}, settings, SlateRules{}, workspace, slate, reasons);
  CHECK(slate == std::vector<std::int32_t>{0, 1, 3});
  CHECK(reasons[2].brought_back);
  CHECK(reasons[2].passed_over == 1);
}

}  // namespace swipegym
