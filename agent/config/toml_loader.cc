// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/toml_loader.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "agent/config/file_text.h"
#include "twin/base/utf8.h"

// Debian's package offers a shared library as well; compiled into this one file it costs less than
// a dependency, and without exceptions toml++ returns its errors.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// toml++ 3.3 asserts what its input decides: "a = [1, }" fails an assertion, where without it the
// parser goes on to a proper error.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

namespace edgetwin::config {
namespace {

namespace fs = std::filesystem;

int LineAt(std::string_view text, std::size_t at) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

std::string At(const ConfigSource& source) {
  return source.line > 0 ? source.file + ":" + std::to_string(source.line) : source.file;
}

std::string TooDeep() {
  return "is nested deeper than " + std::to_string(kDepthMax) + " levels";
}

// What is wrong with the bytes, before they are read as TOML. Empty when nothing is.
std::optional<ConfigProblem> CheckText(std::string_view text, const std::string& file) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return ConfigProblem{{file, 1}, {}, "is UTF-16; save it as UTF-8"};
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    return ConfigProblem{
        {file, 1}, {}, "begins with a byte order mark; save it as UTF-8 without one"};
  }
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {
    return ConfigProblem{
        {file, LineAt(text, nul)}, {}, "has a NUL byte; it is damaged or no text file"};
  }
  if (const std::size_t valid = Utf8ValidBytes(text); valid != text.size()) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[valid]);
    const std::string shown = {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    return ConfigProblem{{file, LineAt(text, valid)}, {}, "is not UTF-8 (byte " + shown + ")"};
  }
  return {};
}

// Where the string that begins at `at` ends, or the text does. A string of one line ends with its
// line at the latest.
std::size_t SkipString(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool many_lines = text.substr(at, 3) == three;
  for (at += many_lines ? 3 : 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (!many_lines && (text[at] == quote || text[at] == '\n')) {
      return text[at] == quote ? at + 1 : at;
    } else if (many_lines && text.substr(at, 3) == three) {
      at += 3;  // Up to two quotes more belong to the string.
      for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
      return at;
    }
  }
  return text.size();
}

// What toml++ 3.3 would not survive, looked for outside of strings and comments before it parses.
//
// It limits brackets within each other but not the parts of a dotted key, and frees nested tables
// by recursion: "a.a.a.…" of some hundred kilobytes overflows the stack. And some characters beyond
// ASCII (U+FEED) run its table of white space into undefined behaviour; TOML has none there anyway.
std::optional<ConfigProblem> CheckShape(std::string_view text, const std::string& file) {
  int brackets = 0;
  int dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = SkipString(text, at);
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '.') ++dots;
    if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') dots = 0;
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') brackets = std::max(brackets - 1, 0);
    if (dots >= kDepthMax || brackets > kDepthMax) {
      return ConfigProblem{{file, LineAt(text, at)}, {}, TooDeep()};
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      const std::string character(text.substr(at, Utf8CharacterBytes(text.substr(at))));
      return ConfigProblem{{file, LineAt(text, at)},
                           {},
                           "syntax error: '" + character + "' stands outside of quotes"};
    }
    ++at;
  }
  return {};
}

// Whether the error is at the end of its line, where a string should have been closed.
bool IsAtLineEnd(const toml::source_position& position, std::string_view text) {
  for (toml::source_index line = 1; line < position.line; ++line) {
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  }
  text = text.substr(0, text.find('\n'));
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  });
  return position.column > characters || text.substr(position.column - 1).starts_with('\r');
}

// "Error while parsing PART: WHAT" is how toml++ words its errors.
std::string Readable(const toml::parse_error& error, std::string_view text) {
  constexpr std::string_view kOpening = "Error while parsing ";
  std::string what(error.description());
  std::string part;
  const std::size_t colon = what.find(": ");
  if (what.starts_with(kOpening) && colon != what.npos) {
    part = what.substr(kOpening.size(), colon - kOpening.size());
    what.erase(0, colon + 2);
  }
  const auto contains = [](std::string_view in, std::string_view word) {
    return in.find(word) != in.npos;
  };
  if (contains(what, "end-of-file")) {
    const bool vowel = part.find_first_of("aeio") == 0;
    return "the file ends in the middle of " + std::string(vowel ? "an " : "a ") + part;
  }
  if (contains(what, "control characters")) {
    return IsAtLineEnd(error.source().begin, text) ? "a string is not closed on its line"
                                                   : "a string has a control character";
  }
  if (contains(what, "redefine") || contains(what, "represent")) return "syntax error: " + what;
  const bool value = contains(part, "integer") || contains(part, "floating-point") ||
                     contains(part, "boolean") || part == "value";
  // Which kind of number toml++ took a word without quotes for says nothing to people.
  if (value) return "syntax error: " + what + "; a text needs quotes";
  return "syntax error: " + what + (part.empty() ? "" : " (in the " + part + ")");
}

class Converter {
 public:
  Converter(const std::string& file, ConfigProblems& problems) : file_(file), problems_(problems) {}

  // Nothing, and a problem, when it is a date, a time or too deep. `line`: of its key, if it has
  // one.
  std::optional<ConfigNode> Convert(const toml::node& node, const std::string& key, int line,
                                    int depth) {
    const ConfigSource source{file_, line};
    if (depth > kDepthMax) {
      problems_.Add(source, key, TooDeep());
      return {};
    }
    if (const auto* table = node.as_table()) return ConfigNode{Table(*table, key, depth), source};
    if (const auto* array = node.as_array()) return ConfigNode{Array(*array, key, depth), source};
    if (const auto* text = node.as_string()) return ConfigNode{text->get(), source};
    if (const auto* integer = node.as_integer()) return ConfigNode{integer->get(), source};
    if (const auto* real = node.as_floating_point()) return ConfigNode{real->get(), source};
    if (const auto* flag = node.as_boolean()) return ConfigNode{flag->get(), source};
    problems_.Add(source, key, "is a date or time, which no key takes; a text needs quotes");
    return {};
  }

 private:
  ConfigNode::Table Table(const toml::table& table, const std::string& prefix, int depth) {
    // toml++ sorts by name; people read in the file's order.
    struct Member {
      const toml::key* key;
      const toml::node* node;
    };
    std::vector<Member> members;
    for (const auto& [key, node] : table) members.push_back({&key, &node});
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
      return a.key->source().begin < b.key->source().begin;
    });
    ConfigNode::Table result;
    for (const auto& [key, node] : members) {
      const int line = static_cast<int>(key->source().begin.line);
      std::optional<ConfigNode> value =
          Convert(*node, DottedKey(prefix, key->str()), line, depth + 1);
      if (value) result.emplace_back(key->str(), std::move(*value));
    }
    return result;
  }

  ConfigNode::Array Array(const toml::array& array, const std::string& key, int depth) {
    ConfigNode::Array result;
    for (const toml::node& node : array) {
      const std::string element = key + "[" + std::to_string(result.size()) + "]";
      const int line = static_cast<int>(node.source().begin.line);
      if (std::optional<ConfigNode> value = Convert(node, element, line, depth + 1)) {
        result.push_back(std::move(*value));
      }
    }
    return result;
  }

  const std::string& file_;
  ConfigProblems& problems_;
};

void Merge(ConfigNode& into, ConfigNode from, const std::string& prefix, ConfigProblems& problems) {
  auto& members = std::get<ConfigNode::Table>(into.value);
  auto& additions = std::get<ConfigNode::Table>(from.value);
  members.reserve(members.size() + additions.size());  // Keeps the names where the index sees them.
  std::unordered_map<std::string_view, ConfigNode*> index;
  for (auto& [name, node] : members) index.emplace(name, &node);

  for (auto& [name, node] : additions) {
    const auto there = index.find(name);
    if (there == index.end()) {
      members.emplace_back(std::move(name), std::move(node));
      continue;
    }
    ConfigNode& other = *there->second;
    const std::string key = DottedKey(prefix, name);
    if (other.table() != nullptr && node.table() != nullptr) {
      Merge(other, std::move(node), key, problems);
    } else if (other.TypeName() == node.TypeName()) {
      problems.Add(node.source, key, "is set in " + At(other.source) + " already");
    } else {
      problems.Add(node.source, key,
                   "is of type " + std::string(node.TypeName()) + " here but of type " +
                       std::string(other.TypeName()) + " in " + At(other.source));
    }
  }
}

// The drop-in files' paths, sorted. False, with a problem, when the directory can't be listed.
bool ListDropIns(const fs::path& directory, std::vector<std::string>& files,
                 ConfigProblems& problems) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return true;
  std::vector<std::string> names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name.front() != '.' && name.ends_with(".toml")) names.push_back(name);
  }
  if (error) {
    problems.Add({directory.string(), 0}, {}, "can't be listed: " + error.message());
    return false;
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) files.push_back((directory / name).string());
  return true;
}

}  // namespace

std::optional<ConfigNode> ParseToml(std::string_view text, const std::string& file,
                                    ConfigProblems& problems) {
  std::optional<ConfigProblem> problem = CheckText(text, file);
  if (!problem) problem = CheckShape(text, file);
  if (problem) {
    problems.Add(problem->source, {}, problem->text);
    return {};
  }
  const toml::parse_result result = toml::parse(text, std::string_view());
  if (!result) {
    const int line = static_cast<int>(result.error().source().begin.line);
    problems.Add({file, line}, {}, Readable(result.error(), text));
    return {};
  }
  return Converter(file, problems).Convert(result.table(), {}, 0, 0);
}

LoadedToml LoadToml(const std::string& path, ConfigProblems& problems) {
  LoadedToml loaded;
  loaded.root = {ConfigNode::Table{}, {path, 0}};
  loaded.files.push_back(path);
  loaded.complete = ListDropIns(fs::path(path).parent_path() / "conf.d", loaded.files, problems);
  if (loaded.files.size() > kFilesMax) {
    problems.Add({path, 0}, {},
                 "is one of " + std::to_string(loaded.files.size()) +
                     " files with those of conf.d; " + std::to_string(kFilesMax) + " are read");
    loaded.files.resize(kFilesMax);
    loaded.complete = false;
  }
  for (const std::string& file : loaded.files) {
    const Result<std::string> text = ReadFileText(file, kFileBytesMax);
    if (!text) problems.Add({file, 0}, {}, text.error().text);
    std::optional<ConfigNode> root = text ? ParseToml(*text, file, problems) : std::nullopt;
    loaded.complete = loaded.complete && root.has_value();
    if (root) Merge(loaded.root, std::move(*root), {}, problems);
  }
  return loaded;
}

}  // namespace edgetwin::config
