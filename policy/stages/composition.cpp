#include "policy/stages/composition.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "policy/best_unseen.h"
#include "policy/stages/own_stages.h"

namespace swipegym {
namespace {

constexpr std::size_t kFallbackVideos = 4096;  // of the most exposed ones

// What a composition says beside its stages.
struct CompositionSettings {
  std::string value_form = "sum";
  std::size_t most_outcomes = 256, draws = 1'000;
};

template <class Visitor>
void visit_fields(Visitor& visit, CompositionSettings& settings) {
  visit("value_form", settings.value_form, one_of({"sum", "product"}));
  visit("most_outcomes", settings.most_outcomes, between(1, 1'000'000));
  visit("draws", settings.draws, between(1, 1'000'000));
}

class CompositionReader {
 public:
  CompositionReader(std::string text, const std::filesystem::path& path, const Catalogue& catalogue,
                    const PolicySource& policies, OwnStages own)
      : text_(std::move(text)),
        source_(path.string(), text_),
        object_(parse_json(text_, path.string())),
        context_{std::make_shared<const Catalogue>(catalogue), path.parent_path(), policies},
        own_(std::move(own)) {
    out_.name = path.stem().string();
  }

  Composition read() {
    if (!object_.is_object()) detail::throw_setting(source_, "", object_, "an object {\"retrieve\": [...], ...}");
    read_retrievers(take("retrieve"));
    for (auto& [object, path] : list(take("filter"), "filter"))
      out_.filter.push_back(make(filters(), "filter", object, path));
    read_prune(take("prune"));
    const Json score = take("score"), value = take("value");
    if (!score.is_null()) out_.score = make(scorers(), "scorer", score, "score");
    read_value(value);
    for (auto& [object, path] : list(take("order"), "order"))
      out_.order.push_back(make(orderers(), "orderer", object, path));
    read_rest();
    out_.creators.catalogue = context_.catalogue;
    if (out_.product && out_.creators.any())
      throw InputError(
          fmt::format("{}: \"value\" has what creators add, {}, which a product has no place for: take "
                      "\"value_form\": \"sum\"",
                      source_.where, fmt::join(CreatorTerms::kNames, ", ")));
    const auto videos = static_cast<std::uint32_t>(context_.catalogue->num_videos());
    out_.fallback = fallback_videos({context_.catalogue, {0, videos}});
    return std::move(out_);
  }

 private:
  // The value of a key of the composition, which is then no longer unknown; null when it is absent.
  Json take(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    Json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  std::vector<std::pair<Json, std::string>> list(const Json& value, const std::string& key) const {
    std::vector<std::pair<Json, std::string>> out;
    if (value.is_null()) return out;
    if (!value.is_array() || value.size() > 100)
      detail::throw_setting(source_, key, value, "a list of 0 to 100 stages {\"use\": NAME, ...}");
    for (std::size_t i = 0; i < value.size(); ++i) out.emplace_back(value[i], fmt::format("{}[{}]", key, i));
    return out;
  }

  // The stage that an object's "use" names, with the rest of the object as its settings.
  template <class Stage>
  std::shared_ptr<const Stage> make(const std::vector<StageInfo<Stage>>& table, const char* kind, Json object,
                                    const std::string& path) const {
    if (!object.is_object() || !object.contains("use"))
      detail::throw_setting(source_, path, object, fmt::format("an object {{\"use\": NAME, ...}} of a {}", kind));
    const Json use = object["use"];
    object.erase("use");
    const OwnStagesOf<Stage>& own = std::get<OwnStagesOf<Stage>>(own_);
    if (const auto found = own.find(use.is_string() ? use.get<std::string>() : ""); found != own.end()) {
      if (!object.empty()) detail::throw_unknown_key(source_, path + "." + object.begin().key(), {"use"});
      return found->second;
    }
    for (const StageInfo<Stage>& info : table)
      if (use == info.name) return info.make({std::move(object), source_, path}, context_);
    std::vector<std::string> names;
    for (const StageInfo<Stage>& info : table) names.push_back(info.name);
    detail::throw_setting(source_, path + ".use", use, fmt::format("a {}: {}", kind, fmt::join(names, ", ")));
  }

  // A stage's key that counts videos, which is then no longer unknown to the stage.
  std::size_t take_count(Json& object, const std::string& path, const char* key, std::size_t fallback) const {
    if (!object.is_object() || !object.contains(key)) return fallback;
    const Range range = between(1, 100'000);
    const Json count = object[key];
    if (!count.is_number_integer() || !range.contains(count.get<std::int64_t>()))
      detail::throw_setting(source_, path + "." + key, count, range.expected<std::size_t>());
    object.erase(key);
    return count.get<std::size_t>();
  }

  void read_retrievers(const Json& value) {
    for (auto& [object, path] : list(value, "retrieve")) {
      const std::size_t count = take_count(object, path, "count", Composition::Retrieval{}.count);
      out_.retrieve.push_back({make(retrievers(), "retriever", object, path), count});
    }
    if (out_.retrieve.empty())
      throw InputError(
          fmt::format("{}: nothing is retrieved; \"retrieve\" is a list of one stage or more", source_.where));
  }

  void read_prune(const Json& value) {
    for (auto& [object, path] : list(value, "prune")) {
      const std::size_t keep = take_count(object, path, "keep", Composition::Prune{}.keep);
      if (!out_.prune.empty() && keep > out_.prune.back().keep)
        detail::throw_setting(source_, path + ".keep", keep,
                              fmt::format("at most the {} of the step before", out_.prune.back().keep));
      out_.prune.push_back({make(scorers(), "scorer", object, path), keep});
    }
  }

  void read_value(const Json& value) {
    const std::vector<std::string> none;
    const std::vector<std::string>& heads = out_.score == nullptr ? none : out_.score->heads();
    out_.weight.assign(heads.size(), 0.0F);
    if (value.is_null()) {
      if (!heads.empty()) out_.weight[0] = 1.0F;
      return;
    }
    if (out_.score == nullptr)
      detail::throw_setting(source_, "value", value, "nothing: there is no \"score\" whose heads it could weigh");
    if (!value.is_object() || value.empty())
      detail::throw_setting(source_, "value", value,
                            fmt::format("weights by name of the heads {}, and of {}", fmt::join(heads, ", "),
                                        fmt::join(CreatorTerms::kNames, ", ")));
    const auto click = std::find(heads.begin(), heads.end(), "click");
    if (click != heads.end()) out_.creators.click = static_cast<std::size_t>(click - heads.begin());
    std::vector<std::string> known = heads;
    known.insert(known.end(), std::begin(CreatorTerms::kNames), std::end(CreatorTerms::kNames));
    for (const auto& item : value.items()) {
      const auto found = std::find(heads.begin(), heads.end(), item.key());
      float* const creators = found == heads.end() ? out_.creators.weight(item.key()) : nullptr;
      if (found == heads.end() && creators == nullptr) detail::throw_unknown_key(source_, "value." + item.key(), known);
      if (!item.value().is_number() || !ranges::kAnyWeight.contains(item.value().get<double>()))
        detail::throw_setting(source_, "value." + item.key(), item.value(), ranges::kAnyWeight.expected<float>());
      (creators != nullptr ? *creators : out_.weight[static_cast<std::size_t>(found - heads.begin())]) =
          item.value().get<float>();
    }
  }

  // What is left: numbers, and keys that nobody knows.
  void read_rest() {
    CompositionSettings settings;
    ConfigReader reader(object_, source_);
    visit_fields(reader, settings);
    for (const auto& item : object_.items()) {
      static const std::vector<std::string> kKeys = {"retrieve", "filter",     "prune",         "score", "value",
                                                     "order",    "value_form", "most_outcomes", "draws"};
      if (std::find(kKeys.begin(), kKeys.end(), item.key()) == kKeys.end())
        detail::throw_unknown_key(source_, item.key(), kKeys);
    }
    out_.product = settings.value_form == "product";
    out_.most_outcomes = settings.most_outcomes;
    out_.draws = settings.draws;
  }

  std::string text_;
  ConfigSource source_;
  Json object_;
  StageContext context_;
  OwnStages own_;
  Composition out_;
};

}  // namespace

std::vector<std::int32_t> fallback_videos(const CatalogueNow& now) {
  const auto begin = now.catalogue->exposures.begin();
  std::vector<std::int32_t> videos =
      best_first(std::vector<float>(begin + now.on_offer.begin, begin + now.on_offer.end),
                 std::min(kFallbackVideos, now.on_offer.size()));
  for (std::int32_t& video : videos) video += static_cast<std::int32_t>(now.on_offer.begin);
  return videos;
}

Composition read_composition(const std::filesystem::path& path, const Catalogue& catalogue,
                             const PolicySource& policies) {
  return CompositionReader(read_text_file(path), path, catalogue, policies, {}).read();
}

Composition parse_composition(std::string text, const std::string& name, const Catalogue& catalogue,
                              const PolicySource& policies) {
  return parse_composition(std::move(text), name, catalogue, policies, OwnStages{});
}

Composition parse_composition(std::string text, const std::string& name, const Catalogue& catalogue,
                              const PolicySource& policies, OwnStages own) {
  return CompositionReader(std::move(text), name, catalogue, policies, std::move(own)).read();
}

}  // namespace swipegym
