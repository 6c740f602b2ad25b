#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace swipegym {

/// Settings are plain structs with a default for each field. One function beside the struct names the fields, and
/// serves both to read a JSON file and to write what a run used:
///
///   struct DqnConfig { int batch = 256; float discount = 0.95F; };
///   template <class Visitor> void visit_fields(Visitor& visit, DqnConfig& config) {
///     visit("batch", config.batch);
///     visit("discount", config.discount);
///   }
///   const DqnConfig config = config_from_json<DqnConfig>(read_json(path), path.string());
///   const nlohmann::ordered_json used = config_to_json(config);
///
/// Fields may be numbers, bools, strings, vectors of these, and structs (or vectors of structs) with a visit_fields.
using Json = nlohmann::ordered_json;

namespace detail {
[[noreturn]] void throw_unknown_key(const std::string& where, const std::string& path,
                                    const std::vector<std::string>& known);
[[noreturn]] void throw_wrong_type(const std::string& where, const std::string& path, const Json& value,
                                   std::string_view expected);
std::int64_t read_integer(const Json& value, const std::string& where, const std::string& path, std::int64_t low,
                          std::uint64_t high);

template <class T>
concept Scalar = std::is_arithmetic_v<T> || std::same_as<T, std::string>;

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
}  // namespace detail

/// Sets the fields found in a JSON object; finish() throws InputError for a key that is no field.
class ConfigReader {
 public:
  ConfigReader(const Json& object, std::string where, std::string prefix = "")
      : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {
    if (!object_.is_object())
      detail::throw_wrong_type(where_, prefix_.substr(0, prefix_.size() - !prefix_.empty()), object_,
                               "an object {\"key\": value, ...}");
  }

  template <class T>
  void operator()(const char* key, T& field) {
    known_.emplace_back(key);
    if (const auto found = object_.find(key); found != object_.end()) read(*found, prefix_ + key, field);
  }

  void finish() const {
    for (const auto& item : object_.items())
      if (std::find(known_.begin(), known_.end(), item.key()) == known_.end())
        detail::throw_unknown_key(where_, prefix_ + item.key(), known_);
  }

 private:
  template <class T>
  void read(const Json& value, const std::string& path, T& field) const {
    if constexpr (std::same_as<T, bool>) {
      if (!value.is_boolean()) detail::throw_wrong_type(where_, path, value, "true or false");
      field = value.get<bool>();
    } else if constexpr (std::integral<T>) {
      field = static_cast<T>(detail::read_integer(value, where_, path,
                                                  static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                                                  static_cast<std::uint64_t>(std::numeric_limits<T>::max())));
    } else if constexpr (std::floating_point<T>) {
      if (!value.is_number()) detail::throw_wrong_type(where_, path, value, "a number");
      field = value.get<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!value.is_string()) detail::throw_wrong_type(where_, path, value, "a string");
      field = value.get<std::string>();
    } else if constexpr (detail::IsVector<T>::value) {
      if (!value.is_array()) detail::throw_wrong_type(where_, path, value, "a list [...]");
      field.clear();
      for (std::size_t i = 0; i < value.size(); ++i)
        read(value[i], path + "[" + std::to_string(i) + "]", field.emplace_back());
    } else {
      ConfigReader inner(value, where_, path + ".");
      visit_fields(inner, field);
      inner.finish();
    }
  }

  const Json& object_;
  std::string where_, prefix_;
  std::vector<std::string> known_;
};

/// The counterpart: the fields as a JSON object, in the order they are named.
class ConfigWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& field) {
    object_[key] = write(field);
  }
  const Json& object() const noexcept { return object_; }

 private:
  template <class T>
  static Json write(const T& field) {
    if constexpr (std::same_as<T, float>) {
      return shortest(field);  // 0.1F reads as 0.1, not as 0.10000000149011612
    } else if constexpr (detail::Scalar<T>) {
      return field;
    } else if constexpr (detail::IsVector<T>::value) {
      Json list = Json::array();
      for (const auto& item : field) list.push_back(write(item));
      return list;
    } else {
      ConfigWriter inner;
      visit_fields(inner, const_cast<T&>(field));  // one visit_fields serves both directions; writing only reads
      return inner.object_;
    }
  }
  static double shortest(float value);
  Json object_ = Json::object();
};

template <class Config>
Config config_from_json(const Json& object, const std::string& where) {
  Config config;
  ConfigReader reader(object, where);
  visit_fields(reader, config);
  reader.finish();
  return config;
}

template <class Config>
Json config_to_json(const Config& config) {
  ConfigWriter writer;
  visit_fields(writer, const_cast<Config&>(config));
  return writer.object();
}

/// Parses a JSON file (// comments allowed). InputError names file, line and column of what is malformed.
Json read_json(const std::filesystem::path& path);

}  // namespace swipegym
