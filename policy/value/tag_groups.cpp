#include "policy/value/tag_groups.h"

#include <algorithm>

#include "core/huge_pages.h"

namespace swipegym {
namespace {

// Behind the videos' rows of `table` the mean of each group's.
void append_means(const TagGroups& groups, Matrix& table) {
  const auto videos = static_cast<Eigen::Index>(groups.num_videos());
  table.conservativeResize(videos + static_cast<Eigen::Index>(groups.size()), table.cols());
  Eigen::RowVectorXd sum(table.cols());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    sum.setZero();
    for (const std::int32_t video : groups.of(g)) sum += table.row(video).cast<double>();
    table.row(tag_row(groups, g)) = (sum / static_cast<double>(groups.of(g).size())).cast<float>();
  }
}

}  // namespace

TagGroups group_by_tag(const ItemInputs& videos) {
  const auto place = [](std::int32_t tag) { return static_cast<std::size_t>(tag + 1); };
  std::vector<std::uint32_t> count(videos.num_tags + std::size_t{1}, 0);
  for (const std::int32_t tag : videos.tag) ++count[place(tag)];
  TagGroups groups;
  groups.begin = {0};
  std::vector<std::int32_t> group_of_tag(count.size(), -1);
  for (std::size_t i = 0; i < count.size(); ++i) {
    if (count[i] == 0) continue;
    group_of_tag[i] = static_cast<std::int32_t>(groups.tag.size());
    groups.tag.push_back(static_cast<std::int32_t>(i) - 1);
    groups.begin.push_back(groups.begin.back() + count[i]);
  }
  std::vector<std::uint32_t> next(groups.begin.begin(), groups.begin.end() - 1);
  groups.video.resize(videos.num_videos()), groups.group_of.resize(videos.num_videos());
  for (std::size_t v = 0; v < videos.num_videos(); ++v) {
    const std::int32_t group = group_of_tag[place(videos.tag[v])];
    groups.group_of[v] = group;
    groups.video[next[static_cast<std::size_t>(group)]++] = static_cast<std::int32_t>(v);
  }
  return groups;
}

ItemInputs with_tag_rows(ItemInputs videos, const TagGroups& groups) {
  append_means(groups, videos.features);
  append_means(groups, videos.derived);
  videos.raw_id.resize(groups.num_videos() + groups.size(), -1);
  videos.tag.insert(videos.tag.end(), groups.tag.begin(), groups.tag.end());
  videos.author.resize(videos.raw_id.size(), -1), videos.id.resize(videos.raw_id.size(), -1);
  prefer_huge_pages(videos.features), prefer_huge_pages(videos.derived);
  prefer_huge_pages(videos.tag), prefer_huge_pages(videos.author), prefer_huge_pages(videos.id);
  return videos;
}

ItemInputs first_rows(const ItemInputs& items, std::size_t count) {
  const auto head = [count](const auto& column) {
    return std::vector(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(count));
  };
  ItemInputs out;
  out.raw_id = head(items.raw_id);
  out.features = items.features.topRows(static_cast<Eigen::Index>(count));
  out.derived = items.derived.topRows(static_cast<Eigen::Index>(count));
  out.tag = head(items.tag), out.author = head(items.author), out.id = head(items.id);
  out.num_tags = items.num_tags, out.num_authors = items.num_authors, out.num_ids = items.num_ids;
  return out;
}

}  // namespace swipegym
