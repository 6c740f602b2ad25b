#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config.h"
#include "env/simulator.h"
#include "policy/policy_file.h"
#include "policy/stages/filter.h"
#include "policy/stages/orderer.h"
#include "policy/stages/retriever.h"
#include "policy/stages/scorer.h"

namespace swipegym {

/// What a stage is made for.
struct StageContext {
  std::shared_ptr<const Catalogue> catalogue;
  std::filesystem::path folder;  // of the composition's file
  PolicySource policies;         // of the learned policies that stages name
};

/// A stage's own settings: the object at `path` of a composition, without the keys that every stage has.
struct StageSettings {
  Json object;
  ConfigSource source;
  std::string path;  // "retrieve[0]"

  /// The settings as a struct, whose ranges hold. Throws InputError with line and column.
  template <class Config>
  Config read(Config defaults = {}) const {
    ConfigReader reader(object, source, path + ".");
    visit_fields(reader, defaults);
    reader.finish();
    return defaults;
  }
  /// For what ranges do not say: InputError that names `key` and its place.
  [[noreturn]] void refuse(const std::string& key, const Json& value, const std::string& expected) const;
  /// The path of a file that `key` names, beside the composition or else in the working folder; InputError with its
  /// place when there is none.
  std::filesystem::path file(const std::string& key, const std::string& name, const StageContext& context) const;
  /// The learned policy of that file.
  std::shared_ptr<const Policy> policy(const std::string& key, const std::string& name,
                                       const StageContext& context) const {
    return context.policies(file(key, name, context), *context.catalogue);
  }
};

/// A stage by name. A new one is a class behind its interface, its settings, and an entry in stage_registry.cpp.
template <class Stage>
struct StageInfo {
  std::string name, summary;
  std::function<std::vector<FieldLine>()> fields;  // its settings, beside those that every stage of its kind has
  std::function<std::shared_ptr<const Stage>(const StageSettings&, const StageContext&)> make;
};

const std::vector<StageInfo<Retriever>>& retrievers();
const std::vector<StageInfo<Filter>>& filters();
const std::vector<StageInfo<Scorer>>& scorers();
const std::vector<StageInfo<Orderer>>& orderers();

}  // namespace swipegym
