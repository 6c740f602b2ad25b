#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "policy/stages/request.h"

namespace swipegym {

/// The first stage: a few videos of very many. Immutable; any number of threads may share one.
class Retriever {
 public:
  virtual ~Retriever() = default;
  virtual std::string_view name() const noexcept = 0;
  /// The `count` best videos of each request that its session was not shown, distinct, best first; among the
  /// candidates where requests.offered(). out is [requests, count], -1 behind the end. Whatever is drawn comes from
  /// the requests' dice.
  virtual void retrieve(const Requests& requests, std::size_t count, std::span<std::int32_t> out) const = 0;
  /// The share of an exact search's lists that is found, in [0, 1], where an index is searched; none otherwise.
  /// Searches exactly too: for reports.
  virtual std::optional<double> recall([[maybe_unused]] const Requests& requests,
                                       [[maybe_unused]] std::size_t count) const {
    return std::nullopt;
  }
  /// The retriever as of what the catalogue says now, where it depends on what is counted of videos or on which are on
  /// offer; null where it does not.
  virtual std::shared_ptr<const Retriever> refreshed([[maybe_unused]] const CatalogueNow& now) const { return nullptr; }
  /// Newest videos of the user that it looks at.
  virtual std::size_t history_length() const noexcept { return 0; }
};

}  // namespace swipegym
