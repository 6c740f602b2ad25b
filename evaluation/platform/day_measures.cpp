#include "evaluation/platform/day_measures.h"

#include <array>

namespace swipegym {

std::span<const MeasureInfo> day_measures() {
  static constexpr std::array kAll = {
      MeasureInfo{"seconds", "seconds watched a user-day", &DayMeasures::seconds, 1},
      MeasureInfo{"visitors", "users who came, share", &DayMeasures::visitors, 3},
      MeasureInfo{"sessions", "sessions a user-day", &DayMeasures::sessions, 3},
      MeasureInfo{"videos", "videos shown a user-day", &DayMeasures::videos, 2},
      MeasureInfo{"clicks", "clicks a video shown", &DayMeasures::clicks, 4},
      MeasureInfo{"returns", "sessions followed by another within a day", &DayMeasures::returns, 4},
      MeasureInfo{"regret", "click appeal below the best on offer", &DayMeasures::regret, 4},
      MeasureInfo{"uploads", "uploads a day", &DayMeasures::uploads, 1},
      MeasureInfo{"creators", "active creators", &DayMeasures::creators, 0},
      MeasureInfo{"arrived", "newcomers a day", &DayMeasures::arrived, 1},
      MeasureInfo{"left", "creators who left a day", &DayMeasures::left, 1},
      MeasureInfo{"newcomers", "newcomers still active after 30 days", &DayMeasures::newcomers, 3},
      MeasureInfo{"gini", "Gini of creators' views", &DayMeasures::gini, 3},
      MeasureInfo{"discovery", "best tenth of uploads shown 50 times", &DayMeasures::discovery, 3},
      MeasureInfo{"found_days", "days until 50 shows", &DayMeasures::found_days, 2},
      MeasureInfo{"appeal", "click appeal of the morning's uploads", &DayMeasures::appeal, 4},
      MeasureInfo{"on_offer", "videos on offer", &DayMeasures::on_offer, 0},
      MeasureInfo{"shown_share", "videos on offer that were shown", &DayMeasures::shown_share, 3},
      MeasureInfo{"fresh", "shows to videos with fewer than 10", &DayMeasures::fresh, 3},
      MeasureInfo{"rising", "shows to videos with 10 to 99", &DayMeasures::rising, 3},
      MeasureInfo{"known", "shows to videos with 100 or more", &DayMeasures::known, 3},
      MeasureInfo{"entropy", "entropy of a user's week", &DayMeasures::entropy, 3},
      MeasureInfo{"top_category", "top category's share of a user's week", &DayMeasures::top_category, 3},
      MeasureInfo{"drift", "shift of true tastes since the start", &DayMeasures::drift, 3},
      MeasureInfo{"echo", "interest gained in what is shown", &DayMeasures::echo, 4},
      MeasureInfo{"second_interest", "users shown their second interest by now", &DayMeasures::second_interest, 3},
      MeasureInfo{"third_interest", "users shown their third interest by now", &DayMeasures::third_interest, 3},
      MeasureInfo{"own_seconds", "seconds of the policy's own users", &DayMeasures::own_seconds, 1},
      MeasureInfo{"other_seconds", "seconds of the users of the other policy", &DayMeasures::other_seconds, 1},
  };
  return kAll;
}

}  // namespace swipegym
