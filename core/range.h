#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace swipegym {

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

/// Which numbers a setting or an option may be. Whoever adds one states its range; what reads it checks it, and the
/// reference and the help pages print it. NaN and infinity are in no range.
///
///   between(1, 1'000'000)   above(0, 10)   below(0, 1)   inside(0, 1)   between(2, 200).or_value(0)
///
/// An upper bound is what the code can compute with or what memory could ever hold, not what somebody is likely to
/// want.
class Range {
 public:
  /// long double holds every integer of 64 bits.
  constexpr Range(long double low, long double high, bool without_low, bool without_high) noexcept
      : low_(low), high_(high), without_low_(without_low), without_high_(without_high) {}

  /// One value more, such as the 0 that stands for "none".
  constexpr Range or_value(long double value) const noexcept {
    Range range = *this;
    range.or_value_ = value;
    return range;
  }

  constexpr long double low() const noexcept { return low_; }
  constexpr long double high() const noexcept { return high_; }

  /// Bounds are compared as the field's own type has them: 0.1F lies in between(0, 0.1).
  template <Number T>
  constexpr bool contains(T value) const noexcept {
    if (or_value_ && value == bound<T>(*or_value_)) return true;
    const T low = bound<T>(low_), high = bound<T>(high_);
    return (without_low_ ? value > low : value >= low) && (without_high_ ? value < high : value <= high);
  }

  /// "1 to 1000000", "above 0 to 10", "0 to below 1", "2 to 200, or 0".
  template <Number T>
  std::string text() const {
    return fmt::format("{}{} to {}{}{}", without_low_ ? "above " : "", bound<T>(low_), without_high_ ? "below " : "",
                       bound<T>(high_), or_value_ ? fmt::format(", or {}", bound<T>(*or_value_)) : "");
  }
  /// "an integer from 1 to 1000000", "a number above 0 to 10".
  template <Number T>
  std::string expected() const {
    return fmt::format("{} {}{}", std::integral<T> ? "an integer" : "a number", without_low_ ? "" : "from ", text<T>());
  }

 private:
  // A bound beyond what the type holds is the type's own.
  template <Number T>
  static constexpr T bound(long double value) noexcept {
    constexpr auto least = static_cast<long double>(std::numeric_limits<T>::lowest());
    constexpr auto most = static_cast<long double>(std::numeric_limits<T>::max());
    return value <= least  ? std::numeric_limits<T>::lowest()
           : value >= most ? std::numeric_limits<T>::max()
                           : static_cast<T>(value);
  }

  long double low_, high_;
  bool without_low_, without_high_;
  std::optional<long double> or_value_{};
};

/// low <= x <= high.
constexpr Range between(Number auto low, Number auto high) noexcept {
  return {static_cast<long double>(low), static_cast<long double>(high), false, false};
}
/// low < x <= high.
constexpr Range above(Number auto low, Number auto high) noexcept {
  return {static_cast<long double>(low), static_cast<long double>(high), true, false};
}
/// low <= x < high.
constexpr Range below(Number auto low, Number auto high) noexcept {
  return {static_cast<long double>(low), static_cast<long double>(high), false, true};
}
/// low < x < high.
constexpr Range inside(Number auto low, Number auto high) noexcept {
  return {static_cast<long double>(low), static_cast<long double>(high), true, true};
}

/// How many values a list may have.
struct Lengths {
  std::size_t least = 0, most = 0;
  bool or_none = false;  // an empty list too

  constexpr bool contains(std::size_t size) const noexcept {
    return (size >= least && size <= most) || (or_none && size == 0);
  }
  std::string expected() const;  // "a list of 1 to 16 values"
};
constexpr Lengths lengths(std::size_t least, std::size_t most) noexcept {
  return {least, most};
}
constexpr Lengths length_or_none(std::size_t size) noexcept {
  return {size, size, true};
}

/// Which strings a setting may be: one of a few words, and maybe the name of a file.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}

  /// Or a file whose name ends so: ".h5".
  Words or_file(std::string ending) && {
    file_ending_ = std::move(ending);
    return std::move(*this);
  }

  bool contains(std::string_view text) const noexcept;
  std::string expected() const;  // "one of epsilon, boltzmann"

 private:
  std::vector<std::string> words_;
  std::string file_ending_;
};
inline Words one_of(std::initializer_list<const char*> words) {
  return Words({words.begin(), words.end()});
}
template <class List>
Words one_of(const List& words) {
  return Words(std::vector<std::string>(std::begin(words), std::end(words)));
}

/// Those that stand in many places.
namespace ranges {
inline constexpr Range kAnySeed = between(0, std::numeric_limits<std::uint64_t>::max());
inline constexpr Range kLearningRate = above(0, 10);
inline constexpr Range kFinalLearningRate = between(0, 10);  // where a rate falls to
inline constexpr Range kWeightDecay = between(0, 1000);      // times the learning rate, a step
inline constexpr Range kClipNorm = between(0, 1e9);          // 0: never
inline constexpr Range kWeight = between(0, 1e6);            // of a part of a loss, or of a reward
inline constexpr Range kAnyWeight = between(-1e6, 1e6);
inline constexpr Range kDropout = below(0, 1);
inline constexpr Range kProbability = between(0, 1);
inline constexpr Range kTemperature = between(1e-6, 1e6);  // of a softmax
inline constexpr Range kEpochs = between(1, 1'000'000);
inline constexpr Range kPatience = between(0, 1'000'000);
inline constexpr Range kBatch = between(1, 16'777'216);  // rows of a step
inline constexpr Range kUnits = between(1, 16'384);      // of a layer
inline constexpr Range kUnitsOrNone = between(0, 16'384);
inline constexpr Range kHistory = between(1, 200);             // videos: what an observation holds
inline constexpr Range kSessions = between(1, 1'000'000'000);  // of an evaluation or a log
inline constexpr Range kEnvs = between(1, 100'000'000);        // sessions stepped together
inline constexpr Range kSlots = between(1, 1'000'000'000);     // candidates a step
inline constexpr Range kMaxSteps = between(1, 1'000'000);      // of a session
inline constexpr Range kEnvSteps = between(1, 1'000'000'000'000);
inline constexpr Lengths kLayers{1, 16};
inline constexpr Lengths kLayersOrNone{0, 16};
}  // namespace ranges

[[noreturn]] void throw_out_of_range(std::string_view name, std::string_view text, const std::string& expected);

/// The one way from outside text to a number (rows of CSV files aside, which have readers of their own): all of the
/// text is the number, and it lies in its range.
template <Number T>
std::optional<T> read_number(std::string_view text, const Range& range) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !range.contains(value)) return std::nullopt;
  return value;
}
/// The same, or InputError: "--sessions is 'ten', expected an integer from 1 to 1000".
template <Number T>
T parse_number(std::string_view name, std::string_view text, const Range& range) {
  const std::optional<T> value = read_number<T>(text, range);
  if (!value) throw_out_of_range(name, text, range.expected<T>());
  return *value;
}

}  // namespace swipegym
