#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/random.h"
#include "evaluation/uplift/outcome_model.h"

namespace swipegym {

/// What a viewer who is a creator, a day and a topic are to each other, as of the midnight after the day. The first
/// three are the watch itself; the others are there without it.
enum MimicFeature : std::uint32_t {
  kMimicClicked,    // 1 where a video of the topic was clicked
  kMimicShare,      // of the day's clicks
  kMimicMatched,    // kMimicClicked times kMimicAnswers
  kMimicClicks,     // ln(1 + clicks of the day)
  kMimicRecent,     // ln(1 + clicks of recent days)
  kMimicUploads,    // ln(1 + the viewer's own uploads)
  kMimicRate,       // own uploads a day, shrunk
  kMimicIdle,       // ln(1 + days since the last one)
  kMimicReception,  // ln(1 + S)
  kMimicOwnTopic,   // share of own uploads that have the topic, shrunk to everybody's
  kMimicTopic,      // share of everybody's uploads that have the topic
  kMimicAnswers,    // share of own uploads whose topic was among the clicks of the day before, shrunk
  kMimicFeatures
};

/// Rows that say whether an upload with the topic followed, of topics that were clicked and of others.
struct MimicRows {
  FeatureTable table{.width = kMimicFeatures, .values = {}};
  std::vector<double> followed;  // 0 or 1
  std::vector<std::uint32_t> creator;
  std::vector<std::uint32_t> topic;

  std::size_t size() const noexcept { return followed.size(); }
  bool clicked(std::size_t row) const noexcept { return table.row(row)[kMimicClicked] > 0.5; }
};

/// P(creator mimics v): networks on user and video. One foresees whether an upload of the topic follows, by
/// cross-entropy. Uploads have a topic anyway, as those of a creator's favourite tags do: another learns that from the
/// rows that were not clicked, and what clicked rows have beyond it is fitted by a ridge regression on the features and
/// their products: half of an X-learner (Kuenzel et al. 2019), as good as the features tell who clicks from who does
/// not.
class MimicHead {
 public:
  /// Settings of networks that do this well enough on some 10^5 rows.
  static UpliftSettings usual_settings();

  /// Learns from these rows of both kinds. InputError as OutcomeModel throws it, and without rows of either kind.
  MimicHead(const MimicRows& rows, std::span<const std::uint32_t> learn, const UpliftSettings& settings, RandomKey key);

  /// That an upload with the topic follows, imitated or not.
  std::vector<double> follows(const MimicRows& rows, std::span<const std::uint32_t> of) const;
  /// That one follows which would not without the watch; may come out below 0.
  std::vector<double> mimics(const MimicRows& rows, std::span<const std::uint32_t> of) const;

 private:
  OutcomeModel follows_, anyway_, gain_;
};

/// Cheap rivals for the same question, learned from the clicked rows: how often an upload followed, by topic, and by
/// how often the viewer uploads (tenths of kMimicRate), shrunk by credible_means(). They cannot tell what follows
/// anyway.
std::vector<double> mimic_rate_by_topic(const MimicRows& rows, std::span<const std::uint32_t> learn,
                                        std::span<const std::uint32_t> of);
std::vector<double> mimic_rate_by_activity(const MimicRows& rows, std::span<const std::uint32_t> learn,
                                           std::span<const std::uint32_t> of);

}  // namespace swipegym
