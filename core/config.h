#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/former_names.h"
#include "core/json_text.h"
#include "core/range.h"
#include "core/remarks.h"

namespace swipegym {

/// Settings are plain structs with a default for each field. One function beside the struct names the fields and states
/// what each may be (core/range.h). It serves to read a JSON file, to write what a run used, to check a struct that
/// code filled in, and to print the reference:
///
///   struct DqnConfig { int batch = 256; float discount = 0.95F; std::vector<std::size_t> hidden = {64}; };
///   template <class Visitor> void visit_fields(Visitor& visit, DqnConfig& config) {
///     visit("batch", config.batch, between(1, 1'000'000));
///     visit("discount", config.discount, between(0, 1));
///     visit("hidden", config.hidden, kUnits, lengths(0, 16));
///   }
///   const DqnConfig config = read_config<DqnConfig>(path);
///   check_ranges(config);
///   const Json used = config_to_json(config);
///
/// Fields may be numbers (with a Range), bools, strings (with one_of), weights by name (with the Range of each),
/// vectors of these (and how many), and structs, or vectors of structs (and how many), with a visit_fields. One without
/// its range does not compile. What a field was called before stands in former_names (core/former_names.h).

/// A struct of numbers that a file names, {"watch_s": 1, "like": 10}; what it does not name is 0 then.
template <class T>
concept NamedWeights = requires(T weights, std::string_view name) {
  { T::names() } -> std::same_as<const std::vector<std::string>&>;
  { weights.find(name) } -> std::same_as<float*>;
};

namespace detail {
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T, class R>
concept Ranges = ((Number<T> || NamedWeights<T>)&&std::same_as<R, Range>) ||
                 (std::same_as<T, std::string> && std::same_as<R, Words>);

// A struct that is visited field by field.
template <class T>
concept Fields = std::is_class_v<T> && !IsVector<T>::value && !NamedWeights<T> && !std::same_as<T, std::string>;

// Whether a field of type T with these ranges says all it has to.
template <class T, class... R>
struct Stated : std::bool_constant<std::same_as<T, bool> || Fields<T>> {};
template <class T, class R>
struct Stated<T, R> : std::bool_constant<Ranges<T, R>> {};
template <class T>
struct Stated<std::vector<T>> : std::false_type {};
template <class T, class L>
struct Stated<std::vector<T>, L> : std::bool_constant<std::same_as<L, Lengths> && Stated<T>::value> {};
template <class T, class R, class L>
struct Stated<std::vector<T>, R, L> : std::bool_constant<std::same_as<L, Lengths> && Ranges<T, R>> {};
template <class T, class R, class L>
struct Stated<T, R, L> : std::false_type {};
}  // namespace detail

template <class T, class... R>
concept StatedField = detail::Stated<T, R...>::value;

/// Where settings come from. With the JSON text messages name line and column.
struct ConfigSource {
  std::string where;                                         // a file's name
  std::string_view text{};                                   // outlives the reading
  std::vector<std::pair<std::string, std::string>> moved{};  // a path of today, and what the text says in its stead

  ConfigSource(std::string where_, std::string_view text_ = {}) : where(std::move(where_)), text(text_) {}
  ConfigSource(const char* where_) : where(where_) {}
};

namespace detail {
[[noreturn]] void throw_unknown_key(const ConfigSource& source, const std::string& path,
                                    const std::vector<std::string>& known);
[[noreturn]] void throw_setting(const ConfigSource& source, const std::string& path, const Json& value,
                                const std::string& expected);
[[noreturn]] void throw_setting(const std::string& path, const Json& value, const std::string& expected);
std::string weights_expected(const std::vector<std::string>& names, const Range& range);

// A struct's settings under the names of today.
template <class Struct>
Json present(const Json& object, ConfigSource& source, const std::string& prefix) {
  if constexpr (HasFormerNames<Struct>)
    if (object.is_object())
      return under_present_names(object, former_names(Struct{}), source.where, prefix, source.moved);
  return object;
}
}  // namespace detail

/// Sets the fields found in a JSON object; finish() throws InputError for a key that is no field. A value of another
/// type or out of its range is an InputError that names it and what it may be.
class ConfigReader {
 public:
  ConfigReader(Json object, ConfigSource source, std::string prefix = "")
      : object_(std::move(object)), source_(std::move(source)), prefix_(std::move(prefix)) {
    if (!object_.is_object())
      detail::throw_setting(source_, prefix_.substr(0, prefix_.size() - !prefix_.empty()), object_,
                            "an object {\"key\": value, ...}");
  }

  template <class T, class... R>
  requires StatedField<T, R...>
  void operator()(const char* key, T& field, const R&... range) {
    known_.emplace_back(key);
    if (const auto found = object_.find(key); found != object_.end()) read(*found, prefix_ + key, field, range...);
  }

  void finish() const {
    for (const auto& item : object_.items())
      if (std::find(known_.begin(), known_.end(), item.key()) == known_.end())
        detail::throw_unknown_key(source_, prefix_ + item.key(), known_);
  }

 private:
  void read(const Json& value, const std::string& path, bool& field) const {
    if (!value.is_boolean()) detail::throw_setting(source_, path, value, "true or false");
    field = value.get<bool>();
  }
  template <Number T>
  void read(const Json& value, const std::string& path, T& field, const Range& range) const {
    if (!fits<T>(value)) detail::throw_setting(source_, path, value, range.expected<T>());
    field = value.get<T>();
    if (!range.contains(field)) detail::throw_setting(source_, path, value, range.expected<T>());
  }
  void read(const Json& value, const std::string& path, std::string& field, const Words& range) const {
    if (!value.is_string() || !range.contains(value.get_ref<const std::string&>()))
      detail::throw_setting(source_, path, value, range.expected());
    field = value.get<std::string>();
  }
  template <class T, class... R>
  void read(const Json& value, const std::string& path, std::vector<T>& field, const R&... range) const {
    const Lengths& sizes = std::get<sizeof...(R) - 1>(std::tie(range...));
    if (!value.is_array() || !sizes.contains(value.size()))
      detail::throw_setting(source_, path, value, sizes.expected());
    field.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string at = path + "[" + std::to_string(i) + "]";
      if constexpr (sizeof...(R) == 2)
        read(value[i], at, field.emplace_back(), std::get<0>(std::tie(range...)));
      else
        read(value[i], at, field.emplace_back());
    }
  }
  template <NamedWeights T>
  void read(const Json& value, const std::string& path, T& field, const Range& range) const {
    if (!value.is_object()) detail::throw_setting(source_, path, value, detail::weights_expected(T::names(), range));
    for (const std::string& name : T::names()) *field.find(name) = 0.0F;
    for (const auto& item : value.items()) {
      float* const weight = field.find(item.key());
      if (weight == nullptr) detail::throw_unknown_key(source_, path + "." + item.key(), T::names());
      read(item.value(), path + "." + item.key(), *weight, range);
    }
  }
  template <detail::Fields Struct>
  void read(const Json& value, const std::string& path, Struct& field) const {
    ConfigSource source = source_;
    Json present = detail::present<Struct>(value, source, path + ".");
    ConfigReader inner(std::move(present), std::move(source), path + ".");
    visit_fields(inner, field);
    inner.finish();
  }

  // Whether the type can hold it: -1 must not become 4294967295 on its way into an unsigned field.
  template <Number T>
  static bool fits(const Json& value) {
    if constexpr (std::floating_point<T>)
      return value.is_number() && !(std::abs(value.get<double>()) > static_cast<double>(std::numeric_limits<T>::max()));
    else if (value.is_number_unsigned())
      return std::in_range<T>(value.get<std::uint64_t>());
    else
      return value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
  }

  Json object_;
  ConfigSource source_;
  std::string prefix_;
  std::vector<std::string> known_;
};

/// The counterpart: the fields as a JSON object, in the order they are named.
class ConfigWriter {
 public:
  template <class T, class... R>
  requires StatedField<T, R...>
  void operator()(const char* key, const T& field, const R&...) { object_[key] = write(field); }
  const Json& object() const noexcept { return object_; }

  template <class T>
  static Json write(const T& field) {
    if constexpr (std::same_as<T, float>) {
      return shortest(field);  // 0.1F reads as 0.1, not as 0.10000000149011612
    } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
      return field;
    } else if constexpr (detail::IsVector<T>::value) {
      Json list = Json::array();
      for (const auto& item : field) list.push_back(write(item));
      return list;
    } else if constexpr (NamedWeights<T>) {
      Json weights = Json::object();
      for (const std::string& name : T::names())
        if (const float weight = *const_cast<T&>(field).find(name); weight != 0.0F) weights[name] = shortest(weight);
      return weights;
    } else {
      ConfigWriter inner;
      visit_fields(inner, const_cast<T&>(field));  // one visit_fields serves both directions; writing only reads
      return inner.object_;
    }
  }

 private:
  static double shortest(float value);
  Json object_ = Json::object();
};

/// What the reference says of a field.
struct FieldLine {
  std::string path;                   // "network.width"; "constraints[].signal" of a list of objects
  Json fallback;                      // the default
  std::string expected;               // "an integer from 1 to 1000000"
  std::vector<std::string> former{};  // paths that are read as this one
};

/// Every field of a struct in the order they are named, structs in structs unfolded.
class FieldLister {
 public:
  explicit FieldLister(std::vector<FieldLine>& lines, std::string prefix = "")
      : lines_(lines), prefix_(std::move(prefix)) {}

  template <class T, class... R>
  requires StatedField<T, R...>
  void operator()(const char* key, T& field, const R&... range) {
    const std::string path = prefix_ + key;
    if constexpr (std::same_as<T, bool>) {
      add(path, field, "true or false");
    } else if constexpr (Number<T>) {
      add(path, field, (range.template expected<T>(), ...));
    } else if constexpr (std::same_as<T, std::string>) {
      add(path, field, (range.expected(), ...));
    } else if constexpr (NamedWeights<T>) {
      add(path, field, detail::weights_expected(T::names(), range...));
    } else if constexpr (detail::IsVector<T>::value) {
      list(path, field, range...);
    } else {
      list_struct(path + ".", field);
    }
  }

  template <class Struct>
  void list_struct(const std::string& prefix, Struct& field) {
    FieldLister inner(lines_, prefix);
    visit_fields(inner, field);
    if constexpr (HasFormerNames<Struct>)
      for (const FormerName& name : former_names(field)) note(prefix + name.now, prefix + name.old);
  }

 private:
  // Weights stand in one line: "reward.watch_s" belongs to "reward".
  void note(const std::string& now, const std::string& old) {
    for (FieldLine& line : lines_)
      if (now == line.path || now.starts_with(line.path + ".")) line.former.push_back(old);
  }
  template <class T>
  void add(const std::string& path, const T& field, std::string expected) {
    lines_.push_back({path, ConfigWriter::write(field), std::move(expected)});
  }
  template <class T, class R>
  void list(const std::string& path, const std::vector<T>& field, const R& range, const Lengths& sizes) {
    std::string each;
    if constexpr (Number<T>)
      each = range.template expected<T>();
    else if constexpr (NamedWeights<T>)
      each = detail::weights_expected(T::names(), range);
    else
      each = range.expected();
    add(path, field, sizes.expected() + ", each " + each);
  }
  template <class T>
  void list(const std::string& path, const std::vector<T>& field, const Lengths& sizes) {
    add(path, field, sizes.expected());
    T one{};
    list_struct(path + "[].", one);
  }

  std::vector<FieldLine>& lines_;
  std::string prefix_;
};

/// Checks the fields of a struct that no file was read into.
class RangeChecker {
 public:
  explicit RangeChecker(std::string prefix = "") : prefix_(std::move(prefix)) {}

  template <class T, class... R>
  requires StatedField<T, R...>
  void operator()(const char* key, T& field, const R&... range) const { check(prefix_ + key, field, range...); }

 private:
  void check(const std::string&, bool) const {}
  template <Number T>
  void check(const std::string& path, T field, const Range& range) const {
    if (!range.contains(field)) detail::throw_setting(path, ConfigWriter::write(field), range.expected<T>());
  }
  void check(const std::string& path, const std::string& field, const Words& range) const {
    if (!range.contains(field)) detail::throw_setting(path, Json(field), range.expected());
  }
  template <class T, class... R>
  void check(const std::string& path, std::vector<T>& field, const R&... range) const {
    const Lengths& sizes = std::get<sizeof...(R) - 1>(std::tie(range...));
    if (!sizes.contains(field.size())) detail::throw_setting(path, ConfigWriter::write(field), sizes.expected());
    for (std::size_t i = 0; i < field.size(); ++i) {
      const std::string at = path + "[" + std::to_string(i) + "]";
      if constexpr (sizeof...(R) == 2)
        check(at, field[i], std::get<0>(std::tie(range...)));
      else
        check(at, field[i]);
    }
  }
  template <NamedWeights T>
  void check(const std::string& path, T& field, const Range& range) const {
    for (const std::string& name : T::names()) check(path + "." + name, *field.find(name), range);
  }
  template <detail::Fields Struct>
  void check(const std::string& path, Struct& field) const {
    RangeChecker inner(path + ".");
    visit_fields(inner, field);
  }

  std::string prefix_;
};

/// The settings in a JSON object, with `defaults` where it is silent.
template <class Config>
Config config_from_json(const Json& object, ConfigSource source, Config defaults = {}) {
  Json present = detail::present<Config>(object, source, "");
  ConfigReader reader(std::move(present), std::move(source));
  visit_fields(reader, defaults);
  reader.finish();
  return defaults;
}

/// The same from JSON text, and from a file: messages name line and column.
template <class Config>
Config config_from_text(std::string_view text, const std::string& where, Config defaults = {}) {
  return config_from_json<Config>(parse_json(text, where), {where, text}, std::move(defaults));
}
template <class Config>
Config read_config(const std::filesystem::path& path, Config defaults = {}) {
  return config_from_text<Config>(read_text_file(path), path.string(), std::move(defaults));
}

template <class Config>
Json config_to_json(const Config& config) {
  return ConfigWriter::write(config);
}

/// Settings that an earlier version may have stored, as this one writes them, so that two runs can be compared; they
/// themselves where they are not such settings. What it did not know of has the value it went by
/// (former_defaults(Config), a JSON object of the settings whose default is another now).
template <class Config>
Json settings_of_today(const Json& stored) {
  const RemarkListener nobody({});
  try {
    Json all = stored;
    if constexpr (requires { former_defaults(Config{}); })
      if (const Json former = former_defaults(Config{}); all.is_object())
        for (const auto& [name, value] : former.items())
          if (!all.contains(name)) all[name] = value;
    return config_to_json(config_from_json<Config>(all, "stored settings"));
  } catch (const InputError&) {
    return stored;
  }
}

/// Throws InputError naming the first setting out of its range, its value and the range: "setting 'batch' is 0,
/// expected an integer from 1 to 1000000".
template <class Config>
void check_ranges(const Config& config) {
  RangeChecker checker;
  visit_fields(checker, const_cast<Config&>(config));  // checking only reads
}

/// Every field of the settings with its default and its range.
template <class Config>
std::vector<FieldLine> list_fields(const Config& defaults = {}) {
  std::vector<FieldLine> lines;
  FieldLister(lines).list_struct("", const_cast<Config&>(defaults));  // listing only reads
  return lines;
}

/// For what relates fields to each other, in a check() beside the ranges: "setting 'n_step' is 80, expected ...".
template <class T>
void require_setting(bool holds, const std::string& path, const T& value, const std::string& expected) {
  if (!holds) detail::throw_setting(path, ConfigWriter::write(value), expected);
}

}  // namespace swipegym
