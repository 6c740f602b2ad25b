#include <catch2/catch.hpp>
#include <cstdint>

#include "env/constant_user_model.h"
#include "policy/item_inputs.h"

namespace swipegym {

TEST_CASE("a video that is not known has the tag of most that share one with it, though some of these are wrong",
          "[policy]") {
  Catalogue catalogue = make_toy_catalogue({.num_users = 3, .num_videos = 40});
  catalogue.num_tags = 4;
  for (std::uint32_t v = 0; v < 40; ++v) catalogue.tag[v] = static_cast<std::uint16_t>(v % 4);
  const ItemInputs own = make_item_inputs(catalogue);
  Catalogue later = catalogue;
  later.tag[0] = 3;             // of tag 0, and the first that is said to have tag 3
  later.raw_video_id[39] = -5;  // a stranger of tag 3
  later.video_features[0] += 1.0F;
  const ItemInputs matched = match_item_inputs(own, later);
  CHECK(matched.tag[39] == own.tag[3]);
  CHECK(matched.tag[0] == own.tag[0]);  // as it was learned
  CHECK(matched.features(0, 0) == own.features(0, 0));
  const ItemInputs renewed = renew_item_inputs(own, later);
  CHECK(renewed.tag == matched.tag);
  CHECK(renewed.features(0, 0) == later.video_features[0]);
}

}  // namespace swipegym
