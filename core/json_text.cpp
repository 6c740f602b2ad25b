#include "core/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/unreadable.h"

namespace swipegym {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

std::string place_of(std::string_view text, const std::string& where, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n');
  return fmt::format("{}:{}:{}", where, 1 + std::count(before.begin(), before.end(), '\n'),
                     line_start == kNowhere ? before.size() + 1 : before.size() - line_start);
}

[[noreturn]] void refuse(std::string_view text, const std::string& where, std::size_t at, std::string_view what) {
  throw InputError(fmt::format("{}: {}", place_of(text, where, at), what));
}

// A token of JSON text: a bracket, a comma, a colon, a string in its quotes, or a number or word.
struct Token {
  std::size_t begin = kNowhere, end = kNowhere;
  explicit operator bool() const noexcept { return begin != kNowhere; }
};

std::size_t after_comment(std::string_view text, std::size_t at) {
  const bool is_line = text[at + 1] == '/';
  const std::size_t end = text.find(is_line ? "\n" : "*/", at + 2);
  return end == kNowhere ? text.size() : end + (is_line ? 1 : 2);
}

std::size_t after_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.size();
}

Token next_token(std::string_view text, std::size_t at) {
  constexpr std::string_view kSpace = " \t\r\n", kAlone = "{}[],:";
  while (at < text.size()) {
    if (kSpace.find(text[at]) != kNowhere)
      ++at;
    else if (text[at] == '/' && at + 1 < text.size() && (text[at + 1] == '/' || text[at + 1] == '*'))
      at = after_comment(text, at);
    else
      break;
  }
  if (at >= text.size()) return {};
  if (kAlone.find(text[at]) != kNowhere) return {at, at + 1};
  if (text[at] == '"') return {at, after_string(text, at)};
  return {at, std::min(text.find_first_of(" \t\r\n{}[],:\"/", at + 1), text.size())};
}

/// Walks over the values of JSON text, whose syntax it does not judge.
class JsonWalk {
 public:
  JsonWalk(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  /// Calls visit(offset) for every value until that returns true; refuses what parse_json says.
  template <class Visit>
  void values(const Visit& visit) {
    for (Token token = next_token(text_, 0); token; token = next_token(text_, token.end)) {
      const char first = text_[token.begin];
      if (first == '}' || first == ']') {
        if (!open_.empty()) open_.pop_back();
      } else if (first == ',') {
        if (!open_.empty()) ++open_.back().index;
      } else if (first == '"' && is_key(token)) {
        take_key(token);
      } else if (first != ':') {
        if (visit(token.begin)) return;
        if (first == '{' || first == '[') open(token, first == '{');
        if (first == '-' || (first >= '0' && first <= '9')) require_finite_number(token);
      }
    }
  }

  /// Of the value that is visited: "network.hidden[1]".
  std::string path() const {
    std::string path;
    for (const Open& open : open_) {
      if (open.is_object)
        path += (path.empty() ? "" : ".") + open.key;
      else
        path += fmt::format("[{}]", open.index);
    }
    return path;
  }

 private:
  struct Open {
    bool is_object = false;
    std::size_t index = 0;
    std::string key{};
    std::set<std::string, std::less<>> keys{};
  };

  bool is_key(const Token& token) const {
    const Token next = next_token(text_, token.end);
    return !open_.empty() && open_.back().is_object && next && text_[next.begin] == ':';
  }

  void take_key(const Token& token) {
    const std::string_view quoted = text_.substr(token.begin, token.end - token.begin);
    const Json key = Json::parse(quoted, nullptr, /*allow_exceptions=*/false);  // undoes escapes
    open_.back().key = key.is_string() ? key.get<std::string>() : std::string(quoted);
    if (!open_.back().keys.insert(open_.back().key).second)
      refuse(text_, where_, token.begin, fmt::format("the key {} stands here for the second time", quoted));
  }

  void open(const Token& token, bool is_object) {
    if (open_.size() == kJsonDepth)
      refuse(text_, where_, token.begin,
             fmt::format("lists and objects are nested deeper than {} levels here", kJsonDepth));
    open_.push_back({.is_object = is_object});
  }

  void require_finite_number(const Token& token) const {
    double value = 0.0;
    const char* const end = text_.data() + token.end;
    const auto [stop, error] = std::from_chars(text_.data() + token.begin, end, value);
    if (error == std::errc::result_out_of_range && stop == end && is_huge(token))
      refuse(text_, where_, token.begin,
             fmt::format("the number {} is beyond what a computer's numbers hold",
                         text_.substr(token.begin, std::min<std::size_t>(token.end - token.begin, 40))));
  }

  // Too small for a double is 0, which is fine.
  bool is_huge(const Token& token) const {
    const std::string_view number = text_.substr(token.begin, token.end - token.begin);
    const std::size_t exponent = number.find_first_of("eE");
    return exponent == kNowhere || number[exponent + 1] != '-';
  }

  std::string_view text_;
  const std::string& where_;
  std::vector<Open> open_;
};

std::string_view what_is_wrong_at(std::string_view text, std::size_t at) {
  const auto byte = at < text.size() ? static_cast<unsigned char>(text[at]) : static_cast<unsigned char>(' ');
  if (at >= text.size()) return "the text ends here, in the middle; check for a missing quote or bracket";
  if (byte >= 0x80) return "bytes here are no UTF-8 text; save the file as UTF-8";
  if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t')
    return "a control character stands here, which JSON does not allow; remove it";
  return "not valid JSON here; check for a missing comma, quote or bracket";
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  JsonWalk(text, where).values([](std::size_t) { return false; });
  try {
    return Json::parse(text, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min(text.size(), error.byte == 0 ? 0 : error.byte - 1);
    refuse(text, where, at, what_is_wrong_at(text, at));
  } catch (const Json::exception&) {  // none is known that the walk lets through
    throw InputError(fmt::format("{}: not valid JSON", where));
  }
}

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  std::ifstream file(path, std::ios::binary);
  if (is_folder) throw InputError(fmt::format("{}: is a folder, expected a file", path.string()));
  if (!file) throw InputError(unreadable_text(path, errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_text_file(path), path.string());
}

std::string place_in_json(std::string_view text, const std::string& where, std::string_view path) {
  std::size_t found = kNowhere;
  JsonWalk walk(text, where);
  walk.values([&](std::size_t offset) {
    if (walk.path() == path) found = offset;
    return found != kNowhere;
  });
  return found == kNowhere ? where : place_of(text, where, found);
}

}  // namespace swipegym
